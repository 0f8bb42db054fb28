// Package suite is the table of cipher suites: for each, its hash, its cipher and how much
// one key may protect, and in TLS 1.2 also how keys are exchanged and who signs. A suite is a
// row, the cipher's constructor a value in it, so that a better implementation is one more
// row and no state of a handshake has to choose.
package suite
