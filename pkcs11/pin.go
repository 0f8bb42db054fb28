package pkcs11

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// PINRequest says what a PIN is asked for.
type PINRequest struct {
	Token  string // label
	Serial string
	// Key is the label of a key that wants the PIN for each use (CKA_ALWAYS_AUTHENTICATE), or ""
	// for the login.
	Key string
}

// maxPINLen bounds a PIN file, in bytes.
const maxPINLen = 1024

// pinOf asks for the PIN: the callback if there is one, else where the URI says it is.
func (c *Config) pinOf(u *URI, r PINRequest) ([]byte, error) {
	switch {
	case c.PIN != nil:
		pin, err := c.PIN(r)
		if err != nil {
			return nil, fmt.Errorf("pkcs11: no PIN for token %q: %w", r.Token, err)
		}
		return pin, nil
	case u.PINValue != nil:
		return []byte(*u.PINValue), nil
	case u.PINSource != "":
		path, err := pinPath(u.PINSource)
		if err != nil {
			return nil, err
		}
		return readPIN(path)
	}
	return nil, fmt.Errorf("pkcs11: token %q wants a PIN, and there is neither Config.PIN nor a pin-source", r.Token)
}

// pinPath reads pin-source: a path, or a file: URI of this host.
func pinPath(source string) (string, error) {
	if !strings.HasPrefix(strings.ToLower(source), "file:") {
		return source, nil
	}
	u, err := url.Parse(source)
	if err != nil || u.Opaque != "" && !filepath.IsAbs(u.Opaque) || u.Host != "" && u.Host != "localhost" || u.RawQuery != "" {
		return "", errors.New("pkcs11: the URI's pin-source is no file of this host")
	}
	if u.Path == "" {
		return "", errors.New("pkcs11: the URI's pin-source has no path")
	}
	return u.Path, nil
}

// readPIN reads a PIN file, without the newline at its end.
func readPIN(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("pkcs11: the PIN file is not readable: %w", err)
	}
	defer f.Close()
	pin := make([]byte, maxPINLen+1)
	n, err := io.ReadFull(f, pin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		clear(pin)
		return nil, fmt.Errorf("pkcs11: the PIN file is not readable: %w", err)
	}
	if n > maxPINLen {
		clear(pin)
		return nil, fmt.Errorf("pkcs11: the PIN file is longer than %d bytes", maxPINLen)
	}
	pin = pin[:n]
	pin = bytes.TrimSuffix(bytes.TrimSuffix(pin, []byte("\n")), []byte("\r"))
	if len(pin) == 0 {
		return nil, fmt.Errorf("pkcs11: the PIN file %s is empty", path)
	}
	return pin, nil
}

// login logs the user in with a PIN, which is asked for now and cleared at once. A refused PIN
// is remembered: t never tries one again. So logins come one after the other, or all workers
// would try the first wrong one at once, and lock the token.
func (t *Token) login(s *session, user uint, r PINRequest, protected bool) error {
	timer := time.NewTimer(t.cfg.Timeout)
	defer timer.Stop()
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-timer.C:
		return fmt.Errorf("pkcs11: another login does not come back: %w", ErrTimeout)
	case <-t.ended:
		return ErrClosed
	}
	if err := t.refusal(); err != nil {
		return err
	}
	var pin []byte
	if !protected || t.cfg.PIN != nil {
		var err error
		if pin, err = t.cfg.pinOf(t.uri, r); err != nil {
			return err
		}
	}
	err := s.login(user, pin)
	clear(pin)
	var e Error
	if errors.As(err, &e) && e.refusesPIN() {
		return t.refuse(err)
	}
	return err
}

// refuse remembers that a PIN was refused.
func (t *Token) refuse(err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused = fmt.Errorf("%w: %w", ErrPINRefused, err)
	return t.refused
}

func (t *Token) refusal() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused
}
