package handshake

import (
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   {Certificate*}          if the server asked for one; it may be empty
// C -> S   {CertificateVerify*}    if it is not
// C -> S   {Finished}

// expectClientCertificate waits for the answer to a CertificateRequest.
type expectClientCertificate struct{ end *expectClientFinished }

func (*expectClientCertificate) accepts() msgSet { return only(iana.Certificate) }

func (s *expectClientCertificate) next(m *Machine, msg []byte) (state, error) {
	var c wire.Certificate
	if err := c.Parse(msg[4:], s.requested(m), m.maxChain()); err != nil {
		return nil, err
	}
	if len(c.Context) != 0 {
		return nil, illegal("client echoes a certificate_request_context that was not sent")
	}
	m.hear(msg)
	if c.Len() == 0 {
		if m.cfg.ClientAuth == RequireClientAuth {
			return nil, fail(iana.CertificateRequired, "client sent no certificate, which this server requires")
		}
		m.Result.HalfRTT = true
		return s.end, nil
	}
	p := &peerCertificate{then: s.accepted}
	return p.received(m, c.All())
}

// requested is what CertificateRequest asked the client to send with its certificate (RFC 8446,
// Section 4.4.2).
func (s *expectClientCertificate) requested(m *Machine) (set wire.Set) {
	if m.cfg.RequestOCSP {
		set.Add(iana.StatusRequest)
	}
	if m.cfg.RequestSCT {
		set.Add(iana.SignedCertificateTimestamp)
	}
	return set
}

func (s *expectClientCertificate) accepted(*Machine) (state, error) {
	return &expectCertificateVerify{then: s.verified}, nil
}

func (s *expectClientCertificate) verified(m *Machine) (state, error) {
	m.Result.ClientAuth = true
	return s.end, nil
}

// expectClientFinished waits for the message that ends the handshake.
type expectClientFinished struct {
	handshake   Secret        // the client's, for its Finished
	application Secret        // the client's, for what comes then
	main        schedule.Main // if tickets are to follow
	tickets     bool
}

func (*expectClientFinished) accepts() msgSet { return only(iana.Finished) | last }

func (s *expectClientFinished) wipe() {
	s.handshake.Clear()
	s.application.Clear()
	s.main.Clear()
}

func (s *expectClientFinished) next(m *Machine, msg []byte) (state, error) {
	if err := m.checkFinished(&s.handshake, msg); err != nil {
		return nil, err
	}
	m.hear(msg)
	m.setReadKey(Application, s.application)
	end := &connected13{read: s.application, suite: m.x.suite.ID}
	if s.tickets {
		m.issuer = m.newIssuer(&s.main)
	}
	s.wipe()
	m.x.secrets = end
	m.Result.HalfRTT = true
	if m.issuer == nil {
		return m.finish(end), nil
	}
	return (&issueTickets{end: end, left: m.cfg.TicketCount}).more(m)
}
