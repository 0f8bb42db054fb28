package conn

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// shut is a step of a connection's end with what it must say.
type shut struct {
	what string
	do   func() (Blocked, error)
	b    Blocked
	err  failure
}

func run(t *testing.T, steps ...shut) {
	t.Helper()
	for _, s := range steps {
		b, err := s.do()
		if b != s.b {
			t.Fatalf("%s: %v, %v, want %v", s.what, b, err, s.b)
		}
		if s.err.kind == io.EOF {
			if err != io.EOF {
				t.Fatalf("%s: %v, want io.EOF", s.what, err)
			}
			continue
		}
		if s.err.check(t, s.what, err); t.Failed() {
			t.FailNow()
		}
	}
}

func sends(c *Conn) func() (Blocked, error) {
	return func() (Blocked, error) { _, b, err := c.Send([]byte("data")); return b, err }
}

func receives(c *Conn) func() (Blocked, error) {
	return func() (Blocked, error) { _, b, err := c.Recv(make([]byte, 100)); return b, err }
}

var (
	ended = failure{kind: io.EOF}
	over  = failure{kind: ErrClosed, text: "sending after Shutdown"}
)

// Both sides close their own direction and no more (RFC 8446, Section 6.1).
func TestHalfClose(t *testing.T) {
	for _, first := range []string{"client", "server"} {
		t.Run("the "+first+" first", func(t *testing.T) {
			p := established(t, quick(clientConfig()), quick(serverConfig(t)))
			a, b := p.client, p.server
			if first == "server" {
				a, b = b, a
			}
			run(t,
				shut{"sending", sends(a), NotBlocked, failure{}},
				shut{"ShutdownSend", a.ShutdownSend, NotBlocked, failure{}},
				shut{"ShutdownSend again", a.ShutdownSend, NotBlocked, failure{}},
				shut{"sending after it", sends(a), NotBlocked, over},
				shut{"UpdateKeys after it", func() (Blocked, error) { return a.UpdateKeys(false) }, NotBlocked, over},
				shut{"Flush after it", a.Flush, NotBlocked, failure{}},
				shut{"the data", receives(b), NotBlocked, failure{}},
				shut{"the end", receives(b), NotBlocked, ended},
				shut{"the end again", receives(b), NotBlocked, ended},
				shut{"sending to one that has closed", sends(b), NotBlocked, failure{}},
				shut{"a key update to one that has closed", func() (Blocked, error) { return b.UpdateKeys(true) }, NotBlocked, failure{}},
				shut{"sending with the new key", sends(b), NotBlocked, failure{}},
				shut{"receiving after ShutdownSend", receives(a), NotBlocked, failure{}},
				shut{"Shutdown, which waits", a.Shutdown, BlockedOnRead, failure{}},
				shut{"Shutdown of the other", b.Shutdown, NotBlocked, failure{}},
				shut{"Shutdown, which is done", a.Shutdown, NotBlocked, failure{}},
				shut{"the other end", receives(a), NotBlocked, ended},
				shut{"Shutdown once more", b.Shutdown, NotBlocked, failure{}},
				shut{"Negotiate, which is done", a.Negotiate, NotBlocked, failure{}},
			)
			if p.pipe.Client.Pending()+p.pipe.Server.Pending() != 0 {
				t.Error("something is on the wire after both have closed")
			}
		})
	}
}

// In TLS 1.2 a close_notify ends both directions (RFC 5246, Section 7.2.1).
func TestCloseOfTLS12(t *testing.T) {
	client, server := clientConfig(), &Config{Certificates: []*Certificate{issue(t, testpeer.Template{})}}
	client.SecurityPolicy = onlySuites(t, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	server.SecurityPolicy = client.SecurityPolicy
	p := established(t, client, server)
	a, b := p.client, p.server
	run(t,
		shut{"Shutdown, which waits", a.Shutdown, BlockedOnRead, failure{}},
		shut{"the end", receives(b), NotBlocked, ended},
		shut{"sending after the end", sends(b), NotBlocked,
			failure{kind: ErrClosed, text: "sending after close_notify, which in TLSv1.2 closes both directions"}},
		shut{"Shutdown, which is done", a.Shutdown, NotBlocked, failure{}},
		shut{"Shutdown of the other", b.Shutdown, NotBlocked, failure{}},
	)
}

// Shutdown throws away what the peer has sent before its close_notify, and only its
// close_notify is an end.
func TestShutdownWaitsForCloseNotify(t *testing.T) {
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	for range 5 {
		mustSend(t, p.server, "nobody reads this")
	}
	run(t,
		shut{"a part is read", func() (Blocked, error) { _, b, err := p.client.Recv(make([]byte, 3)); return b, err }, NotBlocked, failure{}},
		shut{"Shutdown", p.client.Shutdown, BlockedOnRead, failure{}})
	if n := p.client.Peek(); n != 0 {
		t.Errorf("%d bytes are left after Shutdown", n)
	}
	mustSend(t, p.server, "nor this")
	p.pipe.Server.CloseWrite()
	cut := failure{kind: ErrClosed, text: "without close_notify"}
	run(t, shut{"the peer goes without a word", p.client.Shutdown, NotBlocked, cut}, shut{"again", p.client.Shutdown, NotBlocked, cut})
	if _, err := p.client.Shutdown(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

// close_notify goes out behind what is queued, once, even if it has to wait.
func TestShutdownOnAFullWire(t *testing.T) {
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	f := throttled(p)
	run(t,
		shut{"data that waits", sends(p.client), BlockedOnWrite, failure{}},
		shut{"ShutdownSend waits, too", p.client.ShutdownSend, BlockedOnWrite, failure{}},
		shut{"sending is over", sends(p.client), NotBlocked, over},
		shut{"Shutdown waits, too", p.client.Shutdown, BlockedOnWrite, failure{}})
	f.room = 1000
	run(t,
		shut{"Flush", p.client.Flush, NotBlocked, failure{}},
		shut{"ShutdownSend", p.client.ShutdownSend, NotBlocked, failure{}},
		shut{"the data", receives(p.server), NotBlocked, failure{}},
		shut{"the end", receives(p.server), NotBlocked, ended})
	if got := records(t, f.taken); len(got) != 2 {
		t.Errorf("%d records were written, want data and close_notify", len(got))
	}
}

// A connection that is shut down before its handshake is complete has no handshake any
// more, and says no more than close_notify.
func TestShutdownBeforeTheHandshakeIsComplete(t *testing.T) {
	closed := failure{kind: ErrClosed, text: "Shutdown"}
	t.Run("before Negotiate", func(t *testing.T) {
		for _, shutdown := range []func(*Conn) (Blocked, error){(*Conn).Shutdown, (*Conn).ShutdownSend} {
			p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
			run(t,
				shut{"Shutdown", func() (Blocked, error) { return shutdown(p.client) }, NotBlocked, failure{}},
				shut{"Negotiate", p.client.Negotiate, NotBlocked, closed},
				shut{"Negotiate again", p.client.Negotiate, NotBlocked, closed})
			if n := p.pipe.Server.Pending(); n != 0 {
				t.Errorf("%d bytes were sent", n)
			}
		}
	})
	t.Run("while a server waits for its signature", func(t *testing.T) {
		for _, shutdown := range []func(*Conn) (Blocked, error){(*Conn).Shutdown, (*Conn).ShutdownSend} {
			s := newSigned(t, server13, nil, nil)
			op := s.suspend(t)
			run(t, shut{"Shutdown", func() (Blocked, error) { return shutdown(s.server) }, NotBlocked, failure{}})
			s.perform(t, op)
			_ = s.server.Apply(op)
			written := s.server.State().WireOut
			run(t, shut{"Negotiate", s.server.Negotiate, NotBlocked, closed})
			if n := s.server.State().WireOut; n != written {
				t.Errorf("%d bytes follow close_notify", n-written)
			}
			run(t, shut{"the client", s.client.Negotiate, NotBlocked, failure{kind: ErrClosed, text: "server closed the connection during the handshake"}})
		}
	})
}

// After Close every method says so, but State, Value and Close itself.
func TestAfterClose(t *testing.T) {
	for _, done := range []bool{false, true} {
		p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
		if done {
			p.mustNegotiate(t)
			mustSend(t, p.server, "unread")
		}
		c := p.client
		c.SetValue("mine")
		written := c.State().WireOut
		c.Close()
		c.Close()
		for name, call := range map[string]func() error{
			"Negotiate":    func() error { _, err := c.Negotiate(); return err },
			"Send":         func() error { _, _, err := c.Send([]byte("x")); return err },
			"Sendv":        func() error { _, _, err := c.Sendv(net.Buffers{{1}}); return err },
			"Flush":        func() error { _, err := c.Flush(); return err },
			"Recv":         func() error { _, _, err := c.Recv(make([]byte, 10)); return err },
			"UpdateKeys":   func() error { _, err := c.UpdateKeys(true); return err },
			"ShutdownSend": func() error { _, err := c.ShutdownSend(); return err },
			"Shutdown":     func() error { _, err := c.Shutdown(); return err },
			"SetALPN":      func() error { return c.SetALPN("h2") },
			"SetPolicy":    func() error { return c.SetPolicy("default") },
		} {
			failure{kind: ErrClosed, text: name + " after Close"}.check(t, name, call())
		}
		if c.Peek() != 0 || c.Value() != "mine" || c.State().WireOut != written {
			t.Error("Close has changed what it must not, or written something")
		}
		if s := c.State(); done && (s.Version != iana.TLS13 || !s.HandshakeDone || len(s.PeerCertificates) == 0) {
			t.Errorf("the state is lost: %+v", s)
		}
		if c.secret != (handshake.Secret{}) {
			t.Error("the traffic secret is not wiped")
		}
	}
}
