// Package fuzz holds the fuzz targets of the whole stack and their seeds. FuzzRecord,
// FuzzMessage and FuzzExtension take what comes from the wire apart, FuzzSession and FuzzTicket
// what is kept to resume a connection; FuzzMachine and
// FuzzConn are scripts of what a peer, a network and an application may do to a handshake
// and to a connection. FuzzPSK offers a server PSKs of every kind. FuzzURI reads the names of
// tokens and keys. Everything is a function of the input, randomness included.
//
// `make fuzz` runs each target for a while, `go test ./fuzz` its seeds. The seeds are in
// testdata/fuzz/TARGET: what begins with "seed-" was recorded from handshakes by
//
//	go test ./fuzz -run TestSeeds -update
//
// and the other files are inputs that once found something.
package fuzz
