package conn

import (
	"io"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// A server may send behind its Finished, unless it waits for the client's certificate
// (RFC 8446, Section 4.4.4).
func TestHalfRTT(t *testing.T) {
	early := strings.Repeat("half-RTT ", 2000)
	for _, c := range []struct {
		name        string
		auth        ClientAuth
		certificate bool
		allowed     bool
	}{
		{"a server that wants no certificate", NoClientAuth, false, true},
		{"a server that wants a certificate", OptionalClientAuth, true, false},
		{"a server that wants a certificate and gets none", OptionalClientAuth, false, false},
		{"a server that needs a certificate", RequireClientAuth, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, server := quick(clientConfig()), quick(serverConfig(t))
			server.ClientAuth = c.auth
			if c.certificate {
				client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
			}
			p := newPair(t, client, server)
			send := func() (int, Blocked, error) { return p.server.Send([]byte(early)) }
			refused := func(when string) {
				t.Helper()
				_, _, err := send()
				failure{kind: ErrUsage, text: "before the handshake is complete"}.check(t, when, err)
			}
			refused("before the ClientHello")
			run(t,
				shut{"the client", p.client.Negotiate, BlockedOnRead, failure{}},
				shut{"the server", p.server.Negotiate, BlockedOnRead, failure{}})
			if !c.allowed {
				refused("before the client's certificate")
				p.mustNegotiate(t)
				exchange(t, p.server, p.client, []byte(early))
				if p.server.State().ClientAuth != c.certificate {
					t.Error("the client is not what it was to be")
				}
				return
			}
			if n, b, err := send(); n != len(early) || b != NotBlocked || err != nil {
				t.Fatal(n, b, err)
			}
			if s := p.server.State(); s.HandshakeDone || s.AppOut != uint64(len(early)) {
				t.Errorf("the state says %v, %d bytes", s.HandshakeDone, s.AppOut)
			}
			run(t, shut{"receiving is not yet allowed", receives(p.server), NotBlocked, failure{kind: ErrUsage, text: "Recv before"}})
			p.mustNegotiate(t)
			wantRecv(t, p.client, early)
			exchange(t, p.client, p.server, []byte("and back"))
		})
	}
}

// Half-RTT data is ended by what ends the handshake.
func TestHalfRTTAndTheEnd(t *testing.T) {
	t.Run("the client refuses the server", func(t *testing.T) {
		client := quick(clientConfig())
		client.ServerName = "other.example"
		p := newPair(t, client, quick(serverConfig(t)))
		_, _ = p.client.Negotiate()
		_, _ = p.server.Negotiate()
		mustSend(t, p.server, "too early")
		_, cerr := p.client.Negotiate()
		_, serr := p.server.Negotiate()
		if kindOf(t, cerr) != ErrProtocol || kindOf(t, serr) != ErrAlert {
			t.Errorf("client: %v; server: %v", cerr, serr)
		}
		if _, _, err := p.server.Send([]byte("x")); err == nil || err.Error() != serr.Error() {
			t.Errorf("Send afterwards: %v", err)
		}
	})
	t.Run("the server shuts down at once", func(t *testing.T) {
		p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
		_, _ = p.client.Negotiate()
		_, _ = p.server.Negotiate()
		mustSend(t, p.server, "all there is")
		run(t, shut{"ShutdownSend", p.server.ShutdownSend, NotBlocked, failure{}})
		run(t, shut{"the client", p.client.Negotiate, NotBlocked, failure{}})
		data, err := recvError(t, p.client)
		if data != "all there is" || err != io.EOF {
			t.Errorf("received %q, %v", data, err)
		}
		mustSend(t, p.client, "understood")
		run(t, shut{"the server reads on", p.server.Negotiate, NotBlocked, failure{}})
		wantRecv(t, p.server, "understood")
	})
}
