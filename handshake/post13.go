package handshake

import (
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// After the handshake (RFC 8446, Section 4.6):
//
// S -> C   [NewSessionTicket]   any number, any time
// both     [KeyUpdate]

// maxIdleUpdates bounds the KeyUpdates that a peer may send without any application data in
// between.
const maxIdleUpdates = 32

// MaxIdleTickets is how many tickets a client takes without any application data in between. A
// server sends no more.
const MaxIdleTickets = 256

// connected13 is the state of an established connection.
type connected13 struct {
	read  Secret
	suite iana.CipherSuite
	given int32 // tickets since application data came
	idle  int   // KeyUpdates since then, less those that were asked for

	tickets *ticketTaker // of a client that wants tickets
}

// ticketTaker is what a client needs to make sessions of tickets.
type ticketTaker struct {
	origin origin
	secret Secret // resumption master secret
}

func (s *connected13) accepts() msgSet { return only(iana.KeyUpdate, iana.NewSessionTicket) }

func (s *connected13) wipe() {
	s.read.Clear()
	if s.tickets != nil {
		s.tickets.secret.Clear()
	}
}

func (s *connected13) next(m *Machine, msg []byte) (state, error) {
	if iana.Message(msg[0]) == iana.NewSessionTicket {
		if s.given++; s.given > MaxIdleTickets {
			return nil, unexpected("%s sent %d tickets without application data in between", m.peer(), s.given)
		}
		return s, s.ticket(m, msg)
	}
	if s.idle++; s.idle > maxIdleUpdates {
		return nil, unexpected("%s sent %d messages after the handshake without application data in between", m.peer(), s.idle)
	}
	return s, s.keyUpdate(m, msg)
}

func (s *connected13) ticket(m *Machine, msg []byte) error {
	if !m.client {
		return unexpected("client sent a %v", iana.NewSessionTicket)
	}
	var t wire.NewSessionTicket
	if err := t.Parse(msg[4:]); err != nil {
		return err
	}
	if t.Lifetime > uint32(session.MaxLifetime/time.Second) {
		return illegal("server sent a ticket for %d seconds, more than 7 days", t.Lifetime)
	}
	if s.tickets == nil || t.Lifetime == 0 { // to be dropped at once (RFC 8446, Section 4.6.1)
		return nil
	}
	kept := m.session(s.tickets.origin)
	kept.Issued, kept.Lifetime, kept.AgeAdd, kept.MaxEarlyData = m.now(), t.Lifetime, t.AgeAdd, t.MaxEarlyData
	kept.Ticket = slices.Clone(t.Ticket)
	psk := s.tickets.secret.TicketPSK(t.Nonce)
	kept.Secret = slices.Clone(psk.Bytes())
	psk.Clear()
	m.emit(Event{Kind: Ticket, Detail: kept})
	return nil
}

func (s *connected13) keyUpdate(m *Machine, msg []byte) error {
	var u wire.KeyUpdate
	if err := u.Parse(msg[4:]); err != nil {
		return err
	}
	next := s.read.Next()
	s.read.Clear()
	s.read = next
	m.emit(Event{Kind: SetReadKey, Epoch: Application, Suite: s.suite, Secret: next})
	if u.RequestUpdate {
		m.emit(Event{Kind: UpdateWriteKey})
	}
	return nil
}

// GotApplicationData tells a Machine that is Done that application data came, which
// lets the peer send KeyUpdates and tickets again.
func (m *Machine) GotApplicationData() {
	switch s := m.state.(type) {
	case *connected13:
		s.idle, s.given = min(s.idle, 0), 0
	case *connected12:
		s.idle = 0
	}
}

// AskedForKeyUpdates tells a Machine that is Done that the peer has been asked for n
// KeyUpdates: it may have nothing else to send when it answers.
func (m *Machine) AskedForKeyUpdates(n int) {
	if s, ok := m.state.(*connected13); ok {
		s.idle -= n
	}
}
