package handshake

import (
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   ClientHello
// S -> C   HelloRetryRequest    -> ClientHello once more, with another key share
//          ServerHello          -> the version is chosen: client13.go goes on

// clientHello is what the client has said and keeps until it is answered.
type clientHello struct {
	offered wire.Set
	keys    []clientKey
	psks    []offeredPSK
	early   iana.CipherSuite // of early data; 0 = none is offered
	cookie  []byte           // of the HelloRetryRequest
	old     *offered12       // session of TLS 1.2, or nil
}

// clientKey is a private key whose share was sent.
type clientKey struct {
	group iana.Group
	key   kex.Key
}

func (h *clientHello) wipe() {
	for _, k := range h.keys {
		k.key.Clear()
	}
	h.keys = nil
}

// sendClientHello is where every client begins.
type sendClientHello struct{}

func (sendClientHello) accepts() msgSet { return 0 }

func (sendClientHello) next(*Machine, []byte) (state, error) {
	return nil, unexpected("server spoke first")
}

func (sendClientHello) move(m *Machine) (state, error) {
	h := &clientHello{}
	if err := m.draw(m.x.clientRandom[:]); err != nil {
		return nil, err
	}
	m.serverName = strings.TrimSuffix(m.serverName, ".") // as RFC 6066, Section 3 wants it
	m.Result.ServerName = m.serverName
	if err := h.chooseSessionID(m); err != nil {
		return nil, err
	}
	m.x.secrets = h
	m.x.keep = m.mayProve12()
	for _, g := range m.cfg.KeyShares { // none if TLS 1.3 is not offered
		if err := h.addKey(m, g); err != nil {
			return nil, err
		}
	}
	h.offerPSKs(m)
	msg, err := h.write(m)
	if err != nil {
		return nil, err
	}
	if h.early != 0 {
		h.beginEarlyData(m, msg)
	}
	return &expectServerHello{hello: h}, nil
}

// mayProve12 reports whether a client may have to sign the messages of a TLS 1.2 handshake.
func (m *Machine) mayProve12() bool {
	c := m.cfg
	return c.MinVersion == iana.TLS12 && c.ClientAuth != NoClientAuth && (c.Certificates != nil || c.Asks.Has(AskClientCertificate))
}

// addKey makes a key pair of group g.
func (h *clientHello) addKey(m *Machine, g iana.Group) error {
	key, err := kex.Lookup(g).Generate(m.cfg.Rand)
	if err != nil {
		return internal(err, "a key pair for %v could not be made", g)
	}
	h.keys = append(h.keys, clientKey{g, key})
	return nil
}

// key returns the private key whose share was sent for g, or nil.
func (h *clientHello) key(g iana.Group) kex.Key {
	for _, k := range h.keys {
		if k.group == g {
			return k.key
		}
	}
	return nil
}

// write writes the ClientHello, the first or the second: they differ in key_share, cookie,
// early_data and pre_shared_key alone (RFC 8446, Section 4.1.2). It returns the message, lent.
func (h *clientHello) write(m *Machine) ([]byte, error) {
	c := m.cfg
	w, start := m.writer()
	suites := c.Suites
	if c.Fallback {
		suites = append(slices.Clip(suites), iana.TLS_FALLBACK_SCSV)
	}
	msg := wire.BeginClientHello(w, iana.TLS12, m.x.clientRandom[:], m.sessionID(), suites)
	x := w.Begin16()
	if m.serverName != "" && !isAddress(m.serverName) {
		wire.PutServerName(w, m.serverName)
	}
	wire.PutSupportedVersions(w, versions(c)...)
	curves := c.MinVersion <= iana.TLS12 && slices.ContainsFunc(suites, usesCurve)
	if curves || c.MaxVersion >= iana.TLS13 {
		wire.PutSupportedGroups(w, c.GroupOrder)
	}
	wire.PutSignatureAlgorithms(w, c.OfferedSchemes)
	if c.CertificateSchemes != nil {
		wire.PutSignatureAlgorithmsCert(w, c.CertificateSchemes)
	}
	if len(c.ALPN) > 0 {
		wire.PutALPN(w, c.ALPN)
	}
	if len(c.Authorities) > 0 && c.MaxVersion >= iana.TLS13 {
		wire.PutCertificateAuthorities(w, c.Authorities)
	}
	if c.RequestOCSP {
		wire.PutStatusRequest(w)
	}
	if c.RequestSCT {
		wire.PutSCTRequest(w)
	}
	if c.MinVersion <= iana.TLS12 {
		if curves {
			wire.PutECPointFormats(w, wire.PointUncompressed) // RFC 8422, Section 5.1.2
		}
		h.put12(m, w)
	}
	if c.MaxVersion >= iana.TLS13 {
		h.putKeyShares(w)
		if c.SessionTickets || len(c.PSKs) > 0 || len(h.psks) > 0 {
			wire.PutPSKKeyExchangeModes(w, wire.PSKWithDHE)
		}
	}
	if h.early != 0 {
		wire.PutEarlyData(w)
	}
	if h.cookie != nil {
		wire.PutCookie(w, h.cookie)
	}
	h.putPSKs(m, w)
	w.End(x)
	w.End(msg)
	var complete func(m *Machine, msg []byte)
	if len(h.psks) > 0 {
		complete = h.bind
	}
	if err := m.sentWith(start, complete); err != nil {
		return nil, err
	}
	// What was offered is read from what was written.
	var err error
	if h.offered, err = wire.OfferedExtensions(m.work.w.B[start+4:]); err != nil {
		return nil, internal(err, "our own %v cannot be read", iana.ClientHello)
	}
	return m.work.w.B[start:], nil
}

func (h *clientHello) putKeyShares(w *wire.Writer) {
	shares := wire.BeginKeyShares(w)
	for _, k := range h.keys {
		mark := wire.BeginKeyShare(w, k.group)
		w.B = k.key.AppendPublic(w.B)
		w.End(mark)
	}
	wire.EndKeyShares(w, shares)
}

// usesCurve reports whether a suite is one of elliptic curves in TLS 1.2. A client that offers none
// must not list curves and point formats for it (RFC 8422, Section 4).
func usesCurve(id iana.CipherSuite) bool {
	row := suite.Lookup(id)
	return row != nil && !row.TLS13 && row.KeyExchange == suite.KeyExchangeECDHE
}

// put12 writes the extensions that only TLS 1.2 knows, whatever the suites: the master secret is
// extended (RFC 7627), and renegotiation, if there ever is one, is secure (RFC 5746).
func (h *clientHello) put12(m *Machine, w *wire.Writer) {
	wire.PutExtendedMasterSecret(w)
	var before []byte
	if m.before != nil {
		before = m.before.client[:]
	}
	wire.PutRenegotiationInfo(w, before)
	if m.wantsSessions() {
		var ticket []byte // none asks for one
		if h.old != nil {
			ticket = h.old.session.Ticket
		}
		wire.PutSessionTicket(w, ticket)
	}
}

// versions lists what supported_versions offers, the newest first.
func versions(c *Config) (vs []iana.Version) {
	for v := c.MaxVersion; v >= c.MinVersion; v-- {
		vs = append(vs, v)
	}
	return vs
}

// expectServerHello waits for the answer to the first ClientHello.
type expectServerHello struct {
	hello *clientHello
	retry iana.CipherSuite // of the HelloRetryRequest that was answered, or 0
}

func (*expectServerHello) accepts() msgSet { return only(iana.ServerHello) }

func (s *expectServerHello) next(m *Machine, msg []byte) (state, error) {
	var hello wire.ServerHello
	err := hello.Parse(msg[4:], s.hello.offered)
	switch v := hello.SupportedVersion; { // before the rest (RFC 8446, Section 4.2.1)
	case v == iana.TLS13 && m.before != nil: // RFC 8446, Section 4.1.3
		return nil, wrongVersion("server chose %v to renegotiate %v", v, iana.TLS12)
	case v != 0 && (v != iana.TLS13 || m.cfg.MaxVersion < iana.TLS13):
		return nil, illegal("server chose %v in supported_versions, which was not offered", v)
	case err != nil:
		return nil, err
	case v == 0:
		return s.chose12(m, &hello, msg)
	}
	if err := s.check(m, &hello); err != nil {
		return nil, err
	}
	m.Result.Version, m.Result.CipherSuite = iana.TLS13, hello.CipherSuite
	if s.retry == 0 {
		m.forget()
		m.emit(Event{Kind: SetVersion, Version: iana.TLS13})
		m.x.suite = suite.Lookup(hello.CipherSuite)
		if err := m.x.transcript.Start(m.x.suite.Hash); err != nil {
			return nil, internal(err, "the transcript could not be started")
		}
	}
	if hello.IsHelloRetryRequest() {
		return s.again(m, &hello, msg)
	}
	m.hear(msg)
	return (&clientKeys{}).agree(m, s.hello, &hello)
}

// chose12 takes a ServerHello that chooses no TLS 1.3.
func (s *expectServerHello) chose12(m *Machine, hello *wire.ServerHello, msg []byte) (state, error) {
	switch v := hello.LegacyVersion; {
	case s.retry != 0:
		return nil, illegal("server chose %v after HelloRetryRequest", v)
	case v != iana.TLS12:
		return nil, wrongVersion("server chose %v, this client offers %s", v, span(m.cfg))
	case m.cfg.MinVersion > iana.TLS12:
		return nil, wrongVersion("server chose %v, this client's policy begins with %v", v, m.cfg.MinVersion)
	case s.hello.early != 0:
		return nil, wrongVersion("server chose %v, and early data of %v is under way", v, iana.TLS13)
	case m.cfg.MaxVersion > iana.TLS12 && downgraded(hello.Random):
		return nil, illegal("server chose %v though it knows %v: somebody has tampered with the handshake", v, iana.TLS13)
	}
	return (&client12{}).begin(m, s.hello, hello, msg)
}

// check holds what is the same for ServerHello and HelloRetryRequest (RFC 8446, Sections
// 4.1.3 and 4.1.4). legacy_version says nothing beside supported_versions (Section 4.2.1), unless
// it is SSL's (Section D.5); what no version of TLS bears comes of no server that is sane.
func (s *expectServerHello) check(m *Machine, hello *wire.ServerHello) error {
	switch {
	case hello.LegacyVersion <= iana.SSL30:
		return wrongVersion("server sent legacy_version %v, with which no version of TLS begins", hello.LegacyVersion)
	case hello.LegacyVersion > iana.TLS13:
		return illegal("server sent legacy_version %v, which no version of TLS bears", hello.LegacyVersion)
	case string(hello.SessionID) != string(m.sessionID()):
		return illegal("server did not echo legacy_session_id")
	case hello.CompressionMethod != 0:
		return illegal("server chose compression method %d", hello.CompressionMethod)
	case !hello.CipherSuite.IsTLS13() || !slices.Contains(m.cfg.Suites, hello.CipherSuite):
		return illegal("server chose cipher suite %v, which was not offered", hello.CipherSuite)
	case s.retry != 0 && hello.CipherSuite != s.retry:
		return illegal("server chose cipher suite %v after %v in HelloRetryRequest", hello.CipherSuite, s.retry)
	}
	return nil
}

// again answers a HelloRetryRequest.
func (s *expectServerHello) again(m *Machine, hello *wire.ServerHello, msg []byte) (state, error) {
	h := s.hello
	if s.retry != 0 {
		return nil, unexpected("server sent a second HelloRetryRequest")
	}
	if m.InMessage() { // the server's flight ends here
		return nil, unexpected("server sent more after HelloRetryRequest in the same record")
	}
	wanted := hello.Has.Has(iana.KeyShare)
	if !wanted && hello.Cookie == nil {
		return nil, illegal("server sent a HelloRetryRequest that changes nothing")
	}
	if g := hello.KeyShareGroup; wanted {
		if !slices.Contains(m.cfg.GroupOrder, g) {
			return nil, illegal("server asks for a key share for %v, which was not offered", g)
		}
		if h.key(g) != nil {
			return nil, illegal("server asks for a key share for %v, which it had", g)
		}
		h.wipe()
		if err := h.addKey(m, g); err != nil {
			return nil, err
		}
	}
	h.cookie = slices.Clone(hello.Cookie)
	m.x.transcript.HelloRetry()
	m.hear(msg)
	m.Result.Retried = true
	m.dummyChangeCipherSpec()
	h.retried(m)
	if _, err := h.write(m); err != nil {
		return nil, err
	}
	return &expectServerHello{hello: h, retry: hello.CipherSuite}, nil
}
