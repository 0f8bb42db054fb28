package handshake

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   ClientHello with early_data                  RFC 8446, Sections 4.2.10 and 8
//          the application may be asked whether it wants the early data, and whether it is new
// S -> C   ServerHello {EncryptedExtensions} {Finished}
// C -> S   (early data) (EndOfEarlyData)
// C -> S   {Finished}

// ageWindow is how far, in whole seconds, a ticket's age may be from what the client says of it for
// its early data to be taken: longer ago it could have been recorded, and be forgotten here.
const ageWindow = 60 * time.Second

// resumePSK goes from the choice of a PSK to ServerHello.
type resumePSK struct {
	*serverFlight
	hello *wire.ClientHello
	psk   *chosenPSK
}

// begin makes the session's peer that of this connection.
func (s *resumePSK) begin(m *Machine) (state, error) {
	s.serverFlight.psk = s.psk
	m.Result.PSKIdentity = s.psk.identity
	t := s.psk.session
	if t == nil {
		if m.cfg.SessionTickets {
			m.x.origin = &origin{psk: s.psk.external.proved()}
		}
		return s.considerEarlyData(m)
	}
	m.restore(t, s.psk.peer)
	if t.PSKIdentity != nil {
		m.Result.PSKIdentity = m.x.origin.psk.identity
	}
	if s.psk.stateful {
		m.Result.StoredID = s.psk.identity
	}
	m.Result.TicketAgeSkew = t.AgeError(s.psk.age, m.now())
	return m.judgeAgain(true, s.considerEarlyData)
}

// considerEarlyData asks the application about early data that could be accepted.
func (s *resumePSK) considerEarlyData(m *Machine) (state, error) {
	limit := s.permitted(m)
	if limit == 0 {
		return s.serverHello(m, s.hello)
	}
	m.Result.MaxEarlyData = limit
	if !m.cfg.Asks.Has(AskEarlyData) {
		return s.wanted(m, true)
	}
	offered := &OfferedEarlyData{PSKIdentity: slices.Clone(m.Result.PSKIdentity), ServerName: m.Result.ServerName, ALPN: s.alpn}
	if t := s.psk.session; t != nil {
		offered.Context, offered.TicketAge = t.EarlyDataContext, m.now().Sub(t.Issued)
	} else {
		offered.Context = s.psk.external.EarlyDataContext
	}
	m.hold = true
	return ask(m, AskEarlyData, offered, new(async.Op[bool]), s.wanted), nil
}

// permitted returns how much early data may be accepted; 0 is none. The client bound it to the
// first PSK, and with it to a cipher suite and an application protocol; the server has to want
// it, and to be able to tell a replay.
func (s *resumePSK) permitted(m *Machine) uint32 {
	if !s.hello.EarlyData || !m.WantEarlyData || m.Result.Retried || s.psk.index != 0 {
		return 0
	}
	if p := s.psk.external; p != nil {
		// Its age is not known, so that a replay could come at any time.
		if m.cfg.ReplayProtection || p.CipherSuite != m.x.suite.ID || p.ALPN != s.alpn {
			return 0
		}
		return p.MaxEarlyData
	}
	t := s.psk.session
	off := t.AgeError(s.psk.age, m.now()).Abs().Round(time.Second)
	if t.CipherSuite != m.x.suite.ID || t.ALPN != s.alpn || off > ageWindow {
		return 0
	}
	return min(t.MaxEarlyData, m.cfg.MaxEarlyData)
}

// wanted asks, if the application wants the early data, whether it comes for the first time.
func (s *resumePSK) wanted(m *Machine, accept bool) (state, error) {
	switch {
	case !accept || !m.cfg.ReplayProtection:
		return s.fresh(m, accept)
	case s.psk.stateful:
		if !m.cfg.Asks.Has(AskTakeSession) {
			return s.fresh(m, false)
		}
		m.hold = true
		return ask(m, AskTakeSession, &SessionLookup{s.psk.identity, iana.TLS13}, new(async.Op[bool]), s.fresh), nil
	case !m.cfg.Asks.Has(AskReplay):
		return s.fresh(m, false)
	}
	// The binder is a MAC over the whole ClientHello, and the first one was found right.
	var first []byte
	for binder := range s.hello.PreSharedKey.Binders.All() {
		first = binder
		break
	}
	t := s.psk.session
	age := m.now().Sub(t.Issued) + t.AgeError(s.psk.age, m.now()) // as the client sees it
	entry := &ReplayEntry{Key: sha256.Sum256(first), Issued: t.Issued, Until: t.Issued.Add(age + ageWindow + time.Second)}
	m.hold = true
	return ask(m, AskReplay, entry, new(async.Op[bool]), s.fresh), nil
}

// fresh accepts the early data, or refuses it and keeps the PSK.
func (s *resumePSK) fresh(m *Machine, accept bool) (state, error) {
	if !accept {
		m.Result.MaxEarlyData = 0
		return s.serverHello(m, s.hello)
	}
	s.early, s.skip = true, false
	m.Result.EarlyData = EarlyDataOK
	m.setReadKey(Early, m.earlySecret(&s.psk.early, m.hash()))
	return s.serverHello(m, s.hello)
}

// expectEndOfEarlyData waits for the last message under the key of early data.
type expectEndOfEarlyData struct{ end *expectClientFinished }

func (*expectEndOfEarlyData) accepts() msgSet { return only(iana.EndOfEarlyData) | last }

func (s *expectEndOfEarlyData) next(m *Machine, msg []byte) (state, error) {
	var e wire.EndOfEarlyData
	if err := e.Parse(msg[4:]); err != nil {
		return nil, err
	}
	m.hear(msg)
	m.Result.EarlyData = EarlyDataEnd
	m.setReadKey(Handshake, s.end.handshake)
	return s.end, nil
}
