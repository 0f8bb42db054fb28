// Package kdf derives keys: HMAC (RFC 2104), HKDF (RFC 5869), the HKDF-Expand-Label of TLS 1.3
// (RFC 8446, Section 7.1) and the PRF of TLS 1.2 (RFC 5246, Section 5), for SHA-256 and
// SHA-384, the two hashes that the suites have.
//
// A handshake needs about twenty HMACs, and crypto/hkdf takes six to ten heap objects for each. Here
// the hash lives on the stack: the compiler sees its concrete type, because each function
// makes it, uses it and drops it. No function of this package allocates, whatever the
// length of its inputs (ExpandLabel: up to a label of 54 bytes; PRF12: of 64), and the tests
// hold that.
//
// The hash, and the lengths that the RFCs bound, are chosen by our code and never by a peer: a
// wrong one is a panic.
package kdf
