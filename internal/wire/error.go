package wire

import "github.com/s2ngo/s2ngo/iana"

// Error says what is wrong with a message, and which alert its sender is due.
type Error struct {
	Description iana.Alert
	Text        string // names the message and the field: "client_hello: extension key_share: ..."
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Alert returns the description of the fatal alert to send.
func (e *Error) Alert() iana.Alert { return e.Description }

// in puts the name of what encloses the mistake in front of the text.
func (e *Error) in(outer string) *Error {
	e.Text = outer + ": " + e.Text
	return e
}

// inExtension is in with the name of an extension of a message.
func (e *Error) inExtension(t iana.Extension, message string) *Error {
	return e.in("extension " + t.String()).in(message)
}
