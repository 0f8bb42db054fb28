package conn

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
)

// Recv hands out data without reading on: a callback that blocks must not hold back what
// has arrived.
func TestRecvDoesNotReadWithDataInHand(t *testing.T) {
	whole := append([]byte{4, 0, 0, byte(len(ticket))}, ticket...)
	for name, send := range map[string]func(t *testing.T, a *attacker){
		"a record":                            func(*testing.T, *attacker) {},
		"a record and half of another":        func(_ *testing.T, a *attacker) { a.raw(a.seal(iana.RecordApplicationData, []byte("more"), 0)[:9]...) },
		"a record and the header of another":  func(_ *testing.T, a *attacker) { a.raw(23, 3, 3, 0, 100) },
		"a record and a byte of another":      func(_ *testing.T, a *attacker) { a.raw(23) },
		"a record and one without content":    func(_ *testing.T, a *attacker) { a.data("") },
		"a record and a ticket":               func(_ *testing.T, a *attacker) { a.record(iana.RecordHandshake, whole...) },
		"a record and half a ticket":          func(_ *testing.T, a *attacker) { a.record(iana.RecordHandshake, whole[:7]...) },
		"a record and user_canceled":          func(_ *testing.T, a *attacker) { a.alert(1, iana.UserCanceled) },
		"a record and a request for new keys": func(t *testing.T, a *attacker) { a.updateKeys(t, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			p := established(t, quick(clientConfig()), quick(serverConfig(t)))
			a := attack(t, p.server)
			a.data("in hand")
			send(t, a)
			reads := 0
			recv := p.client.recv
			p.client.recv = func(q []byte) (int, error) {
				if reads++; reads > 1 {
					t.Error("it reads with data in hand, which would block")
				}
				return recv(q)
			}
			buf := make([]byte, 100)
			if n, b, err := p.client.Recv(buf); string(buf[:n]) != "in hand" || b != NotBlocked || err != nil {
				t.Errorf("Recv = %q, %v, %v", buf[:n], b, err)
			}
		})
	}
}

// Data that came along with the end of the handshake is there afterwards, whatever is
// called first.
func TestDataBehindTheHandshake(t *testing.T) {
	for name, first := range map[string]func(t *testing.T, c *Conn){
		"Recv":             func(*testing.T, *Conn) {},
		"Negotiate again":  func(t *testing.T, c *Conn) { run(t, shut{"Negotiate", c.Negotiate, NotBlocked, failure{}}) },
		"Flush":            func(t *testing.T, c *Conn) { run(t, shut{"Flush", c.Flush, NotBlocked, failure{}}) },
		"Send":             func(t *testing.T, c *Conn) { mustSend(t, c, "first") },
		"an empty Recv":    func(t *testing.T, c *Conn) { _, _, _ = c.Recv(nil) },
		"a Recv of a byte": func(t *testing.T, c *Conn) { _, _, _ = c.Recv(make([]byte, 0, 1)); c.Peek() },
		"a part, and Negotiate": func(t *testing.T, c *Conn) {
			if n, _, err := c.Recv(make([]byte, 0)); n != 0 || err != nil {
				t.Fatal(n, err)
			}
			run(t, shut{"Negotiate", c.Negotiate, NotBlocked, failure{}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
			_, _ = p.client.Negotiate()
			_, _ = p.server.Negotiate()
			run(t, shut{"the client is done", p.client.Negotiate, NotBlocked, failure{}})
			data := strings.Repeat("sent with the Finished ", 100)
			mustSend(t, p.client, data)
			run(t, shut{"the server is done", p.server.Negotiate, NotBlocked, failure{}})
			first(t, p.server)
			buf := make([]byte, 7)
			if n, _, err := p.server.Recv(buf); n != 7 || err != nil {
				t.Fatal(n, err)
			}
			run(t, shut{"Negotiate in the middle of a record", p.server.Negotiate, NotBlocked, failure{}})
			wantRecv(t, p.server, data[7:])
		})
	}
}

// When a write fails in the handshake, the peer may have said why before it went.
func TestAnAlertExplainsAFailedWrite(t *testing.T) {
	for _, c := range []struct {
		name string
		said func(t *testing.T, a *attacker)
		want failure
		is   error
	}{
		{"nothing was said", func(*testing.T, *attacker) {}, failure{kind: ErrIO, text: "the cable is cut"}, errWire},
		{"an alert was sent", func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordAlert, 2, byte(iana.AccessDenied)) }, told(iana.AccessDenied), nil},
		{"close_notify was sent", func(t *testing.T, a *attacker) { a.sealNow(t, iana.RecordAlert, 1, 0) }, failure{kind: ErrClosed, text: "closed the connection during the handshake"}, nil},
		{"half an alert was sent", func(_ *testing.T, a *attacker) { a.raw(23, 3, 3, 0, 19, 1) }, failure{kind: ErrIO, text: "the cable is cut"}, errWire},
		{"garbage was sent", func(_ *testing.T, a *attacker) { a.raw(make([]byte, 100)...) }, failure{kind: ErrIO, text: "the cable is cut"}, errWire},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, server := quick(clientConfig()), quick(serverConfig(t))
			var op *async.Op[Verdict]
			client.OnVerify = func(_ *Conn, _ *PeerChain, o *async.Op[Verdict]) { op = o }
			p := newPair(t, client, server)
			for range 2 {
				_, _ = p.client.Negotiate()
				_, _ = p.server.Negotiate()
			}
			// The server's alerts go out under its application key by now; its handshake is
			// fed to the client whole, and then what it says.
			_ = op.Answer(Accept)
			a := &attacker{Conn: p.server}
			c.said(t, a)
			p.client.send = func([]byte) (int, error) { return 0, errWire }
			_, err := p.client.Negotiate()
			c.want.check(t, "client", err)
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not in the chain of %v", c.is, err)
			}
			_, again := p.client.Negotiate()
			if again == nil || again.Error() != err.Error() {
				t.Errorf("the error was %v, and is now %v", err, again)
			}
		})
	}
}

// An alert that cannot be written at once is not lost: Negotiate says what it waits for
// beside its error, and Flush or Shutdown gets it out.
func TestAlertsOnAFullWire(t *testing.T) {
	for name, flush := range map[string]func(*Conn) (Blocked, error){
		"Flush": (*Conn).Flush, "Shutdown": (*Conn).Shutdown, "ShutdownSend": (*Conn).ShutdownSend,
		"Negotiate": func(c *Conn) (Blocked, error) { b, _ := c.Negotiate(); return b, nil },
	} {
		t.Run("in the handshake, by "+name, func(t *testing.T) {
			client := quick(clientConfig())
			client.ServerName, client.DisableCompatibilityMode = "other.example", true // no change_cipher_spec to write first
			p := newPair(t, client, quick(serverConfig(t)))
			_, _ = p.client.Negotiate()
			_, _ = p.server.Negotiate()
			f := throttled(p)
			refused := accuses(iana.BadCertificate, "other.example")
			for range 2 {
				b, err := p.client.Negotiate()
				refused.check(t, "client", err)
				if b != BlockedOnWrite {
					t.Errorf("Negotiate is %v", b)
				}
			}
			run(t, shut{name, func() (Blocked, error) { return flush(p.client) }, BlockedOnWrite, failure{}})
			f.room = 1000
			run(t, shut{name, func() (Blocked, error) { return flush(p.client) }, NotBlocked, failure{}})
			_, err := p.server.Negotiate()
			told(iana.BadCertificate).check(t, "server", err)
		})
		if name == "Negotiate" {
			continue
		}
		t.Run("after the handshake, by "+name, func(t *testing.T) {
			p := established(t, quick(clientConfig()), quick(serverConfig(t)))
			f := throttled(p)
			attack(t, p.server).raw(append([]byte{23, 3, 3, 0, 40}, make([]byte, 40)...)...)
			_, err := recvError(t, p.client)
			accuses(iana.BadRecordMAC, "does not authenticate").check(t, "client", err)
			run(t, shut{name, func() (Blocked, error) { return flush(p.client) }, BlockedOnWrite, failure{}})
			f.room = 1000
			run(t, shut{name, func() (Blocked, error) { return flush(p.client) }, NotBlocked, failure{}})
			_, err = recvError(t, p.server)
			told(iana.BadRecordMAC).check(t, "server", err)
		})
	}
}

// An alert that comes right before the end of the wire counts, not the end.
func TestAnAlertBeforeEOF(t *testing.T) {
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	a := attack(t, p.server)
	a.data("last words")
	a.alert(2, iana.InternalError)
	p.pipe.Server.CloseWrite()
	data, err := recvError(t, p.client)
	if data != "last words" {
		t.Errorf("received %q", data)
	}
	told(iana.InternalError).check(t, "client", err)
	p = newPair(t, quick(clientConfig()), quick(serverConfig(t)))
	_, _ = p.client.Negotiate()
	if _, err := p.pipe.Server.Send([]byte{21, 3, 3, 0, 2, 2, 40}); err != nil {
		t.Fatal(err)
	}
	p.pipe.Server.CloseWrite()
	_, err = p.client.Negotiate()
	told(iana.HandshakeFailure).check(t, "client", err)
}

// One connection may be the wire of another: TLS in TLS, with the outer one's errors
// inside the inner one's.
func TestTLSInTLS(t *testing.T) {
	outer := established(t, quick(clientConfig()), quick(serverConfig(t)))
	through := func(c *Conn) (RecvFunc, SendFunc) {
		return func(p []byte) (int, error) {
				n, b, err := c.Recv(p)
				if n == 0 && b == BlockedOnRead {
					err = ErrWouldBlock
				}
				return n, err
			}, func(p []byte) (int, error) {
				n, _, err := c.Send(p)
				return n, err
			}
	}
	clientRecv, clientSend := through(outer.client)
	serverRecv, serverSend := through(outer.server)
	inner := &pair{client: mustClient(t, clientRecv, clientSend, quick(clientConfig())), server: mustServer(t, serverRecv, serverSend, quick(serverConfig(t)))}
	inner.mustNegotiate(t)
	exchange(t, inner.client, inner.server, bytes.Repeat([]byte("deep"), 20000))
	attack := failure{kind: ErrIO, text: "bad_certificate"}
	if _, err := outer.server.wr.Seal(iana.RecordAlert, []byte{2, byte(iana.BadCertificate)}); err != nil {
		t.Fatal(err)
	}
	_, _ = outer.server.Flush()
	_, err := recvError(t, inner.client)
	if kindOf(t, err) != ErrIO || !strings.Contains(err.Error(), attack.text) {
		t.Errorf("the error is %v", err)
	}
	outer.pipe.Client.CloseWrite()
	_, err = recvError(t, inner.server)
	failure{kind: ErrIO, text: "without close_notify"}.check(t, "inner server", err)
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("what happened to the outer connection is not in the chain")
	}
}
