// Package cli is what s2ngo-server and s2ngo-client have in common: options, one poll loop
// for non-blocking sockets, sessions that take a connection from its handshake to its end,
// workers for private keys, the JSON line, and the pictures of handshakes.
//
// Everything that touches a conn.Conn runs on the goroutine of a Loop. Other goroutines,
// such as the workers, reach it by Loop.Post alone.
package cli
