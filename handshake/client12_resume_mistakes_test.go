package handshake

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// offer is what a scripted client offers to a server that knows sessions.
type offer struct {
	session func(s *session.Session) // changes the one that the server has made; nil = nothing
	config  func(c *Config)          // of the server, after the session was made; nil = nothing
	client  func(c *testpeer.ScriptClient12)
	edit    testpeer.Edit
	damage  func(ticket []byte) []byte
	byID    bool                                                 // else by ticket
	answer  func(s *session.Session, op *async.Op[[]byte]) error // of the store; nil = the entry
	bare    bool                                                 // no session is offered
	ending  func(p *toServer)
}

// serverSession is what a server of these tests has made, and puts into a ticket.
func serverSession(change func(s *session.Session)) *session.Session {
	s := &session.Session{
		Version: iana.TLS12, CipherSuite: ecdheECDSA, Secret: slices.Clone(secretOf12), ExtendedMasterSecret: true,
		ServerName: "localhost", Established: today(), Issued: today(), Lifetime: 3600, Group: iana.Secp256r1,
	}
	if change != nil {
		change(s)
	}
	return s
}

const storedID = "an ID of 32 bytes, that is known"

// play plays the handshake: up to its end if the session is resumed, else up to the server's first flight.
func (o *offer) play(t testing.TB) *toServer {
	t.Helper()
	s := serverSession(o.session)
	h := withClient12{edit: o.edit, flight: func(*toServer) {}, ending: func(*toServer) {}}
	h.config = func(c *Config) {
		c.SessionTickets, c.SessionLifetime, c.KeyingMaterialLifetime = true, 15*time.Hour, 7*24*time.Hour
		c.TicketKeys, c.Store = ticketKeys(t, "ours"), o.byID
		if o.config != nil {
			o.config(c)
		}
	}
	h.client = func(c *testpeer.ScriptClient12) {
		c.SessionID = []byte("made up by the client")
		switch {
		case o.bare:
			c.SessionID, c.Ticket = nil, []byte{}
		case o.byID:
			s.ID = []byte(storedID)
			c.SessionID = s.ID
		default:
			ticket, _, ok, err := ticketKeys(t, "ours").Seal(nil, s.Append(nil), today(), stream('t'))
			if err != nil || !ok {
				t.Fatal(err)
			}
			if o.damage != nil {
				ticket = o.damage(ticket)
			}
			c.Ticket = ticket
		}
		if o.client != nil {
			o.client(c)
		}
	}
	p := h.play(t)
	for p.err == nil && p.question != nil {
		switch q := p.question; q.Question {
		case AskSession:
			op := q.Op.(*async.Op[[]byte])
			if o.answer == nil {
				o.answer = func(s *session.Session, op *async.Op[[]byte]) error { return op.Answer(s.Append(nil)) }
			}
			if err := o.answer(s, op); err != nil {
				t.Fatal(err)
			}
			p.question = nil
			p.events, p.err = p.advance()
		default:
			p.read()
			return p
		}
	}
	p.read()
	return p
}

// TestServer12Resumes holds which sessions a server resumes: one by its ticket or its ID, if all that
// it goes by is as it was (RFC 5246, Section F.1.4; RFC 6066, Section 3; RFC 7627, Section 5.3).
func TestServer12Resumes(t *testing.T) {
	without := func(s *session.Session) { s.ExtendedMasterSecret = false }
	silent := func(c *testpeer.ScriptClient12) { c.Extended = false }
	id := func(n int) func(*testpeer.ScriptClient12) {
		return func(c *testpeer.ScriptClient12) { c.SessionID = make([]byte, n) }
	}
	at := func(d time.Duration) func(c *Config) {
		return func(c *Config) { c.Now = func() time.Time { return today().Add(d) } }
	}
	after := func(d time.Duration) func(s *session.Session) {
		return func(s *session.Session) { s.Issued = today().Add(d) }
	}
	for _, c := range []struct {
		what    string
		offer   offer
		resumed bool
	}{
		{"a ticket", offer{}, true},
		{"a ticket without a session ID", offer{client: id(0)}, true},
		{"a ticket with a session ID of 16 bytes", offer{client: id(16)}, true},
		{"a ticket with a session ID of 32 bytes", offer{client: id(32)}, true},
		{"a ticket with a session ID, and a store", offer{client: id(32), config: func(c *Config) { c.Store = true }}, true},
		{"a session ID", offer{byID: true}, true},
		{"a session ID, and a ticket is wanted", offer{byID: true, client: func(c *testpeer.ScriptClient12) { c.Ticket = []byte{} }}, true},
		{"a ticket of 32 bytes that is a session ID", offer{byID: true, client: func(c *testpeer.ScriptClient12) { c.SessionID, c.Ticket = nil, []byte(storedID) }}, true},
		{"a session ID beside a ticket, which it does not belong to", offer{byID: true, client: func(c *testpeer.ScriptClient12) { c.Ticket = []byte("a ticket") }}, false},
		{"another protocol", offer{session: func(s *session.Session) { s.ALPN = "h2" }, config: offerALPN, client: func(c *testpeer.ScriptClient12) { c.ALPN = []string{"http/1.1"} }}, true},
		{"the name in other letters", offer{client: func(c *testpeer.ScriptClient12) { c.ServerName = "LocalHost" }}, true},
		{"another name", offer{client: func(c *testpeer.ScriptClient12) { c.ServerName = "elsewhere" }}, false},
		{"no name any more", offer{client: func(c *testpeer.ScriptClient12) { c.ServerName = "" }}, false},
		{"another name than none", offer{session: func(s *session.Session) { s.ServerName = "" }}, false},
		{"of TLS 1.3", offer{session: func(s *session.Session) {
			s.Version, s.CipherSuite, s.Secret, s.ExtendedMasterSecret = iana.TLS13, iana.TLS_AES_128_GCM_SHA256, s.Secret[:32], false
		}}, false},
		{"other settings", offer{config: func(c *Config) { c.SessionBinding[3]++ }}, false},
		{"a suite that the client offers no more", offer{session: func(s *session.Session) { s.CipherSuite = ecdheRSA }}, false},
		{"a suite that the policy has no more", offer{session: func(s *session.Session) { s.CipherSuite = iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 },
			client: func(c *testpeer.ScriptClient12) {
				c.Suites = append(c.Suites, iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)
			}}, false},
		{"a suite that is the client's last, and the server's first", offer{session: func(s *session.Session) { s.CipherSuite = ecdheRSA },
			config: func(c *Config) { c.Certificates = issue(t, testpeer.KeyRSA2048).store },
			client: func(c *testpeer.ScriptClient12) { c.Suites = []iana.CipherSuite{dheRSA, rsaOnly, ecdheRSA} }}, true},
		{"a suite that is not the server's first any more", offer{session: func(s *session.Session) { s.CipherSuite = dheRSA },
			config: func(c *Config) { c.Certificates = issue(t, testpeer.KeyRSA2048).store },
			client: func(c *testpeer.ScriptClient12) { c.Suites = []iana.CipherSuite{dheRSA, ecdheRSA} }}, false},
		{"a suite that no certificate fits any more", offer{session: func(s *session.Session) { s.CipherSuite = ecdheRSA },
			client: func(c *testpeer.ScriptClient12) { c.Suites = append(c.Suites, ecdheRSA) }}, false},
		{"extended_master_secret on neither side", offer{session: without, client: silent}, true},
		{"extended_master_secret that the session has not", offer{session: without}, false},
		{"no certificate, which is required now", offer{config: requiredCertificate}, false},
		{"no certificate, which is optional", offer{config: optionalCertificate}, true},
		{"a certificate", offer{config: requiredCertificate, session: func(s *session.Session) { s.ClientAuth, s.PeerChain = true, issue(t, testpeer.KeyEd25519).Chain }}, true},
		{"a certificate that nobody trusts any more", offer{config: requiredCertificate, session: func(s *session.Session) { s.ClientAuth, s.PeerChain = true, stranger(t).Chain }}, false},
		{"a certificate that cannot be read", offer{config: requiredCertificate, session: func(s *session.Session) { s.ClientAuth, s.PeerChain = true, [][]byte{{1}} }}, false},
		{"the last second of its life", offer{config: at(3599 * time.Second)}, true},
		{"expired", offer{config: at(time.Hour)}, false},
		{"expired in the store", offer{byID: true, config: at(time.Hour)}, false},
		{"of an hour in the future", offer{session: after(time.Hour)}, true},
		{"of the future", offer{session: after(time.Hour + time.Millisecond)}, false},
		{"with keying material that is too old", offer{session: func(s *session.Session) { s.KeyingMaterialExpires = today() }}, false},
		{"tickets are off", offer{config: func(c *Config) { c.SessionTickets = false }}, false},
		{"tickets are refused for their lack of forward secrecy", offer{config: func(c *Config) { c.RequireTicketForwardSecrecy = true }}, false},
		{"a session ID, and tickets are refused", offer{byID: true, config: func(c *Config) { c.RequireTicketForwardSecrecy = true }}, true},
		{"the key is gone", offer{config: func(c *Config) { c.TicketKeys = ticketKeys(t, "another") }}, false},
		{"the key has expired", offer{session: func(s *session.Session) { s.Lifetime = 7 * 24 * 3600 }, config: at(15 * time.Hour)}, false},
		{"an empty ticket", offer{damage: func([]byte) []byte { return []byte{} }}, false},
		{"a ticket of one byte", offer{damage: func([]byte) []byte { return []byte{1} }}, false},
		{"a long ticket of nobody", offer{damage: func([]byte) []byte { return make([]byte, 60000) }}, false},
		{"half a ticket", offer{damage: func(t []byte) []byte { return t[:len(t)/2] }}, false},
		{"a ticket that lacks its end", offer{damage: func(t []byte) []byte { return t[:len(t)-1] }}, false},
		{"a ticket with more behind it", offer{damage: func(t []byte) []byte { return append(t, 0) }}, false},
		{"what is no session, sealed by our key", offer{damage: func([]byte) []byte {
			ticket, _, _, _ := ticketKeys(t, "ours").Seal(nil, []byte("what is no session"), today(), stream('t'))
			return ticket
		}}, false},
		{"the store does not know it", offer{byID: true, answer: func(_ *session.Session, op *async.Op[[]byte]) error { return op.Answer(nil) }}, false},
		{"the store fails", offer{byID: true, answer: func(_ *session.Session, op *async.Op[[]byte]) error { return op.Fail(errors.New("down")) }}, false},
		{"the store gives up", offer{byID: true, answer: func(_ *session.Session, op *async.Op[[]byte]) error { return op.Cancel() }}, false},
		{"the store answers with garbage", offer{byID: true, answer: func(_ *session.Session, op *async.Op[[]byte]) error {
			return op.Answer([]byte(strings.Repeat("garbage", 99)))
		}}, false},
		{"the store answers with half of it", offer{byID: true, answer: func(s *session.Session, op *async.Op[[]byte]) error { return op.Answer(s.Append(nil)[:99]) }}, false},
		{"the store answers with another session", offer{byID: true, answer: func(s *session.Session, op *async.Op[[]byte]) error {
			s.ID = []byte("an ID of 32 bytes, of another...")
			return op.Answer(s.Append(nil))
		}}, false},
		{"the store answers with a session without ID", offer{byID: true, answer: func(s *session.Session, op *async.Op[[]byte]) error {
			s.ID = nil
			return op.Answer(s.Append(nil))
		}}, false},
		{"a session ID of 31 bytes is not looked up", offer{byID: true, client: id(31)}, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := c.offer.play(t)
			defer p.side.close()
			if p.err != nil || p.Err() != nil {
				t.Fatalf("the server ends in %s with %v, its client with %v", p.stateName(), p.err, p.Err())
			}
			echo := len(p.SessionID) > 0 && string(p.ScriptClient12.Hello.SessionID) == string(p.SessionID)
			if p.side.Result.Resumed != c.resumed || echo != (c.resumed && len(p.SessionID) > 0) {
				t.Fatalf("resumed: %v, its ID repeated: %v", p.side.Result.Resumed, echo)
			}
			if !c.resumed {
				return
			}
			if h := &p.ScriptClient12.Hello; h.ServerName || h.SessionTicket || h.SCTList != nil || h.StatusRequest || h.ExtendedMasterSecret != p.Extended {
				t.Errorf("the server's hello is %+v", h)
			}
			p.ending()
			if p.err != nil || !p.side.Done() {
				t.Fatalf("the server ends in %s with %v", p.stateName(), p.err)
			}
			wantKeys12(t, p.log, false, &p.Script12)
			if r := &p.side.Result; c.what == "another protocol" && r.ALPN != "http/1.1" || r.ClientAuth != (c.what == "a certificate") || r.Group != iana.Secp256r1 {
				t.Errorf("the result is %+v", r)
			}
		})
	}
}

// TestTicketBits12 flips each bit of a ticket: a full handshake follows.
func TestTicketBits12(t *testing.T) {
	size := 0
	whole := (&offer{damage: func(ticket []byte) []byte { size = len(ticket); return ticket }}).play(t)
	whole.side.close()
	for bit := range 8 * size {
		p := (&offer{damage: func(ticket []byte) []byte { ticket[bit/8] ^= 1 << (bit % 8); return ticket }}).play(t)
		if p.err != nil || p.side.Result.Resumed || p.stateName() != "expectClientKeyExchange" || !p.ScriptClient12.Hello.SessionTicket {
			t.Fatalf("bit %d: resumed %v, in %s with %v", bit, p.side.Result.Resumed, p.stateName(), p.err)
		}
		p.side.close()
	}
}

// TestClient12ResumeMistakes is what a server says of a client that resumes in a wrong way.
func TestClient12ResumeMistakes(t *testing.T) {
	for _, c := range []struct {
		what     string
		offer    offer
		alert    iana.Alert
		sentence string
	}{
		{"no extended_master_secret any more", offer{client: func(c *testpeer.ScriptClient12) { c.Extended = false }},
			iana.HandshakeFailure, "client resumes a session with extended_master_secret, and does not offer it"},
		{"no extended_master_secret any more, by ID", offer{byID: true, client: func(c *testpeer.ScriptClient12) { c.Extended = false }},
			iana.HandshakeFailure, "client resumes a session with extended_master_secret, and does not offer it"},
		{"no protocol in common", offer{config: offerALPN, client: func(c *testpeer.ScriptClient12) { c.ALPN = []string{"h3"} }},
			iana.NoApplicationProtocol, `client offers none of this server's application protocols ["h2" "http/1.1"]`},
		{"a key exchange", offer{ending: func(p *toServer) { p.feed([]byte{byte(iana.ClientKeyExchange), 0, 0, 0}) }},
			iana.UnexpectedMessage, "client sent client_key_exchange where change_cipher_spec is expected"},
		{"a certificate", offer{ending: func(p *toServer) { p.feed(p.Certificate()) }},
			iana.UnexpectedMessage, "client sent certificate where change_cipher_spec is expected"},
		{"no change_cipher_spec", offer{ending: func(p *toServer) { p.feed(p.ScriptClient12.Finished()) }},
			iana.UnexpectedMessage, "client sent finished where change_cipher_spec is expected"},
		{"two change_cipher_specs", offer{ending: func(p *toServer) { p.ccs(); p.ccs() }},
			iana.UnexpectedMessage, "client sent change_cipher_spec where finished is expected"},
		{"a wrong Finished", offer{edit: on(iana.Finished, flip(4)), ending: (*toServer).ending},
			iana.DecryptError, "client sent a Finished that does not fit the handshake"},
		{"the Finished of another secret", offer{ending: func(p *toServer) { p.Resume(make([]byte, 48)); p.ending() }},
			iana.DecryptError, "client sent a Finished that does not fit the handshake"},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := c.offer.play(t)
			defer p.side.close()
			if c.offer.ending != nil {
				if p.err != nil || p.Err() != nil || !p.side.Result.Resumed {
					t.Fatalf("the session is not resumed: %v, %v", p.err, p.Err())
				}
				c.offer.ending(p)
			}
			p.failsWith(t, p.events, p.err, c.alert, c.sentence)
		})
	}
}
