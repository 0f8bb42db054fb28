package handshake

import (
	"crypto/rand"
	"io"
	"math"
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// S -> C   NewSessionTicket* [ChangeCipherSpec] Finished                   RFC 5077, Section 3.3
//          the application may be asked to seal the ticket, and the store to keep the session

// maxSealedChain is how many bytes of a client's chain travel in a ticket. A longer chain goes
// into the store; where there is none, only its leaf is kept.
const maxSealedChain = 4 << 10

// gives12 reports whether this server has to do with tickets in TLS 1.2. Whoever gets at a ticket
// key can read all that was said under its tickets, so that a Config may do without.
func (m *Machine) gives12() bool {
	c := m.cfg
	return c.SessionTickets && !c.RequireTicketForwardSecrecy &&
		(c.TicketKeys != nil || c.Asks.Has(AskSealTicket))
}

// newTicket12 is a ticket in the making.
type newTicket12 struct {
	*server12
	then func(m *Machine) (state, error)
}

// giveTicket writes a NewSessionTicket for the session, and goes on with then. It is empty if
// the session cannot be sealed or kept now.
func (s *server12) giveTicket(m *Machine, then func(*Machine) (state, error)) (state, error) {
	t := &newTicket12{s, then}
	sess := s.session
	if !sess.IssueAt(m.now(), m.cfg.SessionLifetime) {
		return t.give(m, nil, 0)
	}
	if chainLen(sess.PeerChain) > maxSealedChain {
		if m.cfg.Store {
			return t.store(m)
		}
		sess.PeerChain, sess.PeerTruncated = sess.PeerChain[:1], true
	}
	if s.content = sess.Append(nil); len(s.content) == 0 { // more than a ticket can say
		return t.give(m, nil, 0)
	}
	if m.cfg.Asks.Has(AskSealTicket) {
		return ask(m, AskSealTicket, s.content, new(async.Op[[]byte]), t.sealed), nil
	}
	return t.seal(m)
}

func chainLen(chain [][]byte) (n int) {
	for _, der := range chain {
		n += len(der)
	}
	return n
}

// sealed takes the application's ticket, nil if there is none. One as short as an ID would be taken
// for one.
func (t *newTicket12) sealed(m *Machine, ticket []byte) (state, error) {
	if len(ticket) <= session.IDLen || len(ticket) > math.MaxUint16 {
		return t.give(m, nil, 0)
	}
	return t.give(m, ticket, session.MaxLifetime)
}

// seal seals the ticket with our own keys.
func (t *newTicket12) seal(m *Machine) (state, error) {
	ticket, life, ok, err := m.cfg.TicketKeys.Seal(nil, t.content, m.now(), m.random())
	if err != nil {
		return nil, internal(err, "a ticket could not be sealed")
	}
	if !ok || len(ticket) > math.MaxUint16 {
		ticket = nil
	}
	return t.give(m, ticket, life)
}

// store keeps the session under a ticket that is its ID.
func (t *newTicket12) store(m *Machine) (state, error) {
	t.session.ID = make([]byte, session.IDLen)
	if err := m.draw(t.session.ID); err != nil {
		return nil, err
	}
	m.Result.SessionID = t.session.ID
	return t.storeSession(m, t.stored)
}

func (t *newTicket12) stored(m *Machine, _ struct{}) (state, error) {
	return t.give(m, t.session.ID, session.MaxLifetime)
}

// give writes the ticket, which nobody takes for longer than it and its session last.
func (t *newTicket12) give(m *Machine, ticket []byte, life time.Duration) (state, error) {
	var hint uint32
	if hint = min(t.session.Lifetime, uint32(life/time.Second)); hint == 0 {
		ticket = nil // 0 would leave it open
	}
	w, start := m.writer()
	wire.AppendNewSessionTicket12(w, hint, ticket)
	if err := m.sent(start); err != nil {
		return nil, err
	}
	if len(ticket) > 0 {
		m.Result.TicketsSent++
	}
	return t.then(m)
}

// storeSession asks the store to keep the session under its ID.
func (s *server12) storeSession(m *Machine, then func(*Machine, struct{}) (state, error)) (state, error) {
	if s.content = s.session.Append(nil); len(s.content) == 0 {
		return then(m, struct{}{})
	}
	entry := &SessionEntry{ID: s.session.ID, Entry: s.content, Lifetime: time.Duration(s.session.Lifetime) * time.Second}
	return ask(m, AskStoreSession, entry, new(async.Op[struct{}]), then), nil
}

// random is the source of what others draw for us.
func (m *Machine) random() io.Reader {
	if m.cfg.Rand != nil {
		return m.cfg.Rand
	}
	return rand.Reader
}

// keep makes a session of a full handshake, when the client has proved that it has the keys, and
// goes on with the server's Finished.
func (s *server12) keep(m *Machine) (state, error) {
	if id := m.sessionID(); s.ticket || len(id) > 0 {
		s.session = m.newSession12(&s.session12)
		if s.ticket {
			return s.giveTicket(m, s.end)
		}
		s.session.ID = slices.Clone(id)
		m.Result.SessionID = s.session.ID
		if s.session.IssueAt(m.now(), m.cfg.SessionLifetime) {
			return s.storeSession(m, s.kept)
		}
	}
	return s.end(m)
}

func (s *server12) kept(m *Machine, _ struct{}) (state, error) { return s.end(m) }

// end ends the server's side of a full handshake.
func (s *server12) end(m *Machine) (state, error) {
	if err := s.sendFinished(m); err != nil {
		return nil, err
	}
	s.wipeSession()
	return s.finish(m), nil
}

// wipeSession ends the session's secret, and what it was serialized to.
func (s *server12) wipeSession() {
	if s.session != nil {
		s.session.Clear()
	}
	clear(s.content)
}
