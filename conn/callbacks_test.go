package conn

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// Callbacks that break their contract end the direction with a sentence; none makes the
// library panic, spin or lose bytes.
func TestCallbacksThatMisbehave(t *testing.T) {
	type result struct {
		n   int
		err error
	}
	always := func(r result) func([]byte) (int, error) { return func([]byte) (int, error) { return r.n, r.err } }
	for _, c := range []struct {
		name string
		do   func(p []byte) (int, error)
		recv failure // nothing = it only blocks
		send failure
		is   error
	}{
		{name: "-1 and no error", do: always(result{-1, nil}),
			recv: failure{kind: ErrIO, text: "recv returned -1"}, send: failure{kind: ErrIO, text: "send returned -1"}},
		{name: "-1 and would block", do: always(result{-1, ErrWouldBlock}),
			recv: failure{kind: ErrIO, text: "recv returned -1"}, send: failure{kind: ErrIO, text: "send returned -1"}},
		{name: "-1 and an error", do: always(result{-1, errWire}),
			recv: failure{kind: ErrIO, text: "recv returned -1"}, send: failure{kind: ErrIO, text: "send returned -1"}},
		{name: "one more than the slice has", do: func(p []byte) (int, error) { return len(p) + 1, nil },
			recv: failure{kind: ErrIO, text: "recv returned"}, send: failure{kind: ErrIO, text: "send returned"}},
		{name: "the greatest number", do: always(result{int(^uint(0) >> 1), nil}),
			recv: failure{kind: ErrIO, text: "recv returned"}, send: failure{kind: ErrIO, text: "send returned"}},
		{name: "one more and EOF", do: func(p []byte) (int, error) { return len(p) + 1, io.EOF },
			recv: failure{kind: ErrIO, text: "recv returned"}, send: failure{kind: ErrIO, text: "send returned"}},
		{name: "0 and no error for ever", do: always(result{0, nil}),
			recv: failure{kind: ErrIO}, send: failure{kind: ErrIO}, is: io.ErrNoProgress},
		{name: "would block", do: always(result{0, ErrWouldBlock})},
		{name: "would block, in another error", do: always(result{0, fmt.Errorf("poll: %w", errors.Join(ErrWouldBlock))})},
		{name: "the error of another connection", do: always(result{0, errEOF("during its handshake")}),
			recv: failure{kind: ErrIO, text: "during its handshake"}, send: failure{kind: ErrIO, text: "during its handshake"}, is: io.ErrUnexpectedEOF},
	} {
		for _, when := range []string{"in the handshake", "afterwards"} {
			for _, side := range []string{"client", "server"} {
				setUp := func(t *testing.T) (c *Conn) {
					p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
					if when == "afterwards" {
						p.mustNegotiate(t)
					} else if side == "server" {
						if _, err := p.client.Negotiate(); err != nil { // something to answer
							t.Fatal(err)
						}
					}
					if side == "client" {
						return p.client
					}
					return p.server
				}
				use := func(c *Conn, method string) (Blocked, error) {
					switch {
					case when != "afterwards":
						return c.Negotiate()
					case method == "recv":
						_, b, err := c.Recv(make([]byte, 10))
						return b, err
					}
					_, b, err := c.Send([]byte("data"))
					return b, err
				}
				check := func(t *testing.T, c *Conn, method string, want failure, blocked Blocked) {
					t.Helper()
					for range 3 {
						b, err := use(c, method)
						want.check(t, side, err)
						if c.is(factHandshakeError) && b == BlockedOnWrite {
							continue // an alert waits
						}
						if want.kind == nil && b != blocked || want.kind != nil && b != NotBlocked {
							t.Errorf("the call is %v", b)
						}
					}
				}
				t.Run(fmt.Sprintf("recv of the %s returns %s, %s", side, c.name, when), func(t *testing.T) {
					conn := setUp(t)
					conn.recv = c.do
					check(t, conn, "recv", c.recv, BlockedOnRead)
				})
				t.Run(fmt.Sprintf("send of the %s returns %s, %s", side, c.name, when), func(t *testing.T) {
					conn := setUp(t)
					conn.send = c.do
					check(t, conn, "send", c.send, BlockedOnWrite)
				})
			}
		}
	}
}

// Bytes that come or go along with an error count: nothing is lost or passed twice.
func TestBytesAlongWithAnError(t *testing.T) {
	t.Run("recv returns data with would block", func(t *testing.T) {
		p := established(t, quick(clientConfig()), quick(serverConfig(t)))
		mustSend(t, p.client, "all of it")
		inner := p.server.recv
		p.server.recv = func(q []byte) (int, error) {
			n, _ := inner(q[:1])
			return n, ErrWouldBlock
		}
		got := ""
		for range 1000 {
			buf := make([]byte, 100)
			n, _, err := p.server.Recv(buf)
			if err != nil {
				t.Fatal(err)
			}
			got += string(buf[:n])
		}
		if got != "all of it" {
			t.Errorf("received %q", got)
		}
	})
	t.Run("send takes bytes with would block", func(t *testing.T) {
		p := established(t, quick(clientConfig()), quick(serverConfig(t)))
		inner := p.client.send
		p.client.send = func(q []byte) (int, error) {
			n, _ := inner(q[:1])
			return n, ErrWouldBlock
		}
		n, b, err := p.client.Send([]byte("all of it"))
		if n != 9 || b != BlockedOnWrite || err != nil {
			t.Fatal(n, b, err)
		}
		calls := 0
		for b != NotBlocked {
			if b, err = p.client.Flush(); err != nil {
				t.Fatal(err)
			}
			if calls++; calls > 1000 {
				t.Fatal("it never ends")
			}
		}
		wantRecv(t, p.server, "all of it")
	})
	t.Run("recv returns a whole response with EOF", func(t *testing.T) {
		p := established(t, quick(clientConfig()), quick(serverConfig(t)))
		mustSend(t, p.client, "the end")
		if b, err := p.client.ShutdownSend(); b != NotBlocked || err != nil {
			t.Fatal(b, err)
		}
		inner := p.server.recv
		p.server.recv = func(q []byte) (int, error) {
			n, err := inner(q)
			if err == nil {
				err = io.EOF
			}
			return n, err
		}
		if data, err := recvError(t, p.server); data != "the end" || err != io.EOF {
			t.Errorf("received %q, %v", data, err)
		}
	})
	t.Run("recv returns data with an error, which comes after the data", func(t *testing.T) {
		p := established(t, quick(clientConfig()), quick(serverConfig(t)))
		mustSend(t, p.client, "the last words")
		inner := p.server.recv
		p.server.recv = func(q []byte) (int, error) {
			n, _ := inner(q)
			return n, errWire
		}
		data, err := recvError(t, p.server)
		if data != "the last words" {
			t.Errorf("received %q", data)
		}
		failure{kind: ErrIO, text: "the cable is cut"}.check(t, "server", err)
	})
}

// A callback is asked for something only when there is something to ask.
func TestCallbacksAreNotCalledForNothing(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig(t))
	var idleReads, idleWrites int
	for _, c := range []*Conn{p.client, p.server} {
		recv, send := c.recv, c.send
		c.recv = func(q []byte) (int, error) {
			if len(q) == 0 {
				idleReads++
			}
			return recv(q)
		}
		c.send = func(q []byte) (int, error) {
			if len(q) == 0 {
				idleWrites++
			}
			return send(q)
		}
	}
	p.mustNegotiate(t)
	reads, writes := 0, 0
	p.client.recv = func([]byte) (int, error) { reads++; return 0, ErrWouldBlock }
	p.client.send = func(q []byte) (int, error) { writes++; return len(q), nil }
	for _, call := range []func() error{
		func() error { _, _, err := p.client.Send(nil); return err },
		func() error { _, _, err := p.client.Sendv(nil); return err },
		func() error { _, _, err := p.client.Sendv([][]byte{nil, {}}); return err },
		func() error { _, _, err := p.client.Recv(nil); return err },
		func() error { _, err := p.client.Flush(); return err },
		func() error { _, err := p.client.Negotiate(); return err },
		func() error { p.client.Peek(); p.client.State(); return nil },
	} {
		if err := call(); err != nil {
			t.Error(err)
		}
	}
	if idleReads+idleWrites+reads+writes > 0 {
		t.Errorf("%d reads and %d writes of nothing, %d reads and %d writes for calls that need none", idleReads, idleWrites, reads, writes)
	}
}
