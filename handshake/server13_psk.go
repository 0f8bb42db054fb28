package handshake

import (
	"crypto"
	"crypto/subtle"
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kdf"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   ClientHello with pre_shared_key              RFC 8446, Section 4.2.11
//          an external PSK is looked for, then a ticket; the application may be asked for either
//          the binder proves that the client has it
//          server13.go goes on, with the PSK or without

const (
	// maxTickets is how many identities are tried as tickets, at a cost for each.
	maxTickets = 3

	// maxIdentities is how many are looked at as external PSKs: each is compared with each of
	// ours, and a ClientHello has room for nine thousand.
	maxIdentities = 64
)

// chosenPSK is the PSK that the handshake goes by.
type chosenPSK struct {
	identity []byte // the client's name for it; the Result's in the end
	index    int
	age      uint32 // of a ticket, obfuscated
	hash     crypto.Hash
	early    schedule.Early // once the binder fits
	promised uint32         // how much early data the client was allowed, in bytes

	external *PSK             // or
	session  *session.Session // with
	stateful bool             // from a store
	peer     PeerChain
}

func (c *chosenPSK) wipe() {
	c.early.Clear()
	if c.session != nil {
		c.session.Clear()
	}
}

// binderKey begins the key schedule with the PSK.
func (c *chosenPSK) binderKey() Secret {
	if c.external != nil {
		c.early = schedule.New(c.hash, c.external.Secret)
		return c.early.ExternalBinderKey()
	}
	c.early = schedule.New(c.hash, c.session.Secret)
	return c.early.ResumptionBinderKey()
}

// selectPSK looks for a PSK among those that a ClientHello offers.
type selectPSK struct {
	answerClientHello
	next     int // identity to try as a ticket
	tried    int
	identity []byte // that is being tried, with its number and age
	index    int
	age      uint32
}

// begin looks for external PSKs, in our order of preference.
func (s *selectPSK) begin(m *Machine) (state, error) {
	if !s.hello.Has.Has(iana.PSKKeyExchangeModes) {
		return nil, missing("client sent %v without %v", iana.PreSharedKey, iana.PSKKeyExchangeModes)
	}
	if slices.Index(s.hello.PSKKeyExchangeModes, wire.PSKWithDHE) < 0 {
		return s.withPSK(m, nil)
	}
	if s.retried != nil {
		return s.repeated(m)
	}
	if m.cfg.Asks.Has(AskPSK) {
		offered := &OfferedPSKs{ServerName: m.Result.ServerName}
		for identity := range s.hello.PreSharedKey.Identities.All() {
			if len(offered.Identities) == maxIdentities {
				break
			}
			offered.Identities = append(offered.Identities, slices.Clone(identity))
		}
		m.hold = true
		return ask(m, AskPSK, offered, new(async.Op[*PSK]), s.withAnswer), nil
	}
	for _, p := range m.cfg.PSKs {
		if c := s.external(m, p); c != nil {
			return s.prove(m, c)
		}
	}
	return s.tickets(m)
}

// withAnswer takes the PSK that the application chose. One that the client does not offer is
// none.
func (s *selectPSK) withAnswer(m *Machine, p *PSK) (state, error) {
	if p != nil && p.Check() == nil {
		if c := s.external(m, p); c != nil {
			return s.prove(m, c)
		}
	}
	return s.tickets(m)
}

// external returns the choice of p, if the client offers it and a cipher suite to go with it.
// Every identity is compared, up to maxIdentities, in time that depends on their lengths alone. No PSK stands for a certificate that
// is required.
func (s *selectPSK) external(m *Machine, p *PSK) *chosenPSK {
	if m.cfg.ClientAuth == RequireClientAuth {
		return nil
	}
	i, found := 0, -1
	for identity := range s.hello.PreSharedKey.Identities.All() {
		if i == maxIdentities {
			break
		}
		if subtle.ConstantTimeCompare(identity, p.Identity) == 1 && found < 0 {
			found = i
		}
		i++
	}
	if _, ok := s.suiteFor(m, p.hash()); !ok || found < 0 {
		return nil
	}
	return &chosenPSK{identity: p.Identity, index: found, hash: p.hash(), external: p, promised: p.MaxEarlyData}
}

// tickets tries identities as tickets, in the client's order.
func (s *selectPSK) tickets(m *Machine) (state, error) {
	i := -1
	for identity, age := range s.hello.PreSharedKey.Identities.All() {
		if i++; i < s.next {
			continue
		}
		if !m.cfg.SessionTickets || s.tried == maxTickets {
			break
		}
		s.tried++
		s.identity, s.index, s.age, s.next = identity, i, age, i+1
		if len(identity) == session.IDLen && m.cfg.Store && m.cfg.Asks.Has(AskSession) {
			m.hold = true
			lookup := &SessionLookup{slices.Clone(identity), iana.TLS13}
			return ask(m, AskSession, lookup, new(async.Op[[]byte]), s.withEntry), nil
		}
		if m.cfg.Asks.Has(AskTicket) {
			m.hold = true
			return ask(m, AskTicket, slices.Clone(identity), new(async.Op[[]byte]), s.withState), nil
		}
		if c := s.open(m); c != nil {
			return s.prove(m, c)
		}
	}
	return s.none(m)
}

// open opens the ticket with our own keys.
func (s *selectPSK) open(m *Machine) *chosenPSK {
	if m.cfg.TicketKeys == nil {
		return nil
	}
	content, _, ok := m.cfg.TicketKeys.Open(nil, s.identity, m.now())
	if !ok {
		return nil
	}
	t, err := session.Take(content)
	if err != nil {
		clear(content)
		return nil
	}
	return s.fits(m, t)
}

// withEntry takes what the store has under the ticket. Another session's is none.
func (s *selectPSK) withEntry(m *Machine, entry []byte) (state, error) {
	c := s.read(m, entry)
	clear(entry) // it is ours now
	if c != nil && string(c.session.ID) != string(s.identity) {
		c.wipe()
		c = nil
	}
	if c == nil {
		return s.tickets(m)
	}
	c.stateful = true
	return s.prove(m, c)
}

// withState takes what the application found in the ticket; nil leaves it to our own keys.
func (s *selectPSK) withState(m *Machine, content []byte) (state, error) {
	c := s.read(m, content)
	if content == nil {
		c = s.open(m)
	}
	if c == nil {
		return s.tickets(m)
	}
	return s.prove(m, c)
}

// read returns the choice of the session that content is, of which it keeps nothing.
func (s *selectPSK) read(m *Machine, content []byte) *chosenPSK {
	t, err := session.Parse(content)
	if err != nil {
		return nil
	}
	return s.fits(m, t)
}

// fits returns the choice of session t, if it may be resumed here and now: by the cipher suite that a
// full handshake would choose, whose hash has to be the session's. Any other is wiped.
func (s *selectPSK) fits(m *Machine, t *session.Session) *chosenPSK {
	id, ok := s.suiteFor(m, 0)
	if !ok || suite.Lookup(id).Hash != suite.Lookup(t.CipherSuite).Hash || !s.hello.CipherSuites.Has(t.CipherSuite) || !m.resumable(t) || !m.knowsPSK(t) {
		t.Clear()
		return nil
	}
	peer, ok := m.peerOf(t)
	if !ok {
		t.Clear()
		return nil
	}
	return &chosenPSK{identity: slices.Clone(s.identity), index: s.index, age: s.age, hash: suite.Lookup(id).Hash, session: t, peer: peer, promised: t.MaxEarlyData}
}

// resumable holds what both sides want of a session of TLS 1.3, its peer apart: a life that is not
// over, and the same authentication; a cipher suite that is still allowed.
func (m *Machine) resumable(t *session.Session) bool {
	authenticates := m.client || t.ClientAuth || m.cfg.ClientAuth == RequireClientAuth || m.onlyPSK()
	return t.Version == iana.TLS13 && !t.ExpiredAt(m.now()) && t.Binding == m.cfg.SessionBinding && slices.Contains(m.cfg.Suites, t.CipherSuite) &&
		(t.ClientAuth || m.cfg.ClientAuth != RequireClientAuth) &&
		(!authenticates || strings.EqualFold(t.ServerName, m.Result.ServerName))
}

// none goes on without a PSK. Where there is no certificate either, the client is told the same as
// if the PSK were known and its binder wrong, after the same work.
func (s *selectPSK) none(m *Machine) (state, error) {
	if !m.onlyPSK() {
		return s.withPSK(m, nil)
	}
	unknown := &chosenPSK{hash: crypto.SHA256, external: &PSK{Secret: make([]byte, crypto.SHA256.Size())}}
	s.proved(m, unknown)
	unknown.wipe()
	return nil, unproved("client offers no PSK that this server knows, and there is no certificate")
}

// onlyPSK reports whether a server has PSKs and no certificate.
func (m *Machine) onlyPSK() bool {
	return m.cfg.Certificates == nil && (len(m.cfg.PSKs) > 0 || m.cfg.Asks.Has(AskPSK))
}

// repeated finds, in a second ClientHello, the PSK that was chosen by the first one, which the client
// has no reason to take back (RFC 8446, Section 4.1.2).
func (s *selectPSK) repeated(m *Machine) (state, error) {
	c := s.retried.psk
	if c == nil {
		return s.withPSK(m, nil)
	}
	c.index = -1
	i := 0
	for identity, age := range s.hello.PreSharedKey.Identities.All() {
		if c.index < 0 && subtle.ConstantTimeCompare(identity, c.identity) == 1 {
			c.index, c.age = i, age
		}
		i++
	}
	if c.index < 0 {
		return nil, illegal("client offers the PSK no more by which HelloRetryRequest was chosen")
	}
	return s.prove(m, c)
}

// prove goes on with the PSK if its binder fits.
func (s *selectPSK) prove(m *Machine, c *chosenPSK) (state, error) {
	m.x.secrets = c
	if !s.proved(m, c) {
		return nil, unproved("client sent a binder that does not fit PSK %d", c.index)
	}
	return s.withPSK(m, c)
}

// proved checks the binder of PSK c, over the transcript up to the list of binders (RFC 8446,
// Section 4.2.11.2).
func (s *selectPSK) proved(m *Machine, c *chosenPSK) bool {
	var sum, room [kdf.MaxSize]byte
	th := sum[:c.hash.Size()]
	truncated := s.msg[:len(s.msg)-s.hello.PreSharedKey.BindersLen]
	if s.retried != nil {
		th = m.x.transcript.SumWith(truncated)
	} else {
		kdf.Sum(c.hash, th, truncated)
	}
	key := c.binderKey()
	want := key.Finished(room[:0], th)
	key.Clear()
	i := 0
	for binder := range s.hello.PreSharedKey.Binders.All() {
		if i == c.index {
			return subtle.ConstantTimeCompare(binder, want) == 1
		}
		i++
	}
	return false
}
