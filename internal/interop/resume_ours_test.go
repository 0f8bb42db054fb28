//go:build unix

package interop

import (
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// resumeVersions are the versions that sessions are resumed in.
var resumeVersions = []struct {
	name string
	id   iana.Version
}{{"TLSv1.3", iana.TLS13}, {"TLSv1.2", iana.TLS12}}

// resumable is a Config of one version with tickets, for either role.
func resumable(t testing.TB, version iana.Version) *conn.Config {
	t.Helper()
	text, err := os.ReadFile(roots(t))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	cert, err := conn.LoadCertificate(certFile(t, "p256"), keyFile(t, "p256"))
	if err != nil {
		t.Fatal(err)
	}
	return &conn.Config{RootCAs: pool, ServerName: localhost, Certificates: []*conn.Certificate{cert}, SessionTickets: true,
		MinVersion: version, MaxVersion: version}
}

// resumeServer answers each connection with a page, and says what became of its session.
type resumeServer struct {
	port   int
	states chan conn.State
}

func startResumeServer(t testing.TB, cfg *conn.Config) *resumeServer {
	t.Helper()
	listener, err := net.Listen("tcp", Address(0))
	if err != nil {
		t.Fatal(err)
	}
	s := &resumeServer{listener.Addr().(*net.TCPAddr).Port, make(chan conn.State, 20)}
	done := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			state, err := servePage(raw, cfg)
			if err != nil && !errors.Is(err, io.EOF) {
				t.Logf("a connection of our server ended with: %v", err)
			}
			if state.HandshakeDone {
				s.states <- state
			}
		}
	}()
	return s
}

// servePage waits for a line and answers with a page.
func servePage(raw net.Conn, cfg *conn.Config) (conn.State, error) {
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(prompt))
	c, err := conn.NewServer(raw.Read, raw.Write, cfg)
	if err != nil {
		return conn.State{}, err
	}
	defer c.Close()
	if _, err := c.Negotiate(); err != nil {
		return c.State(), err
	}
	got := ""
	for b := make([]byte, 1000); !strings.HasSuffix(got, "\n"); {
		n, _, err := c.Recv(b)
		if got += string(b[:n]); err != nil {
			return c.State(), err
		}
	}
	answer := "HTTP/1.0 200 OK\r\nConnection: close\r\nContent-Length: " + "26\r\n\r\n" + page + "\n"
	if _, _, err := c.Send([]byte(answer)); err != nil {
		return c.State(), err
	}
	if _, err := c.ShutdownSend(); err != nil {
		return c.State(), err
	}
	_, _, err = c.Recv(make([]byte, 1)) // until the peer has read it all
	return c.State(), err
}

// next is the state of the next connection.
func (s *resumeServer) next(t testing.TB) conn.State {
	t.Helper()
	select {
	case state := <-s.states:
		return state
	case <-time.After(prompt):
		t.Fatal("no connection")
		return conn.State{}
	}
}

// expectResumed takes n connections, of which the first makes a session and the others resume.
func (s *resumeServer) expectResumed(t testing.TB, version iana.Version, n int) {
	t.Helper()
	for i := range n {
		if state := s.next(t); state.Version != version || state.Resumed != (i > 0) {
			t.Errorf("connection %d, in %v, resumes: %v", i, state.Version, state.Resumed)
		}
	}
}

// resumeWith connects to a server three times, each time with the latest session, and exchanges a
// message.
func resumeWith(t testing.TB, cfg *conn.Config, port int, message, answer string) {
	t.Helper()
	var blob []byte
	for i := range 3 {
		state, next := visitOnce(t, cfg, port, blob, message, answer)
		if state.Resumed != (i > 0) || len(state.PeerCertificates) == 0 {
			t.Errorf("connection %d, in %v, resumes: %v", i, state.Version, state.Resumed)
		}
		if next != nil { // not all servers give another ticket
			blob = next
		}
		if blob == nil {
			t.Fatalf("connection %d leaves no session", i)
		}
	}
}

func visitOnce(t testing.TB, cfg *conn.Config, port int, blob []byte, message, answer string) (conn.State, []byte) {
	t.Helper()
	raw, err := net.Dial("tcp", Address(port))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(prompt))
	c, err := conn.NewClient(raw.Read, raw.Write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetSession(blob); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Negotiate(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Send([]byte(message)); err != nil {
		t.Fatal(err)
	}
	got := ""
	for b := make([]byte, 1000); !strings.Contains(got, answer); {
		n, _, err := c.Recv(b)
		if got += string(b[:n]); err != nil && !strings.Contains(got, answer) {
			t.Fatalf("%v after %q", err, got)
		}
	}
	state, session := c.State(), c.Session()
	_, _ = c.Shutdown()
	return state, session
}
