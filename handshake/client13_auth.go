package handshake

import (
	"slices"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// S -> C   {CertificateRequest*} {Certificate} {CertificateVerify}
// C -> S   {Certificate*} {CertificateVerify*}    if it was asked; the certificate may be none

// request is a CertificateRequest as it is kept until it is answered.
type request struct {
	schemes iana.List[iana.SignatureScheme]
	onChain iana.List[iana.SignatureScheme] // for signatures on certificates
	types   []uint8                         // TLS 1.2: of client certificates
	staple  bool                            // an OCSP response is welcome
	sct     bool

	authorities wire.DistinguishedNames
	detail      CertificateRequest
}

// expectCertificateOrRequest waits for the server's certificate, before which it may
// ask for ours.
type expectCertificateOrRequest struct{ *clientKeys }

func (expectCertificateOrRequest) accepts() msgSet {
	return only(iana.CertificateRequest, iana.Certificate)
}

func (s *expectCertificateOrRequest) next(m *Machine, msg []byte) (state, error) {
	if iana.Message(msg[0]) == iana.Certificate {
		if m.cfg.ClientAuth == RequireClientAuth {
			return nil, refused("server asks for no client certificate, which this client requires")
		}
		return (&expectCertificate{s.clientKeys}).next(m, msg)
	}
	if m.cfg.ClientAuth == NoClientAuth {
		return nil, unexpected("server asks for a client certificate, which this client does not allow")
	}
	var r wire.CertificateRequest
	if err := r.Parse(msg[4:]); err != nil {
		return nil, err
	}
	if len(r.Context) != 0 {
		return nil, illegal("server sent a certificate_request_context of %d bytes in the handshake", len(r.Context))
	}
	m.hear(msg)
	s.request = &request{
		schemes: slices.Clone(r.SignatureAlgorithms), onChain: slices.Clone(r.SignatureAlgorithmsCert),
		staple: r.StatusRequest, sct: r.SCT, authorities: slices.Clone(r.CertificateAuthorities),
	}
	if !r.Has.Has(iana.SignatureAlgorithmsCert) {
		s.request.onChain = s.request.schemes
	}
	if m.cfg.Asks.Has(AskClientCertificate) {
		d := &s.request.detail
		d.Schemes = r.SignatureAlgorithms.Slice()
		if r.Has.Has(iana.SignatureAlgorithmsCert) {
			d.CertificateSchemes = r.SignatureAlgorithmsCert.Slice()
		}
		for name := range r.CertificateAuthorities.All() {
			d.Authorities = append(d.Authorities, slices.Clone(name))
		}
	}
	return &expectCertificate{s.clientKeys}, nil
}

// expectCertificate waits for the server's chain.
type expectCertificate struct{ *clientKeys }

func (expectCertificate) accepts() msgSet { return only(iana.Certificate) }

func (s *expectCertificate) next(m *Machine, msg []byte) (state, error) {
	var c wire.Certificate
	if err := c.Parse(msg[4:], s.offered, m.maxChain()); err != nil {
		return nil, err
	}
	if len(c.Context) != 0 {
		return nil, illegal("server sent a certificate_request_context of %d bytes with its certificate", len(c.Context))
	}
	if c.Len() == 0 {
		return nil, fail(iana.DecodeError, "server sent an empty certificate chain")
	}
	m.hear(msg)
	p := &peerCertificate{then: s.accepted}
	return p.received(m, c.All())
}

func (s *expectCertificate) accepted(*Machine) (state, error) {
	return &expectCertificateVerify{then: s.verified}, nil
}

func (s *expectCertificate) verified(*Machine) (state, error) {
	return &expectServerFinished{s.clientKeys}, nil
}

// answer answers the server's request for a certificate.
func (s *clientFlight) answer(m *Machine) (state, error) {
	if m.cfg.Asks.Has(AskClientCertificate) {
		return ask(m, AskClientCertificate, &s.request.detail, new(async.Op[*certs.Certificate]), s.withCertificate), nil
	}
	return s.withCertificate(m, s.request.choose(m, func(c *certs.Certificate) bool {
		_, ok := selectScheme(m.cfg, c, s.request.schemes)
		return ok
	}))
}

// choose picks the first of a client's certificates that the server can verify, if any:
// one whose key fits, and best one whose chain is signed as the server wants it and leads to
// an authority that it names.
func (r *request) choose(m *Machine, fits func(*certs.Certificate) bool) *certs.Certificate {
	if m.cfg.Certificates == nil {
		return nil
	}
	from := candidates{store: m.cfg.Certificates, client: true}
	cert, _ := from.choose(r.authorities, fits, func(c *certs.Certificate) bool { return verify.Acceptable(c.X509(), r.onChain) })
	return cert
}

// checkChoice holds a certificate that the application chose against the policy, as those
// of the configuration have been.
func (m *Machine) checkChoice(cert *certs.Certificate) error {
	if m.cfg.OwnPolicy == nil || !m.cfg.Asks.Has(AskClientCertificate) {
		return nil
	}
	if err := verify.CheckOwn(cert.X509(), m.cfg.OwnPolicy); err != nil {
		return internal(err, "the chosen certificate, for %q, does not keep security policy %q", cert.Leaf.Subject, m.cfg.OwnPolicy.Name)
	}
	return nil
}

// withCertificate sends the client's certificate, or the empty list that says there is
// none (RFC 8446, Section 4.4.2).
func (s *clientFlight) withCertificate(m *Machine, cert *certs.Certificate) (state, error) {
	if cert == nil {
		if err := m.writeCertificate(nil, nil, nil, nil); err != nil {
			return nil, err
		}
		return s.finished(m)
	}
	if err := m.checkChoice(cert); err != nil {
		return nil, err
	}
	id, ok := selectScheme(m.cfg, cert, s.request.schemes)
	if !ok {
		return nil, refused("server offers no signature scheme for the client certificate of %q", cert.Leaf.Subject)
	}
	m.Result.Certificate, m.Result.Scheme = cert, id
	if s.request.staple && m.cfg.Asks.Has(AskOCSPResponse) {
		return ask(m, AskOCSPResponse, cert, new(async.Op[[]byte]), s.withOCSPResponse), nil
	}
	return s.withOCSPResponse(m, cert.OCSPStaple)
}

// withOCSPResponse writes the certificate, with what the server wants beside it, and asks for
// the signature over all so far.
func (s *clientFlight) withOCSPResponse(m *Machine, response []byte) (state, error) {
	cert := m.Result.Certificate
	if !s.request.staple {
		response = nil
	}
	var scts []byte
	if s.request.sct {
		scts = cert.SCTList
	}
	if err := m.writeCertificate(nil, cert, response, scts); err != nil {
		return nil, err
	}
	return m.sign(cert, m.Result.Scheme, s.signed)
}

func (s *clientFlight) signed(m *Machine, signature []byte) (state, error) {
	if err := m.writeCertificateVerify(m.Result.Scheme, signature); err != nil {
		return nil, err
	}
	m.Result.ClientAuth = true
	return s.finished(m)
}
