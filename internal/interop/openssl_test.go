//go:build unix

package interop

import (
	"strconv"
	"strings"
	"testing"
)

// request is what a client sends that wants our server's status page, and then its end.
const request = "GET / HTTP/1.0\r\n\r\n"

// page is a part of the status page.
const page = "This page came over s2ngo"

// greeting is what a client sends to s_server -rev, and reversed what it gets back.
const greeting, reversed = "hello\n", "olleh\n"

// versions has for each version the option of openssl and the policy of ours that allow no other.
var versions = []struct{ name, openssl, policy string }{
	{"TLSv1.3", "-tls1_3", "20200207"},
	{"TLSv1.2", "-tls1_2", "20190214"},
}

// sClient runs openssl s_client against a port with an input, until the server ends the connection.
// It insists on a certificate for localhost, and tells in few lines what was negotiated.
func sClient(t testing.TB, port int, input string, options ...string) Result {
	t.Helper()
	return runWith(t, input, Peer(t, "openssl"), sClientLine(t, port, append(options, "-ign_eof"))...)
}

// sClientLine is the command line of s_client.
func sClientLine(t testing.TB, port int, options []string) []string {
	return append([]string{"s_client", "-connect", localhost + ":" + strconv.Itoa(port), "-brief", "-CAfile", roots(t),
		"-verify_hostname", localhost, "-verify_return_error"}, options...)
}

// expectPage checks that a client of our server's status page has it.
func expectPage(t testing.TB, got Result) {
	t.Helper()
	if !strings.Contains(got.Stdout, page) {
		t.Fatalf("the peer ended with %d and without the page\nits stdout:\n%s\nits stderr:\n%s",
			got.Code, got.Stdout, got.Stderr)
	}
}

// expectReversed checks that a client of ours got its greeting back as s_server returns it.
func expectReversed(t testing.TB, got visit) {
	t.Helper()
	if got.Code != 0 || got.Data != reversed {
		t.Errorf("s2ngo-client ended with %d and the data %q: %s", got.Code, got.Data, got.Stderr)
	}
}

// sServer starts openssl s_server, which sends back each line reversed, and returns its port.
func sServer(t testing.TB, certificate string, options ...string) (*Process, int) {
	t.Helper()
	return sServerRaw(t, certificate, append([]string{"-rev"}, options...)...)
}

// sServerRaw starts openssl s_server, which prints what comes and sends its input.
func sServerRaw(t testing.TB, certificate string, options ...string) (*Process, int) {
	t.Helper()
	port := FreePort(t)
	line := append([]string{"s_server", "-accept", Address(port), "-CAfile", roots(t),
		"-cert", certFile(t, certificate), "-key", keyFile(t, certificate)}, options...)
	p := Start(t, Peer(t, "openssl"), line...)
	p.WaitListening(port, prompt)
	return p, port
}
