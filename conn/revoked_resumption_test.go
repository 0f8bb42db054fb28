package conn

import (
	"crypto/x509"
	"math/big"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestRevokedPeersAreNotResumed revokes a certificate after the session was made: with VerifyResumed it
// serves no more, without it until the session ends.
func TestRevokedPeersAreNotResumed(t *testing.T) {
	for _, v := range []iana.Version{iana.TLS12, iana.TLS13} {
		for _, who := range []string{"server", "client"} {
			for _, c := range []struct {
				name                              string
				again, revoked, verdict, truncate bool
				refused, resumed                  bool
			}{
				{name: "in good standing", again: true, resumed: true},
				{name: "in good standing, with a verdict", again: true, verdict: true, resumed: true},
				{name: "revoked", again: true, revoked: true, refused: true},
				{name: "revoked, with a verdict", again: true, revoked: true, verdict: true, refused: true},
				{name: "revoked, and nobody looks again", revoked: true, resumed: true},
				{name: "known by its leaf alone", again: true, truncate: true},
			} {
				if c.truncate && who == "server" {
					continue // only tickets are cut short
				}
				t.Run(v.String()+", the "+who+" is "+c.name, func(t *testing.T) {
					now := time.Now()
					serials := []*big.Int{}
					lists := func(_ *Conn, _ *PeerChain, op *async.Op[[]*x509.RevocationList]) {
						list, err := pki().CRL(now.Add(-time.Hour), now.Add(time.Hour), nil, serials...)
						if err != nil {
							t.Fatal(err)
						}
						_ = op.Answer([]*x509.RevocationList{list})
					}
					client, server := clientConfig(), serverConfig(t)
					client.SessionTickets, server.SessionTickets, client.MaxVersion, client.MinVersion = true, true, v, v
					judge, judged := client, server.Certificates[0]
					if who == "client" {
						judge, judged = server, issue(t, testpeer.Template{CommonName: "client"})
						client.Certificates, server.ClientAuth = []*Certificate{judged}, RequireClientAuth
					}
					judge.OnRevocationLists, judge.VerifyResumed = lists, c.again
					if c.verdict {
						judge.OnVerify = func(_ *Conn, _ *PeerChain, op *async.Op[Verdict]) { _ = op.Answer(Accept) }
					}
					if c.truncate {
						server.OnSealTicket = func(_ *Conn, state []byte, op *async.Op[[]byte]) {
							_ = op.Answer(edited(t, state, func(s *session.Session) { s.PeerTruncated = true }))
						}
						server.OnOpenTicket = func(_ *Conn, ticket []byte, op *async.Op[[]byte]) { _ = op.Answer(ticket) }
					}
					blob := sessionOf(t, client, server)
					if c.revoked {
						serials = append(serials, judged.Leaf.SerialNumber)
					}
					p := newPair(t, client, server)
					if err := p.client.SetSession(blob); err != nil {
						t.Fatal(err)
					}
					cerr, serr := p.ends()
					err := cerr
					if who == "client" {
						err = serr
					}
					if c.refused {
						failure{kind: ErrProtocol, alert: iana.CertificateRevoked, text: "was revoked"}.check(t, "the judge", err)
						return
					}
					if cerr != nil || serr != nil || p.client.State().Resumed != c.resumed || p.server.State().Resumed != c.resumed {
						t.Errorf("%v, %v; resumed: %v", cerr, serr, p.client.State().Resumed)
					}
				})
			}
		}
	}
}

// TestFailureForgets13: the stored sessions of a connection do not outlive it if it fails: neither the one that it
// resumed nor those that it made, at once and later.
func TestFailureForgets13(t *testing.T) {
	for name, fail := range map[string]func(p *pair) error{
		"a record of nobody": func(p *pair) error {
			if _, err := p.pipe.Client.Send(append([]byte{23, 3, 3, 0, 30}, make([]byte, 30)...)); err != nil {
				return err
			}
			_, _, err := p.server.Recv(make([]byte, 1))
			return err
		},
		"an alert of the application": func(p *pair) error {
			_, _ = p.server.Abort(iana.AccessDenied)
			_, _, err := p.server.Recv(make([]byte, 1))
			return err
		},
	} {
		client, server := clientConfig(), serverConfig(t)
		client.SessionTickets, server.SessionTickets, client.MinVersion = true, true, iana.TLS13
		store := &oddStore{SessionStore: NewMemoryStore(1 << 20)}
		server.SessionStore = store
		blob := sessionOf(t, client, server)
		p := again(t, client, server, blob)
		if !p.server.State().Resumed {
			t.Fatal("not resumed")
		}
		blobs := [][]byte{blob, p.client.Session()}
		if err := p.server.AddTickets(1); err != nil {
			t.Fatal(err)
		}
		exchange(t, p.server, p.client, []byte("another ticket is in front of this"))
		blobs = append(blobs, p.client.Session())
		if err := fail(p); err == nil {
			t.Fatalf("%s: no error", name)
		}
		if len(store.gone) != 3 {
			t.Errorf("%s: deleted: %x", name, store.gone)
		}
		for i, b := range blobs {
			if again(t, client, server, b).server.State().Resumed {
				t.Errorf("%s: session %d has outlived the connection", name, i)
			}
		}
	}
	client, server := clientConfig(), serverConfig(t)
	client.SessionTickets, server.SessionTickets, client.MinVersion = true, true, iana.TLS13
	server.SessionStore = NewMemoryStore(1 << 20)
	blob := sessionOf(t, client, server)
	p := newPair(t, client, server)
	if err := p.client.SetSession(blob); err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.Negotiate(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.server.Negotiate(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.pipe.Client.Send([]byte{21, 3, 3, 0, 2, 2, 40}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.server.Negotiate(); err == nil {
		t.Fatal("an alert in the clear is no error")
	}
	if !again(t, client, server, blob).server.State().Resumed { // anybody may have sent that hello
		t.Error("a hello is enough to end a session")
	}
}
