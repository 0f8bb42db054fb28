package conn

import (
	"slices"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// State says what is known at each point of a handshake, and nothing before it is.
func TestStateAtEachPoint(t *testing.T) {
	client, server := clientConfig(), serverConfig(t)
	client.Groups, server.Groups = []iana.Group{iana.X25519MLKEM768}, []iana.Group{iana.X25519MLKEM768}
	client.ALPN, server.ALPN = []string{"h2"}, []string{"h2"}
	client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
	client.RequestOCSP, server.ClientAuth = true, RequireClientAuth
	server.Certificates[0].OCSPStaple = staple(server.Certificates[0])
	var ops []*asyncpkey.Op
	server.OnPrivateKey = func(_ *Conn, op *asyncpkey.Op) error { ops = append(ops, op); return nil }
	p := newPair(t, client, server)
	is := func(what string, ok bool) {
		t.Helper()
		if !ok {
			t.Errorf("%s\nclient %+v\nserver %+v", what, p.client.State(), p.server.State())
		}
	}
	states := func() (client, server State) { return p.client.State(), p.server.State() }

	c, s := states()
	is("nothing is known of a new connection", c.Policy == "default" && s.Policy == "default" && c.Version+s.Version == 0 && c.ServerName == "" && c.Waiting == "")
	_, _ = p.client.Negotiate()
	c, _ = states()
	is("a client that has spoken knows what it asked for", c.ServerName == "localhost" && c.Version == 0 && c.CipherSuite == 0 && c.Group == 0 && c.ALPN == "" && c.WireOut > 0 && c.WireIn == 0 && c.ReadBlocked == 1)
	_, _ = p.server.Negotiate()
	_, s = states()
	is("a server that waits for its signature has chosen", s.Version == iana.TLS13 && s.CipherSuite == iana.TLS_AES_128_GCM_SHA256 && s.Group == iana.X25519MLKEM768 &&
		s.Scheme == iana.ECDSASecp256r1SHA256 && s.PeerScheme == 0 && s.ServerName == "localhost" && s.ALPN == "h2" && s.Certificate == server.Certificates[0] &&
		s.CertificateMatch == certs.MatchExact && s.Waiting == "private key" && s.ApplicationBlocked == 1 && !s.HandshakeDone && s.WireIn == c.WireOut)
	_, _ = p.client.Negotiate()
	c, _ = states()
	is("a client that has seen the certificate knows it", c.Version == iana.TLS13 && c.Group == iana.X25519MLKEM768 && c.ALPN == "h2" && len(c.PeerCertificates) == 1 && len(c.VerifiedChain) == 2 &&
		slices.Equal(c.OCSPResponse, staple(server.Certificates[0])) && c.PeerScheme == 0 && c.Waiting == "")
	if err := ops[0].Perform(server.Certificates[0].PrivateKey); err != nil {
		t.Fatal(err)
	}
	_, s = states()
	is("a performed operation is not yet an answer", s.Waiting == "private key")
	if err := p.server.Apply(ops[0]); err != nil {
		t.Fatal(err)
	}
	_, _ = p.server.Negotiate()
	_, s = states()
	is("a server that waits for the client waits for nobody else", s.Waiting == "" && !s.HandshakeDone && !s.ClientAuth)
	_, _ = p.client.Negotiate()
	c, s = states()
	is("the client is done before the server", c.HandshakeDone && !s.HandshakeDone && c.ClientAuth && c.Scheme == iana.ECDSASecp256r1SHA256 && c.PeerScheme == iana.ECDSASecp256r1SHA256 && c.Certificate == client.Certificates[0])
	_, _ = p.server.Negotiate()
	c, s = states()
	is("the server has seen the client's certificate", s.HandshakeDone && s.ClientAuth && s.PeerScheme == iana.ECDSASecp256r1SHA256 && len(s.PeerCertificates) == 1 && len(s.VerifiedChain) == 2 && !s.HelloRetry)
	is("every byte is counted at both ends", c.WireOut == s.WireIn && s.WireOut == c.WireIn && c.AppIn+c.AppOut+s.AppIn+s.AppOut == 0)
	mustSend(t, p.client, "12345")
	wantRecv(t, p.server, "12345")
	_, _ = p.client.ShutdownSend()
	_, _ = recvError(t, p.server)
	c, s = states()
	is("data and the end are known", c.AppOut == 5 && s.AppIn == 5 && s.PeerClosed && !c.PeerClosed && c.WireOut == s.WireIn)
}

// What a hook waits for is named while it does, in the order of the questions.
func TestStateNamesWhatIsWaitedFor(t *testing.T) {
	var got []string
	p := asking(t, func(c *Conn, _ int) { got = append(got, c.State().Waiting) })
	p.mustNegotiate(t)
	want := []string{
		"configuration", "OCSP response", "private key", // the server
		"revocation lists", "certificate verdict", "signature verification", "client certificate", "private key", // the client
		"revocation lists", "certificate verdict", "signature verification", // the server
	}
	if !slices.Equal(got, want) {
		t.Errorf("the questions are %q, want %q", got, want)
	}
	for _, c := range []*Conn{p.client, p.server} {
		if s := c.State(); s.Waiting != "" {
			t.Errorf("%q is still waited for", s.Waiting)
		}
	}
}

// A state that was taken stays what it was when the connection goes on or goes away.
func TestStateIsASnapshot(t *testing.T) {
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	before := p.client.State()
	exchange(t, p.client, p.server, []byte("data"))
	p.client.Close()
	if before.AppOut != 0 || before.PeerCertificates[0].Subject.CommonName != "localhost" || len(before.VerifiedChain) != 2 {
		t.Errorf("it is %+v now", before)
	}
}

// A server says by how much the client's clock has gone another way since the ticket was made, a
// client how much early data the ticket is good for.
func TestTicketAgeSkew(t *testing.T) {
	client, server := earlyConfigs(t)
	var good uint32
	client.OnSessionTicket = func(_ *Conn, t *SessionTicket) error { good = t.MaxEarlyData; return nil }
	var ahead time.Duration
	client.Now = func() time.Time { return time.Now().Add(ahead) }
	blob := sessionOf(t, client, server)
	if good != server.MaxEarlyData {
		t.Errorf("the ticket is good for %d bytes of early data, not %d", good, server.MaxEarlyData)
	}
	for _, ahead = range []time.Duration{0, 30 * time.Second, 2 * time.Hour} {
		p := newPair(t, client, server)
		if err := p.client.SetSession(blob); err != nil {
			t.Fatal(err)
		}
		p.mustNegotiate(t)
		if s := p.server.State(); !s.Resumed || s.TicketAgeSkew < ahead-10*time.Second || s.TicketAgeSkew > ahead+10*time.Second {
			t.Errorf("resumed: %v, the client's clock is off by %v, want about %v", s.Resumed, s.TicketAgeSkew, ahead)
		}
	}
}

// Both sides of TLS 1.2 know secure renegotiation, and say that the other one does.
func TestSecureRenegotiationState(t *testing.T) {
	for _, v := range []iana.Version{iana.TLS12, iana.TLS13} {
		client, server := clientConfig(), serverConfig(t)
		client.MaxVersion = v
		p := newPair(t, client, server)
		p.mustNegotiate(t)
		for _, s := range []State{p.client.State(), p.server.State()} {
			if s.Version != v || s.SecureRenegotiation != (v == iana.TLS12) {
				t.Errorf("%v: secure renegotiation: %v", s.Version, s.SecureRenegotiation)
			}
		}
	}
}

// What State says of a PSK is the caller's: the Config that the PSK is of serves other connections.
func TestStateLendsNoPSK(t *testing.T) {
	client, server := clientConfig(), serverConfig(t)
	client.PSKs, server.PSKs = []*PSK{aPSK("a")}, []*PSK{aPSK("a")}
	p := established(t, client, server)
	for _, c := range []*Conn{p.client, p.server} {
		id := c.State().PSKIdentity
		clear(id)
		if now := c.State().PSKIdentity; len(id) != 1 || string(now) != "a" {
			t.Errorf("the %s's peer has PSK %q, and %q after a change", c.peer(), id, now)
		}
	}
	if string(client.PSKs[0].Identity) != "a" || string(server.PSKs[0].Identity) != "a" {
		t.Errorf("the Configs' PSKs have become %q and %q", client.PSKs[0].Identity, server.PSKs[0].Identity)
	}
}
