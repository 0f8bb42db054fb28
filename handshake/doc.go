// Package handshake is the protocol: one side of one TLS handshake as a Machine that
// does no I/O, starts no goroutine and holds no record keys. Bytes of handshake messages
// go in by Feed; an ordered list of Events comes out of Advance: messages to send, keys
// to set, questions to the application.
//
// Three rules hold it together.
//
//  1. A state is a type that says what it waits for. Only the Machine checks whether a
//     message is accepted, how long it may be, and that nothing follows it where keys
//     change (RFC 8446, Section 5.1).
//  2. There is one way to wait for the application: the state await. What ran before a
//     wait never runs again.
//  3. Events, in order, are the only output. Errors are returned, never sent; AlertOf
//     derives the alert from the error.
//
// Package conn drives a Machine over a record layer. Applications use package conn.
package handshake
