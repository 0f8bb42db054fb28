package handshake

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// Certificate, CertificateVerify, ChangeCipherSpec and Finished of TLS 1.2 are the same in
// both directions.

// parse12 makes the chain part of the result. What is stapled to it comes elsewhere.
func (s *peerCertificate) parse12(m *Machine, c *wire.Certificate12) error {
	m.work.chain = m.work.chain[:0]
	for der := range c.All() {
		m.work.chain = append(m.work.chain, der)
	}
	return s.parseChain(m)
}

// writeCertificate12 writes a chain, which may be none.
func (m *Machine) writeCertificate12(cert *certs.Certificate) error {
	w, start := m.writer()
	mark := wire.BeginCertificate12(w)
	if cert != nil {
		for _, der := range cert.Chain {
			wire.PutCertificate12(w, der)
		}
	}
	wire.EndCertificate12(w, mark)
	return m.sent(start)
}

// curveOffered reports whether a client knows the curve of an ECDSA certificate (RFC
// 8422, Section 5.3).
func curveOffered(c *certs.Certificate, groups iana.List[iana.Group]) bool {
	g := c.Group()
	return g == 0 || groups.Has(g)
}

// checkScheme12 holds that the peer signs in TLS 1.2 by a scheme that was offered and that
// fits its key.
func (m *Machine) checkScheme12(id iana.SignatureScheme, key any) (*sig.Scheme, error) {
	scheme := sig.Lookup(id)
	if scheme == nil || !scheme.TLS12 || !m.cfg.verifies(id, iana.TLS12) {
		return nil, illegal("%s signed by %v, which was not offered", m.peer(), id)
	}
	if !scheme.Fits(key, iana.TLS12) {
		return nil, illegal("%s signed by %v, which does not fit the key of its certificate", m.peer(), id)
	}
	return scheme, nil
}

// expectCertificateVerify12 waits for a client's proof that it has its key.
type expectCertificateVerify12 struct {
	then func(m *Machine) (state, error)
}

func (*expectCertificateVerify12) accepts() msgSet { return only(iana.CertificateVerify) }

func (s *expectCertificateVerify12) next(m *Machine, msg []byte) (state, error) {
	var v wire.CertificateVerify
	if err := v.Parse(msg[4:]); err != nil {
		return nil, err
	}
	key := certs.PublicKey(m.Result.Leaf())
	scheme, err := m.checkScheme12(v.Scheme, key)
	if err != nil {
		return nil, err
	}
	message, err := m.messages()
	if err != nil {
		return nil, err
	}
	m.hear(msg)
	return m.checkSignature(scheme, key, message, v.Signature, s.judged)
}

func (s *expectCertificateVerify12) judged(m *Machine, v Verdict) (state, error) {
	if v.reason != nil {
		return nil, rejected(iana.DecryptError, v.reason, m.peer()+"'s signature does not verify")
	}
	return s.then(m)
}

// messages returns all messages so far, which CertificateVerify signs (RFC 5246, Section 7.4.8).
// Those that come are put behind them.
func (m *Machine) messages() ([]byte, error) {
	if m.x.tooLong {
		return nil, illegal("%s sent more than %d bytes of handshake before its certificate was verified", m.peer(), m.maxKept())
	}
	return slices.Clip(m.x.kept), nil
}

// expectChangeCipherSpec waits for the record that announces the peer's key.
type expectChangeCipherSpec struct {
	session *session12
	then    func(m *Machine) (state, error)
}

func (*expectChangeCipherSpec) accepts() msgSet { return only(changeCipherSpec) }

func (s *expectChangeCipherSpec) next(m *Machine, _ []byte) (state, error) {
	s.session.changeReadKey(m)
	return (*expectFinished12)(s), nil
}

// expectFinished12 waits for the end of the peer's flight.
type expectFinished12 expectChangeCipherSpec

func (*expectFinished12) accepts() msgSet { return only(iana.Finished) | last }

func (s *expectFinished12) next(m *Machine, msg []byte) (state, error) {
	if err := s.session.checkFinished(m, msg); err != nil {
		return nil, err
	}
	m.hear(msg)
	return s.then(m)
}
