package handshake

import (
	"crypto/x509"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// The suites of these tests, one for each key exchange.
const (
	ecdheECDSA = iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	ecdheRSA   = iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
	dheRSA     = iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256
	rsaOnly    = iana.TLS_RSA_WITH_AES_128_CBC_SHA
)

// both12 makes a Config know TLS 1.2 besides TLS 1.3.
func both12(c *Config) *Config {
	c.MinVersion = iana.TLS12
	c.Suites = append(c.Suites, ecdheECDSA, ecdheRSA, dheRSA, rsaOnly)
	c.Schemes12 = append(c.Schemes12, iana.RSAPKCS1SHA256)
	c.OfferedSchemes = append(c.OfferedSchemes, iana.RSAPKCS1SHA256)
	return c
}

func only12(c *Config) { c.MaxVersion = iana.TLS12 }

// played12 is one side with a scripted peer, up to its first error.
type played12 struct {
	testing.TB
	*side
	scriptErr func() error
	epoch     Epoch // that the peer writes in
	events    []Event
	err       error
}

// feed gives the side a message or, if it is nil, change_cipher_spec.
func (p *played12) feed(msgs ...[]byte) bool {
	p.Helper()
	for _, msg := range msgs {
		if p.err != nil {
			return false
		}
		if err := p.scriptErr(); err != nil {
			p.Fatal(err)
		}
		p.events, p.err = p.side.feed(packet{p.epoch, msg})
	}
	return p.err == nil
}

// ccs is change_cipher_spec, behind which the peer's bytes are of the next epoch.
func (p *played12) ccs() bool {
	ok := p.feed(nil)
	p.epoch = Application
	return ok
}

// toClient is a client with a scripted server.
type toClient struct {
	played12
	*testpeer.ScriptServer12
}

// withServer12 is a client's handshake of TLS 1.2 with a scripted server.
type withServer12 struct {
	config  func(c *Config) // changes what both12 gives; nil = nothing
	suite   iana.CipherSuite
	key     testpeer.KeyKind // of the server's certificate
	request bool             // the server asks for a certificate
	server  func(s *testpeer.ScriptServer12)
	edit    testpeer.Edit
	flight  func(p *toClient) // nil = flight
	ending  func(p *toClient) // nil = change_cipher_spec and Finished
}

// play plays the handshake up to the client's first error, or to its end.
func (h *withServer12) play(t testing.TB) *toClient {
	t.Helper()
	cfg := both12(clientConfig(t))
	if h.config != nil {
		h.config(cfg)
	}
	script := &testpeer.ScriptServer12{Schemes: cfg.Schemes12}
	script.Identity, script.Edit, script.Rand = issue(t, h.key).Issued, h.edit, stream('s')
	script.Suite, script.Extended, script.Before = h.suite, true, []byte{}
	if script.Suite == 0 {
		script.Suite = ecdheECDSA
	}
	if h.server != nil {
		h.server(script)
	}
	p := &toClient{played12{TB: t, side: newSide(true, cfg), scriptErr: script.Err}, script}
	if p.events, p.err = p.advance(); p.err != nil {
		return p
	}
	script.ReadClientHello(p.out[0].data)
	p.out = nil
	flight, ending := h.flight, h.ending
	if flight == nil {
		flight = (*toClient).flight
	}
	if ending == nil {
		ending = (*toClient).ending
	}
	if flight(p); p.err == nil && h.request && h.flight == nil {
		p.feed(p.CertificateRequest())
	}
	if p.err == nil && h.flight == nil {
		p.feed(p.ServerHelloDone())
	}
	if p.err != nil {
		return p
	}
	p.read()
	ending(p)
	return p
}

// flight is the server's, up to what is before CertificateRequest.
func (p *toClient) flight() {
	if p.feed(p.ServerHello()) && p.feed(p.Certificate()) && p.HasKeyExchange() {
		p.feed(p.ServerKeyExchange())
	}
}

// read lets the script read what the client has sent.
func (p *toClient) read() {
	for _, msg := range p.out {
		switch {
		case msg.data == nil:
		case iana.Message(msg.data[0]) == iana.Finished:
			p.ReadFinished(msg.data)
		default:
			p.ReadClient(msg.data)
		}
	}
	p.out = nil
}

func (p *toClient) ending() {
	p.ccs()
	p.feed(p.Finished())
}

// TestClient12WithScript is the handshake without a mistake, which the tables of mistakes begin
// with: what is wrong there is the mistake alone.
func TestClient12WithScript(t *testing.T) {
	for _, c := range []struct {
		what      string
		handshake withServer12
	}{
		{"ECDHE with an ECDSA key", withServer12{key: testpeer.KeyP256}},
		{"ECDHE with an Ed25519 key", withServer12{key: testpeer.KeyEd25519}},
		{"ECDHE with an RSA key", withServer12{suite: ecdheRSA, key: testpeer.KeyRSA2048}},
		{"ECDHE with PKCS #1", withServer12{suite: ecdheRSA, key: testpeer.KeyRSA2048, server: signs(iana.RSAPKCS1SHA256)}},
		{"ECDHE in P-256", withServer12{server: func(s *testpeer.ScriptServer12) { s.Group = iana.Secp256r1 }}},
		{"DHE", withServer12{suite: dheRSA, key: testpeer.KeyRSA2048}},
		{"RSA", withServer12{suite: rsaOnly, key: testpeer.KeyRSA2048}},
		{"without extended_master_secret", withServer12{server: func(s *testpeer.ScriptServer12) { s.Extended = false }}},
		{"RSA without extended_master_secret", withServer12{suite: rsaOnly, key: testpeer.KeyRSA2048, server: func(s *testpeer.ScriptServer12) { s.Extended = false }}},
		{"without renegotiation_info", withServer12{server: func(s *testpeer.ScriptServer12) { s.Before = nil }}},
		{"without extensions", withServer12{server: func(s *testpeer.ScriptServer12) { s.Extended = false }, edit: on(iana.ServerHello, change(func(p *parts) { p.Extensions = nil }))}},
		{"a session ID of the server's own", withServer12{server: func(s *testpeer.ScriptServer12) { s.SessionID = []byte("mine") }}},
		{"CertificateRequest", withServer12{request: true}},
		{"CertificateRequest, answered", withServer12{request: true, config: showsCertificate(t)}},
		{"ALPN", withServer12{config: offerALPN, edit: on(iana.ServerHello, add(iana.ApplicationLayerProtocolNegotiation, 0, 3, 2, 'h', '2'))}},
		{"point formats with more than it takes", withServer12{edit: on(iana.ServerHello, add(iana.ECPointFormats, 3, 1, 0, 2))}},
		{"an OCSP response", withServer12{config: wantsOCSP, edit: on(iana.ServerHello, add(iana.StatusRequest)), flight: func(p *toClient) {
			p.feed(p.ServerHello(), p.Certificate(), p.CertificateStatus([]byte("ocsp")), p.ServerKeyExchange(), p.ServerHelloDone())
		}}},
		{"an OCSP response that is announced and does not come", withServer12{config: wantsOCSP, edit: on(iana.ServerHello, add(iana.StatusRequest))}},
		{"the mark of a downgrade, to a client of TLS 1.2 alone", withServer12{config: only12, edit: on(iana.ServerHello, mark(downgradeTLS12))}},
		{"the mark of a downgrade to TLS 1.1, to a client of TLS 1.2 alone", withServer12{config: only12, edit: on(iana.ServerHello, mark(downgradeTLS11))}},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := c.handshake.play(t)
			defer p.side.close()
			if p.err != nil || p.Err() != nil || !p.Done() {
				t.Fatalf("the client ends in %s with %v, its server with %v", p.stateName(), p.err, p.Err())
			}
			r := &p.Result
			if r.CipherSuite != p.Suite || r.ExtendedMasterSecret != p.Extended || r.ClientAuth != (p.cfg.Certificates != nil) {
				t.Errorf("the result is %+v", r)
			}
			if want := p.Suite != rsaOnly && p.Suite != dheRSA; want && r.Group != p.Group {
				t.Errorf("the group is %v, want %v", r.Group, p.Group)
			}
			wantKeys12(t, p.log, true, &p.Script12)
		})
	}
}

// TestHelloWithoutExtensions: a client of TLS 1.2 that sends none, not even an empty list of them,
// gets a ServerHello without (RFC 5246, Section 7.4.1.3).
func TestHelloWithoutExtensions(t *testing.T) {
	h := withClient12{suite: rsaOnly, key: testpeer.KeyRSA2048, client: func(c *testpeer.ScriptClient12) { c.Extended, c.Before = false, nil },
		edit: on(iana.ClientHello, change(func(p *parts) { p.Extensions = nil }))}
	p := h.play(t)
	defer p.side.close()
	if p.err != nil || p.Err() != nil || !p.Done() {
		t.Fatalf("the server ends in %s with %v, its client with %v", p.stateName(), p.err, p.Err())
	}
	for _, e := range p.log {
		if e.Kind == Write && iana.Message(e.Data[0]) == iana.ServerHello {
			hello := e.Data[:4+int(e.Data[2])<<8+int(e.Data[3])]
			if want := 4 + 2 + 32 + 1 + int(hello[38]) + 2 + 1; len(hello) != want {
				t.Errorf("ServerHello has %d bytes, %d without extensions", len(hello), want)
			}
			return
		}
	}
	t.Error("no ServerHello was written")
}

// TestCertificateTypes12 asks a client with an Ed25519 certificate for one of other types: it
// shows none, and refuses to show one that its application insists on.
func TestCertificateTypes12(t *testing.T) {
	for _, c := range []struct {
		types []byte
		shows bool
	}{
		{[]byte{64}, true},
		{[]byte{1, 64}, true},
		{[]byte{1}, false},
		{[]byte{3, 4, 255}, false},
	} {
		body := append(append([]byte{byte(len(c.types))}, c.types...), 0, 2, 8, 7, 0, 0)
		h := withServer12{request: true, config: showsCertificate(t), edit: on(iana.CertificateRequest, testpeer.Body(body...))}
		p := h.play(t)
		if p.err != nil || p.Err() != nil || !p.Done() || p.Result.ClientAuth != c.shows {
			t.Errorf("types %d: the client ends in %s with %v, its server with %v, shown: %v", c.types, p.stateName(), p.err, p.Err(), p.Result.ClientAuth)
		}
		p.side.close()

		h.config, h.ending = func(cfg *Config) { cfg.Asks = Questions(0).With(AskClientCertificate) }, func(*toClient) {}
		p = h.play(t)
		if err := p.question.Op.(*async.Op[*certs.Certificate]).Answer(issue(t, testpeer.KeyEd25519).cert); err != nil {
			t.Fatal(err)
		}
		if _, err := p.advance(); (err == nil) != c.shows || err != nil && AlertOf(err) != iana.HandshakeFailure {
			t.Errorf("types %d, by the application: %v", c.types, err)
		}
		p.side.close()
	}
}

// wantKeys12 compares the keys that a Machine has given out with those of its peer.
func wantKeys12(t testing.TB, log []Event, client bool, script *testpeer.Script12) {
	t.Helper()
	for _, e := range log {
		if e.Kind != SetWriteKey && e.Kind != SetReadKey {
			continue
		}
		macKey, key, iv := script.Keys((e.Kind == SetWriteKey) == client)
		if want := string(macKey) + string(key) + string(iv); string(e.Data) != want || e.Suite != script.Suite || e.Epoch != Application {
			t.Errorf("%v differs from the peer's", e.Kind)
		}
	}
}

// toServer is a server with a scripted client.
type toServer struct {
	played12
	*testpeer.ScriptClient12
}

// withClient12 is a server's handshake of TLS 1.2 with a scripted client.
type withClient12 struct {
	config func(c *Config) // changes what both12 gives; nil = nothing
	suite  iana.CipherSuite
	key    testpeer.KeyKind // of the server's certificate
	client func(c *testpeer.ScriptClient12)
	edit   testpeer.Edit
	flight func(p *toServer) // nil = flight
	ending func(p *toServer) // nil = change_cipher_spec and Finished
}

// play plays the handshake up to the server's first error, or to its end.
func (h *withClient12) play(t testing.TB) *toServer {
	t.Helper()
	cfg := both12(serverConfig(t))
	cfg.Certificates = issue(t, h.key).store
	if h.config != nil {
		h.config(cfg)
	}
	suite := h.suite
	if suite == 0 {
		suite = ecdheECDSA
	}
	script := &testpeer.ScriptClient12{
		Suites: []iana.CipherSuite{suite}, Groups: []iana.Group{iana.X25519, iana.Secp256r1},
		Schemes: cfg.Schemes12, ServerName: "localhost", SessionID: []byte("a session of long ago"),
	}
	script.Identity, script.Edit, script.Rand = issue(t, testpeer.KeyEd25519).Issued, h.edit, stream('c')
	script.Extended, script.Before = true, []byte{}
	if h.client != nil {
		h.client(script)
	}
	p := &toServer{played12: played12{TB: t, side: newSide(false, cfg), scriptErr: script.Err}, ScriptClient12: script}
	if !p.feed(p.ClientHello()) {
		return p
	}
	p.read()
	flight, ending := h.flight, h.ending
	if flight == nil {
		flight = (*toServer).flight
	}
	if ending == nil {
		ending = (*toServer).ending
	}
	if flight(p); p.err == nil {
		ending(p)
	}
	return p
}

// read lets the script read what the server has sent in its first flight, which has
// change_cipher_spec and Finished only if it resumes a session.
func (p *toServer) read() {
	for _, msg := range p.out {
		switch {
		case msg.data == nil:
			p.Resume(secretOf12)
		case iana.Message(msg.data[0]) == iana.Finished:
			p.ReadFinished(msg.data)
		default:
			p.ReadServer(msg.data)
		}
	}
	p.out = nil
}

// flight is the client's, up to what is before change_cipher_spec.
func (p *toServer) flight() {
	if p.Requested {
		p.feed(p.Certificate())
	}
	if p.feed(p.ClientKeyExchange()) && p.Requested && p.Identity != nil {
		p.feed(p.CertificateVerify())
	}
}

func (p *toServer) ending() {
	p.ccs()
	p.feed(p.ScriptClient12.Finished())
}

// TestServer12WithScript is the handshake without a mistake, which the tables of mistakes begin
// with: what is wrong there is the mistake alone.
func TestServer12WithScript(t *testing.T) {
	for _, c := range []struct {
		what      string
		handshake withClient12
	}{
		{"ECDHE with an ECDSA key", withClient12{}},
		{"ECDHE with an Ed25519 key", withClient12{key: testpeer.KeyEd25519}},
		{"ECDHE with an RSA key", withClient12{suite: ecdheRSA, key: testpeer.KeyRSA2048}},
		{"DHE", withClient12{suite: dheRSA, key: testpeer.KeyRSA2048}},
		{"RSA", withClient12{suite: rsaOnly, key: testpeer.KeyRSA2048}},
		{"a server of TLS 1.2 alone", withClient12{config: only12}},
		{"without extended_master_secret", withClient12{client: func(c *testpeer.ScriptClient12) { c.Extended = false }}},
		{"RSA without extended_master_secret", withClient12{suite: rsaOnly, key: testpeer.KeyRSA2048, client: func(c *testpeer.ScriptClient12) { c.Extended = false }}},
		{"without renegotiation_info", withClient12{client: func(c *testpeer.ScriptClient12) { c.Before = nil }}},
		{"without a session ID", withClient12{client: func(c *testpeer.ScriptClient12) { c.SessionID = nil }}},
		{"certificate wanted, none given", withClient12{config: optionalCertificate, client: noIdentity}},
		{"certificate wanted and given", withClient12{config: optionalCertificate}},
		{"RSA, certificate wanted and given", withClient12{suite: rsaOnly, key: testpeer.KeyRSA2048, config: optionalCertificate}},
		{"ECDSA certificate", withClient12{config: requiredCertificate, client: shows(t, testpeer.KeyP256)}},
		{"RSA certificate", withClient12{config: requiredCertificate, client: shows(t, testpeer.KeyRSA2048)}},
		{"without signature_algorithms, to a policy with SHA-1", withClient12{config: withSHA1, edit: on(iana.ClientHello, drop(iana.SignatureAlgorithms))}},
		{"without extensions for curves", withClient12{edit: on(iana.ClientHello, testpeer.Edits(drop(iana.SupportedGroups), drop(iana.ECPointFormats)))}},
		{"RSA, without supported_groups", withClient12{suite: rsaOnly, key: testpeer.KeyRSA2048, edit: on(iana.ClientHello, drop(iana.SupportedGroups))}},
		{"without point formats", withClient12{edit: on(iana.ClientHello, drop(iana.ECPointFormats))}},
		{"point formats that nobody knows", withClient12{edit: on(iana.ClientHello, replace(iana.ECPointFormats, 4, 77, 2, 0, 1))}},
		{"a fallback to what the server knows best", withClient12{config: only12, client: fallsBack}},
		{"compression besides none", withClient12{edit: on(iana.ClientHello, compression(1, 0))}},
		{"legacy_version of TLS 1.0 beside TLS 1.2 in supported_versions", withClient12{edit: on(iana.ClientHello, testpeer.Edits(version(iana.TLS10), add(iana.SupportedVersions, 2, 3, 3)))}},
		{"legacy_version of TLS 1.3 without supported_versions", withClient12{edit: on(iana.ClientHello, version(iana.TLS13))}},
		{"GREASE", withClient12{edit: on(iana.ClientHello, testpeer.Edits(add(0x4a4a), add(0xdada, 1, 2, 3),
			change(func(p *parts) { p.Suites = append([]byte{0x2a, 0x2a}, p.Suites...) })))}},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := c.handshake.play(t)
			defer p.side.close()
			if p.err != nil || !p.side.Done() {
				t.Fatalf("the server ends in %s with %v, its client with %v", p.stateName(), p.err, p.Err())
			}
			if n := len(p.out); n != 2 || p.out[0].data != nil {
				t.Fatalf("%d packets end the handshake", n)
			}
			if p.ReadFinished(p.out[1].data); p.Err() != nil {
				t.Fatal(p.Err())
			}
			if r := &p.Result; r.CipherSuite != p.Suite || r.ExtendedMasterSecret != p.Extended || r.ClientAuth != (p.Requested && p.Identity != nil) || r.Version != iana.TLS12 {
				t.Errorf("the result is %+v", r)
			}
			if len(p.Hello.SessionID) != 0 {
				t.Errorf("a session ID of %d bytes, though nothing can be resumed", len(p.Hello.SessionID))
			}
			if marked := string(p.Hello.Random[24:]) == downgradeTLS12; marked != (p.cfg.MaxVersion > iana.TLS12) {
				t.Errorf("the mark of a downgrade is there: %v", marked)
			}
			if got := p.Hello.RenegotiationInfo; (got != nil) != (p.Before != nil) || len(got) != 0 {
				t.Errorf("renegotiation_info is %x", got)
			}
			wantKeys12(t, p.log, false, &p.Script12)
		})
	}
}

// TestServer12WithSSLv2Hello is a whole handshake that begins with a hello in the framing of SSLv2,
// whose bytes, and no others, begin the transcript.
func TestServer12WithSSLv2Hello(t *testing.T) {
	cfg := both12(serverConfig(t))
	cfg.Certificates = issue(t, testpeer.KeyRSA2048).store
	script := &testpeer.ScriptClient12{Random: append(make([]byte, 16), "0123456789abcdef"...)}
	p := &toServer{played12: played12{TB: t, side: newSide(false, cfg), scriptErr: script.Err}, ScriptClient12: script}
	defer p.side.close()
	hello := append([]byte{1, 3, 3, 0, 3, 0, 0, 0, 16, 0, byte(rsaOnly >> 8), byte(rsaOnly & 0xff)}, script.Random[16:]...)
	if err := p.FeedSSLv2(hello); err != nil {
		t.Fatal(err)
	}
	if p.events, p.err = p.advance(); p.err != nil {
		t.Fatal(p.err)
	}
	script.ClientRandom = script.Random
	script.Read(hello)
	p.read()
	p.flight()
	p.ending()
	if p.err != nil || p.Err() != nil || !p.side.Done() {
		t.Fatalf("the server ends in %s with %v, its client with %v", p.stateName(), p.err, p.Err())
	}
	if p.ReadFinished(p.out[1].data); p.Err() != nil {
		t.Error(p.Err())
	}
}

// What a Config or a script can want.

func wantsOCSP(c *Config) { c.RequestOCSP = true }

func withSHA1(c *Config) { c.Schemes12 = append(c.Schemes12, iana.ECDSASHA1, iana.RSAPKCS1SHA1) }

func showsCertificate(t testing.TB) func(*Config) {
	return func(c *Config) { c.Certificates = issue(t, testpeer.KeyEd25519).store }
}

func fallsBack(c *testpeer.ScriptClient12) { c.Suites = append(c.Suites, iana.TLS_FALLBACK_SCSV) }

func noIdentity(c *testpeer.ScriptClient12) { c.Identity = nil }

func shows(t testing.TB, kind testpeer.KeyKind) func(*testpeer.ScriptClient12) {
	return func(c *testpeer.ScriptClient12) { c.Identity = issue(t, kind).Issued }
}

func signs(id iana.SignatureScheme) func(*testpeer.ScriptServer12) {
	return func(s *testpeer.ScriptServer12) { s.Scheme = id }
}

// mark ends the random of a ServerHello as that of a server that knows more.
func mark(end string) testpeer.Edit {
	return change(func(p *parts) { copy(p.Random[24:], end) })
}

// point makes the parameters of an ECDHE server.
func point(g iana.Group, share ...byte) func(*testpeer.ScriptServer12) {
	return func(s *testpeer.ScriptServer12) { s.Params = wire.AppendServerECDHParams(nil, g, share) }
}

// usage gives the server a certificate with a key for a purpose.
func usage(t testing.TB, kind testpeer.KeyKind, u x509.KeyUsage) func(*testpeer.ScriptServer12) {
	return func(s *testpeer.ScriptServer12) {
		id, err := authority().Issue(testpeer.Template{DNSNames: []string{"localhost"}, Key: kind, KeyUsage: u})
		if err != nil {
			t.Fatal(err)
		}
		s.Identity = id
	}
}
