package handshake

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// secretOf12 is the master secret of the sessions that scripts resume.
var secretOf12 = bytes.Repeat([]byte("m"), 48)

// ticketSession is a session of a client of these tests, by ticket; change says how it differs.
func ticketSession(t testing.TB, change func(s *session.Session)) *session.Session {
	t.Helper()
	s := &session.Session{
		Version: iana.TLS12, CipherSuite: ecdheECDSA, Secret: secretOf12, ExtendedMasterSecret: true,
		ServerName: "localhost", Established: today(), Issued: today(), Lifetime: 3600,
		Group: iana.Secp256r1, PeerScheme: iana.ECDSASecp256r1SHA256,
		PeerChain: issue(t, testpeer.KeyP256).Chain, OCSPResponse: []byte("status"), SCTList: []byte("scts"),
		Ticket: []byte("ticket"),
	}
	if change != nil {
		change(s)
	}
	return s
}

func byID(s *session.Session) { s.Ticket, s.ID = nil, []byte("an ID of 32 bytes, that is known") }

// offers makes a client offer such a session.
func offers(t testing.TB, change func(s *session.Session)) func(*Config) {
	return func(c *Config) {
		c.SessionTickets, c.Session = true, ticketSession(t, change)
	}
}

// resuming is a handshake in which the server takes the client's session, or seems to.
func resuming(t testing.TB, flight func(p *toClient)) withServer12 {
	return withServer12{config: offers(t, nil), flight: flight, ending: func(*toClient) {}}
}

// echo makes the script answer with the client's session ID.
func (p *toClient) echo() { p.SessionID = slices.Clone(p.ScriptServer12.Hello.SessionID) }

// takeUp is the flight of a server that resumes.
func (p *toClient) takeUp() {
	p.echo()
	if !p.feed(p.ServerHello()) {
		return
	}
	p.Resume(secretOf12)
	if p.Ticket {
		p.feed(p.NewSessionTicket(7200, []byte("next")))
	}
}

// closeFirst ends a resumption.
func (p *toClient) closeFirst() {
	if p.ccs() {
		p.feed(p.ScriptServer12.Finished())
	}
}

// resumeWhole is the flight of a server that resumes, and all that follows.
func (p *toClient) resumeWhole() {
	if p.takeUp(); p.err == nil {
		p.closeFirst()
	}
	if p.err == nil {
		p.read()
	}
}

func announces(p *testpeer.ScriptServer12) { p.Ticket = true }

// TestClient12ResumesWithScript is the resumption without a mistake.
func TestClient12ResumesWithScript(t *testing.T) {
	never := func(*toClient) {}
	for _, c := range []struct {
		what      string
		handshake withServer12
		resumed   bool
		given     bool
	}{
		{"by ticket", withServer12{config: offers(t, nil), flight: (*toClient).resumeWhole, ending: never}, true, false},
		{"by ticket, to a client of TLS 1.2 alone", withServer12{config: func(c *Config) { offers(t, nil)(c); only12(c) }, flight: (*toClient).resumeWhole, ending: never}, true, false},
		{"by ticket, which is renewed", withServer12{config: offers(t, nil), server: announces, flight: (*toClient).resumeWhole, ending: never}, true, true},
		{"by ID", withServer12{config: offers(t, byID), flight: (*toClient).resumeWhole, ending: never}, true, false},
		{"by ID, and a ticket is given", withServer12{config: offers(t, byID), server: announces, flight: (*toClient).resumeWhole, ending: never}, true, true},
		{"by ID, to a client without tickets", withServer12{config: func(c *Config) { offers(t, byID)(c); c.SessionTickets = false }, flight: (*toClient).resumeWhole, ending: never}, true, false},
		{"without extended_master_secret", withServer12{config: offers(t, func(s *session.Session) { s.ExtendedMasterSecret = false }),
			server: func(s *testpeer.ScriptServer12) { s.Extended = false }, flight: (*toClient).resumeWhole, ending: never}, true, false},
		{"with an empty ticket in return", withServer12{config: offers(t, nil), server: announces, ending: never, flight: func(p *toClient) {
			p.echo()
			p.feed(p.ServerHello())
			p.Resume(secretOf12)
			p.feed(p.NewSessionTicket(0, nil))
			p.closeFirst()
			p.read()
		}}, true, false},
		{"the name in other letters", withServer12{config: offers(t, func(s *session.Session) { s.ServerName = "LOCALHOST" }), flight: (*toClient).resumeWhole, ending: never}, true, false},
		{"a full handshake", withServer12{config: offers(t, nil)}, false, false},
		{"a full handshake with an ID", withServer12{config: offers(t, byID), server: func(s *testpeer.ScriptServer12) { s.SessionID = []byte("another") }}, false, true},
		{"a full handshake with a ticket", withServer12{config: offers(t, nil), server: announces, ending: func(p *toClient) {
			p.feed(p.NewSessionTicket(7200, []byte("next")))
			p.ending()
		}}, false, true},
		{"a full handshake with a ticket and an ID, which counts for nothing", withServer12{config: offers(t, nil), server: func(s *testpeer.ScriptServer12) { s.Ticket, s.SessionID = true, []byte("another") }, ending: func(p *toClient) {
			p.feed(p.NewSessionTicket(7200, []byte("next")))
			p.ending()
		}}, false, true},
		{"a full handshake with an empty ticket", withServer12{config: offers(t, nil), server: announces, ending: func(p *toClient) {
			p.feed(p.NewSessionTicket(0, nil))
			p.ending()
		}}, false, false},
		{"a full handshake with an empty ticket and an ID", withServer12{config: offers(t, nil), server: func(s *testpeer.ScriptServer12) { s.Ticket, s.SessionID = true, []byte("another") }, ending: func(p *toClient) {
			p.feed(p.NewSessionTicket(0, nil))
			p.ending()
		}}, false, true},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := c.handshake.play(t)
			defer p.side.close()
			if p.err != nil || p.Err() != nil || !p.Done() {
				t.Fatalf("the client ends in %s with %v, its server with %v", p.stateName(), p.err, p.Err())
			}
			r := &p.Result
			if r.Resumed != c.resumed || r.CipherSuite != ecdheECDSA || r.Leaf() == nil || r.ExtendedMasterSecret != p.Extended {
				t.Errorf("the result is %+v", r)
			}
			if c.resumed && (r.Group != iana.Secp256r1 || r.PeerScheme != iana.ECDSASecp256r1SHA256 || string(r.Peer.OCSPResponse) != "status" || string(r.Peer.SCTList) != "scts") {
				t.Errorf("the session has left %+v", r)
			}
			if p.CanRenegotiate() != p.Extended {
				t.Errorf("another handshake may follow: %v", p.CanRenegotiate())
			}
			wantKeys12(t, p.log, true, &p.Script12)
			if !c.given {
				if n := len(onlyKind(p.log, Ticket)); n != 0 {
					t.Errorf("%d sessions given", n)
				}
				return
			}
			s := p.given(t)
			if string(s.Secret) != string(p.Master.Bytes()) || len(s.PeerChain) != 1 || s.CipherSuite != ecdheECDSA || s.ServerName != p.cfg.Session.ServerName {
				t.Errorf("the session is %+v", *s)
			}
			ticket := p.Ticket && c.what != "a full handshake with an empty ticket and an ID"
			if ticket != (string(s.Ticket) == "next" && s.ID == nil && s.Lifetime == 7200 && r.TicketHint == 7200) ||
				ticket == (s.Ticket == nil && string(s.ID) == "another" && s.Lifetime == 0) {
				t.Errorf("the ticket is %q for %d s, the ID %q", s.Ticket, s.Lifetime, s.ID)
			}
		})
	}
}

// TestServer12ResumeMistakes is what a client says of a server that resumes in a wrong way.
func TestServer12ResumeMistakes(t *testing.T) {
	without := func(s *session.Session) { s.ExtendedMasterSecret = false }
	finished := func(p *toClient) { p.takeUp(); p.feed(p.ScriptServer12.Finished()) }
	for _, c := range []struct {
		what     string
		server   withServer12
		alert    iana.Alert
		sentence string
	}{
		{"another suite", withServer12{config: offers(t, func(s *session.Session) { s.CipherSuite = ecdheRSA }), flight: (*toClient).takeUp},
			iana.IllegalParameter, "server resumes a session of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 with TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		{"no extended_master_secret", withServer12{config: offers(t, nil), server: func(s *testpeer.ScriptServer12) { s.Extended = false }, flight: (*toClient).takeUp},
			iana.HandshakeFailure, "server resumes a session with extended_master_secret and does not answer it"},
		{"extended_master_secret that was not there", withServer12{config: offers(t, without), flight: (*toClient).takeUp},
			iana.HandshakeFailure, "server resumes a session without extended_master_secret and answers it"},
		{"no session was offered", withServer12{flight: (*toClient).takeUp},
			iana.IllegalParameter, "server resumes a session that this client does not have"},
		{"a ticket that was not asked for", withServer12{server: announces, flight: func(p *toClient) { p.feed(p.ServerHello()) }},
			iana.UnsupportedExtension, ""},
		{"an announcement with contents", withServer12{config: offers(t, nil), edit: on(iana.ServerHello, add(iana.SessionTicket, 1)), flight: (*toClient).takeUp},
			iana.DecodeError, "server_hello: extension session_ticket: 1 bytes left over"},
		{"a ticket that was not announced", resuming(t, func(p *toClient) { p.takeUp(); p.feed(p.NewSessionTicket(1, []byte("next"))) }),
			iana.UnexpectedMessage, "server sent new_session_ticket where change_cipher_spec is expected"},
		{"a ticket that does not come", withServer12{config: offers(t, nil), server: announces, flight: func(p *toClient) { p.echo(); p.feed(p.ServerHello()); p.ccs() }},
			iana.UnexpectedMessage, "server sent change_cipher_spec where new_session_ticket is expected"},
		{"two tickets", withServer12{config: offers(t, nil), server: announces, flight: func(p *toClient) { p.takeUp(); p.feed(p.NewSessionTicket(1, []byte("next"))) }},
			iana.UnexpectedMessage, "server sent new_session_ticket where change_cipher_spec is expected"},
		{"a ticket behind change_cipher_spec", resuming(t, func(p *toClient) { p.takeUp(); p.ccs(); p.feed(p.NewSessionTicket(1, []byte("next"))) }),
			iana.UnexpectedMessage, "server sent new_session_ticket where finished is expected"},
		{"half a ticket", withServer12{config: offers(t, nil), server: announces, edit: on(iana.NewSessionTicket, testpeer.Cut(1)), flight: (*toClient).takeUp},
			iana.DecodeError, "new_session_ticket: ticket: 4 bytes wanted, 3 there"},
		{"bytes behind a ticket", withServer12{config: offers(t, nil), server: announces, edit: on(iana.NewSessionTicket, longer(0)), flight: (*toClient).takeUp},
			iana.DecodeError, "new_session_ticket: 1 bytes left over"},
		{"a certificate", resuming(t, func(p *toClient) { p.takeUp(); p.feed(p.Certificate()) }),
			iana.UnexpectedMessage, "server sent certificate where change_cipher_spec is expected"},
		{"a ServerHelloDone", resuming(t, func(p *toClient) { p.takeUp(); p.feed(p.ServerHelloDone()) }),
			iana.UnexpectedMessage, "server sent server_hello_done where change_cipher_spec is expected"},
		{"no change_cipher_spec", resuming(t, finished),
			iana.UnexpectedMessage, "server sent finished where change_cipher_spec is expected"},
		{"two change_cipher_specs", resuming(t, func(p *toClient) { p.takeUp(); p.ccs(); p.ccs() }),
			iana.UnexpectedMessage, "server sent change_cipher_spec where finished is expected"},
		{"a wrong Finished", withServer12{config: offers(t, nil), edit: on(iana.Finished, flip(4)), flight: (*toClient).resumeWhole},
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
		{"the Finished of another secret", resuming(t, func(p *toClient) { p.takeUp(); p.Resume(bytes.Repeat([]byte("n"), 48)); p.closeFirst() }),
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
		{"renegotiation_info of another connection", withServer12{config: offers(t, nil), edit: on(iana.ServerHello, replace(iana.RenegotiationInfo, 1, 7)), flight: (*toClient).takeUp},
			iana.HandshakeFailure, "server sent renegotiation_info of a connection that it does not have"},
		{"a protocol that was not offered", withServer12{config: func(c *Config) { offers(t, nil)(c); c.ALPN = []string{"h2"} },
			edit: on(iana.ServerHello, add(iana.ApplicationLayerProtocolNegotiation, 0, 3, 2, 'h', '3')), flight: (*toClient).takeUp},
			iana.IllegalParameter, `server chose application protocol "h3", which was not offered`},
		{"TLS 1.3, and the session is of TLS 1.2", withServer12{config: offers(t, nil), edit: on(iana.ServerHello, add(iana.SupportedVersions, 3, 4)), flight: (*toClient).takeUp},
			iana.IllegalParameter, ""},

		{"in a full handshake, a ticket before its time", withServer12{config: offers(t, nil), server: announces, flight: func(p *toClient) {
			p.flight()
			p.feed(p.NewSessionTicket(1, []byte("next")))
		}}, iana.UnexpectedMessage, "server sent new_session_ticket where certificate_request or server_hello_done is expected"},
		{"in a full handshake, a ticket that was not announced", withServer12{config: offers(t, nil), ending: func(p *toClient) { p.feed(p.NewSessionTicket(1, []byte("next"))) }},
			iana.UnexpectedMessage, "server sent new_session_ticket where change_cipher_spec is expected"},
		{"in a full handshake, a ticket that does not come", withServer12{config: offers(t, nil), server: announces},
			iana.UnexpectedMessage, "server sent change_cipher_spec where new_session_ticket is expected"},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := c.server.play(t)
			defer p.side.close()
			if p.Err() != nil {
				t.Fatal(p.Err())
			}
			p.failsWith(t, p.events, p.err, c.alert, c.sentence)
			if n := len(onlyKind(p.log, Ticket)); n != 0 {
				t.Errorf("%d sessions given", n)
			}
		})
	}
}

// TestClient12OffersWhatFits: a session that today's settings would not lead to stays at home.
func TestClient12OffersWhatFits(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(s *session.Session)
		config func(c *Config)
		offers bool
	}{
		{"a ticket", nil, nil, true},
		{"an ID", byID, nil, true},
		{"a ticket, where tickets are off", nil, func(c *Config) { c.SessionTickets = false }, false},
		{"neither ticket nor ID", func(s *session.Session) { s.Ticket = nil }, nil, false},
		{"of TLS 1.3", func(s *session.Session) { s.Version = iana.TLS13 }, nil, false},
		{"to a client of TLS 1.3 alone", nil, func(c *Config) { c.MinVersion = iana.TLS13 }, false},
		{"the last second of its life", func(s *session.Session) { s.Issued = today().Add(-3599 * time.Second) }, nil, true},
		{"expired", func(s *session.Session) { s.Issued = today().Add(-time.Hour) }, nil, false},
		{"of an open lifetime, a day old", func(s *session.Session) { s.Lifetime, s.Issued = 0, today().Add(-24*time.Hour) }, nil, false},
		{"of an open lifetime, younger", func(s *session.Session) { s.Lifetime, s.Issued = 0, today().Add(-23*time.Hour) }, nil, true},
		{"with keying material that is too old", func(s *session.Session) { s.KeyingMaterialExpires = today() }, nil, false},
		{"of the future", func(s *session.Session) { s.Issued = today().Add(2 * time.Hour) }, nil, false},
		{"of another name", func(s *session.Session) { s.ServerName = "elsewhere" }, nil, false},
		{"of no name", func(s *session.Session) { s.ServerName = "" }, nil, false},
		{"made under other settings", func(s *session.Session) { s.Binding[7]++ }, nil, false},
		{"of a suite that is not offered", func(s *session.Session) { s.CipherSuite = iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 }, nil, false},
		{"without extended_master_secret", func(s *session.Session) { s.ExtendedMasterSecret = false }, nil, true},
		{"without extended_master_secret, which is required", func(s *session.Session) { s.ExtendedMasterSecret = false }, func(c *Config) { c.RequireEMS = true }, false},
		{"without the client certificate that is required", nil, requiredCertificate, false},
		{"with it", func(s *session.Session) { s.ClientAuth = true }, requiredCertificate, true},
		{"with a certificate that has expired", nil, func(c *Config) {
			c.Now = func() time.Time { return today().AddDate(100, 0, 0) }
			c.Session.Issued = c.Now()
		}, false},
		{"without the server's certificate", func(s *session.Session) { s.PeerChain = nil }, nil, false},
		{"with a certificate that cannot be read", func(s *session.Session) { s.PeerChain = [][]byte{{1}} }, nil, false},
		{"with a secret of a wrong length", func(s *session.Session) { s.Secret = s.Secret[:47] }, nil, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			cfg := both12(clientConfig(t))
			if offers(t, c.change)(cfg); c.config != nil {
				c.config(cfg)
			}
			s := newSide(true, cfg)
			defer s.close()
			if _, err := s.advance(); err != nil {
				t.Fatal(err)
			}
			script := &testpeer.ScriptServer12{}
			script.ReadClientHello(s.out[0].data)
			if script.Err() != nil {
				t.Fatal(script.Err())
			}
			hello := &script.Hello
			ticket, id := string(hello.SessionTicket) == "ticket", string(hello.SessionID) == string(cfg.Session.ID)
			if (ticket || id) != c.offers || ticket && id || len(hello.SessionID) != 32 {
				t.Errorf("ticket offered: %v, ID offered: %v, with %d bytes", ticket, id, len(hello.SessionID))
			}
			if asks := hello.Has.Has(iana.SessionTicket); asks != (cfg.SessionTickets && cfg.MinVersion == iana.TLS12) {
				t.Errorf("a ticket is asked for: %v", asks)
			}
		})
	}
}
