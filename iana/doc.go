// Package iana holds the registry values of TLS as typed numbers: versions, record
// types, handshake messages, extensions, alerts, cipher suites, groups and signature
// schemes. Names are those of the IANA registries; String gives the registered name, or
// the number in hexadecimal for a value that has none here (a GREASE value, RFC 8701,
// says so).
//
// The package imports nothing of this module and decides nothing: which values are
// negotiated is the matter of package policy.
package iana
