package handshake

import (
	"bytes"
	"crypto/subtle"
	"crypto/x509"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// S -> C   ServerHello Certificate CertificateStatus* ServerKeyExchange* CertificateRequest* ServerHelloDone
// C -> S   Certificate* ClientKeyExchange CertificateVerify* [ChangeCipherSpec] Finished    client12_finish.go
// S -> C   [ChangeCipherSpec] Finished

// client12 is what a client knows of a TLS 1.2 handshake from ServerHello on.
type client12 struct {
	session12
	staple  bool       // CertificateStatus may come
	group   iana.Group // of ECDHE
	dhP     []byte     // of DHE, until they are accepted
	dhG     []byte
	dh      *kex.DHParams
	share   []byte   // the server's
	request *request // nil unless the server wants a certificate

	id     []byte // of the session that this handshake makes; nil = none
	ticket bool   // NewSessionTicket comes
	given  []byte // the ticket; nil = none
	hint   uint32 // its lifetime
}

// begin takes the ServerHello.
func (s *client12) begin(m *Machine, h *clientHello, hello *wire.ServerHello, msg []byte) (state, error) {
	h.wipe() // of key shares for TLS 1.3
	if err := hello.Parse12(h.offered); err != nil {
		return nil, err
	}
	id := hello.CipherSuite
	row := suite.Lookup(id)
	switch {
	case row == nil || row.TLS13 || !slices.Contains(m.cfg.Suites, id):
		return nil, illegal("server chose cipher suite %v, which was not offered for %v", id, iana.TLS12)
	case hello.CompressionMethod != 0:
		return nil, illegal("server chose compression method %d", hello.CompressionMethod)
	case m.x.sessionIDLen > 0 && h.old == nil && string(hello.SessionID) == string(m.sessionID()):
		return nil, illegal("server resumes a session that this client does not have") // the ID was made up
	}
	if m.cfg.RequireEMS && !hello.ExtendedMasterSecret {
		return nil, refused("server does not answer %v, which FIPS mode requires", iana.ExtendedMasterSecret)
	}
	if err := s.checkRenegotiation(m, hello); err != nil {
		return nil, err
	}
	if hello.ALPN != nil {
		name := string(hello.ALPN)
		if !slices.Contains(m.cfg.ALPN, name) {
			return nil, illegal("server chose application protocol %q, which was not offered", name)
		}
		m.Result.ALPN = name
	}
	m.x.secrets = s
	m.Result.Version = iana.TLS12
	copy(s.serverRandom[:], hello.Random)
	s.ticket = hello.SessionTicket
	m.emit(Event{Kind: SetVersion, Version: iana.TLS12})
	if h.resumes(m, hello) {
		return s.resume(m, h, hello, msg)
	}
	if len(hello.SessionID) > 0 {
		s.id = slices.Clone(hello.SessionID)
	}
	m.x.suite = row
	if err := m.x.transcript.Start(row.Hash); err != nil {
		return nil, internal(err, "the transcript could not be started")
	}
	m.hear(msg)
	m.Result.CipherSuite, m.Result.SessionID = id, s.id
	m.Result.Peer.SCTList = slices.Clone(hello.SCTList)
	s.extended, s.staple = hello.ExtendedMasterSecret, hello.StatusRequest
	return &expectCertificate12{s}, nil
}

// checkRenegotiation holds that this handshake follows the one that it says it follows:
// none, or the one before on the same connection (RFC 5746, Sections 3.4 and 3.5).
func (s *client12) checkRenegotiation(m *Machine, hello *wire.ServerHello) error {
	s.secure = hello.Has.Has(iana.RenegotiationInfo)
	m.Result.SecureRenegotiation = s.secure
	if m.before == nil {
		if len(hello.RenegotiationInfo) != 0 {
			return refused("server sent renegotiation_info of a connection that it does not have")
		}
		return nil
	}
	want := append(m.before.client[:len(m.before.client):len(m.before.client)], m.before.server[:]...)
	if subtle.ConstantTimeCompare(hello.RenegotiationInfo, want) != 1 {
		return refused("server renegotiates, and its renegotiation_info does not fit the handshake before")
	}
	return nil
}

// expectCertificate12 waits for the server's chain.
type expectCertificate12 struct{ *client12 }

func (*expectCertificate12) accepts() msgSet { return only(iana.Certificate) }

func (s *expectCertificate12) next(m *Machine, msg []byte) (state, error) {
	var c wire.Certificate12
	if err := c.Parse(msg[4:], m.maxChain()); err != nil {
		return nil, err
	}
	if c.Len() == 0 {
		return nil, fail(iana.DecodeError, "server sent an empty certificate chain")
	}
	m.hear(msg)
	p := &peerCertificate{then: s.accepted}
	if m.x.suite.KeyExchange == suite.KeyExchangeRSA {
		p.usage = x509.KeyUsageKeyEncipherment
	}
	if err := p.parse12(m, &c); err != nil {
		return nil, err
	}
	if m.before != nil && !bytes.Equal(m.Result.Leaf().Raw, m.before.leaf) {
		return nil, illegal("server renegotiates with another certificate")
	}
	if s.staple {
		return &expectCertificateStatus{client12: s.client12, chain: p}, nil
	}
	return p.judge(m)
}

// accepted goes on with a chain that was judged.
func (s *client12) accepted(m *Machine) (state, error) {
	leaf := m.Result.Leaf()
	if kind := certs.KeyTypeOf(leaf); !fitsAuth(kind, m.x.suite) {
		return nil, illegal("server's certificate has a key of type %v, which does not fit %v", kind, m.x.suite.ID)
	}
	if g := certs.CurveOf(leaf); g != 0 && !slices.Contains(m.cfg.Groups12, g) { // RFC 8422, Section 5.3
		return nil, illegal("server's certificate has a key on %v, which was not offered for %v", g, iana.TLS12)
	}
	if m.x.suite.KeyExchange == suite.KeyExchangeRSA {
		return &expectRequestOrDone{s}, nil
	}
	return &expectServerKeyExchange{s}, nil
}

// expectCertificateStatus waits for the OCSP response, which the server may leave out
// although it has announced it (RFC 6066, Section 8). The chain is judged when it is
// known.
type expectCertificateStatus struct {
	*client12
	chain *peerCertificate
}

func (s *expectCertificateStatus) accepts() msgSet {
	return only(iana.CertificateStatus, iana.ServerKeyExchange, iana.CertificateRequest, iana.ServerHelloDone)
}

func (s *expectCertificateStatus) next(m *Machine, msg []byte) (state, error) {
	if iana.Message(msg[0]) != iana.CertificateStatus {
		m.unread(msg)
		return s.chain.judge(m)
	}
	var status wire.CertificateStatus
	if err := status.Parse(msg[4:]); err != nil {
		return nil, err
	}
	m.hear(msg)
	m.Result.Peer.OCSPResponse = slices.Clone(status.Response)
	return s.chain.judge(m)
}

// expectServerKeyExchange waits for the server's signed share.
type expectServerKeyExchange struct{ *client12 }

func (*expectServerKeyExchange) accepts() msgSet { return only(iana.ServerKeyExchange) }

func (s *expectServerKeyExchange) next(m *Machine, msg []byte) (state, error) {
	raw, id, signature, err := s.parseParams(m, msg[4:])
	if err != nil {
		return nil, err
	}
	key := certs.PublicKey(m.Result.Leaf())
	scheme, err := m.checkScheme12(id, key)
	if err != nil {
		return nil, err
	}
	message := signedParams(m, s.serverRandom[:], raw)
	m.hear(msg)
	return m.checkSignature(scheme, key, message, signature, s.judged)
}

// parseParams reads the share, and returns what is signed, how, and the signature.
func (s *client12) parseParams(m *Machine, body []byte) (raw []byte, id iana.SignatureScheme, signature []byte, err error) {
	if m.x.suite.KeyExchange == suite.KeyExchangeDHE {
		p, err := wire.ParseServerDHE(body)
		if err != nil {
			return nil, 0, nil, err
		}
		s.dhP, s.dhG, s.share = slices.Clone(p.P), slices.Clone(p.G), slices.Clone(p.Ys)
		return p.Raw, p.Scheme, p.Signature, nil
	}
	p, err := wire.ParseServerECDHE(body)
	if err != nil {
		return nil, 0, nil, err
	}
	if !slices.Contains(m.cfg.Groups12, p.Group) {
		return nil, 0, nil, illegal("server chose group %v, which was not offered for %v", p.Group, iana.TLS12)
	}
	s.group, s.share = p.Group, slices.Clone(p.Point)
	return p.Raw, p.Scheme, p.Signature, nil
}

// minDHBits is the least size of a server's finite-field parameters (RFC 7919, Section 5).
const minDHBits = 2048

func (s *expectServerKeyExchange) judged(m *Machine, v Verdict) (state, error) {
	if v.reason != nil {
		return nil, rejected(iana.DecryptError, v.reason, "server's signature of its key exchange does not verify")
	}
	if m.x.suite.KeyExchange == suite.KeyExchangeDHE {
		// Only now: looking for a prime is work that nobody else should cause.
		var err error
		if s.dh, err = kex.AcceptDHParams(s.dhP, s.dhG, minDHBits); err != nil {
			return nil, err
		}
	}
	return &expectRequestOrDone{s.client12}, nil
}

// expectRequestOrDone waits for the end of the server's flight, before which it may ask
// for a certificate of ours.
type expectRequestOrDone struct{ *client12 }

func (s *expectRequestOrDone) accepts() msgSet {
	if s.request != nil {
		return only(iana.ServerHelloDone)
	}
	return only(iana.CertificateRequest, iana.ServerHelloDone)
}

func (s *expectRequestOrDone) next(m *Machine, msg []byte) (state, error) {
	if iana.Message(msg[0]) == iana.CertificateRequest {
		return s.requested(m, msg)
	}
	if len(msg) != 4 {
		return nil, fail(iana.DecodeError, "server sent a server_hello_done of %d bytes", len(msg)-4)
	}
	if s.request == nil && m.cfg.ClientAuth == RequireClientAuth {
		return nil, refused("server asks for no client certificate, which this client requires")
	}
	if err := m.skipHelloRequests(); err != nil {
		return nil, err
	}
	if m.InMessage() { // what follows is an answer, and this was too early for one
		return nil, unexpected("server sent more after server_hello_done in the same record")
	}
	m.hear(msg)
	return (&clientFlight12{client12: s.client12}).begin(m)
}

func (s *expectRequestOrDone) requested(m *Machine, msg []byte) (state, error) {
	if m.cfg.ClientAuth == NoClientAuth {
		return nil, unexpected("server asks for a client certificate, which this client does not allow")
	}
	var r wire.CertificateRequest12
	if err := r.Parse(msg[4:]); err != nil {
		return nil, err
	}
	m.hear(msg)
	s.request = &request{
		schemes: slices.Clone(r.SignatureAlgorithms), types: slices.Clone(r.CertificateTypes),
		authorities: slices.Clone(r.CertificateAuthorities),
	}
	s.request.onChain = s.request.schemes
	if m.cfg.Asks.Has(AskClientCertificate) {
		d := &s.request.detail
		d.Schemes = r.SignatureAlgorithms.Slice()
		for name := range r.CertificateAuthorities.All() {
			d.Authorities = append(d.Authorities, slices.Clone(name))
		}
	}
	return s, nil
}
