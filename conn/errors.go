package conn

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/record"
)

// ErrWouldBlock is what a RecvFunc or SendFunc returns when it can do nothing now. It is
// never returned by a Conn: Blocked says so.
var ErrWouldBlock = record.ErrWouldBlock

// The kinds of error, for errors.Is: each error of a Conn is of exactly one
// (s2n_error_get_type). What else it is stays reachable: an *AlertError, an x509 error,
// the error of a hook or callback.
var (
	ErrIO       = errors.New("input or output failed")   // a callback returned an error
	ErrClosed   = errors.New("connection closed")        // by either side
	ErrAlert    = errors.New("peer sent an alert")       // see AlertError
	ErrProtocol = errors.New("protocol error")           // what the peer did is refused
	ErrInternal = errors.New("internal error")           // ours, or the application's
	ErrUsage    = errors.New("wrong use of the library") // changes nothing

)

// What NewCertificate, ParseCertificate and LoadCertificate may say, for errors.Is.
var (
	ErrKeyMismatch    = certs.ErrKeyMismatch    // the private key is not the leaf's
	ErrUnsupportedKey = certs.ErrUnsupportedKey // neither RSA, ECDSA on P-256, P-384, P-521, nor Ed25519
	ErrEncryptedKey   = certs.ErrEncryptedKey   // the private key is under a passphrase
)

// Error is the error of a Conn's methods: a sentence and a kind.
type Error struct {
	Kind error // ErrIO, ErrClosed, ErrAlert, ErrProtocol, ErrInternal or ErrUsage
	Err  error
}

// Error returns the sentence.
func (e *Error) Error() string { return "tls: " + e.Err.Error() }

// Unwrap returns kind and cause.
func (e *Error) Unwrap() []error { return []error{e.Kind, e.Err} }

// AlertError says which alert ended a connection (RFC 8446, Section 6). Received: the
// kind is ErrAlert. Sent: the kind is ErrProtocol or ErrInternal, and Err is what we
// complain of.
type AlertError struct {
	Alert iana.Alert
	Sent  bool
	Err   error // nil if received
}

// Error returns what the alert was sent for, or which one was received.
func (e *AlertError) Error() string {
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("peer sent alert %v (%d)", e.Alert, uint8(e.Alert))
}

// Unwrap returns the cause.
func (e *AlertError) Unwrap() error { return e.Err }

func usage(format string, args ...any) error {
	return &Error{ErrUsage, fmt.Errorf(format, args...)}
}

func closedError(format string, args ...any) error {
	return &Error{ErrClosed, fmt.Errorf(format, args...)}
}

// errEOF is the end of the peer's bytes without close_notify, which an attacker can make
// (RFC 8446, Section 6.1).
func errEOF(when string) error {
	return closedError("peer closed the connection %s: %w", when, io.ErrUnexpectedEOF)
}

func ioError(doing string, err error) error {
	return &Error{ErrIO, fmt.Errorf("%s: %w", doing, unkind(err))}
}

// unkind takes the kind from another connection's error, which an application gave us:
// what ends this one has one kind, ours. The rest of the chain stays reachable.
func unkind(err error) error {
	if e := (*Error)(nil); errors.As(err, &e) {
		return foreign{err}
	}
	return err
}

type foreign struct{ error }

func (f foreign) Is(target error) bool {
	return !slices.Contains([]error{ErrIO, ErrClosed, ErrAlert, ErrProtocol, ErrInternal, ErrUsage}, target) && errors.Is(f.error, target)
}

func (f foreign) As(target any) bool { return errors.As(f.error, target) }

// fatal makes the error for what ends the connection on our side, with the alert that
// the peer is told.
func fatal(err error) (*Error, iana.Alert) {
	alert := handshake.AlertOf(err)
	kind := ErrProtocol
	if alert == iana.InternalError {
		kind = ErrInternal
	}
	return &Error{kind, &AlertError{Alert: alert, Sent: true, Err: unkind(err)}}, alert
}
