// Package bench measures connections of ours beside crypto/tls, in one process, in turn,
// in memory. The program in run prints a table and one line for each row; nothing here
// asserts anything.
package bench
