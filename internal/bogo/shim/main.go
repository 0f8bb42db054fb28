// Command shim stands between BoGo, BoringSSL's test suite for TLS, and package conn. BoGo's
// runner starts it once for each test, with flags that say what it is to do, and is its peer
// on a socket. It uses the non-blocking API that an application would use.
//
// Status 0 is success, 89 a flag or a feature that is not implemented, 90 a failure that
// counts even where a failure is expected, anything else is a failure with its reason on
// standard error.
//
// Two flags are its own, for every test: with -suspend each private-key operation suspends
// twice and each other hook once before it is answered; with -chop at most one byte is read
// or written at a time, and each time the socket would block first. BoGo's own -async means
// both. A test that used a private key under -suspend and saw no suspension fails.
package main

import (
	"errors"
	"fmt"
	"os"
)

const (
	statusUnimplemented = 89
	statusMustFail      = 90
)

// errUnimplemented is wrapped by what this library does not do.
var errUnimplemented = errors.New("not implemented")

func main() {
	all, err := parse(os.Args[1:])
	if err == nil {
		if all[0].handshakerSupported {
			fmt.Println("No")
			return
		}
		err = run(all)
	}
	var must mustFail
	var unknown unknownFlag
	switch {
	case err == nil:
		return
	case errors.As(err, &must):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(statusMustFail)
	case errors.As(err, &unknown), errors.Is(err, errUnimplemented):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(statusUnimplemented)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// mustFail is a failure in any test.
type mustFail string

func (m mustFail) Error() string { return string(m) }

// run makes the connections of a test, one after the other.
func run(all *[3]options) error {
	w := newWorld(&all[0])
	for i := range all[0].resumeCount + 1 {
		o := &all[0]
		if i > 0 {
			o = &all[1]
		}
		if i > 0 && !o.server && w.blob == nil {
			return errors.New("there is no session to offer")
		}
		if err := connection(o, &all[2], i > 0, w); err != nil {
			return fmt.Errorf("connection %d: %w", i+1, err)
		}
		w.pass(o)
	}
	return nil
}
