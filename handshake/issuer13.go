package handshake

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// S -> C   [NewSessionTicket*]    RFC 8446, Section 4.6.1
//
// The first tickets end the handshake; others follow when the application wants them.

// ErrKeyingMaterialExpired says that no ticket can be made any more, since what it would resume
// is too old (s2n's S2N_ERR_KEYING_MATERIAL_EXPIRED).
var ErrKeyingMaterialExpired = errors.New("the keying material of this connection is too old for another ticket")

// origin is what a session knows of the full handshake that it comes from.
type origin struct {
	established time.Time
	expires     time.Time  // of all that is derived from it
	psk         *provedPSK // server: what the client proved in it; nil = no external PSK
}

// provedPSK is what a session knows of an external PSK.
type provedPSK struct {
	identity []byte
	digest   [sha256.Size]byte
}

// proved returns what a session is to know of the PSK.
func (p *PSK) proved() *provedPSK {
	salt := sha256.Sum256([]byte("s2ngo: session of an external PSK"))
	extract := hmac.New(sha256.New, salt[:]) // as HKDF does, since the secret may be short for a key
	extract.Write(p.Secret)
	key := extract.Sum(nil)
	h := hmac.New(sha256.New, key)
	clear(key)
	h.Write([]byte{byte(p.hash())})
	h.Write(p.Identity)
	return &provedPSK{slices.Clone(p.Identity), [sha256.Size]byte(h.Sum(nil))}
}

// knowsPSK reports whether a server has the external PSK that the session comes from, if it comes from one. The
// application that chooses PSKs is not asked for it.
func (m *Machine) knowsPSK(t *session.Session) bool {
	if t.PSKIdentity == nil {
		return !m.onlyPSK()
	}
	return m.cfg.Asks.Has(AskPSK) || slices.ContainsFunc(m.cfg.PSKs, func(p *PSK) bool {
		if !bytes.Equal(p.Identity, t.PSKIdentity) {
			return false
		}
		digest := p.proved().digest
		return hmac.Equal(digest[:], t.PSKDigest[:])
	})
}

// restore makes the session's peer that of this handshake.
func (m *Machine) restore(t *session.Session, peer PeerChain) {
	r := &m.Result
	r.Resumed, r.ClientAuth, r.PeerScheme, r.PeerTruncated = true, t.ClientAuth, t.PeerScheme, t.PeerTruncated
	r.Peer = peer
	m.x.origin = &origin{established: t.Established, expires: t.KeyingMaterialExpires}
	if t.PSKIdentity != nil {
		m.x.origin.psk = &provedPSK{slices.Clone(t.PSKIdentity), t.PSKDigest}
	}
}

// originOf returns where sessions of this handshake come from.
func (m *Machine) originOf() origin {
	if m.Result.Resumed {
		return *m.x.origin
	}
	lifetime := m.cfg.KeyingMaterialLifetime
	if lifetime == 0 {
		lifetime = session.DefaultKeyingMaterialLifetime
	}
	now := m.now()
	o := origin{established: now, expires: now.Add(lifetime)}
	if m.x.origin != nil {
		o.psk = m.x.origin.psk
	}
	return o
}

// session returns what a later handshake would resume of this one, but for the secret and what
// is the ticket's own.
func (m *Machine) session(o origin) *session.Session {
	r := &m.Result
	t := &session.Session{
		Version: r.Version, CipherSuite: r.CipherSuite, ServerName: r.ServerName, ALPN: r.ALPN,
		Established: o.established, KeyingMaterialExpires: o.expires,
		Group: r.Group, PeerScheme: r.PeerScheme, PeerTruncated: r.PeerTruncated,
		OCSPResponse: r.Peer.OCSPResponse, SCTList: r.Peer.SCTList,
		ClientAuth: r.ClientAuth, Binding: m.cfg.SessionBinding,
	}
	if o.psk != nil {
		t.PSKIdentity, t.PSKDigest = o.psk.identity, o.psk.digest
	}
	for _, cert := range r.Peer.Certificates {
		t.PeerChain = append(t.PeerChain, cert.Raw)
	}
	return t
}

// Issuer makes a server's tickets. After the handshake it belongs to whoever sends; all it
// shares with the Machine does not change any more.
type Issuer struct {
	m      *Machine // read only
	origin origin
	secret Secret // resumption master secret
	count  uint16

	ticket *session.Session // that is being made
	sealed []byte
	life   time.Duration // of the ticket's key
}

// newIssuer returns what makes tickets at the end of a handshake, nil if there is no way to.
func (m *Machine) newIssuer(main *schedule.Main) *Issuer {
	c := m.cfg
	if !c.SessionTickets || c.TicketKeys == nil && !c.Asks.Has(AskSealTicket) && !c.stores() {
		return nil
	}
	return &Issuer{m: m, origin: m.originOf(), secret: main.Resumption(m.hash())}
}

func (c *Config) stores() bool { return c.Store && c.Asks.Has(AskStoreSession) }

// Issuer returns what makes further tickets, nil if there are none to be made.
func (m *Machine) Issuer() *Issuer { return m.issuer }

func (i *Issuer) wipe() {
	i.secret.Clear()
	i.drop()
}

func (i *Issuer) drop() {
	if i.ticket != nil {
		i.ticket.Clear()
	}
	i.ticket, i.sealed = nil, nil
}

// Begin begins a ticket. An Event is a question to the application: Append follows when its
// operation is answered, well or not; otherwise at once. An error ends no connection.
func (i *Issuer) Begin() (question *Event, err error) {
	m, c := i.m, i.m.cfg
	i.drop()
	if i.count == math.MaxUint16 {
		return nil, errors.New("a connection has 65535 tickets at most")
	}
	t := m.session(i.origin)
	lifetime := c.SessionLifetime
	if lifetime == 0 {
		lifetime = session.DefaultSessionLifetime
	}
	if !t.IssueAt(m.now(), lifetime) {
		return nil, ErrKeyingMaterialExpired
	}
	var b [4]byte
	if err := m.draw(b[:]); err != nil {
		return nil, err
	}
	t.AgeAdd = binary.BigEndian.Uint32(b[:])
	t.MaxEarlyData, t.EarlyDataContext = c.MaxEarlyData, c.EarlyDataContext
	nonce := i.nonce()
	psk := i.secret.TicketPSK(nonce[:])
	t.Secret = append([]byte(nil), psk.Bytes()...)
	psk.Clear()
	i.ticket, i.life = t, session.MaxLifetime

	if c.TicketKeys == nil && !c.Asks.Has(AskSealTicket) {
		return i.store()
	}
	if chainLen(t.PeerChain) > maxSealedChain {
		if c.stores() {
			return i.store()
		}
		t.PeerChain, t.PeerTruncated = t.PeerChain[:1], true
	}
	if c.Asks.Has(AskSealTicket) {
		return &Event{Kind: Ask, Question: AskSealTicket, Detail: t.Append(nil), Op: new(async.Op[[]byte])}, nil
	}
	return nil, i.seal()
}

// seal seals the ticket with our own keys, if there are any.
func (i *Issuer) seal() error {
	m := i.m
	if m.cfg.TicketKeys == nil {
		return nil
	}
	content := i.ticket.Append(nil)
	defer clear(content)
	sealed, life, ok, err := m.cfg.TicketKeys.Seal(nil, content, m.now(), m.random())
	if err != nil {
		return internal(err, "a ticket could not be sealed")
	}
	if ok && len(sealed) <= math.MaxUint16 { // a context for early data can be as long as that
		i.sealed, i.life = sealed, life
	}
	return nil
}

// store makes the ticket the ID of an entry in the application's store.
func (i *Issuer) store() (*Event, error) {
	t := i.ticket
	t.ID = make([]byte, session.IDLen)
	if err := i.m.draw(t.ID); err != nil {
		return nil, err
	}
	i.sealed = t.ID
	entry := &SessionEntry{t.ID, t.Append(nil), time.Duration(t.Lifetime) * time.Second}
	return &Event{Kind: Ask, Question: AskStoreSession, Detail: entry, Op: new(async.Op[struct{}])}, nil
}

func (i *Issuer) nonce() (b [2]byte) {
	binary.BigEndian.PutUint16(b[:], i.count)
	return b
}

// Append ends the ticket that was begun, after question, which may be nil: it appends a
// NewSessionTicket with its header to dst, or nothing if there is none to be had.
func (i *Issuer) Append(dst []byte, question *Event) []byte {
	w := wire.Writer{B: dst}
	i.put(&w, question)
	return w.B
}

func (i *Issuer) put(w *wire.Writer, question *Event) (ok bool) {
	defer i.drop()
	if question != nil {
		switch op := question.Op.(type) {
		case *async.Op[[]byte]:
			answer, err, _ := op.Result()
			switch n := len(answer); {
			case err != nil || answer == nil && i.seal() != nil:
			case n > session.IDLen && n <= math.MaxUint16:
				i.sealed = answer
			}
		case *async.Op[struct{}]:
			if _, err, answered := op.Result(); err != nil || !answered {
				i.sealed = nil
			}
		}
	}
	if i.ticket == nil || i.sealed == nil {
		return false
	}
	life := min(i.life, time.Duration(i.ticket.Lifetime)*time.Second)
	nonce := i.nonce()
	msg := wire.BeginNewSessionTicket(w, uint32(life/time.Second), i.ticket.AgeAdd, nonce[:], i.sealed)
	x := w.Begin16()
	if i.ticket.MaxEarlyData > 0 {
		wire.PutMaxEarlyData(w, i.ticket.MaxEarlyData)
	}
	w.End(x)
	w.End(msg)
	i.count++
	return true
}

// issueTickets sends the tickets that end a handshake. What cannot be had is left out.
type issueTickets struct {
	end      state
	left     int
	question *Event
}

// more begins tickets until one waits for the application.
func (s *issueTickets) more(m *Machine) (state, error) {
	for ; s.left > 0; s.left-- {
		question, err := m.issuer.Begin()
		if err != nil {
			break
		}
		if s.question = question; question != nil {
			switch op := question.Op.(type) {
			case *async.Op[[]byte]:
				return ask(m, question.Question, question.Detail, op, func(m *Machine, _ []byte) (state, error) { return s.made(m) }), nil
			case *async.Op[struct{}]:
				return ask(m, question.Question, question.Detail, op, func(m *Machine, _ struct{}) (state, error) { return s.made(m) }), nil
			}
		}
		if err := s.send(m); err != nil {
			return nil, err
		}
	}
	return m.finish(s.end), nil
}

// made goes on when the application has answered.
func (s *issueTickets) made(m *Machine) (state, error) {
	if err := s.send(m); err != nil {
		return nil, err
	}
	s.left--
	return s.more(m)
}

func (s *issueTickets) send(m *Machine) error {
	w, start := m.writer()
	if !m.issuer.put(w, s.question) {
		return nil
	}
	m.Result.TicketsSent++
	return m.sent(start)
}
