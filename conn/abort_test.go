package conn

import (
	"errors"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
)

// An application ends a connection with an alert, which is the last that the peer hears.
func TestAbort(t *testing.T) {
	own := failure{ErrInternal, iana.CertificateRevoked, "the application ended the connection"}
	negotiates := func(c *Conn) func() (Blocked, error) { return c.Negotiate }
	aborts := func(c *Conn) func() (Blocked, error) {
		return func() (Blocked, error) { return c.Abort(iana.CertificateRevoked) }
	}

	t.Run("after the handshake", func(t *testing.T) {
		p := established(t, quick(clientConfig()), quick(serverConfig(t)))
		mustSend(t, p.server, "before")
		run(t,
			shut{"Abort", aborts(p.server), NotBlocked, failure{}},
			shut{"Send", sends(p.server), NotBlocked, own},
			shut{"Recv", receives(p.server), NotBlocked, own},
			shut{"Abort again", aborts(p.server), NotBlocked, failure{}},
			shut{"Shutdown", p.server.Shutdown, NotBlocked, failure{}},
			shut{"the client's Recv", receives(p.client), NotBlocked, failure{}},
			shut{"the client's next Recv", receives(p.client), NotBlocked, told(iana.CertificateRevoked)},
		)
	})
	t.Run("while the handshake waits for its application", func(t *testing.T) {
		server := quick(serverConfig(t))
		var question *async.Op[*Config]
		server.OnClientHello = func(_ *Conn, _ *ClientHello, op *async.Op[*Config]) { question = op }
		p := newPair(t, quick(clientConfig()), server)
		run(t,
			shut{"the client's Negotiate", p.client.Negotiate, BlockedOnRead, failure{}},
			shut{"Negotiate", p.server.Negotiate, BlockedOnApplicationInput, failure{}},
			shut{"Abort", aborts(p.server), NotBlocked, failure{}},
			shut{"Negotiate again", negotiates(p.server), NotBlocked, own},
			shut{"the client's Negotiate again", p.client.Negotiate, NotBlocked, told(iana.CertificateRevoked)},
		)
		if err := question.Answer(nil); err != async.ErrClosed {
			t.Errorf("the late answer: %v", err)
		}
	})
	t.Run("before the handshake", func(t *testing.T) {
		p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
		run(t,
			shut{"Abort", aborts(p.client), NotBlocked, failure{}},
			shut{"Negotiate", p.client.Negotiate, NotBlocked, own},
			shut{"the server's Negotiate", p.server.Negotiate, BlockedOnRead, failure{}},
		)
	})
	t.Run("after close_notify, which nothing follows", func(t *testing.T) {
		p := established(t, quick(clientConfig()), quick(serverConfig(t)))
		run(t,
			shut{"ShutdownSend", p.server.ShutdownSend, NotBlocked, failure{}},
			shut{"Abort", aborts(p.server), NotBlocked, failure{}},
			shut{"Recv", receives(p.server), NotBlocked, own},
			shut{"the client's Recv", receives(p.client), NotBlocked, ended},
		)
	})
	t.Run("with what is no such alert", func(t *testing.T) {
		p := established(t, quick(clientConfig()), quick(serverConfig(t)))
		for _, a := range []iana.Alert{iana.CloseNotify, iana.UserCanceled} {
			if _, err := p.server.Abort(a); !errors.Is(err, ErrUsage) {
				t.Errorf("%v: %v", a, err)
			}
		}
		mustSend(t, p.server, "still there")
	})
}
