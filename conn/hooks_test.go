package conn

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// interview is a handshake that asks everything there is to ask. The question of that
// number is left open; all others are answered.
type interview struct {
	*pair
	asked *Conn // the question
	op    operation
	give  func() error
	woken chan *Conn
	fire  func() // the clock
}

func newInterview(t testing.TB, question int) *interview {
	t.Helper()
	v := &interview{woken: make(chan *Conn, questions)}
	client, server := quick(clientConfig()), quick(serverConfig(t))
	client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
	server.ClientAuth, client.RequestOCSP = RequireClientAuth, true
	n := 0
	ask := func(c *Conn, op operation, give func() error) {
		if n++; n == question {
			v.asked, v.op, v.give = c, op, give
		} else if err := give(); err != nil {
			t.Errorf("question %d: %v", n, err)
		}
	}
	client.Hooks, server.Hooks = hooksFor(client.Certificates[0], ask), hooksFor(server.Certificates[0], ask)
	server.OnClientHello = func(c *Conn, _ *ClientHello, op *async.Op[*Config]) {
		ask(c, op, func() error { return op.Answer(nil) })
	}
	for _, cfg := range []*Config{client, server} {
		cfg.Wake = func(c *Conn) { v.woken <- c }
		cfg.AfterFunc = func(_ time.Duration, f func()) func() bool { v.fire = f; return func() bool { return true } }
	}
	v.pair = newPair(t, client, server)
	for range 6 {
		for _, c := range []*Conn{v.client, v.server} {
			if _, err := c.Negotiate(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if v.op == nil {
		t.Fatalf("there is no question %d", question)
	}
	return v
}

// Every question can be answered late, given up, run out of time, and ends with its
// connection.
func TestEveryQuestion(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(v *interview) error
		want  failure // of the side that asked
		cause error   // of it, and of the context's end
		wakes int
	}{
		"is answered":          {func(v *interview) error { return v.give() }, failure{}, context.Canceled, 1},
		"fails":                {func(v *interview) error { return v.op.Fail(errToken) }, failure{ErrInternal, iana.InternalError, "the token is gone"}, errToken, 1},
		"is canceled":          {func(v *interview) error { return v.op.Cancel() }, failure{ErrInternal, iana.InternalError, "canceled"}, async.ErrCanceled, 1},
		"runs out of time":     {func(v *interview) error { v.op.SetTimeout(time.Hour); v.fire(); return nil }, failure{ErrInternal, iana.InternalError, "not answered in time"}, async.ErrDeadline, 1},
		"ends with Close":      {func(v *interview) error { v.asked.Close(); return nil }, failure{kind: ErrClosed, text: "after Close"}, async.ErrClosed, 0},
		"ends with Shutdown":   {func(v *interview) error { _, err := v.asked.Shutdown(); return err }, failure{kind: ErrClosed, text: "Shutdown"}, async.ErrClosed, 0},
		"is answered too late": {func(v *interview) error { v.asked.Close(); return refusedBy(v.give()) }, failure{kind: ErrClosed, text: "after Close"}, async.ErrClosed, 0},
	} {
		for question := 1; question <= questions; question++ {
			v := newInterview(t, question)
			state := v.asked.State()
			t.Run(state.Waiting+" of "+map[bool]string{true: "the client ", false: "the server "}[v.asked == v.client]+name, func(t *testing.T) {
				ctx := v.op.Context()
				if b, err := v.asked.Negotiate(); b != BlockedOnApplicationInput || err != nil || ctx.Err() != nil || state.Waiting == "" {
					t.Fatal(b, err, ctx.Err())
				}
				if err := c.do(v); err != nil {
					t.Fatal(err)
				}
				b, err := v.asked.Negotiate()
				c.want.check(t, "asking side", err)
				if b == BlockedOnApplicationInput {
					t.Error("it still waits")
				}
				<-ctx.Done()
				if cause := context.Cause(ctx); !errors.Is(cause, c.cause) {
					t.Errorf("the context ended with %v, want %v", cause, c.cause)
				}
				if c.want.kind == ErrInternal && !errors.Is(err, c.cause) {
					t.Errorf("%v is not in the chain of %v", c.cause, err)
				}
				if len(v.woken) != c.wakes {
					t.Errorf("woken %d times, want %d", len(v.woken), c.wakes)
				}
				for what, late := range map[string]error{"the answer": v.give(), "Fail": v.op.Fail(errToken), "Cancel": v.op.Cancel()} {
					if late == nil {
						t.Errorf("%s is taken afterwards", what)
					}
				}
				if c.want.kind == nil {
					v.mustNegotiate(t)
					exchange(t, v.client, v.server, []byte("all is well"))
				}
			})
		}
	}
}

// refusedBy turns a refusal into success.
func refusedBy(err error) error {
	if err == nil {
		return errors.New("an answer was taken that came too late")
	}
	return nil
}

// Operations have the time that the Config gives them, by the real clock if there is no
// other.
func TestOperationTimeoutByTheRealClock(t *testing.T) {
	client, server := quick(clientConfig()), quick(serverConfig(t))
	woken := make(chan *Conn, 1)
	client.OperationTimeout, client.Wake = 5*time.Millisecond, func(c *Conn) { woken <- c }
	client.OnVerify = func(*Conn, *PeerChain, *async.Op[Verdict]) {}
	p := newPair(t, client, server)
	_, _ = p.client.Negotiate()
	_, _ = p.server.Negotiate()
	if b, err := p.client.Negotiate(); b != BlockedOnApplicationInput || err != nil {
		t.Fatal(b, err)
	}
	select {
	case <-woken:
	case <-time.After(10 * time.Second):
		t.Fatal("nobody was woken")
	}
	_, err := p.client.Negotiate()
	failure{ErrInternal, iana.InternalError, "not answered in time"}.check(t, "client", err)
	_, err = p.server.Negotiate()
	told(iana.InternalError).check(t, "server", err)
}

// A ClientHello is lent until its question is answered, however its connection ends and
// whatever other connections do with their memory meanwhile.
func TestClientHelloStaysWhileItsQuestionIsOpen(t *testing.T) {
	hello := firstFlight(t, quick(clientConfig()))
	other := quick(clientConfig())
	other.ServerName = "somebody.else.example"
	otherHello := firstFlight(t, other)
	for name, end := range map[string]func(t *testing.T, c *Conn, op *async.Op[*Config]){
		"and nothing happens": func(*testing.T, *Conn, *async.Op[*Config]) {},
		"and more bytes come": func(t *testing.T, c *Conn, _ *async.Op[*Config]) {
			c.recv = func([]byte) (int, error) { return 0, errWire }
			_, _ = c.Negotiate()
		},
		"and the connection is closed": func(_ *testing.T, c *Conn, _ *async.Op[*Config]) { c.Close() },
		"and the connection is reset": func(t *testing.T, c *Conn, _ *async.Op[*Config]) {
			if err := c.Reset(c.recv, c.send, nil); err != nil {
				t.Fatal(err)
			}
		},
		"and its time is up": func(_ *testing.T, c *Conn, op *async.Op[*Config]) {
			_ = op.Cancel() // by another goroutine than the one that reads
			_, _ = c.Negotiate()
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := quick(serverConfig(t))
			var lent *ClientHello
			var question *async.Op[*Config]
			server.OnClientHello = func(_ *Conn, h *ClientHello, op *async.Op[*Config]) { lent, question = h, op }
			serve := func(hello []byte) *Conn {
				wire := &callbacks{in: &lane{log: hello}, out: &lane{}, read: everything, write: everything}
				c := mustServer(t, wire.recv, wire.send, server)
				if b, err := c.Negotiate(); b != BlockedOnApplicationInput || err != nil {
					t.Fatal(b, err)
				}
				return c
			}
			c := serve(hello)
			mine, op := lent, question
			reading, stop := make(chan bool), make(chan bool)
			go func() { // as the application does while it looks the name up
				defer close(reading)
				for {
					select {
					case <-stop:
						return
					default:
						if mine.ServerName() != "localhost" || !bytes.Equal(mine.Raw(), hello[5:]) {
							t.Error("the ClientHello has changed")
							return
						}
					}
				}
			}()
			end(t, c, op)
			for range 20 {
				serve(otherHello)
			}
			close(stop)
			<-reading
			if mine.ServerName() != "localhost" || !bytes.Equal(mine.Raw(), hello[5:]) {
				t.Error("the ClientHello is another one now")
			}
		})
	}
}
