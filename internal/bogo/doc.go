// Package bogo runs BoGo, BoringSSL's test suite for TLS (ssl/test/runner), against package conn.
// The suite is a program of its own, the runner; it starts the program in shim once for each test.
//
//	git clone https://boringssl.googlesource.com/boringssl
//	(cd boringssl && go test -c -o /tmp/runner ./ssl/test/runner)
//	BOGO_RUNNER=/tmp/runner BOGO_RUNNER_DIR=boringssl/ssl/test/runner go test -timeout 30m ./internal/bogo
//
// runs every test three times: as it is; with every private-key operation and every hook answered
// late; and with input and output a byte at a time. Without BOGO_RUNNER the shim meets a small
// runner of this package's own, and BoGo itself does not run.
//
// config.json says which tests are left out, each for a reason, and what the errors that the runner
// expects are called here. results.tsv holds what became of each test, and RESULTS.md the sums: go
// test -update writes both, and a run without -update fails where they are not true any more.
package bogo
