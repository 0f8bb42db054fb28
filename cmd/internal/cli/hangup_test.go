package cli

import (
	"crypto"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// held is a key whose calls wait until they are let.
type held struct {
	crypto.Signer
	calls *atomic.Int32
	let   chan struct{}
}

func (h held) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	h.calls.Add(1)
	<-h.let
	return h.Signer.Sign(rand, digest, opts)
}

// A client that hangs up while its signature waits for the one worker costs the key
// nothing: its handshake ends at once, and the key is called for the others only.
func TestHangUpTakesTheOperationFromTheQueue(t *testing.T) {
	issued, err := testpeer.SelfSigned([]byte("hang up"), testpeer.Template{DNSNames: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	key := held{issued.Key, new(atomic.Int32), make(chan struct{})}
	cert, err := conn.NewCertificate(issued.Chain, key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &conn.Config{Certificates: []*conn.Certificate{cert}}
	loop, err := NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	socket, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan *Session, 10)
	keys := NewKeys(1, 0)
	defer keys.Close()
	sessions := &Sessions{Loop: loop, Role: "server", Output: &Output{}, Ended: func(s *Session) { ended <- s }}
	sessions.Attach(cfg, keys)
	listening := loop.AddSocket(socket, nil)
	listening.handle = func(Events) {
		if s, err := socket.Accept(); err == nil {
			if _, err := sessions.Begin(s, cfg, nil); err != nil {
				t.Error(err)
			}
		}
		listening.Want(Readable)
	}
	listening.Want(Readable)
	over := make(chan error)
	go func() { over <- loop.Run() }()

	dial := func() (net.Conn, chan error) {
		raw, err := net.Dial("tcp", socket.Local().String())
		if err != nil {
			t.Fatal(err)
		}
		shaken := make(chan error, 1)
		go func() { shaken <- tls.Client(raw, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
		return raw, shaken
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("it never happens that %s; %+v", what, keys.pool.Metrics())
			}
		}
	}
	first, shaken := dial()
	until("the key is called", func() bool { return key.calls.Load() == 1 })
	queued, _ := dial()
	until("an operation waits", func() bool { return keys.pool.Metrics().Queued == 1 })
	queued.Close()
	s := <-ended
	if !errors.Is(s.Err, conn.ErrClosed) || !strings.Contains(s.Err.Error(), "hung up while the handshake waited for an answer (private key)") {
		t.Errorf("the handshake ends with %v", s.Err)
	}
	until("nothing waits", func() bool { m := keys.pool.Metrics(); return m.Queued == 0 && m.Skipped == 1 })
	last, shakenLast := dial()
	until("another operation waits", func() bool { return keys.pool.Metrics().Queued == 1 })
	close(key.let)
	if err := errors.Join(<-shaken, <-shakenLast); err != nil {
		t.Error(err)
	}
	first.Close()
	last.Close()
	<-ended
	<-ended
	if n := key.calls.Load(); n != 2 {
		t.Errorf("the key was called %d times, once for a client that has gone", n)
	}
	loop.Post(loop.Stop)
	if err := <-over; err != nil {
		t.Error(err)
	}
	socket.Close()
}

// A server that hangs up while a client's signature is awaited ends the connection, in the
// first handshake and in another one.
func TestHangUpInAnyHandshake(t *testing.T) {
	for _, p := range []phase{negotiating, renegotiating} {
		loop, err := NewLoop()
		if err != nil {
			t.Fatal(err)
		}
		listener, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
		if err != nil {
			t.Fatal(err)
		}
		socket, err := Connect(listener.Local())
		if err != nil {
			t.Fatal(err)
		}
		ended := 0
		sessions := &Sessions{Loop: loop, Role: "client", Output: &Output{}, Ended: func(*Session) { ended++ }}
		cfg := &conn.Config{ServerName: "localhost"}
		sessions.Attach(cfg, nil)
		s, err := sessions.Begin(socket, cfg, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.phase, s.suspended = p, true
		s.ready(HungUp)
		if ended != 1 || !errors.Is(s.Err, conn.ErrClosed) || !strings.Contains(s.Err.Error(), "hung up") {
			t.Errorf("in phase %d: %d sessions have ended, with %v", p, ended, s.Err)
		}
		loop.close()
		listener.Close()
	}
}
