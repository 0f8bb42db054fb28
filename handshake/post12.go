package handshake

import "github.com/s2ngo/s2ngo/iana"

// After a TLS 1.2 handshake a peer may ask for another one (RFC 5246, Sections 7.4.1.1
// and 7.4.1.2):
//
// S -> C   [HelloRequest]   the application says whether to renegotiate
// C -> S   [ClientHello]    the server ends the connection

// maxHelloRequests bounds the HelloRequests that a server may send without any application
// data in between.
const maxHelloRequests = 32

// connected12 is the state of an established connection.
type connected12 struct {
	binding renegotiation
	idle    int // messages since application data came
}

// renegotiation is what ties a handshake to the one before it on the same connection, so
// that nobody can put one in front (RFC 5746).
type renegotiation struct {
	secure         bool     // the server sent renegotiation_info
	client, server [12]byte // verify_data of the two Finished
	leaf           []byte   // the server's certificate, which stays the same
}

func (s *connected12) accepts() msgSet { return only(iana.HelloRequest, iana.ClientHello) }

func (s *connected12) next(m *Machine, msg []byte) (state, error) {
	switch t := iana.Message(msg[0]); {
	case m.client && t == iana.ClientHello, !m.client && t == iana.HelloRequest:
		return nil, unexpected("%s sent %v", m.peer(), t)
	case t == iana.ClientHello:
		return nil, fail(iana.NoRenegotiation, "client wants to renegotiate, which this server never does")
	}
	if len(msg) != 4 {
		return nil, fail(iana.DecodeError, "server sent a hello_request of %d bytes", len(msg)-4)
	}
	if s.idle++; s.idle > maxHelloRequests {
		return nil, unexpected("server sent %d hello_requests without application data in between", s.idle)
	}
	if m.cfg.NoRenegotiation {
		return nil, fail(iana.NoRenegotiation, "server wants to renegotiate, which this client never does")
	}
	m.emit(Event{Kind: HelloRequested})
	return s, nil
}

// CanRenegotiate reports whether Renegotiate may be called: on the Done Machine of a
// client of TLS 1.2 whose server knows secure renegotiation.
func (m *Machine) CanRenegotiate() bool {
	s, ok := m.state.(*connected12)
	return ok && m.client && m.err == nil && s.binding.secure
}

// Renegotiate returns a Machine for another handshake on the connection of m, bound to
// the one before (RFC 5746). It begins and ends in the Application epoch. m is not used
// any more.
func (m *Machine) Renegotiate() *Machine {
	s := m.state.(*connected12)
	cfg := *m.cfg
	cfg.MaxVersion, cfg.NoCompatibility, cfg.KeyShares = iana.TLS12, true, nil
	next := NewClient(&cfg, m.serverName)
	next.Observe = m.Observe
	next.read, next.write = Application, Application
	next.before = &s.binding
	return next
}
