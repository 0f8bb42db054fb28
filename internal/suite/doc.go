// Package suite is the table of cipher suites: for each, its hash, its AEAD and how many
// records one key may protect. A suite is a row, the AEAD's constructor a value in it, so
// that a better implementation is one more row and no state of a handshake has to choose.
package suite
