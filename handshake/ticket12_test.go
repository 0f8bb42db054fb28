package handshake

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestNoSessionOfAFailure12: what has failed leaves nothing that could be resumed (RFC 5246, Section
// 7.2.2).
func TestNoSessionOfAFailure12(t *testing.T) {
	for _, store := range []bool{false, true} {
		h := withClient12{edit: on(iana.Finished, flip(4)), config: func(c *Config) {
			c.SessionTickets, c.Store, c.TicketKeys = true, store, ticketKeys(t, "ours")
			c.SessionLifetime, c.KeyingMaterialLifetime = time.Hour, time.Hour
		}, client: func(c *testpeer.ScriptClient12) {
			if c.SessionID = nil; !store {
				c.Ticket = []byte{}
			}
		}}
		p := h.play(t)
		p.failsWith(t, p.events, p.err, iana.DecryptError, "client sent a Finished that does not fit the handshake")
		if n := len(onlyKind(p.log, Ask)); n != 0 {
			t.Errorf("%d questions, the store's among them", n)
		}
		if id := len(p.ScriptClient12.Hello.SessionID); p.ScriptClient12.Hello.SessionTicket == store || (id == session.IDLen) != store {
			t.Errorf("with a store %v: a ticket %v, an ID of %d bytes", store, p.ScriptClient12.Hello.SessionTicket, id)
		}
		if p.read(); p.Given != nil {
			t.Errorf("the ticket %x", p.Given)
		}
		p.side.close()
	}
}

// wants is a full handshake whose client wants a ticket; seal answers to the store and for the sealing.
func wants(t testing.TB, config func(c *Config), client func(c *testpeer.ScriptClient12), answer func(e *Event) error) (*toServer, []byte) {
	t.Helper()
	h := withClient12{config: func(c *Config) {
		c.SessionTickets, c.TicketKeys = true, ticketKeys(t, "ours")
		c.SessionLifetime, c.KeyingMaterialLifetime = 15*time.Hour, 7*24*time.Hour
		if config != nil {
			config(c)
		}
	}, client: func(c *testpeer.ScriptClient12) {
		if c.SessionID, c.Ticket = nil, []byte{}; client != nil {
			client(c)
		}
	}}
	p := h.play(t)
	if p.err == nil && p.question != nil {
		if err := answer(p.question); err != nil {
			t.Fatal(err)
		}
		p.question = nil
		p.events, p.err = p.advance()
	}
	if p.err != nil || !p.side.Done() {
		t.Fatalf("the server ends in %s with %v, its client with %v", p.stateName(), p.err, p.Err())
	}
	for _, msg := range p.out {
		switch {
		case msg.data == nil:
		case iana.Message(msg.data[0]) == iana.Finished:
			p.ReadFinished(msg.data)
		default:
			p.ReadServer(msg.data)
		}
	}
	if p.Err() != nil {
		t.Fatal(p.Err())
	}
	return p, p.Given
}

// inside is the session in a ticket of the server's own.
func inside(t testing.TB, ticket []byte) *session.Session {
	t.Helper()
	content, _, ok := ticketKeys(t, "ours").Open(nil, ticket, today())
	if !ok {
		t.Fatalf("the ticket of %d bytes cannot be opened", len(ticket))
	}
	s, err := session.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestTicketsGiven12 holds what is in a ticket, how long it lasts, and when it is empty.
func TestTicketsGiven12(t *testing.T) {
	at := func(d time.Duration) func(c *Config) {
		return func(c *Config) { c.Now = func() time.Time { return today().Add(d) } }
	}
	for _, c := range []struct {
		what   string
		config func(c *Config)
		hint   time.Duration // 0 = it is empty
	}{
		{"as long as the key opens it", nil, 15 * time.Hour},
		{"as long as the session", func(c *Config) { c.SessionLifetime = 90 * time.Minute }, 90 * time.Minute},
		{"as long as the keying material", func(c *Config) { c.KeyingMaterialLifetime = time.Hour }, time.Hour},
		{"of a key that is half-way", at(time.Hour), 14 * time.Hour},
		{"a week at most", func(c *Config) {
			c.SessionLifetime, c.KeyingMaterialLifetime = 1000*time.Hour, 1000*time.Hour
			c.TicketKeys = session.NewKeys(session.KeysConfig{EncryptLifetime: 1000 * time.Hour})
		}, 7 * 24 * time.Hour},
		{"of less than a second", func(c *Config) { c.SessionLifetime = time.Second - 1 }, 0},
		{"no key seals yet", func(c *Config) {
			c.TicketKeys = session.NewKeys(session.KeysConfig{AddedOnly: true})
			if err := c.TicketKeys.Add([]byte("later"), []byte("secret"), today().Add(time.Hour), today()); err != nil {
				t.Fatal(err)
			}
		}, 0},
		{"no key seals any more", at(5 * time.Hour), 0},
		{"there is no key", func(c *Config) { c.TicketKeys = session.NewKeys(session.KeysConfig{AddedOnly: true}) }, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			p, ticket := wants(t, c.config, nil, nil)
			defer p.side.close()
			if hint := time.Duration(p.Hint) * time.Second; hint != c.hint || (len(ticket) > 0) != (c.hint > 0) || p.side.Result.TicketsSent != min(len(ticket), 1) {
				t.Fatalf("a ticket of %d bytes for %v", len(ticket), hint)
			}
			if c.config != nil || c.hint == 0 {
				return
			}
			s := inside(t, ticket)
			if s.Version != iana.TLS12 || s.CipherSuite != ecdheECDSA || string(s.Secret) != string(p.Master.Bytes()) || !s.ExtendedMasterSecret ||
				s.ServerName != "localhost" || !s.Established.Equal(today()) || !s.Issued.Equal(today()) || s.Lifetime != 15*3600 ||
				!s.KeyingMaterialExpires.Equal(today().AddDate(0, 0, 7)) || s.Group != p.side.Result.Group || s.ClientAuth || s.PeerChain != nil || s.ID != nil {
				t.Errorf("the session is %+v", *s)
			}
		})
	}
}

// TestLongChain12: a client's chain above 4 KiB goes into the store, not into a ticket; without a store only its leaf is kept.
func TestLongChain12(t *testing.T) {
	template := testpeer.Template{Key: testpeer.KeyEd25519}
	for i := range 200 {
		template.DNSNames = append(template.DNSNames, fmt.Sprintf("name-%d.of.a.client.with.many.names", i))
	}
	long, err := authority().Issue(template)
	if err != nil {
		t.Fatal(err)
	}
	shows := func(c *testpeer.ScriptClient12) { c.Identity = long }
	stored := map[string][]byte{}
	for _, store := range []bool{false, true} {
		p, ticket := wants(t, func(c *Config) { c.ClientAuth, c.Store = RequireClientAuth, store }, shows, func(e *Event) error {
			entry := e.Detail.(*SessionEntry)
			stored[string(entry.ID)] = slices.Clone(entry.Entry)
			if entry.Lifetime != 15*time.Hour {
				t.Errorf("stored for %v", entry.Lifetime)
			}
			return e.Op.(*async.Op[struct{}]).Answer(struct{}{})
		})
		p.side.close()
		if store {
			s, err := session.Parse(stored[string(ticket)])
			if err != nil || len(ticket) != session.IDLen || len(s.PeerChain) != len(long.Chain) || s.PeerTruncated || string(s.ID) != string(ticket) {
				t.Errorf("the ticket has %d bytes, and stored is %+v: %v", len(ticket), s, err)
			}
		} else if s := inside(t, ticket); len(s.PeerChain) != 1 || !s.PeerTruncated || !s.ClientAuth {
			t.Errorf("the session is %+v", *s)
		}
		p = (&withClient12{flight: func(*toServer) {}, ending: func(*toServer) {}, config: func(c *Config) {
			c.SessionTickets, c.TicketKeys, c.ClientAuth, c.Store = true, ticketKeys(t, "ours"), RequireClientAuth, store
		}, client: func(c *testpeer.ScriptClient12) { c.Ticket = ticket }}).play(t)
		if store {
			lookup := p.question.Detail.(*SessionLookup)
			if err := p.question.Op.(*async.Op[[]byte]).Answer(stored[string(lookup.ID)]); err != nil {
				t.Fatal(err)
			}
			p.events, p.err = p.advance()
		}
		r := &p.side.Result
		if p.err != nil || !r.Resumed || !r.ClientAuth || r.PeerTruncated == store || string(r.Leaf().Raw) != string(long.Chain[0]) || (r.Peer.Verified != nil) != store {
			t.Errorf("with a store %v the result is %+v, %v", store, r, p.err)
		}
		p.side.close()
	}
}

// TestApplicationsTickets12: an application seals tickets and opens them, or leaves what it does not know to our keys.
func TestApplicationsTickets12(t *testing.T) {
	asks := func(c *Config) { c.Asks = set(AskTicket, AskSealTicket) }
	without := func(c *Config) { asks(c); c.TicketKeys = nil }
	answer := func(ticket []byte, err error) func(e *Event) error {
		return func(e *Event) error {
			op := e.Op.(*async.Op[[]byte])
			if err != nil {
				return op.Fail(err)
			}
			return op.Answer(ticket)
		}
	}
	own := []byte(strings.Repeat("the application's own ticket ", 3))
	var content []byte
	p, ticket := wants(t, without, nil, func(e *Event) error {
		content = slices.Clone(e.Detail.([]byte))
		return answer(own, nil)(e)
	})
	p.side.close()
	if string(ticket) != string(own) || time.Duration(p.Hint)*time.Second != 15*time.Hour {
		t.Errorf("the ticket is %q for %d s", ticket, p.Hint)
	}
	for _, c := range []struct {
		what   string
		config func(c *Config)
		answer func(e *Event) error
		given  bool
	}{
		{"none, and our keys are there", asks, answer(nil, nil), false},
		{"none", without, answer(nil, nil), false},
		{"failed", without, answer(nil, errors.New("down")), false},
		{"the shortest there is", asks, answer(make([]byte, session.IDLen+1), nil), true},
		{"a ticket as short as an ID", without, answer(make([]byte, session.IDLen), nil), false},
		{"a ticket that is too long", without, answer(make([]byte, 1<<16), nil), false},
	} {
		p, ticket := wants(t, c.config, nil, c.answer)
		if p.side.close(); (len(ticket) > 0) != c.given {
			t.Errorf("%s: a ticket of %d bytes", c.what, len(ticket))
		}
	}
	for _, c := range []struct {
		what    string
		answer  func(e *Event) error
		resumed bool
	}{
		{"opened", answer(content, nil), true},
		{"not ours", answer(nil, nil), false},
		{"failed", answer(nil, errors.New("down")), false},
		{"garbage", answer([]byte("garbage"), nil), false},
	} {
		h := withClient12{flight: func(*toServer) {}, ending: func(*toServer) {}, config: func(c *Config) {
			c.SessionTickets = true
			without(c)
		}, client: func(c *testpeer.ScriptClient12) { c.Ticket = own }}
		p := h.play(t)
		if p.err != nil || p.question == nil || p.question.Question != AskTicket || string(p.question.Detail.([]byte)) != string(own) {
			t.Fatalf("%s: %v in %s", c.what, p.err, p.stateName())
		}
		if err := c.answer(p.question); err != nil {
			t.Fatal(err)
		}
		if p.events, p.err = p.advance(); p.err != nil || p.side.Result.Resumed != c.resumed {
			t.Errorf("%s: resumed %v, %v", c.what, p.side.Result.Resumed, p.err)
		}
		p.side.close()
	}
}

// TestVerdictOnResumption12: the application may refuse a peer that it once welcomed.
func TestVerdictOnResumption12(t *testing.T) {
	for _, at := range []string{"client in await certificate verdict", "server in await certificate verdict"} {
		r, s := stopNamed(t, at, tls12ByID).reach(t)
		if err := s.question.Op.(*async.Op[Verdict]).Answer(Reject(errors.New("not any more"))); err != nil {
			t.Fatal(err)
		}
		events, err := s.advance()
		s.failsWith(t, events, err, iana.AccessDenied, "the application rejects the "+s.peer()+"'s certificate: not any more")
		r.close()
	}
}

// TestRenegotiationResumesNothing12: another handshake on a connection is a full one, and makes no session.
func TestRenegotiationResumesNothing12(t *testing.T) {
	h := withServer12{config: offers(t, nil), flight: (*toClient).resumeWhole, ending: func(*toClient) {}}
	p := h.play(t)
	if p.err != nil || !p.Result.Resumed || !p.CanRenegotiate() {
		t.Fatalf("resumed %v, %v", p.Result.Resumed, p.err)
	}
	next := p.side.Renegotiate()
	defer next.Close()
	events, err := next.Advance()
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	script := &testpeer.ScriptServer12{}
	if script.ReadClientHello(events[0].Data); script.Err() != nil {
		t.Fatal(script.Err())
	}
	if waits, ok := next.state.(*expectServerHello); !ok || len(waits.hello.keys) != 0 {
		t.Error("key pairs were made for key shares of TLS 1.3")
	}
	if hello := &script.Hello; hello.Has.Has(iana.SessionTicket) || len(hello.SessionID) != 0 || len(hello.RenegotiationInfo) != 12 {
		t.Errorf("the hello has a ticket %q, an ID of %d bytes, and %d bytes of renegotiation_info", hello.SessionTicket, len(hello.SessionID), len(hello.RenegotiationInfo))
	}
}
