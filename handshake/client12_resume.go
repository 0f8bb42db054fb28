package handshake

import (
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   ClientHello            with a ticket and a session ID that is made up (RFC 5077, Section 3.4), or with a session's ID
// S -> C   ServerHello NewSessionTicket* [ChangeCipherSpec] Finished
// C -> S   [ChangeCipherSpec] Finished

// offered12 is a session of TLS 1.2 that a client offers to resume.
type offered12 struct {
	session *session.Session
	peer    PeerChain // that it was made with
}

// offer12 returns the session of TLS 1.2 that this client offers to resume, or nil: one that
// today's settings would lead to again. Another handshake on a connection resumes nothing.
func (m *Machine) offer12() *offered12 {
	c, s := m.cfg, m.Session
	switch {
	case s == nil || s.Version != iana.TLS12 || c.MinVersion > iana.TLS12 || m.before != nil:
	case s.ExpiredAt(m.now()) || s.Binding != c.SessionBinding || !strings.EqualFold(s.ServerName, m.serverName):
	case !slices.Contains(c.Suites, s.CipherSuite):
	case c.RequireEMS && !s.ExtendedMasterSecret, c.ClientAuth == RequireClientAuth && !s.ClientAuth:
	case len(s.Ticket) > 0 && !c.SessionTickets, len(s.Ticket) == 0 && len(s.ID) == 0:
	case len(s.ID) > len(m.x.sessionID) || len(s.Secret) != schedule.MasterLen:
	default:
		if peer, ok := m.peerOf(s); ok {
			return &offered12{s, peer}
		}
	}
	return nil
}

// wantsSessions reports whether this client takes sessions of its servers.
func (m *Machine) wantsSessions() bool { return m.cfg.SessionTickets && m.before == nil }

// chooseSessionID makes up a legacy_session_id, for the compatibility of TLS 1.3 and to recognise
// that a ticket is taken, unless the session has one.
func (h *clientHello) chooseSessionID(m *Machine) error {
	h.old = m.offer12()
	if h.old != nil && len(h.old.session.Ticket) == 0 {
		m.x.sessionIDLen = uint8(copy(m.x.sessionID[:], h.old.session.ID))
		return nil
	}
	if h.old == nil && (m.cfg.NoCompatibility || m.cfg.MaxVersion < iana.TLS13) {
		return nil
	}
	m.x.sessionIDLen = 32
	return m.draw(m.x.sessionID[:])
}

// resumes reports whether a ServerHello takes the session that was offered up, by its ID or by the
// one that was made up beside its ticket.
func (h *clientHello) resumes(m *Machine, hello *wire.ServerHello) bool {
	return h.old != nil && string(hello.SessionID) == string(m.sessionID())
}

// resume goes on with the session that the server has taken up.
func (s *client12) resume(m *Machine, h *clientHello, hello *wire.ServerHello, msg []byte) (state, error) {
	old := h.old.session
	switch ems := iana.ExtendedMasterSecret; { // RFC 7627, Section 5.3
	case hello.CipherSuite != old.CipherSuite:
		return nil, illegal("server resumes a session of %v with %v", old.CipherSuite, hello.CipherSuite)
	case old.ExtendedMasterSecret && !hello.ExtendedMasterSecret:
		return nil, refused("server resumes a session with %v and does not answer it", ems)
	case hello.ExtendedMasterSecret && !old.ExtendedMasterSecret:
		return nil, refused("server resumes a session without %v and answers it", ems)
	}
	m.restore(old, h.old.peer)
	if err := m.resume12(&s.session12, old); err != nil {
		return nil, err
	}
	m.hear(msg)
	s.expand(m)
	if len(old.Ticket) == 0 {
		m.Result.SessionID = slices.Clone(old.ID)
	}
	return m.judgeAgain(false, s.welcome)
}

// welcome goes on with a server that is still welcome.
func (s *client12) welcome(*Machine) (state, error) { return s.expectEnd(s.finishedLast), nil }

// finishedLast ends our side after the server's.
func (s *client12) finishedLast(m *Machine) (state, error) {
	if err := s.sendFinished(m); err != nil {
		return nil, err
	}
	return s.done(m)
}

// expectEnd waits for what ends the server's side, and goes on with then.
func (s *client12) expectEnd(then func(*Machine) (state, error)) state {
	end := &expectChangeCipherSpec{session: &s.session12, then: then}
	if s.ticket {
		return &expectNewSessionTicket12{s, end}
	}
	return end
}

// expectNewSessionTicket12 waits for the ticket that the server has announced.
type expectNewSessionTicket12 struct {
	*client12
	end *expectChangeCipherSpec
}

func (*expectNewSessionTicket12) accepts() msgSet { return only(iana.NewSessionTicket) }

func (s *expectNewSessionTicket12) next(m *Machine, msg []byte) (state, error) {
	var t wire.NewSessionTicket12
	if err := t.Parse(msg[4:]); err != nil {
		return nil, err
	}
	m.hear(msg)
	if len(t.Ticket) > 0 {
		s.given, s.hint = slices.Clone(t.Ticket), t.LifetimeHint
	}
	return s.end, nil
}

// done ends the handshake. Only now, with the server's Finished, a ticket is good for anything (RFC
// 5077, Section 3.3).
func (s *client12) done(m *Machine) (state, error) {
	if made := s.made(m); made != nil {
		m.Result.TicketHint = made.Lifetime
		m.emit(Event{Kind: Ticket, Detail: made})
	}
	return s.finish(m), nil
}

// made is the session that the server has given us, or nil. A ticket takes the place of the
// session ID.
func (s *client12) made(m *Machine) *session.Session {
	if !m.wantsSessions() || s.given == nil && (s.resumed || s.id == nil) {
		return nil
	}
	made := m.newSession12(&s.session12)
	made.Lifetime, made.Ticket = s.hint, s.given
	if s.given == nil {
		made.ID = s.id
	}
	return made
}
