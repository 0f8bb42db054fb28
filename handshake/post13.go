package handshake

import (
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// After the handshake (RFC 8446, Section 4.6):
//
// S -> C   [NewSessionTicket]   any number, any time
// both     [KeyUpdate]

// maxIdleUpdates bounds the KeyUpdates and tickets that a peer may send without any
// application data in between.
const maxIdleUpdates = 32

// connected13 is the state of an established connection.
type connected13 struct {
	read  Secret
	suite iana.CipherSuite
	idle  int // messages since application data came
}

func (s *connected13) accepts() msgSet { return only(iana.KeyUpdate, iana.NewSessionTicket) }

func (s *connected13) wipe() { s.read.Clear() }

func (s *connected13) next(m *Machine, msg []byte) (state, error) {
	if s.idle++; s.idle > maxIdleUpdates {
		return nil, unexpected("%s sent %d messages after the handshake without application data in between", m.peer(), s.idle)
	}
	if iana.Message(msg[0]) == iana.NewSessionTicket {
		return s, s.ticket(m, msg)
	}
	return s, s.keyUpdate(m, msg)
}

func (s *connected13) ticket(m *Machine, msg []byte) error {
	if !m.client {
		return unexpected("client sent a %v", iana.NewSessionTicket)
	}
	var t wire.NewSessionTicket
	return t.Parse(msg[4:])
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
		s.idle = 0
	case *connected12:
		s.idle = 0
	}
}
