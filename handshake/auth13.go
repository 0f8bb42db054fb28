package handshake

import (
	"crypto/subtle"
	"crypto/x509"
	"iter"
	"slices"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/policy"
)

// Certificate, CertificateVerify and Finished are the same in both directions (RFC 8446,
// Section 4.4): here is what both sides do to send and to check them.

// maxCertificates bounds the certificates that a peer may send in one chain, unless the Config
// verifies longer ones.
const maxCertificates = 32

func (m *Machine) maxChain() int { return max(maxCertificates, m.cfg.MaxChain) }

// selectScheme returns the scheme by which cert's key signs for a peer that offers
// peer: in our order, never one that the peer did not offer.
func selectScheme(cfg *Config, cert *certs.Certificate, peer iana.List[iana.SignatureScheme]) (iana.SignatureScheme, bool) {
	return policy.SelectScheme(cfg.Schemes, peer, func(id iana.SignatureScheme) bool {
		return cert.CanSign(id, iana.TLS13)
	})
}

func (m *Machine) writeCertificate(context []byte, cert *certs.Certificate, ocsp, scts []byte) error {
	w, start := m.writer()
	mark := wire.BeginCertificate(w, context)
	if cert != nil {
		for i, der := range cert.Chain {
			if i > 0 {
				ocsp, scts = nil, nil
			}
			wire.PutCertificateEntry(w, der, ocsp, scts)
		}
	}
	wire.EndCertificate(w, mark)
	return m.sent(start)
}

// sign asks for the signature of CertificateVerify over the transcript so far.
func (m *Machine) sign(cert *certs.Certificate, id iana.SignatureScheme, then func(*Machine, []byte) (state, error)) (state, error) {
	message := sig.AppendCertificateVerifyInput(m.work.signed[:0], !m.client, m.hash())
	return m.signMessage(cert, id, message, then)
}

func (m *Machine) writeCertificateVerify(id iana.SignatureScheme, signature []byte) error {
	w, start := m.writer()
	wire.AppendCertificateVerify(w, id, signature)
	return m.sent(start)
}

func (m *Machine) writeFinished(s *Secret) error {
	th := m.hash()
	w, start := m.writer()
	mark := w.BeginMessage(iana.Finished)
	w.B = s.Finished(w.B, th)
	w.End(mark)
	return m.sent(start)
}

// checkFinished compares the peer's Finished with the one that its traffic secret and the
// transcript before it make.
func (m *Machine) checkFinished(s *Secret, msg []byte) error {
	var room [64]byte
	want := s.Finished(room[:0], m.hash())
	return m.sameFinished(msg, want)
}

// sameFinished compares a Finished with what it has to say, in constant time. One that is too short
// cannot be parsed (RFC 5246, Section 7.2.2; RFC 8446, Section 6); one that is too long says
// something else, as BoringSSL's test suite has it.
func (m *Machine) sameFinished(msg, want []byte) error {
	if n := len(msg) - 4; n < len(want) {
		return fail(iana.DecodeError, "%s sent a Finished of %d bytes, not %d", m.peer(), n, len(want))
	}
	if subtle.ConstantTimeCompare(msg[4:], want) != 1 {
		return unproved("%s sent a Finished that does not fit the handshake", m.peer())
	}
	return nil
}

// peerCertificate judges the peer's chain: by ourselves, by revocation lists, by the
// application, in this order.
type peerCertificate struct {
	usage x509.KeyUsage // of the leaf's key; 0 = digitalSignature
	lent  bool          // the Machine's input is, until then
	then  func(m *Machine) (state, error)
}

func (s *peerCertificate) received(m *Machine, sent iter.Seq[wire.CertificateEntry]) (state, error) {
	if err := s.parse(m, sent); err != nil {
		return nil, err
	}
	return s.judge(m)
}

// parse makes the chain and what is stapled to it part of the result.
func (s *peerCertificate) parse(m *Machine, sent iter.Seq[wire.CertificateEntry]) error {
	work, peer := m.work, &m.Result.Peer
	work.chain = work.chain[:0]
	for e := range sent {
		if len(work.chain) == 0 {
			peer.OCSPResponse = slices.Clone(e.OCSPResponse)
			if e.SCTList != nil { // in TLS 1.2 it came in ServerHello
				peer.SCTList = slices.Clone(e.SCTList)
			}
		}
		work.chain = append(work.chain, e.DER)
	}
	return s.parseChain(m)
}

// parseChain makes the certificates in the workspace the peer's chain.
func (s *peerCertificate) parseChain(m *Machine) (err error) {
	m.Result.Peer.Certificates, err = certs.ParseChain(m.work.chain, m.maxChain())
	return err
}

// judge begins with our own checks.
func (s *peerCertificate) judge(m *Machine) (state, error) {
	peer := &m.Result.Peer
	chain := peer.Certificates
	if v := m.cfg.Verify; v != nil {
		if s.usage != 0 {
			own := *v
			own.KeyUsage = s.usage
			v = &own
		}
		var err error
		if m.client {
			peer.Verified, err = v.Server(chain, m.serverName)
		} else {
			peer.Verified, err = v.Client(chain)
		}
		if err != nil {
			return nil, err
		}
		if peer.OCSPResponse != nil && !v.SkipStaple {
			if err := v.Staple(peer.OCSPResponse, peer.Verified); err != nil {
				return nil, err
			}
		}
	}
	return s.notRevoked(m)
}

// notRevoked goes on with a chain that our own checks have passed.
func (s *peerCertificate) notRevoked(m *Machine) (state, error) {
	if m.cfg.Asks.Has(AskRevocationLists) {
		m.hold = s.lent
		return ask(m, AskRevocationLists, &m.Result.Peer, new(async.Op[[]*x509.RevocationList]), s.withRevocationLists), nil
	}
	return s.unrevoked(m)
}

func (s *peerCertificate) withRevocationLists(m *Machine, lists []*x509.RevocationList) (state, error) {
	chain := m.Result.Peer.Verified
	if chain == nil {
		chain = m.Result.Peer.Certificates
	}
	if err := verify.CheckRevocation(chain, lists, m.now()); err != nil {
		return nil, err
	}
	return s.unrevoked(m)
}

func (s *peerCertificate) unrevoked(m *Machine) (state, error) {
	if m.cfg.Asks.Has(AskVerdict) {
		m.hold = s.lent
		return ask(m, AskVerdict, &m.Result.Peer, new(async.Op[Verdict]), s.judged), nil
	}
	return s.then(m)
}

func (s *peerCertificate) judged(m *Machine, v Verdict) (state, error) {
	if v.reason != nil {
		return nil, rejected(iana.AccessDenied, v.reason, "the application rejects the "+m.peer()+"'s certificate")
	}
	return s.then(m)
}

// rejected makes an error of an application's verdict: its own alert, if it has one.
func rejected(a iana.Alert, reason error, text string) error {
	if own, ok := reason.(interface{ Alert() iana.Alert }); ok {
		a = own.Alert()
	}
	return &Error{Description: a, Text: text, Err: reason}
}

// expectCertificateVerify waits for the peer's proof that it has its key.
type expectCertificateVerify struct {
	then func(m *Machine) (state, error)
}

func (*expectCertificateVerify) accepts() msgSet { return only(iana.CertificateVerify) }

func (s *expectCertificateVerify) next(m *Machine, msg []byte) (state, error) {
	var v wire.CertificateVerify
	if err := v.Parse(msg[4:]); err != nil {
		return nil, err
	}
	leaf := m.Result.Leaf()
	key := certs.PublicKey(leaf)
	scheme := sig.Lookup(v.Scheme)
	if scheme == nil || !scheme.TLS13 || !m.cfg.verifies(v.Scheme, iana.TLS13) {
		return nil, illegal("%s signed by %v, which was not offered", m.peer(), v.Scheme)
	}
	if !scheme.Fits(key, iana.TLS13) {
		return nil, illegal("%s signed by %v, which does not fit its certificate's %v key", m.peer(), v.Scheme, leaf.PublicKeyAlgorithm)
	}
	message := sig.AppendCertificateVerifyInput(m.work.signed[:0], m.client, m.hash())
	m.hear(msg)
	return m.checkSignature(scheme, key, message, v.Signature, s.judged)
}

func (s *expectCertificateVerify) judged(m *Machine, v Verdict) (state, error) {
	if v.reason != nil {
		return nil, rejected(iana.DecryptError, v.reason, m.peer()+"'s signature does not verify")
	}
	return s.then(m)
}
