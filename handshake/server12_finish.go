package handshake

import (
	"crypto/rsa"
	"crypto/subtle"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   Certificate*          if the server asked for one; it may be empty
// C -> S   ClientKeyExchange     RSA: the private key may take its time
// C -> S   CertificateVerify*    if there was a certificate
// C -> S   [ChangeCipherSpec] Finished
// S -> C   [ChangeCipherSpec] Finished

// expectClientCertificate12 waits for the answer to a CertificateRequest.
type expectClientCertificate12 struct{ *server12 }

func (*expectClientCertificate12) accepts() msgSet { return only(iana.Certificate) }

func (s *expectClientCertificate12) next(m *Machine, msg []byte) (state, error) {
	var c wire.Certificate12
	if err := c.Parse(msg[4:], m.maxChain()); err != nil {
		return nil, err
	}
	m.hear(msg)
	if c.Len() == 0 {
		if m.cfg.ClientAuth == RequireClientAuth {
			// TLS 1.2 has no certificate_required (RFC 5246, Section 7.4.6).
			return nil, refused("client sent no certificate, which this server requires")
		}
		m.forget()
		return &expectClientKeyExchange{server12: s.server12}, nil
	}
	p := &peerCertificate{then: s.accepted}
	if err := p.parse12(m, &c); err != nil {
		return nil, err
	}
	return p.judge(m)
}

func (s *expectClientCertificate12) accepted(*Machine) (state, error) {
	return &expectClientKeyExchange{server12: s.server12, verify: true}, nil
}

// expectClientKeyExchange waits for the client's half of the key exchange.
type expectClientKeyExchange struct {
	*server12
	verify bool // CertificateVerify follows
}

func (*expectClientKeyExchange) accepts() msgSet { return only(iana.ClientKeyExchange) }

func (s *expectClientKeyExchange) next(m *Machine, msg []byte) (state, error) {
	if m.x.suite.KeyExchange == suite.KeyExchangeRSA {
		ciphertext, err := wire.ParseClientRSA(msg[4:])
		if err != nil {
			return nil, err
		}
		m.hear(msg)
		return s.decrypt(m, ciphertext)
	}
	premaster, err := s.shared(m, m.work.shared[:0], msg[4:])
	if err != nil {
		return nil, err
	}
	m.hear(msg)
	return s.agreed(m, premaster)
}

// shared is the premaster secret of an ephemeral key exchange.
func (s *expectClientKeyExchange) shared(m *Machine, dst, body []byte) ([]byte, error) {
	if m.x.suite.KeyExchange == suite.KeyExchangeDHE {
		share, err := wire.ParseClientDHE(body)
		if err != nil {
			return nil, err
		}
		defer s.dhKey.Clear()
		return s.dhKey.Shared(dst, share)
	}
	point, err := wire.ParseClientECDHE(body)
	if err != nil {
		return nil, err
	}
	defer s.key.Clear()
	return s.key.Shared(dst, point)
}

// decrypt asks for the premaster secret of RSA key exchange. Whatever becomes of it, the
// handshake goes on with the random one made here unless the answer is good, so that a
// client learns nothing from ciphertexts of its own making (RFC 5246, Section 7.4.7.1).
func (s *expectClientKeyExchange) decrypt(m *Machine, ciphertext []byte) (state, error) {
	d := &decryptPremaster{expectClientKeyExchange: s, sound: s.fitsModulus(ciphertext)}
	if err := m.draw(d.random[:]); err != nil {
		return nil, err
	}
	op, err := asyncpkey.NewOp(asyncpkey.Request{
		Kind: asyncpkey.Decrypt, Ciphertext: append([]byte(nil), ciphertext...),
		Certificate: s.cert.Leaf, PublicKey: s.cert.PublicKey(),
		Role: asyncpkey.Server, ServerName: m.Result.ServerName, Mode: m.cfg.Validation,
	})
	if err != nil { // an empty ciphertext
		return d.decrypted(m, nil)
	}
	m.x.decrypt = op
	if !m.cfg.Asks.Has(AskPrivateKey) {
		_ = op.Perform(s.cert.PrivateKey) // which reports nothing of a decryption
		_ = asyncpkey.Apply(op, true)
		answer, _, _ := op.Result() // no copy, so that decrypted clears it
		return d.decrypted(m, answer)
	}
	return ask(m, AskPrivateKey, nil, op, d.decrypted), nil
}

// decryptPremaster waits for the private key.
type decryptPremaster struct {
	*expectClientKeyExchange
	random [premasterLen]byte
	sound  bool // the ciphertext is as long as the modulus
}

// fitsModulus reports whether a ciphertext is as long as the key's modulus, as it has to
// be (RFC 8017, Section 7.2.2): keys tend to take a shorter one that is the same number.
// The length is the client's own and no secret.
func (s *server12) fitsModulus(ciphertext []byte) bool {
	key, ok := s.cert.PublicKey().(*rsa.PublicKey)
	return ok && len(ciphertext) == key.Size()
}

// decrypted takes the key's answer, of any length and content.
func (s *decryptPremaster) decrypted(m *Machine, answer []byte) (state, error) {
	if !s.sound {
		clear(answer)
		answer = nil
	}
	premaster := choosePremasterCT(s.random[:], answer, s.version)
	clear(s.random[:])
	clear(answer)
	return s.agreed(m, premaster)
}

// choosePremasterCT returns answer if it is a premaster secret of the right length that
// begins with the client's version, else random, in a time that does not depend on which.
// Only the answer's length, which the key's padding check has decided on, is not hidden
// from the processor's counters: an answer of another length is read as zeros.
func choosePremasterCT(random, answer []byte, version iana.Version) []byte {
	var room [premasterLen]byte
	copy(room[:], answer)
	good := subtle.ConstantTimeEq(int32(len(answer)), premasterLen)
	good &= subtle.ConstantTimeByteEq(room[0], byte(version>>8))
	good &= subtle.ConstantTimeByteEq(room[1], byte(version))
	premaster := make([]byte, premasterLen)
	copy(premaster, random)
	subtle.ConstantTimeCopy(good, premaster, room[:])
	clear(room[:])
	return premaster
}

// agreed has the premaster secret, and thus the keys.
func (s *expectClientKeyExchange) agreed(m *Machine, premaster []byte) (state, error) {
	s.agree(m, premaster)
	if s.verify {
		return &expectCertificateVerify12{then: s.verified}, nil
	}
	m.forget()
	return &expectChangeCipherSpec{session: &s.session12, then: s.keep}, nil
}

func (s *expectClientKeyExchange) verified(m *Machine) (state, error) {
	m.Result.ClientAuth = true
	m.forget()
	return &expectChangeCipherSpec{session: &s.session12, then: s.keep}, nil
}
