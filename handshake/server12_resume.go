package handshake

import (
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   ClientHello            with a ticket (RFC 5077) or a session ID (RFC 5246, Section 7.3)
//          the application or the store may be asked for the session
// S -> C   ServerHello NewSessionTicket* [ChangeCipherSpec] Finished
// C -> S   [ChangeCipherSpec] Finished

// findSession12 looks for the session that a client wants to resume. What does not fit leads to
// a full handshake.
type findSession12 struct {
	*server12
	hello *wire.ClientHello // lends the Machine's input, like msg
	msg   []byte
}

// find begins with what the client offers. A client that sends a ticket has made up the
// session ID beside it (RFC 5077, Section 3.4).
func (s *server12) find(m *Machine, hello *wire.ClientHello, msg []byte) (state, error) {
	s.ticket = m.gives12() && hello.Has.Has(iana.SessionTicket)
	ticket, id := hello.SessionTicket, hello.SessionID
	switch {
	case len(ticket) > 0 && s.ticket:
		return (&findSession12{s, hello, msg}).byTicket(m, ticket)
	case len(ticket) == 0 && len(id) == session.IDLen && m.cfg.Store:
		return (&findSession12{s, hello, msg}).lookUp(m, id)
	}
	return s.full(m, hello, msg)
}

// byTicket asks for what is in a ticket, or stored under it.
func (f *findSession12) byTicket(m *Machine, ticket []byte) (state, error) {
	switch {
	case len(ticket) == session.IDLen && m.cfg.Store:
		return f.lookUp(m, ticket)
	case m.cfg.Asks.Has(AskTicket):
		m.hold = true
		return ask(m, AskTicket, slices.Clone(ticket), new(async.Op[[]byte]), f.opened), nil
	}
	return f.open(m)
}

// lookUp asks the store.
func (f *findSession12) lookUp(m *Machine, id []byte) (state, error) {
	m.hold = true
	w := &lookUp12{f, slices.Clone(id)}
	detail := &SessionLookup{ID: w.id, Version: iana.TLS12}
	return ask(m, AskSession, detail, new(async.Op[[]byte]), w.found), nil
}

// lookUp12 waits for the store.
type lookUp12 struct {
	*findSession12
	id []byte
}

// found takes a store's entry, nil if it has none, which is ours from then on.
func (f *lookUp12) found(m *Machine, entry []byte) (state, error) {
	defer clear(entry) // it is ours now
	s, err := session.Parse(entry)
	if err != nil {
		return f.full(m)
	}
	if string(s.ID) != string(f.id) {
		s.Clear()
		return f.full(m)
	}
	return f.judge(m, s, false)
}

// opened takes what the application says is in the ticket; nil leaves it to our own keys.
func (f *findSession12) opened(m *Machine, content []byte) (state, error) {
	if content == nil {
		return f.open(m)
	}
	s, err := session.Parse(content)
	if err != nil {
		return f.full(m)
	}
	return f.judge(m, s, false)
}

// open opens the ticket with our own keys.
func (f *findSession12) open(m *Machine) (state, error) {
	if m.cfg.TicketKeys == nil {
		return f.full(m)
	}
	content, renew, ok := m.cfg.TicketKeys.Open(nil, f.hello.SessionTicket, m.now())
	if !ok {
		return f.full(m)
	}
	s, err := session.Take(content)
	if err != nil {
		clear(content)
		return f.full(m)
	}
	return f.judge(m, s, renew)
}

// full goes on without a session.
func (f *findSession12) full(m *Machine) (state, error) { return f.server12.full(m, f.hello, f.msg) }

// judge resumes the session if it fits the hello and today's settings.
func (f *findSession12) judge(m *Machine, s *session.Session, renew bool) (state, error) {
	if !f.fits(m, s) {
		s.Clear()
		return f.full(m)
	}
	if s.ExtendedMasterSecret && !f.extended { // RFC 7627, Section 5.3
		s.Clear()
		return nil, refused("client resumes a session with %v, and does not offer it", iana.ExtendedMasterSecret)
	}
	peer, ok := m.peerOf(s)
	if !ok || f.extended && !s.ExtendedMasterSecret {
		s.Clear()
		return f.full(m)
	}
	m.restore(s, peer)
	f.ticket, f.named, f.formats, f.sct, f.staple = renew, false, false, false, false
	f.session = s
	if len(s.ID) > 0 {
		m.Result.SessionID = slices.Clone(s.ID)
		m.Result.StoredID = m.Result.SessionID
	}
	m.x.sessionIDLen = uint8(copy(m.x.sessionID[:], f.hello.SessionID)) // as the client made it up, with a ticket
	if err := m.resume12(&f.session12, s); err != nil {
		return nil, err
	}
	m.hear(f.msg)
	return m.judgeAgain(false, f.abbreviated)
}

// fits reports whether the session may be resumed by this hello, now (RFC 5246, Section 7.4.1.2;
// RFC 6066, Section 3). Its suite is the one that a full handshake would choose: a session holds
// nobody to what both have better by now.
func (f *findSession12) fits(m *Machine, s *session.Session) bool {
	if s.Version != iana.TLS12 || s.ExpiredAt(m.now()) || s.Binding != m.cfg.SessionBinding ||
		!strings.EqualFold(s.ServerName, string(f.hello.ServerName)) ||
		m.cfg.ClientAuth == RequireClientAuth && !s.ClientAuth || m.cfg.Certificates == nil {
		return false
	}
	id, ok := f.selectSuite(m, f.hello)
	return ok && id == s.CipherSuite
}

// abbreviated writes the server's flight.
func (s *server12) abbreviated(m *Machine) (state, error) {
	if err := s.serverHello(m); err != nil {
		return nil, err
	}
	s.expand(m)
	if s.ticket {
		return s.giveTicket(m, s.finishedFirst)
	}
	return s.finishedFirst(m)
}

// finishedFirst ends the server's side, which is the first to end.
func (s *server12) finishedFirst(m *Machine) (state, error) {
	if err := s.sendFinished(m); err != nil {
		return nil, err
	}
	return &expectChangeCipherSpec{session: &s.session12, then: s.confirmed}, nil
}

func (s *server12) confirmed(m *Machine) (state, error) {
	s.wipeSession()
	return s.finish(m), nil
}
