// Package kex is the table of key exchanges: elliptic curves, ML-KEM, and hybrids of one
// of each (draft-ietf-tls-ecdhe-mlkem). All have one shape, that of a KEM, into which
// Diffie-Hellman fits: a client Generates a Key, a server Encapsulates to the client's
// share, and the client finds the Shared secret in the server's share. In TLS 1.2, where
// the server's share travels first, the two roles are the other way round.
//
// Implementations are rows. Each row was measured (see the benchmarks) and is chosen once
// when the program starts, by processor and FIPS mode; choose.go says why it is what it is.
//
// Diffie-Hellman over finite fields, of which the server chooses the group, is no row but
// DHParams and DHKey; only the DHE suites of TLS 1.2 have it.
package kex
