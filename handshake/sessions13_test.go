package handshake

import (
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
)

// The kinds of handshake that have to do with PSKs of TLS 1.3. Early data is offered in all of
// them, and accepted in the first four.
const (
	tls13Sealed   kind = "TLS 1.3, resumed by ticket"
	tls13Stored   kind = "TLS 1.3, resumed by stored session"
	tls13Opened   kind = "TLS 1.3, resumed by the application's ticket"
	tls13External kind = "TLS 1.3, external PSK"
	tls13Second   kind = "TLS 1.3, resumed by ticket, retried"
	tls13Unwanted kind = "TLS 1.3, resumed by ticket, unwanted early data"
	tls13Replayed kind = "TLS 1.3, resumed by ticket, replayed early data"
	tls13Taken    kind = "TLS 1.3, resumed by stored session, replayed early data"
	tls13Foreign  kind = "TLS 1.3, ticket of another server"
	tls13Unstored kind = "TLS 1.3, session that is not stored"
	tls13Unknown  kind = "TLS 1.3, unknown external PSK"
)

var kinds13 = []kind{
	tls13Sealed, tls13Stored, tls13Opened, tls13External, tls13Second,
	tls13Unwanted, tls13Replayed, tls13Taken, tls13Foreign, tls13Unstored, tls13Unknown,
}

// sessions13 says what becomes of PSKs in each.
var sessions13 = map[kind]struct {
	asks   Questions // that take a part; what has to be asked is asked besides
	from   kind      // whose tickets they are
	resume bool      // it comes to that
	refuse Questions // that are answered by no
}{
	tls13Sealed:   {set(AskConfig, AskVerdict, AskEarlyData, AskReplay, AskTicket), tls13Sealed, true, 0},
	tls13Stored:   {set(AskConfig, AskRevocationLists, AskVerdict, AskEarlyData), tls13Stored, true, 0},
	tls13Opened:   {set(AskConfig, AskVerdict, AskEarlyData, AskReplay), tls13Opened, true, 0},
	tls13External: {set(AskConfig, AskPSK, AskEarlyData), "", false, 0},
	tls13Second:   {set(AskConfig, AskVerdict, AskTicket), tls13Sealed, true, 0},
	tls13Unwanted: {set(AskEarlyData), tls13Sealed, true, set(AskEarlyData)},
	tls13Replayed: {set(AskReplay), tls13Sealed, true, set(AskReplay)},
	tls13Taken:    {0, tls13Stored, true, set(AskTakeSession)},
	tls13Foreign:  {set(AskConfig, AskTicket, AskOCSPResponse, AskPrivateKey), tls13Sealed, false, 0},
	tls13Unstored: {set(AskConfig, AskOCSPResponse, AskPrivateKey), tls13Stored, false, 0},
	tls13Unknown:  {set(AskConfig, AskPSK, AskOCSPResponse, AskPrivateKey), "", false, set(AskPSK)},
}

// usesExternal reports whether it comes to a handshake with an external PSK, which a server that requires a
// certificate does not take for one.
func (s scenario) usesExternal() bool { return s.kind == tls13External && s.auth != RequireClientAuth }

// acceptsEarlyData reports whether the early data that is offered is accepted.
func (s scenario) acceptsEarlyData() bool {
	switch s.kind {
	case tls13Sealed, tls13Stored, tls13Opened:
		return true
	case tls13External:
		return s.usesExternal()
	case tls13Unwanted, tls13Replayed:
		return s.asks == 0
	}
	return false
}

// externalPSK is the external PSK of these tests.
func externalPSK() *PSK {
	return &PSK{
		Identity: []byte("external"), Secret: []byte("a secret that both sides have"),
		MaxEarlyData: 1000, CipherSuite: iana.TLS_AES_128_GCM_SHA256,
	}
}

// useSessions13 is useSessions for the kinds of TLS 1.3.
func (s scenario) useSessions13(t testing.TB, client, server *Config) map[string][]byte {
	t.Helper()
	store := map[string][]byte{}
	k, ok := sessions13[s.kind]
	switch {
	case !ok:
		return store
	case k.from == "":
		client.PSKs = []*PSK{externalPSK()}
		if !s.asks.Has(AskPSK) && s.kind != tls13Unknown {
			server.PSKs = client.PSKs
		}
		return store
	}
	s.kind.useTickets13(t, client, server)
	made := scenario{k.from, s.auth, s.certificate, 0}.made13(t)
	client.Session = made.session
	if s.kind != tls13Unstored {
		for id, entry := range made.store {
			store[id] = entry
		}
	}
	return store
}

// useTickets13 lets both sides use the kind's tickets.
func (k kind) useTickets13(t testing.TB, client, server *Config) {
	for _, c := range []*Config{client, server} {
		c.SessionTickets, c.VerifyResumed = true, true
		c.SessionLifetime, c.KeyingMaterialLifetime = 15*time.Hour, 7*24*time.Hour
	}
	server.TicketCount, server.MaxEarlyData, server.EarlyDataContext = 2, 1000, []byte("context")
	switch sessions13[k].from {
	case tls13Sealed:
		name := "ours"
		if k == tls13Foreign {
			name = "another"
		}
		server.TicketKeys = ticketKeys(t, name)
		server.ReplayProtection = server.Asks.Has(AskReplay)
	case tls13Stored:
		server.Store, server.ReplayProtection = true, true
		server.Asks |= set(AskSession, AskStoreSession, AskTakeSession)
	case tls13Opened:
		server.Asks |= set(AskTicket, AskSealTicket)
		server.ReplayProtection = server.Asks.Has(AskReplay)
	}
}

var made13 sync.Map

// made13 runs the full handshake in which the client of the scenario got its session.
func (s scenario) made13(t testing.TB) *made12 {
	t.Helper()
	if made, ok := made13.Load(s); ok {
		return made.(*made12)
	}
	full := s
	full.kind = tls13
	r := full.start(t)
	defer r.close()
	r.post = nil
	r.client.cfg.Rand, r.server.cfg.Rand = stream('C'), stream('S') // of those that follow it is another
	s.kind.useTickets13(t, r.client.cfg, r.server.cfg)
	r.finish()
	tickets := onlyKind(r.client.log, Ticket)
	if len(tickets) != 2 {
		t.Fatalf("%v: %d tickets came, want 2", s, len(tickets))
	}
	made := &made12{tickets[1].Detail.(*session.Session), r.store}
	made13.Store(s, made)
	return made
}

// secretOf finds the secret of an epoch in a log; the zero Secret if there is none.
func (s *side) secretOf(kind EventKind, epoch Epoch) (secret Secret) {
	for _, e := range s.log {
		if e.Kind == kind && e.Epoch == epoch {
			secret = e.Secret
		}
	}
	return secret
}

// TestSessions13 holds what both sides know in the end, and what the client has for the next time.
func TestSessions13(t *testing.T) {
	for s := range scenarios() {
		k, ok := sessions13[s.kind]
		if !ok {
			continue
		}
		r := s.start(t)
		r.post = nil
		r.finish()
		psk := k.resume || s.usesExternal()
		early := EarlyDataRejected
		if s.acceptsEarlyData() {
			early = EarlyDataEnd
		}
		for _, at := range []*side{r.client, r.server} {
			got := &at.Result
			if got.Resumed != k.resume || got.ClientAuth != (s.certificate && !s.usesExternal()) || got.Retried != (s.kind == tls13Second) {
				t.Errorf("%v: the %s's result is %+v", s, role(at.client), got)
			}
			if got.EarlyData != early || (got.MaxEarlyData == 1000) != (early == EarlyDataEnd) {
				t.Errorf("%v: the %s's early data is %v, at most %d bytes", s, role(at.client), got.EarlyData, got.MaxEarlyData)
			}
			if (got.PSKIdentity != nil) != psk || string(got.PSKIdentity) != string(r.client.Result.PSKIdentity) {
				t.Errorf("%v: the %s's PSK is %x", s, role(at.client), got.PSKIdentity)
			}
			if chain := got.Peer.Certificates; (chain != nil) != ((at.client || s.certificate) && !s.usesExternal()) {
				t.Errorf("%v: the %s knows a chain of %d", s, role(at.client), len(chain))
			}
		}
		if a, b := r.client.secretOf(SetWriteKey, Early), r.server.secretOf(SetReadKey, Early); a == (Secret{}) || (a == b) != (early == EarlyDataEnd) {
			t.Errorf("%v: the secrets of early data are the same: %v", s, a == b)
		}
		tickets := 0
		if k.from != "" {
			tickets = 2
		}
		given := onlyKind(r.client.log, Ticket)
		if len(given) != tickets || r.server.Result.TicketsSent != tickets {
			t.Errorf("%v: %d tickets sent, %d taken", s, r.server.Result.TicketsSent, len(given))
		}
		for _, e := range given {
			got := e.Detail.(*session.Session)
			if len(got.PeerChain) != 1 || got.ServerName != "localhost" || got.ClientAuth != s.certificate || got.Version != iana.TLS13 ||
				got.MaxEarlyData != 1000 || got.Lifetime != uint32(15*time.Hour/time.Second) || !got.Established.Equal(today()) ||
				(len(got.Ticket) == session.IDLen) != (k.from == tls13Stored) || got.Group == 0 || got.PeerScheme != iana.Ed25519 {
				t.Errorf("%v: the session is %+v", s, got)
			}
		}
		r.close()
		if t.Failed() {
			return
		}
	}
}

// TestTicketLifetimes shifts the server's clock, and the client's with it or not: a ticket lasts its
// time on both sides, and the keying material of a full handshake no longer for being passed on.
func TestTicketLifetimes(t *testing.T) {
	const hour, day = time.Hour, 24 * time.Hour
	resume := func(have *session.Session, later, client time.Duration) *run {
		t.Helper()
		r := scenario{tls13Sealed, NoClientAuth, false, 0}.start(t)
		r.client.Session = have
		r.client.cfg.Now = func() time.Time { return today().Add(client) }
		r.server.cfg.Now = func() time.Time { return today().Add(later) }
		r.server.cfg.SessionLifetime = 7 * day
		keys := session.NewKeys(session.KeysConfig{EncryptLifetime: 30 * day, DecryptLifetime: 30 * day, AddedOnly: true})
		if err := keys.Add([]byte("ours"), []byte("secret of ours"), today(), today()); err != nil {
			t.Fatal(err)
		}
		r.server.cfg.TicketKeys = keys
		r.post = nil
		r.finish()
		return r
	}
	first := scenario{tls13Sealed, NoClientAuth, false, 0}.made13(t).session
	for _, c := range []struct {
		server, client time.Duration
		resumed        bool
		early          EarlyDataStatus
	}{
		{0, 0, true, EarlyDataEnd},
		{14*hour + 59*time.Minute, 14*hour + 59*time.Minute, true, EarlyDataEnd},
		{15 * hour, 14 * hour, false, EarlyDataRejected},
		{15 * hour, 15 * hour, false, EarlyDataNotRequested}, // the client knows, too
		{-time.Hour, 0, true, EarlyDataRejected},             // a fleet's clocks may differ
		{-time.Hour - time.Second, 0, false, EarlyDataRejected},
		{time.Hour, time.Hour - 60*time.Second, true, EarlyDataEnd},
		{time.Hour, time.Hour - 61*time.Second, true, EarlyDataRejected},
		{time.Hour, time.Hour + 60*time.Second, true, EarlyDataEnd},
		{time.Hour, time.Hour + 61*time.Second, true, EarlyDataRejected},
	} {
		r := resume(first, c.server, c.client)
		if got := &r.server.Result; got.Resumed != c.resumed || got.EarlyData != c.early || r.client.Result.EarlyData != c.early {
			t.Errorf("%v later, %v by the client's clock: resumed is %v, early data is %v; want %v, %v", c.server, c.client, got.Resumed, got.EarlyData, c.resumed, c.early)
		}
		r.close()
	}

	have := first
	for at := 14 * hour; at < 8*day; at += 14 * hour {
		r := resume(have, at, at)
		if r.server.Result.Resumed != (at < 7*day) {
			t.Fatalf("after %v resumed is %v", at, r.server.Result.Resumed)
		}
		if at >= 7*day {
			r.close()
			break
		}
		tickets := onlyKind(r.client.log, Ticket)
		left := min(15*hour, 7*day-at)
		have = tickets[len(tickets)-1].Detail.(*session.Session)
		if got := time.Duration(have.Lifetime) * time.Second; got > 7*day-at || got < left {
			t.Errorf("after %v a ticket lasts %v, and the keying material %v", at, got, 7*day-at)
		}
		if !have.Established.Equal(today()) || !have.KeyingMaterialExpires.Equal(today().Add(7*day)) {
			t.Errorf("after %v the session is of %v and its keying material ends at %v", at, have.Established, have.KeyingMaterialExpires)
		}
		r.close()
	}
}
