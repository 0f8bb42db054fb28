package interop

import (
	"net"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestRenegotiation lets openssl ask for another handshake, which it does on "r", and the
// client ignore, reject or accept it.
func TestRenegotiation(t *testing.T) {
	openssl := Peer(t, "openssl")
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
	for _, c := range []struct {
		name   string
		answer conn.Renegotiation
	}{
		{"accepted", conn.RenegotiationAccept},
		{"ignored", conn.RenegotiationIgnore},
	} {
		t.Run(c.name, func(t *testing.T) {
			port := FreePort(t)
			server := Start(t, openssl, "s_server", "-accept", strconv.Itoa(port), "-tls1_2",
				"-cert", filepath.Join(dir, "cert.pem"), "-key", filepath.Join(dir, "key.pem"))
			server.WaitListening(port, 10*time.Second)
			raw, err := net.Dial("tcp", Address(port))
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			raw.SetDeadline(time.Now().Add(20 * time.Second))
			asked := 0
			cfg := &conn.Config{RootCAs: authority.Pool(), ServerName: "localhost"}
			cfg.OnHelloRequest = func(*conn.Conn) conn.Renegotiation {
				asked++
				return c.answer
			}
			client, err := conn.NewClient(raw.Read, raw.Write, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if b, err := client.Negotiate(); b != conn.NotBlocked || err != nil {
				t.Fatal(b, err)
			}
			if v := client.State().Version; v != iana.TLS12 {
				t.Fatal(v)
			}
			send := func(text string) {
				t.Helper()
				if n, b, err := client.Send([]byte(text)); n != len(text) || b != conn.NotBlocked || err != nil {
					t.Fatal(n, b, err)
				}
			}
			send("before\n")
			server.WaitFor("before", 10*time.Second)
			buf := make([]byte, 100)
			if c.answer == conn.RenegotiationAccept {
				server.Write("r\n")
				if n, b, err := client.Recv(buf); n != 0 || b != conn.BlockedOnApplicationInput || err != nil {
					t.Fatal(n, b, err)
				}
				if n, b, err := client.Send([]byte("x")); n != 1 || b != conn.NotBlocked || err != nil {
					t.Fatal("before Renegotiate has begun, data may be sent:", n, b, err)
				}
				if b, err := client.Renegotiate(); b != conn.NotBlocked || err != nil {
					t.Fatal(b, err)
				}
			} else {
				server.Write("r\n")
				time.Sleep(300 * time.Millisecond) // it drops what comes in the same read
				server.Write("afterwards\n")
				if n, b, err := client.Recv(buf); n == 0 || b != conn.NotBlocked || err != nil {
					t.Fatal(n, b, err)
				}
			}
			if asked != 1 {
				t.Errorf("asked %d times", asked)
			}
			if c.answer == conn.RenegotiationAccept {
				send("behind\n")
				server.WaitFor("behind", 10*time.Second)
				server.Write("and back\n")
				if n, _, err := client.Recv(buf); string(buf[:n]) != "and back\n" || err != nil {
					t.Fatalf("%q, %v", buf[:n], err)
				}
			}
		})
	}
}
