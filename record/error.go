package record

import (
	"fmt"

	"github.com/s2ngo/s2ngo/iana"
)

// Error is a breach of the record protocol by the peer.
type Error struct {
	Description iana.Alert // the alert that the peer is to be sent
	Text        string     // what the peer did
}

// Error returns what the peer did.
func (e *Error) Error() string { return "record: " + e.Text }

// Alert returns the alert that the peer is to be sent.
func (e *Error) Alert() iana.Alert { return e.Description }

func refuse(a iana.Alert, format string, args ...any) *Error {
	return &Error{Description: a, Text: fmt.Sprintf(format, args...)}
}
