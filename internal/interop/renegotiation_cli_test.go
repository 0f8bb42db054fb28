package interop

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestClientProgramRenegotiates lets openssl ask s2ngo-client for another handshake.
func TestClientProgramRenegotiates(t *testing.T) {
	openssl := Peer(t, "openssl")
	_, program := Binaries(t)
	authority, err := testpeer.NewAuthority(testpeer.AuthorityOptions{})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := authority.Issue(testpeer.Template{DNSNames: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := issued.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	port := FreePort(t)
	server := Start(t, openssl, "s_server", "-accept", strconv.Itoa(port), "-tls1_2", "-state",
		"-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem"))
	server.WaitListening(port, 10*time.Second)
	client := Start(t, program, "--ca-file", filepath.Join(dir, "ca.pem"), "--renegotiation", "accept", "--echo", "--name", "localhost", "127.0.0.1", strconv.Itoa(port))
	client.Write("before\n")
	server.WaitFor("before", 10*time.Second)
	server.Write("r\n")
	server.WaitFor(`(?s)(SSLv3/TLS write finished.*){2}`, 10*time.Second)
	client.Write("behind\n")
	server.WaitFor("behind", 10*time.Second)
	server.Write("and back\n")
	client.WaitFor("and back", 10*time.Second)
	client.CloseStdin()
}
