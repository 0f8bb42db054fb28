// Package wire reads and writes the messages of the TLS handshake: one codec for each
// message, one file for each family of extensions.
//
// A message is read by the Parse method of its type, which takes the body without the
// four bytes of the handshake header, and in place: every slice of a parsed message
// lends bytes of that body and is good for as long as they are. A Parse that returns an
// error leaves its message half filled. Errors are of type *Error and carry the alert
// that the peer has earned. A message of TLS 1.2 whose form in TLS 1.3 is another has a
// type of its own, with a 12 in its name; the key exchanges of TLS 1.2, whose form the cipher
// suite decides, are read by a function for each.
//
// A message is written through a Writer, either by one Append function or by a Begin
// function, the Put functions of its extensions, and Writer.End. Reading and writing of
// well-formed messages does not allocate, given a Writer with room.
//
// The package knows syntax, where an extension may stand, and values which the RFCs
// forbid on their own. What has been negotiated, and whether it fits, is the matter of
// package handshake.
package wire
