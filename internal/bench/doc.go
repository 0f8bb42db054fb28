// Package bench measures connections of ours beside crypto/tls, in memory. The program in
// run takes turns in one process and prints a table and one line for each row; the one in
// latency prints what servers with slow keys come to. Nothing here asserts anything of time; a
// test holds what handshakes allocate, which does not depend on the machine's load.
package bench
