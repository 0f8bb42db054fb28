package cli

import (
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/s2ngo/s2ngo/conn"
)

// MaxEarlyData bounds the early data of one connection, in bytes: it is held until the handshake
// is done.
const MaxEarlyData = 16 << 20

// Resumption is what both programs can be told of sessions and pre-shared keys.
type Resumption struct {
	NoTickets bool
	PSKs      []*conn.PSK
}

// AddResumption adds the options about sessions and pre-shared keys.
func (o *Resumption) AddResumption(f *Flags) {
	f.Bool(&o.NoTickets, "no-session-ticket", "do without session tickets")
	f.Secret("psk", "ID,HEX,HASH", "an external pre-shared key: identity, secret, SHA256 or\nSHA384; again for further ones, most wanted first", func(s string) error {
		p, err := parsePSK(s)
		if err == nil {
			o.PSKs = append(o.PSKs, p)
		}
		return err
	})
}

// parsePSK reads an identity, which may hold commas, a secret and a hash. Errors do not repeat the
// secret.
func parsePSK(s string) (*conn.PSK, error) {
	rest, hash, ok := cutLast(s)
	identity, digits, also := cutLast(rest)
	if !ok || !also {
		return nil, errors.New("not an identity, a secret in hexadecimal digits and a hash, separated by commas")
	}
	secret, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errors.New("the secret is not in hexadecimal digits")
	}
	p := &conn.PSK{Identity: []byte(identity), Secret: secret}
	switch strings.ToUpper(strings.ReplaceAll(hash, "-", "")) {
	case "SHA256":
		p.Hash = crypto.SHA256
	case "SHA384":
		p.Hash = crypto.SHA384
	default:
		return nil, fmt.Errorf("hash %q is neither SHA256 nor SHA384", hash)
	}
	return p, p.Check()
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ',')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// apply tells a configuration.
func (o *Resumption) apply(cfg *conn.Config) {
	cfg.SessionTickets = !o.NoTickets
	cfg.PSKs = o.PSKs
}

// LoadLimited reads a file of at most limit bytes, for an option.
func LoadLimited(option, name string, limit int) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", option, name, bare(err))
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(limit)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: %w", option, name, bare(err))
	case len(b) > limit:
		return nil, fmt.Errorf("%s %s: longer than %d bytes", option, name, limit)
	}
	return b, nil
}

// SaveSecret replaces a file by one that its owner alone can read; nobody ever sees a part of it.
func SaveSecret(option, name string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("%s %s: %w", option, name, bare(err))
	}
	_, err = f.Write(b)
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("%s %s: %w", option, name, bare(err))
	}
	return nil
}
