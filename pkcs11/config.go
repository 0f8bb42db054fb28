package pkcs11

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Config says which token to open and how to treat it. The zero value of each field is its
// default.
type Config struct {
	// Module is the path of the module, a shared library. "" takes module-path, or module-name
	// looked for in ModuleDirs, of the URI. A module that URIs from elsewhere choose is a program
	// that strangers choose: set it.
	Module string

	// ModuleDirs are where module-name is looked for; nil = where Linux distributions put modules.
	ModuleDirs []string

	// InitArgs is given to C_Initialize as pReserved, which NSS softokn needs:
	// "configdir='sql:/etc/pki/nssdb' certPrefix='' keyPrefix='' secmod='' flags=readOnly".
	InitArgs string

	// URI names the token, by any attributes of RFC 7512 that tell it from the others; "" is
	// enough where there is one token only. Its object, id and type are what Key("") looks for.
	URI string

	// PIN answers with the PIN: for the login, for the login after the token was lost, and for
	// each use of a key with CKA_ALWAYS_AUTHENTICATE. It is called on any goroutine, by one at a
	// time. The bytes are cleared after use. nil takes pin-source or pin-value of
	// the URI.
	PIN func(PINRequest) ([]byte, error)

	// Workers bounds the operations that the token does at once, each in a session of its own.
	// 0 = 4. More than the token works at in parallel buys nothing; many do one at a time.
	Workers int

	// MaxWorkers bounds the workers together with those whose call does not come back, each of
	// which costs a thread of the operating system. 0 = twice Workers.
	MaxWorkers int

	// Queue bounds the operations that wait for a worker; more get ErrBusy. 0 = 1024.
	Queue int

	// Timeout ends an operation with ErrTimeout, whether it waits or the token works at it. A
	// worker whose operation takes longer counts as stuck and is replaced. 0 = 10 s.
	Timeout time.Duration

	// CloseTimeout bounds how long Close waits for what was begun. 0 = 5 s.
	CloseTimeout time.Duration

	// RetryMin and RetryMax are the pauses between attempts to reach a lost token, which grow
	// from one to the other. 0 = 100 ms and 5 s.
	RetryMin, RetryMax time.Duration

	// TokenUnpads lets the token take the padding off by CKM_RSA_PKCS, for one that has no
	// CKM_RSA_X_509. Most tokens then take longer, or shorter, for a bad padding: a peer with a
	// clock can decrypt recorded sessions (Bleichenbacher). Better to have no RSA key exchange.
	TokenUnpads bool

	// SkipVerify hands signatures out without verifying them with the public key, which takes
	// about 30 us for RSA-2048 and 60 us for P-256.
	SkipVerify bool

	// load stands for the dynamic linker in tests.
	load func(path string) (library, error)
}

// moduleDirs are where distributions put modules.
var moduleDirs = []string{
	"/usr/lib/x86_64-linux-gnu/pkcs11", "/usr/lib/aarch64-linux-gnu/pkcs11", "/usr/lib64/pkcs11", "/usr/lib/pkcs11",
	"/usr/local/lib/pkcs11", "/usr/lib/softhsm", "/usr/lib64/softhsm", "/usr/local/lib/softhsm",
	"/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/local/lib", "/usr/lib",
}

// complete returns c with its defaults, and the URI in it.
func (c Config) complete() (Config, *URI, error) {
	u := &URI{SlotID: -1}
	if c.URI != "" {
		var err error
		if u, err = ParseURI(c.URI); err != nil {
			return c, nil, err
		}
	}
	set := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	lasts := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&c.Workers, 4)
	set(&c.MaxWorkers, 2*c.Workers)
	set(&c.Queue, 1024)
	lasts(&c.Timeout, 10*time.Second)
	lasts(&c.CloseTimeout, 5*time.Second)
	lasts(&c.RetryMin, 100*time.Millisecond)
	lasts(&c.RetryMax, 5*time.Second)
	if c.load == nil {
		c.load = load
	}
	switch {
	case c.Workers < 0 || c.MaxWorkers < c.Workers || c.Queue < 0:
		return c, nil, fmt.Errorf("pkcs11: %d workers, %d at most, and a queue of %d make no sense", c.Workers, c.MaxWorkers, c.Queue)
	case c.Timeout < 0 || c.CloseTimeout < 0 || c.RetryMin < 0 || c.RetryMax < c.RetryMin:
		return c, nil, errors.New("pkcs11: a time limit is negative, or RetryMax is below RetryMin")
	}
	var err error
	c.Module, err = c.modulePath(u)
	return c, u, err
}

// modulePath finds the module that c and u name.
func (c *Config) modulePath(u *URI) (string, error) {
	switch {
	case c.Module != "":
		if u.ModulePath != "" && !sameFile(u.ModulePath, c.Module) {
			return "", fmt.Errorf("pkcs11: the URI's module-path is %q, but the module is to be %q", u.ModulePath, c.Module)
		}
		return c.Module, nil
	case u.ModulePath != "":
		if !filepath.IsAbs(u.ModulePath) {
			return "", fmt.Errorf("pkcs11: the URI's module-path %q is not absolute", u.ModulePath)
		}
		return u.ModulePath, nil
	case u.ModuleName != "":
		dirs := c.ModuleDirs
		if dirs == nil {
			dirs = moduleDirs
		}
		for _, dir := range dirs {
			for _, name := range []string{u.ModuleName + ".so", "lib" + u.ModuleName + ".so"} {
				path := filepath.Join(dir, name)
				if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
					return path, nil
				}
			}
		}
		return "", fmt.Errorf("pkcs11: there is no module %q in %d directories", u.ModuleName, len(dirs))
	}
	return "", errors.New("pkcs11: neither the Config nor the URI names a module")
}

func sameFile(a, b string) bool {
	ia, erra := os.Stat(a)
	ib, errb := os.Stat(b)
	return a == b || erra == nil && errb == nil && os.SameFile(ia, ib)
}
