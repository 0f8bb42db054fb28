package handshake

import (
	"errors"
	"fmt"

	"github.com/s2ngo/s2ngo/iana"
)

// Error ends a handshake. Its sentence says who did what, with the value; Unwrap leads
// to the cause where there is one.
type Error struct {
	Description iana.Alert // what the peer is told
	Text        string
	Err         error
}

// Error returns the sentence.
func (e *Error) Error() string {
	if e.Err != nil {
		if e.Text == "" {
			return e.Err.Error()
		}
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Alert returns the description to send.
func (e *Error) Alert() iana.Alert { return e.Description }

// AlertOf is the one place where an error becomes an alert: codecs, record layer and
// verification bring their own by a method Alert; anything else is our own failure.
func AlertOf(err error) iana.Alert {
	if a := (interface{ Alert() iana.Alert })(nil); errors.As(err, &a) {
		return a.Alert()
	}
	return iana.InternalError
}

func fail(a iana.Alert, format string, args ...any) error {
	return &Error{Description: a, Text: fmt.Sprintf(format, args...)}
}

// The constructors are named for what they accuse of; each knows its alert.

func unexpected(format string, args ...any) error {
	return fail(iana.UnexpectedMessage, format, args...)
}

func illegal(format string, args ...any) error { return fail(iana.IllegalParameter, format, args...) }

func refused(format string, args ...any) error { return fail(iana.HandshakeFailure, format, args...) }

func missing(format string, args ...any) error { return fail(iana.MissingExtension, format, args...) }

func unproved(format string, args ...any) error { return fail(iana.DecryptError, format, args...) }

func wrongVersion(format string, args ...any) error {
	return fail(iana.ProtocolVersion, format, args...)
}

// internal wraps a failure of ours or of the application.
func internal(err error, format string, args ...any) error {
	return &Error{Description: iana.InternalError, Text: fmt.Sprintf(format, args...), Err: err}
}
