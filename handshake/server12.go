package handshake

import (
	"crypto"
	"crypto/x509"
	"slices"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/policy"
)

// C -> S   ClientHello                                   RFC 5246, Section 7.3
// S -> C   ServerHello Certificate CertificateStatus* ServerKeyExchange* CertificateRequest* ServerHelloDone
// C -> S   Certificate* ClientKeyExchange CertificateVerify* [ChangeCipherSpec] Finished    server12_finish.go
// S -> C   [ChangeCipherSpec] Finished

// server12 is what a server has settled by the ClientHello, and what its flight is made
// of.
type server12 struct {
	session12
	version iana.Version // client_version, which the RSA premaster secret repeats
	cert    *certs.Certificate
	scheme  iana.SignatureScheme // of ServerKeyExchange
	group   iana.Group
	key     kex.Key
	dh      *kex.DHParams
	dhKey   *kex.DHKey
	alpn    string
	staple  bool
	sct     bool
	named   bool
	formats bool // the client sent ec_point_formats
	renego  bool // and wants to hear of secure renegotiation
	request bool // a CertificateRequest is sent
	ticket  bool // a NewSessionTicket is announced
	params  []byte
	session *session.Session // that is resumed, or made
	content []byte           // what it was serialized to
}

func (s *server12) wipe() {
	s.session12.wipe()
	if s.key != nil {
		s.key.Clear()
	}
	if s.dhKey != nil {
		s.dhKey.Clear()
	}
	s.wipeSession()
}

// answer turns a ClientHello into the server's flight.
func (s *server12) answer(m *Machine, hello *wire.ClientHello, msg []byte) (state, error) {
	if err := checkClientHello12(m, hello); err != nil {
		return nil, err
	}
	s.version = hello.LegacyVersion
	s.extended = hello.ExtendedMasterSecret
	s.renego = hello.Has.Has(iana.RenegotiationInfo) || hello.CipherSuites.Has(iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
	m.Result.SecureRenegotiation = s.renego
	s.staple, s.sct = hello.StatusRequest, hello.SCT
	s.formats = hello.Has.Has(iana.ECPointFormats)
	if s.formats && hello.Has.Has(iana.SupportedGroups) && !slices.Contains(hello.ECPointFormats, 0) { // RFC 8422, Section 5.1.2
		return nil, illegal("client does not offer uncompressed points")
	}
	alpn := &serverFlight{}
	if err := alpn.chooseALPN(m, hello); err != nil {
		return nil, err
	}
	s.alpn = alpn.alpn
	m.x.secrets = s
	return s.find(m, hello, msg)
}

// full begins a full handshake.
func (s *server12) full(m *Machine, hello *wire.ClientHello, msg []byte) (state, error) {
	if err := s.chooseSuite(m, hello); err != nil {
		return nil, err
	}
	if !s.ticket && m.cfg.Store {
		m.x.sessionIDLen = session.IDLen
		if err := m.draw(m.x.sessionID[:]); err != nil {
			return nil, err
		}
	}
	if err := m.x.transcript.Start(m.x.suite.Hash); err != nil {
		return nil, internal(err, "the transcript could not be started")
	}
	m.x.keep = m.wantsCertificate()
	m.hear(msg)
	if s.staple && m.cfg.Asks.Has(AskOCSPResponse) { // ServerHello says whether one follows
		return ask(m, AskOCSPResponse, s.cert, new(async.Op[[]byte]), s.withOCSPResponse), nil
	}
	return s.withOCSPResponse(m, s.cert.OCSPStaple)
}

// wantsCertificate reports whether a server asks for a client's certificate.
func (m *Machine) wantsCertificate() bool {
	return m.cfg.ClientAuth == OptionalClientAuth || m.cfg.ClientAuth == RequireClientAuth
}

func checkClientHello12(m *Machine, hello *wire.ClientHello) error {
	switch {
	case !slices.Contains(hello.CompressionMethods, 0):
		return illegal("client does not offer to do without compression")
	case m.cfg.RequireEMS && !hello.ExtendedMasterSecret:
		return refused("client offers no %v, which FIPS mode requires", iana.ExtendedMasterSecret)
	case len(hello.RenegotiationInfo) != 0:
		return refused("client sent renegotiation_info of a connection that it does not have") // RFC 5746, Section 3.6
	case m.cfg.MaxVersion > iana.TLS12 && hello.CipherSuites.Has(iana.TLS_FALLBACK_SCSV):
		return fail(iana.InappropriateFallback, "client fell back to %v, this server knows %v", iana.TLS12, m.cfg.MaxVersion)
	}
	return nil
}

// selectSuite picks the first suite of ours that the client offers and for which there are a
// certificate, a scheme and a group.
func (s *server12) selectSuite(m *Machine, hello *wire.ClientHello) (id iana.CipherSuite, ok bool) {
	s.chooseGroup(m, hello)
	return s.firstSuite(m, hello)
}

func (s *server12) firstSuite(m *Machine, hello *wire.ClientHello) (id iana.CipherSuite, ok bool) {
	return policy.SelectSuite(m.cfg.Suites, m.cfg.ChaChaBoost, hello.CipherSuites, func(id iana.CipherSuite) bool {
		row := suite.Lookup(id)
		return row != nil && !row.TLS13 && s.canDo(m, hello, row)
	})
}

// chooseSuite settles suite, certificate, scheme and group.
func (s *server12) chooseSuite(m *Machine, hello *wire.ClientHello) error {
	if m.cfg.Certificates == nil {
		return internal(nil, "this server has no certificate, and its application chose no other configuration")
	}
	id, ok := s.selectSuite(m, hello)
	if !ok && s.lacksGroup(m, hello) {
		return fail(iana.InsufficientSecurity, "client offers no group for DHE that this server takes, and no other cipher suite")
	}
	if !ok {
		return refused("client offers no cipher suite of this server's policy for %v that fits its certificates and groups", iana.TLS12)
	}
	m.x.suite = suite.Lookup(id)
	s.cert, s.scheme, m.Result.Match = s.certificate(m, hello, m.x.suite)
	name := string(hello.ServerName)
	s.named = name != "" && (m.NameUsed || m.Result.Match != certs.NoMatch)
	m.Result.CipherSuite, m.Result.Certificate = id, s.cert
	switch m.x.suite.KeyExchange {
	case suite.KeyExchangeECDHE:
		m.Result.Group, m.Result.Scheme = s.group, s.scheme
	case suite.KeyExchangeDHE:
		m.Result.Group, m.Result.Scheme = s.dh.Group(), s.scheme
	}
	return nil
}

// chooseGroup looks for a curve and for finite-field parameters, neither of which has to
// be there. A client may leave out both extensions for curves, and then takes any (RFC 8422,
// Section 4); one that sends ec_point_formats alone knows how to name curves, and has none.
func (s *server12) chooseGroup(m *Machine, hello *wire.ClientHello) {
	free := !hello.Has.Has(iana.SupportedGroups) && !hello.Has.Has(iana.ECPointFormats)
	for _, g := range m.cfg.Groups12 {
		if free || hello.SupportedGroups.Has(g) {
			s.group = g
			break
		}
	}
	s.dh = m.chooseDH(hello.SupportedGroups)
}

// chooseDH picks the parameters for DHE. A client that lists groups of RFC 7919 gets one
// of those, or no DHE (Section 4); any other the configured ones, or ffdhe2048.
func (m *Machine) chooseDH(peer iana.List[iana.Group]) *kex.DHParams {
	listed := false
	for i := range peer.Len() {
		listed = listed || peer.At(i)>>8 == 1 // 256 to 511 are finite-field groups
	}
	if d := m.cfg.DHParams; d != nil && (!listed || d.Group() != 0 && peer.Has(d.Group())) {
		return d
	}
	for _, g := range [...]iana.Group{iana.FFDHE2048, iana.FFDHE3072, iana.FFDHE4096} {
		if !listed || peer.Has(g) {
			return kex.LookupFFDHE(g)
		}
	}
	return nil
}

// lacksGroup reports whether nothing but finite-field parameters is missing for a suite: a client
// has to be told so that has listed groups of RFC 7919, none of them ours (Section 4).
func (s *server12) lacksGroup(m *Machine, hello *wire.ClientHello) (ok bool) {
	if s.dh == nil {
		s.dh = kex.LookupFFDHE(iana.FFDHE2048)
		_, ok = s.firstSuite(m, hello)
	}
	return ok
}

// canDo reports whether row can be negotiated with what there is.
func (s *server12) canDo(m *Machine, hello *wire.ClientHello, row *suite.Suite) bool {
	switch row.KeyExchange {
	case suite.KeyExchangeECDHE:
		if s.group == 0 {
			return false
		}
	case suite.KeyExchangeDHE:
		if s.dh == nil {
			return false
		}
	}
	cert, _, _ := s.certificate(m, hello, row)
	return cert != nil
}

// certificate finds a chain and a scheme for row.
func (s *server12) certificate(m *Machine, hello *wire.ClientHello, row *suite.Suite) (*certs.Certificate, iana.SignatureScheme, certs.Match) {
	key := func(c *certs.Certificate) bool {
		if !fitsAuth(c.KeyType(), row) {
			return false
		}
		if row.KeyExchange == suite.KeyExchangeRSA {
			return canDecrypt(m, c)
		}
		if hello.Has.Has(iana.SupportedGroups) && !curveOffered(c, hello.SupportedGroups) {
			return false
		}
		_, ok := m.selectScheme12(c, hello)
		return ok
	}
	name := string(hello.ServerName)
	var cert *certs.Certificate
	var match certs.Match
	if hello.Has.Has(iana.SignatureAlgorithms) {
		onChain := hello.SignatureAlgorithms
		if hello.Has.Has(iana.SignatureAlgorithmsCert) {
			onChain = hello.SignatureAlgorithmsCert
		}
		cert, match = m.cfg.Certificates.Select(name, func(c *certs.Certificate) bool {
			return key(c) && verify.Acceptable(c.X509(), onChain)
		})
	}
	if cert == nil {
		cert, match = m.cfg.Certificates.Select(name, key)
	}
	if cert == nil {
		return nil, 0, match
	}
	scheme, _ := m.selectScheme12(cert, hello)
	return cert, scheme, match
}

// selectScheme12 returns the scheme by which cert's key signs in TLS 1.2. A client
// without signature_algorithms stands for SHA-1 (RFC 5246, Section 7.4.1.4.1).
func (m *Machine) selectScheme12(cert *certs.Certificate, hello *wire.ClientHello) (iana.SignatureScheme, bool) {
	offered := hello.SignatureAlgorithms
	if !hello.Has.Has(iana.SignatureAlgorithms) {
		offered = sha1Schemes
	}
	return m.scheme12(cert, offered)
}

var sha1Schemes = iana.MakeList(iana.RSAPKCS1SHA1, iana.ECDSASHA1)

func (m *Machine) scheme12(cert *certs.Certificate, offered iana.List[iana.SignatureScheme]) (iana.SignatureScheme, bool) {
	return policy.SelectScheme(m.cfg.Schemes12, offered, func(id iana.SignatureScheme) bool {
		return cert.CanSign(id, iana.TLS12)
	})
}

// fitsAuth reports whether a key of a certificate is what row authenticates with: Ed25519
// goes with the ECDSA suites (RFC 8422, Section 5.10).
func fitsAuth(kind certs.KeyType, row *suite.Suite) bool {
	switch kind {
	case certs.KeyRSA:
		return row.Authentication == suite.AuthenticationRSA
	case certs.KeyRSAPSS:
		return row.Authentication == suite.AuthenticationRSA && row.KeyExchange != suite.KeyExchangeRSA
	case certs.KeyECDSA, certs.KeyEd25519:
		return row.Authentication == suite.AuthenticationECDSA
	}
	return false
}

// canDecrypt reports whether a certificate may be used for RSA key exchange.
func canDecrypt(m *Machine, c *certs.Certificate) bool {
	if c.SignOnly || c.KeyType() != certs.KeyRSA || verify.CheckKeyUsage(c.Leaf, x509.KeyUsageKeyEncipherment) != nil {
		return false
	}
	_, decrypts := c.PrivateKey.(crypto.Decrypter)
	return decrypts || m.cfg.Asks.Has(AskPrivateKey)
}

// serverHello writes the ServerHello.
func (s *server12) serverHello(m *Machine) error {
	if err := m.draw(s.serverRandom[:]); err != nil {
		return err
	}
	if m.cfg.MaxVersion > iana.TLS12 {
		copy(s.serverRandom[24:], downgradeTLS12)
	}
	w, start := m.writer()
	msg := wire.BeginServerHello(w, s.serverRandom[:], m.sessionID(), m.x.suite.ID)
	x := w.Begin16()
	if s.renego {
		wire.PutRenegotiationInfo(w, nil)
	}
	if s.extended {
		wire.PutExtendedMasterSecret(w)
	}
	if s.ticket {
		wire.PutSessionTicket(w, nil)
	}
	if s.named {
		wire.PutServerNameAck(w)
	}
	if s.formats && m.x.suite.KeyExchange == suite.KeyExchangeECDHE {
		wire.PutECPointFormats(w, 0)
	}
	if s.alpn != "" {
		wire.PutSelectedALPN(w, s.alpn)
	}
	if s.sct && s.cert.SCTList != nil {
		wire.PutSCTList(w, s.cert.SCTList)
	}
	if s.staple {
		wire.PutEmptyStatusRequest(w)
	}
	w.EndOrOmit(x) // clients that know no extensions need not take a list of none
	w.End(msg)
	return m.sent(start)
}

// withOCSPResponse writes ServerHello and the certificate, and asks for the signature over
// the key exchange, if there is one. A client that is told of an OCSP response need not
// insist on it (RFC 6066, Section 8), but some do: none is announced that does not follow.
func (s *server12) withOCSPResponse(m *Machine, response []byte) (state, error) {
	s.staple = s.staple && len(response) > 0
	if err := s.serverHello(m); err != nil {
		return nil, err
	}
	return s.certificateOn(m, response)
}

// certificateOn writes what follows ServerHello.
func (s *server12) certificateOn(m *Machine, response []byte) (state, error) {
	if err := m.writeCertificate12(s.cert); err != nil {
		return nil, err
	}
	if len(response) > 0 && s.staple {
		w, start := m.writer()
		wire.AppendCertificateStatus(w, response)
		if err := m.sent(start); err != nil {
			return nil, err
		}
	}
	if err := s.keyExchange(m); err != nil {
		return nil, err
	}
	if s.params == nil {
		return s.helloDone(m)
	}
	return m.signMessage(s.cert, s.scheme, signedParams(m, s.serverRandom[:], s.params), s.signed)
}

// keyExchange makes our share of an ephemeral key exchange.
func (s *server12) keyExchange(m *Machine) (err error) {
	switch m.x.suite.KeyExchange {
	case suite.KeyExchangeECDHE:
		if s.key, err = kex.Lookup(s.group).Generate(m.cfg.Rand); err != nil {
			return internal(err, "a key pair for %v could not be made", s.group)
		}
		share := s.key.AppendPublic(m.work.share[:0])
		s.params = wire.AppendServerECDHParams(make([]byte, 0, 4+len(share)), s.group, share)
	case suite.KeyExchangeDHE:
		if s.dhKey, err = s.dh.Generate(m.cfg.Rand); err != nil {
			return internal(err, "a key pair for DHE could not be made")
		}
		s.params = wire.AppendServerDHParams(nil, s.dh.P(), s.dh.G(), s.dhKey.AppendPublic(nil))
	}
	return nil
}

// signedParams is what ServerKeyExchange signs (RFC 5246, Section 7.4.3), lent while the Machine
// moves.
func signedParams(m *Machine, serverRandom, params []byte) []byte {
	message := append(m.work.signed[:0], m.x.clientRandom[:]...)
	message = append(message, serverRandom...)
	return append(message, params...)
}

func (s *server12) signed(m *Machine, signature []byte) (state, error) {
	w, start := m.writer()
	wire.AppendServerKeyExchange(w, s.params, s.scheme, signature)
	if err := m.sent(start); err != nil {
		return nil, err
	}
	return s.helloDone(m)
}

// helloDone ends the server's flight.
func (s *server12) helloDone(m *Machine) (state, error) {
	if s.request = m.wantsCertificate(); s.request {
		w, start := m.writer()
		wire.AppendCertificateRequest12(w, certificateTypes, m.cfg.OfferedSchemes, m.cfg.Authorities)
		if err := m.sent(start); err != nil {
			return nil, err
		}
	}
	w, start := m.writer()
	wire.AppendServerHelloDone(w)
	if err := m.sent(start); err != nil {
		return nil, err
	}
	if s.request {
		return &expectClientCertificate12{s}, nil
	}
	return &expectClientKeyExchange{server12: s}, nil
}

// certificateTypes are rsa_sign and ecdsa_sign, which stands for EdDSA too (RFC 8422,
// Section 5.5); what decides is signature_algorithms.
var certificateTypes = []uint8{1, 64}
