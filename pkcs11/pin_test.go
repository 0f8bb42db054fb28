package pkcs11

import (
	"crypto"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A PIN that the token refuses is never tried again: not by Open, not by the search for a lost
// token, not by any number of operations.
func TestRefusedPINIsNeverRetried(t *testing.T) {
	for _, code := range []Error{PINIncorrect, PINLocked, PINExpired, PINLenRange, PINInvalid} {
		f := newFake(testP256())
		f.fault = func(call string, _ uint) error {
			if call == "Login" {
				return code
			}
			return nil
		}
		_, err := f.tryOpen(t)
		if !errors.Is(err, ErrPINRefused) || !errors.Is(err, code) {
			t.Errorf("opening: %v, want ErrPINRefused and %v", err, code)
		}
		if n := f.called("Login"); n != 1 {
			t.Errorf("%v: the PIN was tried %d times", code, n)
		}
	}
}

func TestPINChangedWhileTheTokenWasLost(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t)
	k := keyOf(t, token, testP256())
	f.change(func() { f.tokens[0].pin = "4321"; f.tokens[0].logins = 0; f.closeAll() })
	for range 20 {
		if err := signs(t, k); !errors.Is(err, ErrPINRefused) || !errors.Is(err, ErrLost) {
			t.Fatalf("signing: %v, want ErrPINRefused", err)
		}
	}
	time.Sleep(20 * time.Millisecond) // four of the longest pauses between attempts
	if f.tokens[0].logins != 1 {
		t.Errorf("the PIN was tried %d times", f.tokens[0].logins)
	}
}

// A token that would lock itself at the next wrong PIN, or has done so, gets none.
func TestPINIsNotRisked(t *testing.T) {
	for flag, says := range map[uint]string{ckfUserPINFinalTry: "one more wrong PIN", ckfUserPINLocked: "is locked"} {
		f := newFake(testP256())
		f.tokens[0].flags |= flag
		_, err := f.tryOpen(t)
		if !errors.Is(err, ErrPINRefused) || !strings.Contains(err.Error(), says) {
			t.Errorf("opening: %v, want %q", err, says)
		}
		if f.tokens[0].logins != 0 {
			t.Errorf("%s: the PIN was tried all the same", says)
		}
	}
}

// The user may be logged in already, by other code of the process: even a wrong PIN is right then.
func TestAlreadyLoggedIn(t *testing.T) {
	f := newFake(testP256())
	f.fault = func(call string, _ uint) error {
		if call == "Login" {
			f.change(func() { f.tokens[0].in = true })
		}
		return nil
	}
	token := f.open(t, func(c *Config) { c.PIN = func(PINRequest) ([]byte, error) { return []byte("wrong"), nil } })
	if err := signs(t, keyOf(t, token, testP256())); err != nil {
		t.Error(err)
	}
}

// The PIN's bytes are cleared after use, and no error, no text and no log has them.
func TestPINIsClearedAndNeverShown(t *testing.T) {
	const secret = "s3cret-pin"
	pin := []byte(secret)
	f := newFake(testP256())
	_, err := f.tryOpen(t, func(c *Config) { c.PIN = func(PINRequest) ([]byte, error) { return pin, nil } })
	if !errors.Is(err, ErrPINRefused) || strings.Contains(err.Error(), secret) {
		t.Errorf("opening: %v", err)
	}
	for _, b := range pin {
		if b != 0 {
			t.Fatal("the PIN was not cleared")
		}
	}
	uri := "pkcs11:token=fake?pin-value=" + secret
	u, err := ParseURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s := fmt.Sprintf(verb, u); strings.Contains(s, secret) {
			t.Errorf("%s of a URI shows the PIN", verb)
		}
	}
	for _, bad := range []string{uri + "&pin-value=" + secret, uri + "%", uri + "%zz", uri + " ", uri + "&pin-source=/x", uri + "%ff"} {
		if _, err := ParseURI(bad); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("the error of a bad URI: %v", err)
		}
	}
	_, err = f.tryOpen(t, func(c *Config) { c.PIN = nil; c.URI = uri })
	if !errors.Is(err, ErrPINRefused) || strings.Contains(err.Error(), secret) {
		t.Errorf("opening by pin-value: %v", err)
	}
	_, err = f.tryOpen(t, func(c *Config) { c.PIN = nil; c.URI = "pkcs11:token=nosuch?pin-value=" + secret })
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("opening another token: %v", err)
	}
}

func TestPINFromFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, spaced := write("pin", "1234\n"), write("with space", "1234\r\n")
	for _, test := range []struct{ name, source, want string }{
		{"a path", good, ""},
		{"a file URI", "file:" + good, ""},
		{"a file URI with an empty host", "file://" + good, ""},
		{"a file URI with this host", "FILE://localhost" + good, ""},
		{"a file URI with an escape", "file:" + dir + "/with%20space", ""},
		{"a path with a space", spaced, ""},
		{"another host's file", "file://elsewhere" + good, "no file of this host"},
		{"no path", "file:", "no path"},
		{"no such file", dir + "/none", "not readable"},
		{"an empty file", write("empty", "\n"), "is empty"},
		{"a long file", write("long", strings.Repeat("1", 2000)), "longer than"},
		{"a folder", dir, "not readable"},
	} {
		f := newFake(testP256())
		token, err := f.tryOpen(t, func(c *Config) {
			c.PIN = nil
			c.URI = "pkcs11:token=fake?pin-source=" + escape(test.source, "&")
		})
		switch {
		case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		case err == nil:
			token.Close()
		}
	}
}

func TestNoPIN(t *testing.T) {
	f := newFake(testP256())
	if _, err := f.tryOpen(t, func(c *Config) { c.PIN = nil }); err == nil || !strings.Contains(err.Error(), "wants a PIN") {
		t.Errorf("opening: %v", err)
	}
	mine := errors.New("the operator is asleep")
	if _, err := f.tryOpen(t, func(c *Config) { c.PIN = func(PINRequest) ([]byte, error) { return nil, mine } }); !errors.Is(err, mine) {
		t.Errorf("opening: %v", err)
	}
	f.tokens[0].flags &^= ckfLoginRequired
	f.tokens[0].in = true
	token := f.open(t, func(c *Config) { c.PIN = nil })
	if err := signs(t, keyOf(t, token, testP256())); err != nil {
		t.Errorf("signing with a token that wants no login: %v", err)
	}
}

// CKA_ALWAYS_AUTHENTICATE: the PIN goes with each use, and is asked for each time.
func TestAlwaysAuthenticate(t *testing.T) {
	f := newFake(testP256())
	f.tokens[0].objects[1].attributes[ckaAlwaysAuthenticate] = []byte{1}
	var asked []PINRequest
	token := f.open(t, func(c *Config) {
		c.Workers = 1
		c.PIN = func(r PINRequest) ([]byte, error) {
			asked = append(asked, r)
			return []byte("1234"), nil
		}
	})
	k := keyOf(t, token, testP256())
	for range 3 {
		if err := signs(t, k); err != nil {
			t.Fatal(err)
		}
	}
	want := []PINRequest{{"fake", "0", ""}, {"fake", "0", "key 1"}, {"fake", "0", "key 1"}, {"fake", "0", "key 1"}}
	if fmt.Sprint(asked) != fmt.Sprint(want) {
		t.Errorf("the PIN was asked for %v, want %v", asked, want)
	}
	f.change(func() { f.tokens[0].pin = "other"; f.tokens[0].logins = 0 })
	for range 3 {
		if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, ErrPINRefused) {
			t.Errorf("signing with a PIN that was changed: %v", err)
		}
	}
	if f.tokens[0].logins != 1 {
		t.Errorf("the PIN was tried %d times", f.tokens[0].logins)
	}
}

// Operations that run at once do not each try the wrong PIN: three would lock many a token.
func TestWrongPINIsTriedByOne(t *testing.T) {
	f := newFake(testP256())
	f.tokens[0].objects[1].attributes[ckaAlwaysAuthenticate] = []byte{1}
	token := f.open(t, func(c *Config) { c.Workers = 8 })
	k := keyOf(t, token, testP256())
	f.change(func() {
		f.tokens[0].pin, f.tokens[0].logins = "other", 0
		f.fault = func(call string, _ uint) error {
			if call == "Login" {
				time.Sleep(20 * time.Millisecond) // the others come
			}
			return nil
		}
	})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := k.Sign(nil, make([]byte, 32), crypto.SHA256); !errors.Is(err, ErrPINRefused) {
				t.Errorf("signing with a wrong PIN: %v", err)
			}
		})
	}
	all.Wait()
	if f.tokens[0].logins != 1 {
		t.Errorf("the PIN was tried %d times", f.tokens[0].logins)
	}
}
