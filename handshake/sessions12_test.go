package handshake

import (
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/session"
)

// The kinds of handshake that have to do with sessions of TLS 1.2.
const (
	tls12Given    kind = "TLS 1.2, ticket given"
	tls12Stored   kind = "TLS 1.2, session stored"
	tls12Resumed  kind = "TLS 1.2, resumed by ticket"
	tls12Renewed  kind = "TLS 1.2, resumed by ticket, which is renewed"
	tls12ByID     kind = "TLS 1.2, resumed by session ID"
	tls12Foreign  kind = "TLS 1.2, ticket of another server"
	tls12Unstored kind = "TLS 1.2, session ID that is not stored"
)

var kinds12 = []kind{tls12Given, tls12Stored, tls12Resumed, tls12Renewed, tls12ByID, tls12Foreign, tls12Unstored}

// sessions12 says what becomes of sessions in each.
var sessions12 = map[kind]struct {
	asks   Questions     // whose answer makes a difference
	store  bool          // sessions go by ID
	prior  kind          // the handshake that made the session; "" = there is none
	later  time.Duration // than that
	key    string        // of tickets
	resume bool          // it comes to that
}{
	tls12Given:    {asks: set(AskPrivateKey, AskClientCertificate, AskSealTicket), key: "ours"},
	tls12Stored:   {store: true},
	tls12Resumed:  {asks: set(AskConfig, AskVerdict, AskTicket), prior: tls12Given, key: "ours", resume: true},
	tls12Renewed:  {asks: set(AskConfig, AskVerdict, AskTicket, AskSealTicket), prior: tls12Given, later: 3 * time.Hour, key: "ours", resume: true},
	tls12ByID:     {asks: set(AskConfig, AskRevocationLists, AskVerdict), store: true, prior: tls12Stored, resume: true},
	tls12Foreign:  {asks: set(AskConfig, AskOCSPResponse, AskPrivateKey, AskTicket), prior: tls12Given, key: "another"},
	tls12Unstored: {asks: set(AskConfig, AskOCSPResponse, AskPrivateKey), store: true, prior: tls12Stored},
}

func set(list ...Question) (s Questions) {
	for _, q := range list {
		s = s.With(q)
	}
	return s
}

// made12 is a session as its handshake has left it.
type made12 struct {
	session *session.Session
	store   map[string][]byte
}

var sessionsMade sync.Map

// useSessions makes the Configs of the scenario know sessions, and returns what is in the
// server's store.
func (s scenario) useSessions(t testing.TB, client, server *Config) map[string][]byte {
	t.Helper()
	k, ok := sessions12[s.kind]
	if !ok {
		return s.useSessions13(t, client, server)
	}
	for _, c := range []*Config{client, server} {
		c.SessionTickets, c.VerifyResumed = true, true
		c.SessionLifetime, c.KeyingMaterialLifetime = 15*time.Hour, 7*24*time.Hour
		c.Now = func() time.Time { return today().Add(k.later) }
	}
	if server.Store = k.store; k.store {
		server.SessionTickets = false
	} else {
		server.TicketKeys = ticketKeys(t, k.key)
	}
	if k.prior == "" {
		client.Rand, server.Rand = stream('C'), stream('S') // of those that follow it is another
		return map[string][]byte{}
	}
	made := scenario{k.prior, s.auth, s.certificate, 0}.made(t)
	client.Session = made.session
	store := map[string][]byte{}
	if k.resume {
		for id, entry := range made.store {
			store[id] = entry
		}
	}
	return store
}

// ticketKeys is a set with a key of that name, and another to follow it after two hours.
func ticketKeys(t testing.TB, name string) *session.Keys {
	t.Helper()
	keys := session.NewKeys(session.KeysConfig{AddedOnly: true})
	for i, name := range []string{name, "next " + name} {
		if err := keys.Add([]byte(name), []byte("secret of "+name), today().Add(time.Duration(i)*2*time.Hour), today()); err != nil {
			t.Fatal(err)
		}
	}
	return keys
}

// made is the session that the scenario makes.
func (s scenario) made(t testing.TB) *made12 {
	t.Helper()
	if made, ok := sessionsMade.Load(s); ok {
		return made.(*made12)
	}
	r := s.start(t)
	defer r.close()
	r.finish()
	made := &made12{r.client.given(t), r.store}
	sessionsMade.Store(s, made)
	return made
}

// given is the one session that a client's application has been given.
func (s *side) given(t testing.TB) *session.Session {
	t.Helper()
	var given *session.Session
	for _, e := range s.log {
		if e.Kind != Ticket {
			continue
		}
		if given != nil {
			t.Error("a second session")
		}
		given = e.Detail.(*session.Session)
	}
	if given == nil {
		t.Fatal("no session")
	}
	return given
}

// TestSessions12 holds what both sides know in the end, and what the client has for the next time.
func TestSessions12(t *testing.T) {
	for s := range scenarios() {
		k, ok := sessions12[s.kind]
		if !ok {
			continue
		}
		r := s.start(t)
		r.finish()
		for _, at := range []*side{r.client, r.server} {
			got := &at.Result
			if got.Resumed != k.resume || got.ClientAuth != s.certificate || got.CipherSuite != ecdheECDSA || got.ServerName != "localhost" ||
				!got.ExtendedMasterSecret || got.Group == 0 {
				t.Errorf("%v: the %s's result is %+v", s, role(at.client), got)
			}
			if chain := got.Peer.Certificates; (chain != nil) != (at.client || s.certificate) {
				t.Errorf("%v: the %s knows a chain of %d", s, role(at.client), len(chain))
			}
			if stored := got.SessionID != nil; stored != k.store {
				t.Errorf("%v: the %s's session ID is %x", s, role(at.client), got.SessionID)
			}
		}
		if string(r.client.Result.SessionID) != string(r.server.Result.SessionID) {
			t.Errorf("%v: the session IDs are not the same", s)
		}
		if client := r.client.Result.Peer; string(client.OCSPResponse) != "an OCSP response" && s.asks.Has(AskOCSPResponse) {
			t.Errorf("%v: the client knows the OCSP response %q", s, client.OCSPResponse)
		}
		tickets := 0
		if !k.store && (!k.resume || s.kind == tls12Renewed) {
			tickets = 1
		}
		if got := r.server.Result.TicketsSent; got != tickets {
			t.Errorf("%v: %d tickets sent", s, got)
		}
		if makes := tickets > 0 || !k.resume; makes {
			given := r.client.given(t)
			if (len(given.Ticket) > 0) == k.store || (len(given.ID) > 0) != k.store || len(given.PeerChain) != 1 ||
				given.ServerName != "localhost" || given.ClientAuth != s.certificate || !given.ExtendedMasterSecret || given.Version != tls12.version() ||
				given.Established != today().Add(map[bool]time.Duration{false: k.later}[k.resume]) || given.Issued != today().Add(k.later) {
				t.Errorf("%v: the session is %+v", s, *given)
			}
			if want := uint32(15 * time.Hour / time.Second); !k.store && given.Lifetime != want && (!s.asks.Has(AskSealTicket) && given.Lifetime > want) {
				t.Errorf("%v: it lasts %d seconds", s, given.Lifetime)
			}
		} else if n := len(onlyKind(r.client.log, Ticket)); n != 0 {
			t.Errorf("%v: %d sessions given", s, n)
		}
		r.close()
		if t.Failed() {
			return
		}
	}
}
