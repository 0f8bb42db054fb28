package handshake

import "github.com/s2ngo/s2ngo/iana"

// After a TLS 1.2 handshake a peer may ask for another one (RFC 5246, Sections 7.4.1.1
// and 7.4.1.2), which is not done here:
//
// S -> C   [HelloRequest]   the client ignores it, or says no_renegotiation
// C -> S   [ClientHello]    the server ends the connection

// maxHelloRequests bounds the HelloRequests that a server may send without any application
// data in between.
const maxHelloRequests = 32

// connected12 is the state of an established connection.
type connected12 struct {
	idle int // messages since application data came
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
	if m.cfg.RefuseRenegotiation {
		m.emit(Event{Kind: RefuseRenegotiation})
	}
	return s, nil
}
