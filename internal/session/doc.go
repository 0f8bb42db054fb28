// Package session holds what outlives a connection so that a later one can resume it: the session
// itself and its serialized form, the keys that protect session tickets (RFC 5077; RFC 8446,
// Section 4.6.1), the cache of sessions by their ID, and the memory of early data that was seen
// before (RFC 8446, Section 8).
//
// Nothing here reads a clock or a file: callers say what time it is.
package session
