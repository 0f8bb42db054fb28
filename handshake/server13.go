package handshake

import (
	"cmp"
	"crypto"
	"crypto/sha256"
	"slices"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/policy"
)

// C -> S   ClientHello                                   RFC 8446, Section 2
// S -> C   [HelloRetryRequest, and the client says it again]
//          the application may be asked for a PSK                     server13_psk.go
// S -> C   ServerHello {EncryptedExtensions} {CertificateRequest*} {Certificate} {CertificateVerify} {Finished}
//          with a PSK without {CertificateRequest*} {Certificate} {CertificateVerify}
// C -> S   (early data*) (EndOfEarlyData*)                             server13_early.go
// C -> S   {Certificate*} {CertificateVerify*} {Finished}                 server13_auth.go
// S -> C   [NewSessionTicket*]                                         issuer13.go

// answerClientHello turns a ClientHello into a HelloRetryRequest or a ServerHello. It lends the
// Machine's input.
type answerClientHello struct {
	hello   *wire.ClientHello
	msg     []byte
	retried *expectSecondClientHello // nil for the first hello
}

func (a answerClientHello) answer(m *Machine) (state, error) {
	if err := checkClientHello13(a.hello); err != nil {
		return nil, err
	}
	switch {
	case a.hello.Has.Has(iana.PreSharedKey):
		return (&selectPSK{answerClientHello: a}).begin(m)
	case a.retried != nil && a.retried.psk != nil:
		return nil, missing("client offers no PSK any more, by which HelloRetryRequest was chosen")
	}
	return a.withPSK(m, nil)
}

// suiteFor selects the cipher suite, one with hash h for a PSK, any if h is 0. It stays the same
// after a HelloRetryRequest.
func (a answerClientHello) suiteFor(m *Machine, h crypto.Hash) (iana.CipherSuite, bool) {
	if a.retried != nil {
		return m.x.suite.ID, h == 0 || h == m.x.suite.Hash
	}
	usable := iana.CipherSuite.IsTLS13
	if h != 0 {
		usable = func(id iana.CipherSuite) bool { return id.IsTLS13() && suite.Lookup(id).Hash == h }
	}
	return policy.SelectSuite(m.cfg.Suites, m.cfg.ChaChaBoost, a.hello.CipherSuites, usable)
}

// withPSK goes on with the PSK, or with a certificate if there is none.
func (a answerClientHello) withPSK(m *Machine, psk *chosenPSK) (state, error) {
	hello := a.hello
	var hash crypto.Hash
	if psk != nil {
		hash = psk.hash
	} else if !hello.Has.Has(iana.SignatureAlgorithms) {
		return nil, missing("client sent no %v", iana.SignatureAlgorithms)
	}
	id, ok := a.suiteFor(m, hash)
	if !ok {
		return nil, refused("client offers none of the cipher suites of this server's policy for %v", iana.TLS13)
	}
	group, retry, ok := policy.SelectGroup(m.cfg.Groups, hello.SupportedGroups, func(g iana.Group) bool {
		_, has := hello.KeyShares.Get(g)
		return has
	})
	if !ok {
		return nil, refused("client offers none of the groups of this server's policy")
	}
	if a.retried == nil {
		m.x.suite = suite.Lookup(id)
		m.x.sessionIDLen = uint8(copy(m.x.sessionID[:], hello.SessionID))
		if err := m.x.transcript.Start(m.x.suite.Hash); err != nil {
			return nil, internal(err, "the transcript could not be started")
		}
		m.Result.CipherSuite = id
	}
	m.hear(a.msg)
	if retry {
		if a.retried != nil {
			return nil, illegal("client sent no key share for %v, which HelloRetryRequest asked for", a.retried.group)
		}
		return a.retry(m, group, psk)
	}
	if a.retried != nil && group != a.retried.group {
		return nil, illegal("client sent a key share for %v, HelloRetryRequest asked for %v", group, a.retried.group)
	}
	m.Result.Group = group

	s := &serverFlight{staple: hello.StatusRequest, sct: hello.SCT, skip: hello.EarlyData}
	s.tickets = m.cfg.SessionTickets && slices.Contains(hello.PSKKeyExchangeModes, wire.PSKWithDHE)
	if err := s.chooseALPN(m, hello); err != nil {
		return nil, err
	}
	if psk != nil {
		return (&resumePSK{s, hello, psk}).begin(m)
	}
	if err := s.chooseCertificate(m, hello); err != nil {
		return nil, err
	}
	return s.serverHello(m, hello)
}

// checkClientHello13 holds what RFC 8446, Sections 4.1.2 and 9.2, want of every
// ClientHello that leads to TLS 1.3. signature_algorithms is not needed with a PSK.
func checkClientHello13(hello *wire.ClientHello) error {
	if len(hello.CompressionMethods) != 1 || hello.CompressionMethods[0] != 0 {
		return illegal("client offers compression with %v", iana.TLS13)
	}
	for _, x := range [...]iana.Extension{iana.SignatureAlgorithms, iana.SupportedGroups, iana.KeyShare} {
		if !hello.Has.Has(x) && !(x == iana.SignatureAlgorithms && hello.Has.Has(iana.PreSharedKey)) {
			return missing("client sent no %v", x)
		}
	}
	if g, ok := hello.KeyShares.Stray(hello.SupportedGroups); ok {
		return illegal("client sent a key share for %v, which is not among its groups", g)
	}
	return nil
}

// retry writes a HelloRetryRequest for group. The choice of the PSK stands.
func (a answerClientHello) retry(m *Machine, group iana.Group, psk *chosenPSK) (state, error) {
	m.x.transcript.HelloRetry()
	w, start := m.writer()
	msg := wire.BeginServerHello(w, wire.HelloRetryRequestRandom[:], m.sessionID(), m.x.suite.ID)
	x := w.Begin16()
	wire.PutSelectedVersion(w, iana.TLS13)
	wire.PutHelloRetryGroup(w, group)
	w.End(x)
	w.End(msg)
	if err := m.sent(start); err != nil {
		return nil, err
	}
	m.endRecord()
	m.dummyChangeCipherSpec()
	if a.hello.EarlyData {
		m.Result.EarlyData = EarlyDataRejected
		m.emit(Event{Kind: SkipEarlyData, Epoch: Initial, Limit: m.skipLimit(psk)})
	}
	m.Result.Retried = true
	return &expectSecondClientHello{group: group, first: constantPart(a.hello), psk: psk}, nil
}

// expectSecondClientHello waits for the client's answer to a HelloRetryRequest.
type expectSecondClientHello struct {
	group iana.Group
	first [sha256.Size]byte // of what the client may not change
	psk   *chosenPSK        // nil = none
}

func (*expectSecondClientHello) accepts() msgSet { return only(iana.ClientHello) | last }

func (s *expectSecondClientHello) next(m *Machine, msg []byte) (state, error) {
	hello := &m.in.received.Hello
	if err := hello.Parse(msg[4:]); err != nil {
		return nil, err
	}
	if hello.EarlyData {
		return nil, illegal("client offers early data after HelloRetryRequest")
	}
	if constantPart(hello) != s.first {
		return nil, illegal("client changed its ClientHello after HelloRetryRequest in more than key shares")
	}
	return (answerClientHello{hello, msg, s}).answer(m)
}

// constantPart digests what a second ClientHello has to repeat: all but the extensions
// that RFC 8446, Section 4.1.2 lets the client change. Extensions that nobody here knows may be
// of a kind that changes, and decide nothing; nor does the order (s2n_client_hello_verify_for_retry).
func constantPart(hello *wire.ClientHello) (sum [sha256.Size]byte) {
	h := sha256.New()
	var b [4]byte
	part := func(data []byte) {
		b = [4]byte{0, byte(len(data) >> 16), byte(len(data) >> 8), byte(len(data))}
		h.Write(b[:])
		h.Write(data)
	}
	part([]byte{byte(hello.LegacyVersion >> 8), byte(hello.LegacyVersion)})
	part(hello.Random)
	part(hello.SessionID)
	part(hello.CipherSuites)
	part(hello.CompressionMethods)
	type extension struct {
		t    iana.Extension
		data []byte
	}
	var known [64]extension
	n := 0
	for t, data := range hello.Extensions.All() {
		switch t {
		case iana.KeyShare, iana.EarlyData, iana.Cookie, iana.PreSharedKey, iana.Padding:
			continue
		}
		if hello.Has.Has(t) {
			known[n] = extension{t, data}
			n++
		}
	}
	slices.SortFunc(known[:n], func(a, b extension) int { return cmp.Compare(a.t, b.t) })
	for _, e := range known[:n] {
		part([]byte{byte(e.t >> 8), byte(e.t)})
		part(e.data)
	}
	h.Sum(sum[:0])
	return sum
}

// serverFlight is what the server's flight is made of, from ServerHello to Finished.
type serverFlight struct {
	alpn    string
	staple  bool // the client wants an OCSP response
	sct     bool
	skip    bool // early data that was offered, and is not wanted
	early   bool // it is accepted
	tickets bool // the client could use them
	named   bool // acknowledge server_name
	psk     *chosenPSK
	cert    *certs.Certificate
	scheme  iana.SignatureScheme
	keys    schedule.Handshake
	client  Secret // handshake traffic
	server  Secret
	request bool // a CertificateRequest was sent
}

func (s *serverFlight) wipe() {
	s.keys.Clear()
	s.client.Clear()
	s.server.Clear()
	if s.psk != nil {
		s.psk.wipe()
	}
}

func (s *serverFlight) chooseALPN(m *Machine, hello *wire.ClientHello) error {
	if len(m.cfg.ALPN) == 0 || len(hello.ALPN) == 0 {
		return nil
	}
	for _, name := range m.cfg.ALPN {
		if hello.ALPN.Has(name) {
			s.alpn, m.Result.ALPN = name, name
			return nil
		}
	}
	if m.cfg.IgnoreALPN {
		return nil
	}
	return fail(iana.NoApplicationProtocol, "client offers none of this server's application protocols %q", m.cfg.ALPN)
}

// chooseCertificate picks a chain for the server name that the client can verify: first
// one whose signatures the client knows, else any whose key it knows (RFC 8446, Section
// 4.4.2.2); and of those rather one that leads to an authority that the client names.
func (s *serverFlight) chooseCertificate(m *Machine, hello *wire.ClientHello) error {
	if m.onlyPSK() {
		return refused("client offers no PSK, and this server has no certificate")
	}
	if m.cfg.Certificates == nil {
		return internal(nil, "this server has no certificate, and its application chose no other configuration")
	}
	onChain := hello.SignatureAlgorithmsCert
	if !hello.Has.Has(iana.SignatureAlgorithmsCert) {
		onChain = hello.SignatureAlgorithms
	}
	key := func(c *certs.Certificate) bool {
		_, ok := selectScheme(m.cfg, c, hello.SignatureAlgorithms)
		return ok
	}
	chain := func(c *certs.Certificate) bool { return verify.Acceptable(c.X509(), onChain) }
	name := string(hello.ServerName)
	s.cert, m.Result.Match = candidates{store: m.cfg.Certificates, name: name}.choose(hello.CertificateAuthorities, key, chain)
	if s.cert == nil {
		return refused("client offers no signature scheme for any certificate of this server")
	}
	s.scheme, _ = selectScheme(m.cfg, s.cert, hello.SignatureAlgorithms)
	s.named = name != "" && (m.NameUsed || m.Result.Match != certs.NoMatch)
	m.Result.Certificate, m.Result.Scheme = s.cert, s.scheme
	return nil
}

// serverHello agrees on the key and writes up to the place where an OCSP response is
// needed.
func (s *serverFlight) serverHello(m *Machine, hello *wire.ClientHello) (state, error) {
	random := m.work.random[:]
	if err := m.draw(random); err != nil {
		return nil, err
	}
	group := m.Result.Group
	peerShare, _ := hello.KeyShares.Get(group)
	w, start := m.writer()
	msg := wire.BeginServerHello(w, random, m.sessionID(), m.x.suite.ID)
	x := w.Begin16()
	wire.PutSelectedVersion(w, iana.TLS13)
	mark := wire.BeginServerKeyShare(w, group)
	share, shared, err := kex.Lookup(group).Encapsulate(m.cfg.Rand, w.B, m.work.shared[:0], peerShare)
	if err != nil {
		return nil, err
	}
	defer clear(shared)
	w.B = share
	wire.EndServerKeyShare(w, mark)
	if s.psk != nil {
		wire.PutSelectedIdentity(w, uint16(s.psk.index))
	}
	w.End(x)
	w.End(msg)
	if err := m.sent(start); err != nil {
		return nil, err
	}
	m.endRecord()
	m.dummyChangeCipherSpec()

	if s.skip {
		m.Result.EarlyData = EarlyDataRejected
	}
	early := schedule.New(m.x.suite.Hash, nil)
	if s.psk != nil {
		early = s.psk.early
		s.psk.wipe()
	}
	s.keys, s.client, s.server = m.handshakeSecrets(&early, shared)
	m.x.secrets = s
	m.setWriteKey(Handshake, s.server)

	if err := s.encryptedExtensions(m); err != nil {
		return nil, err
	}
	if s.psk != nil {
		return s.finished(m)
	}
	if s.staple && m.cfg.Asks.Has(AskOCSPResponse) {
		return ask(m, AskOCSPResponse, s.cert, new(async.Op[[]byte]), s.withOCSPResponse), nil
	}
	return s.withOCSPResponse(m, s.cert.OCSPStaple)
}

func (s *serverFlight) encryptedExtensions(m *Machine) error {
	w, start := m.writer()
	msg := w.BeginMessage(iana.EncryptedExtensions)
	x := w.Begin16()
	if s.named {
		wire.PutServerNameAck(w)
	}
	if s.alpn != "" {
		wire.PutSelectedALPN(w, s.alpn)
	}
	if s.early {
		wire.PutEarlyData(w)
	}
	w.End(x)
	w.End(msg)
	if err := m.sent(start); err != nil {
		return err
	}
	if s.psk != nil || m.cfg.ClientAuth != OptionalClientAuth && m.cfg.ClientAuth != RequireClientAuth {
		return nil
	}
	s.request = true
	w, start = m.writer()
	msg = wire.BeginCertificateRequest(w, nil)
	x = w.Begin16()
	wire.PutSignatureAlgorithms(w, m.cfg.OfferedSchemes)
	if m.cfg.CertificateSchemes != nil {
		wire.PutSignatureAlgorithmsCert(w, m.cfg.CertificateSchemes)
	}
	if len(m.cfg.Authorities) > 0 {
		wire.PutCertificateAuthorities(w, m.cfg.Authorities)
	}
	if m.cfg.RequestOCSP {
		wire.PutEmptyStatusRequest(w)
	}
	if m.cfg.RequestSCT {
		wire.PutSCTRequest(w)
	}
	w.End(x)
	w.End(msg)
	return m.sent(start)
}

// withOCSPResponse writes the certificate and asks for the signature over all so far.
func (s *serverFlight) withOCSPResponse(m *Machine, response []byte) (state, error) {
	if !s.staple {
		response = nil
	}
	var scts []byte
	if s.sct {
		scts = s.cert.SCTList
	}
	if err := m.writeCertificate(nil, s.cert, response, scts); err != nil {
		return nil, err
	}
	return m.sign(s.cert, s.scheme, s.signed)
}

// signed writes CertificateVerify.
func (s *serverFlight) signed(m *Machine, signature []byte) (state, error) {
	if err := m.writeCertificateVerify(s.scheme, signature); err != nil {
		return nil, err
	}
	return s.finished(m)
}

// finished writes Finished; what follows is application data.
func (s *serverFlight) finished(m *Machine) (state, error) {
	if err := m.writeFinished(&s.server); err != nil {
		return nil, err
	}
	main, client, server := m.applicationSecrets(&s.keys)
	s.server.Clear()
	if !s.early {
		m.setReadKey(Handshake, s.client)
	}
	if s.skip {
		m.emit(Event{Kind: SkipEarlyData, Epoch: Handshake, Limit: m.skipLimit(s.psk)}) // RFC 8446, Section 4.2.10
	}
	m.setWriteKey(Application, server)
	m.Result.HalfRTT = !s.request

	end := &expectClientFinished{handshake: s.client, application: client, tickets: s.tickets}
	if s.tickets {
		end.main = main
	}
	main.Clear()
	s.client.Clear()
	m.x.secrets = end
	if s.early {
		return &expectEndOfEarlyData{end}, nil
	}
	if s.request {
		return &expectClientCertificate{end: end}, nil
	}
	return end, nil
}

// sessionID returns the legacy_session_id to echo.
func (m *Machine) sessionID() []byte { return m.x.sessionID[:m.x.sessionIDLen] }
