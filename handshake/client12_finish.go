package handshake

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"slices"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   Certificate*         if the server asked; it may be empty
// C -> S   ClientKeyExchange
// C -> S   CertificateVerify*   if there was a certificate: the private key may take its time
// C -> S   [ChangeCipherSpec] Finished
// S -> C   [ChangeCipherSpec] Finished

// clientFlight12 is the client's flight.
type clientFlight12 struct {
	*client12
	cert   *certs.Certificate
	scheme iana.SignatureScheme
}

// begin chooses a certificate, if the server asked for one.
func (s *clientFlight12) begin(m *Machine) (state, error) {
	switch {
	case s.request == nil:
		m.forget()
		return s.keyExchange(m)
	case m.cfg.Asks.Has(AskClientCertificate):
		return ask(m, AskClientCertificate, &s.request.detail, new(async.Op[*certs.Certificate]), s.withCertificate), nil
	}
	return s.withCertificate(m, s.request.choose(m, func(c *certs.Certificate) bool {
		_, ok := m.scheme12(c, s.request.schemes)
		return ok && s.request.takes(c)
	}))
}

// takes reports whether a server of TLS 1.2 takes a certificate with c's type of key:
// ecdsa_sign stands for Ed25519 as well (RFC 5246, Section 7.4.4; RFC 8422, Section 5.5).
func (r *request) takes(c *certs.Certificate) bool {
	want := wire.RSASign
	if kind := c.KeyType(); kind == certs.KeyECDSA || kind == certs.KeyEd25519 {
		want = wire.ECDSASign
	}
	return slices.Contains(r.types, want)
}

// withCertificate sends the client's certificate, or the empty list that says there is
// none (RFC 5246, Section 7.4.6).
func (s *clientFlight12) withCertificate(m *Machine, cert *certs.Certificate) (state, error) {
	if cert != nil {
		if err := m.checkChoice(cert); err != nil {
			return nil, err
		}
		if !s.request.takes(cert) {
			return nil, refused("server takes certificates of types %d, which the client certificate of %q is not", s.request.types, cert.Leaf.Subject)
		}
		id, ok := m.scheme12(cert, s.request.schemes)
		if !ok {
			return nil, refused("server offers no signature scheme for the client certificate of %q", cert.Leaf.Subject)
		}
		s.cert, s.scheme = cert, id
		m.Result.Certificate, m.Result.Scheme = cert, id
	} else {
		m.forget()
	}
	if err := m.writeCertificate12(cert); err != nil {
		return nil, err
	}
	return s.keyExchange(m)
}

// keyExchange sends our half of the key exchange, and has the keys then.
func (s *clientFlight12) keyExchange(m *Machine) (state, error) {
	premaster, err := s.writeKeyExchange(m, m.work.shared[:0])
	if err != nil {
		return nil, err
	}
	s.agree(m, premaster)
	if s.cert == nil {
		return s.finished(m)
	}
	message, err := m.messages()
	if err != nil {
		return nil, err
	}
	m.forget()
	return m.signMessage(s.cert, s.scheme, message, s.signed)
}

// writeKeyExchange writes ClientKeyExchange and appends the premaster secret to dst.
func (s *clientFlight12) writeKeyExchange(m *Machine, dst []byte) (premaster []byte, err error) {
	w, start := m.writer()
	switch m.x.suite.KeyExchange {
	case suite.KeyExchangeECDHE:
		share, secret, err := kex.Lookup(s.group).Encapsulate(m.cfg.Rand, m.work.share[:0], dst, s.share)
		if err != nil {
			return nil, err
		}
		m.Result.Group = s.group
		wire.AppendClientECDHE(w, share)
		return secret, m.sent(start)
	case suite.KeyExchangeDHE:
		key, err := s.dh.Generate(m.cfg.Rand)
		if err != nil {
			return nil, internal(err, "a key pair for DHE could not be made")
		}
		defer key.Clear()
		secret, err := key.Shared(dst, s.share)
		if err != nil {
			return nil, err
		}
		m.Result.Group = s.dh.Group()
		wire.AppendClientDHE(w, key.AppendPublic(nil))
		return secret, m.sent(start)
	}
	premaster = append(dst, make([]byte, premasterLen)...)
	if err := m.draw(premaster); err != nil {
		return nil, err
	}
	premaster[0], premaster[1] = byte(iana.TLS12>>8), byte(iana.TLS12&0xff) // client_version (RFC 5246, Section 7.4.7.1)
	pub, ok := m.Result.Leaf().PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, illegal("server's certificate has no RSA key, which %v needs", m.x.suite.ID)
	}
	var random io.Reader = rand.Reader
	if m.cfg.Rand != nil {
		random = m.cfg.Rand
	}
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	ciphertext, err := rsa.EncryptPKCS1v15(random, pub, premaster)
	if err != nil {
		return nil, internal(err, "the premaster secret could not be encrypted")
	}
	wire.AppendClientRSA(w, ciphertext)
	return premaster, m.sent(start)
}

// signed writes CertificateVerify.
func (s *clientFlight12) signed(m *Machine, signature []byte) (state, error) {
	if err := m.writeCertificateVerify(s.scheme, signature); err != nil {
		return nil, err
	}
	m.Result.ClientAuth = true
	return s.finished(m)
}

// finished ends our side, and waits for the server's.
func (s *clientFlight12) finished(m *Machine) (state, error) {
	if err := s.sendFinished(m); err != nil {
		return nil, err
	}
	return s.expectEnd(s.done), nil
}
