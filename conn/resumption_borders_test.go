package conn

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
)

// TestTicketsDoNotStandForPSKs gives tickets to servers whose only authentication is the PSK: there one
// counts only if it comes from a handshake with one of that server's own PSKs. State reports that PSK again.
func TestTicketsDoNotStandForPSKs(t *testing.T) {
	keys := NewTicketKeys(TicketKeysConfig{})
	only := func(psks ...*PSK) *Config {
		return &Config{SessionTickets: true, TicketKeys: keys, PSKs: psks}
	}
	withCertificate := func(psks ...*PSK) *Config {
		cfg := serverConfig(t)
		cfg.SessionTickets, cfg.TicketKeys, cfg.PSKs = true, keys, psks
		return cfg
	}
	bySecret := aPSK("a")
	bySecret.Secret = []byte("another secret")
	hook := only()
	hook.OnPSK = func(_ *Conn, _ *OfferedPSKs, op *async.Op[*PSK]) { _ = op.Answer(nil) }
	for _, c := range []struct {
		name      string
		from, to  *Config
		otherName bool
		resumed   bool
	}{
		{"of the same server", only(aPSK("a")), only(aPSK("a")), false, true},
		{"of a server that authenticates nobody", withCertificate(), only(aPSK("a")), false, false},
		{"of a server with more PSKs", only(aPSK("a"), aPSK("b")), only(aPSK("c"), aPSK("a")), false, true},
		{"of a server that has taken another PSK away", only(aPSK("a"), aPSK("b")), only(aPSK("a")), false, true},
		{"of a server with a certificate besides", withCertificate(aPSK("a")), withCertificate(aPSK("a"), aPSK("b")), false, true},
		{"of a server with a certificate that has taken the PSK away", withCertificate(aPSK("a")), withCertificate(aPSK("b")), false, false},
		{"of a server with other PSKs", only(aPSK("a")), only(aPSK("b")), false, false},
		{"of a server that has taken the PSK away", only(aPSK("a"), aPSK("b")), only(aPSK("b")), false, false},
		{"of a server with another secret", only(aPSK("a")), only(bySecret), false, false},
		{"of a server without the hook", withCertificate(), hook, false, false},
		{"for another name", only(aPSK("a")), only(aPSK("a")), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := clientConfig()
			client.SessionTickets, client.MinVersion = true, iana.TLS13
			if c.from.PSKs != nil {
				client.PSKs = []*PSK{aPSK("a")}
			}
			p := newPair(t, client, c.from)
			p.mustNegotiate(t)
			exchange(t, p.server, p.client, []byte("the ticket is in front of this"))
			got, err := session.Parse(p.client.Session())
			if err != nil {
				t.Fatal(err)
			}
			// As a PSK the ticket is known to nobody but the server.
			stolen := client.Clone()
			stolen.PSKs = nil
			if c.otherName {
				stolen.ServerName = "elsewhere"
			}
			p = newPair(t, stolen, c.to)
			p.client.Close()
			if p.client, err = NewClient(p.pipe.Client.Recv, p.pipe.Client.Send, stolen); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(p.client.Close)
			if got.PeerChain == nil { // this library's client does not offer what proved no server
				got.PeerChain = [][]byte{serverConfig(t).Certificates[0].Chain[0]}
			}
			got.ServerName = stolen.ServerName
			if err := p.client.SetSession(got.Append(nil)); err != nil {
				t.Fatal(err)
			}
			_, serr := p.negotiate()
			if resumed := p.server.State().Resumed; resumed != c.resumed || (serr == nil) != (c.resumed || c.to.Certificates != nil) {
				t.Errorf("the server resumes: %v, and ends with %v", resumed, serr)
			}
			if id := string(p.server.State().PSKIdentity); c.resumed != (id == "a") || !c.resumed && id != "" {
				t.Errorf("the PSK's identity is %q", id)
			}
			if c.resumed { // and with the next ticket
				exchange(t, p.server, p.client, []byte("another ticket is in front of this"))
				next, err := session.Parse(p.client.Session())
				if err != nil {
					t.Fatal(err)
				}
				content, _, ok := keys.Open(nil, next.Ticket, time.Now())
				if s, err := session.Parse(content); !ok || err != nil || string(s.PSKIdentity) != "a" {
					t.Errorf("the next ticket is of PSK %q, %v", s.PSKIdentity, err)
				}
			}
			if serr != nil && !errors.Is(serr, ErrProtocol) {
				t.Errorf("the server ends with %v", serr)
			}
		})
	}
}

// TestRequiredCertificateAndPSK holds that a PSK does not stand for the certificate that a server requires.
func TestRequiredCertificateAndPSK(t *testing.T) {
	client, server := clientConfig(), serverConfig(t)
	client.PSKs, server.PSKs = []*PSK{aPSK("a")}, []*PSK{aPSK("a")}
	server.ClientAuth = RequireClientAuth
	p := newPair(t, client, server)
	_, serr := p.negotiate()
	if serr == nil || p.server.State().PSKIdentity != nil {
		t.Errorf("the server takes PSK %q and ends with %v", p.server.State().PSKIdentity, serr)
	}
}

// TestHostIsVerifiedAgain resumes a session with a function for names that is as little pleased with the server
// as the first one was pleased.
func TestHostIsVerifiedAgain(t *testing.T) {
	for _, v := range []iana.Version{iana.TLS12, iana.TLS13} {
		client, server := clientConfig(), serverConfig(t)
		client.SessionTickets, server.SessionTickets, client.MaxVersion, client.MinVersion = true, true, v, v
		pleased := true
		client.VerifyHost = func(string) bool { return pleased }
		blob := sessionOf(t, client, server)
		for _, pleased = range []bool{true, false} {
			p := newPair(t, client, server)
			if err := p.client.SetSession(blob); err != nil {
				t.Fatal(err)
			}
			if cerr, _ := p.negotiate(); (cerr == nil) != pleased || p.server.State().Resumed != pleased {
				t.Errorf("%v, pleased: %v: resumed %v, %v", v, pleased, p.server.State().Resumed, cerr)
			}
		}
	}
}

// TestOtherHookOtherBinding holds that a session that one hook has let in does not pass by another.
func TestOtherHookOtherBinding(t *testing.T) {
	lax := func(_ *Conn, _ *PeerChain, op *async.Op[Verdict]) { _ = op.Answer(Accept) }
	strict := func(_ *Conn, _ *PeerChain, op *async.Op[Verdict]) { _ = op.Answer(Reject(errors.New("no"))) }
	binding := func(hook func(*Conn, *PeerChain, *async.Op[Verdict])) [32]byte {
		cfg := serverConfig(t)
		cfg.ClientAuth, cfg.OnVerify = RequireClientAuth, hook
		p, err := cfg.prepare(false)
		if err != nil {
			t.Fatal(err)
		}
		return p.hs.SessionBinding
	}
	if again := binding(lax); again != binding(lax) || again == binding(strict) {
		t.Error("the binding does not tell hooks apart")
	}
}

// TestTicketsThatAreTooLong leaves out tickets that have more to say than a message can hold.
func TestTicketsThatAreTooLong(t *testing.T) {
	for name, use := range map[string]func(s *Config){
		"sealed": func(*Config) {},
		"stored": func(s *Config) { s.SessionStore = NewMemoryStore(1 << 20) },
	} {
		client, server := earlyConfigs(t)
		server.EarlyDataContext = make([]byte, 1<<16-1)
		use(server)
		p := newPair(t, client, server)
		p.mustNegotiate(t)
		if err := p.server.AddTickets(1); err != nil {
			t.Fatal(err)
		}
		exchange(t, p.server, p.client, []byte("data"))
		if got, sent := p.client.Session() != nil, p.server.State().TicketsSent; got != (name == "stored") || (sent == 2) != got {
			t.Errorf("%s: %d were sent, one came: %v", name, sent, got)
		}
	}
}

// TestMuchEarlyDataRefused passes over as much early data as the client was allowed to send, also where
// the server's Config speaks of less.
func TestMuchEarlyDataRefused(t *testing.T) {
	much := bytes.Repeat([]byte("0123456789abcdef"), 10000)
	t.Run("external PSK", func(t *testing.T) {
		client, server := clientConfig(), serverConfig(t)
		psk := &PSK{Identity: []byte("external"), Secret: []byte("secret"), MaxEarlyData: 1 << 20, CipherSuite: iana.TLS_AES_128_GCM_SHA256}
		client.PSKs, server.PSKs = []*PSK{psk}, []*PSK{psk}
		sendEarly(t, newPair(t, client, server), much, 1000).holds(t, false, EarlyDataRejected, nil)
	})
	for name, change := range map[string]func(s *Config){
		"older ticket":        func(*Config) {},
		"older ticket, again": func(s *Config) { s.Groups = []iana.Group{iana.Secp384r1} },
	} {
		t.Run(name, func(t *testing.T) {
			client, server := earlyConfigs(t)
			server.MaxEarlyData = 1 << 20
			blob := sessionOf(t, client, server)
			server = server.Clone()
			server.MaxEarlyData = 0
			change(server)
			p := newPair(t, client, server)
			if err := p.client.SetSession(blob); err != nil {
				t.Fatal(err)
			}
			sendEarly(t, p, much, 1000).holds(t, true, EarlyDataRejected, nil)
		})
	}
}
