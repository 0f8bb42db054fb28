package conn

import (
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// rewire resets both ends of p over a new wire.
func (p *pair) rewire(t testing.TB) {
	t.Helper()
	p.pipe = testpeer.NewPipe()
	if err := p.client.Reset(p.pipe.Client.Recv, p.pipe.Client.Send, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.server.Reset(p.pipe.Server.Recv, p.pipe.Server.Send, nil); err != nil {
		t.Fatal(err)
	}
}

// A Conn can be used again, whatever became of it before.
func TestReset(t *testing.T) {
	lives := []struct {
		name string
		live func(t *testing.T, p *pair)
	}{
		{"never used", func(*testing.T, *pair) {}},
		{"in the middle of the handshake", func(t *testing.T, p *pair) {
			_, _ = p.client.Negotiate()
			_, _ = p.server.Negotiate()
		}},
		{"established", func(t *testing.T, p *pair) { p.mustNegotiate(t) }},
		{"with data that nobody read", func(t *testing.T, p *pair) {
			p.mustNegotiate(t)
			mustSend(t, p.client, strings.Repeat("unread", 5000))
			if n, _, err := p.server.Recv(make([]byte, 3)); n != 3 || err != nil {
				t.Fatal(n, err)
			}
		}},
		{"with output that was never written", func(t *testing.T, p *pair) {
			p.mustNegotiate(t)
			throttled(p)
			if _, b, err := p.client.Send([]byte("stuck")); b != BlockedOnWrite || err != nil {
				t.Fatal(b, err)
			}
		}},
		{"after key updates", func(t *testing.T, p *pair) {
			p.mustNegotiate(t)
			mustUpdate(t, p.client, true)
			exchange(t, p.client, p.server, []byte("x"))
		}},
		{"with half a message received", func(t *testing.T, p *pair) {
			p.mustNegotiate(t)
			attack(t, p.client).record(iana.RecordHandshake, 24, 0)
			wantRecv(t, p.server, "")
		}},
		{"after bad_record_mac", func(t *testing.T, p *pair) {
			p.mustNegotiate(t)
			attack(t, p.client).raw(append([]byte{23, 3, 3, 0, 30}, make([]byte, 30)...)...)
			if _, err := recvError(t, p.server); err == nil {
				t.Fatal("no error")
			}
			_, _ = recvError(t, p.client)
		}},
		{"after a failed handshake", func(t *testing.T, p *pair) {
			p.pipe.Client.Send([]byte("GET / HTTP/1.1\r\n"))
			if _, err := p.server.Negotiate(); err == nil {
				t.Fatal("no error")
			}
			_, _ = p.client.Negotiate()
			if _, err := p.client.Negotiate(); err == nil {
				t.Fatal("no error")
			}
		}},
		{"shut down", func(t *testing.T, p *pair) {
			p.mustNegotiate(t)
			_, _ = p.client.Shutdown()
			_, _ = p.server.Shutdown()
			_, _ = p.client.Shutdown()
		}},
		{"shut down before it began", func(t *testing.T, p *pair) { _, _ = p.client.Shutdown() }},
		{"closed", func(t *testing.T, p *pair) { p.mustNegotiate(t); p.client.Close(); p.server.Close() }},
		{"with settings of its own", func(t *testing.T, p *pair) {
			if err := p.client.SetServerName("other.example"); err != nil {
				t.Fatal(err)
			}
			if err := p.client.SetALPN("h2"); err != nil {
				t.Fatal(err)
			}
			if err := p.server.SetClientAuth(RequireClientAuth); err != nil {
				t.Fatal(err)
			}
		}},
	}
	p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
	fresh := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
	fresh.mustNegotiate(t)
	for _, l := range lives {
		t.Run(l.name, func(t *testing.T) {
			l.live(t, p)
			p.client.SetValue("left behind")
			p.rewire(t)
			if p.client.Value() != nil {
				t.Error("the value is kept")
			}
			for _, c := range []*Conn{p.client, p.server} {
				if s := c.State(); s.HandshakeDone || s.PeerClosed || s.Version != 0 || s.WireIn+s.WireOut+s.AppIn+s.AppOut != 0 || s.ReadBlocked+s.WriteBlocked+s.ApplicationBlocked != 0 {
					t.Errorf("the state is not new: %+v", s)
				}
			}
			p.mustNegotiate(t)
			exchange(t, p.client, p.server, []byte(strings.Repeat("up", 10000)))
			exchange(t, p.server, p.client, []byte(strings.Repeat("down", 10000)))
			if got, want := p.client.State(), fresh.client.State(); got.ALPN != "" || got.ServerName != want.ServerName || got.CipherSuite != want.CipherSuite || got.ClientAuth {
				t.Errorf("the state is %+v", got)
			}
			if p.pipe.Client.Pending()+p.pipe.Server.Pending() != 0 {
				t.Error("something is left on the wire")
			}
			p.rewire(t)
		})
	}
}

// Reset with another Config is as a new connection with it; one that is refused leaves
// the connection closed, and the next one may revive it.
func TestResetWithAnotherConfig(t *testing.T) {
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	old := p.pipe
	p.pipe = testpeer.NewPipe()
	server := quick(serverConfig(t))
	server.ALPN = []string{"h2"}
	client := quick(clientConfig())
	client.ALPN = []string{"h2"}
	for name, err := range map[string]error{
		"no callbacks":                   p.client.Reset(nil, nil, nil),
		"an unknown policy":              p.client.Reset(p.pipe.Client.Recv, p.pipe.Client.Send, &Config{Policy: "no such policy"}),
		"a server without a certificate": p.server.Reset(p.pipe.Server.Recv, p.pipe.Server.Send, &Config{}),
	} {
		failure{kind: ErrUsage}.check(t, name, err)
	}
	_, err := p.client.Negotiate()
	failure{kind: ErrClosed, text: "after Close"}.check(t, "client", err)
	if err := p.client.Reset(p.pipe.Client.Recv, p.pipe.Client.Send, client); err != nil {
		t.Fatal(err)
	}
	if err := p.server.Reset(p.pipe.Server.Recv, p.pipe.Server.Send, server); err != nil {
		t.Fatal(err)
	}
	p.mustNegotiate(t)
	if s := p.client.State(); s.ALPN != "h2" {
		t.Errorf("the protocol is %q", s.ALPN)
	}
	if old.Client.Pending()+old.Server.Pending() != 0 {
		t.Error("something was written to the old wire")
	}
}

// A Config that OnClientHello chose was for one connection: Reset(nil) goes back to the
// Config that chooses.
func TestResetForgetsTheChosenConfig(t *testing.T) {
	chosen := quick(serverConfig(t))
	asked := 0
	server := &Config{}
	server.OnClientHello = func(_ *Conn, _ *ClientHello, op *async.Op[*Config]) { asked++; _ = op.Answer(chosen) }
	p := newPair(t, quick(clientConfig()), server)
	for round := 1; round <= 3; round++ {
		p.mustNegotiate(t)
		if asked != round {
			t.Fatalf("the ClientHello of connection %d was not asked about", round)
		}
		p.rewire(t)
	}
}

// Using a connection again costs next to nothing before its handshake.
func TestResetKeepsWhatCanBeUsed(t *testing.T) {
	p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
	p.mustNegotiate(t)
	p.rewire(t)
	made := testing.AllocsPerRun(100, func() { p.rewire(t) })
	if made > 10 && !underRace { // of which the wire is most
		t.Errorf("Reset of both ends and a new wire make %v objects", made)
	}
}

// Reset while the connection is in use is refused, in hooks, callbacks and elsewhere, and
// changes nothing: see TestOverlap. Here, what it interrupts is an operation.
func TestResetEndsAnOperation(t *testing.T) {
	s := newSigned(t, server13, nil, nil)
	op := s.suspend(t)
	s.rewire(t)
	if op.Context().Err() == nil {
		t.Error("the operation is not told")
	}
	second := s.suspend(t)
	if second == op {
		t.Fatal("the operation of before is asked for again")
	}
	s.perform(t, op)
	if err := s.server.Apply(op); err == nil {
		t.Error("an answer of before is taken")
	}
	s.perform(t, second)
	if err := s.server.Apply(second); err != nil {
		t.Fatal(err)
	}
	s.mustNegotiate(t)
}
