package handshake

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// retry is a HelloRetryRequest of a scripted server.
type retry struct {
	group  iana.Group
	cookie []byte
}

// withServer is a client's handshake with a scripted server.
type withServer struct {
	config  func(c *Config)                // changes what clientConfig gives; nil = nothing
	key     testpeer.KeyKind               // of the server's certificate
	retries []retry                        // before the ServerHello
	request bool                           // the server asks for a certificate
	server  func(s *testpeer.ScriptServer) // changes the script; nil = nothing
	edit    testpeer.Edit
	early   bool // the client sends early data
}

// play plays the handshake up to the client's first error, or to its end.
func (h *withServer) play(t testing.TB) (s *side, script *testpeer.ScriptServer, events []Event, err error) {
	t.Helper()
	cfg := clientConfig(t)
	if h.config != nil {
		h.config(cfg)
	}
	s = newSide(true, cfg)
	s.WantEarlyData = h.early
	script = &testpeer.ScriptServer{Schemes: cfg.Schemes}
	script.Identity, script.Edit, script.Rand = issue(t, h.key).Issued, h.edit, stream('s')
	if h.server != nil {
		h.server(script)
	}
	if events, err = s.advance(); err != nil {
		return s, script, events, err
	}
	feed := func(epoch Epoch, msg []byte) bool {
		t.Helper()
		if script.Err() != nil {
			t.Fatal(script.Err())
		}
		events, err = s.feed(packet{epoch, msg})
		return err == nil
	}
	hello := func() {
		for _, p := range s.out {
			script.ReadClientHello(p.data)
		}
		s.out = nil
	}
	hello()
	for _, r := range h.retries {
		if !feed(Initial, script.HelloRetryRequest(r.group, r.cookie)) {
			return s, script, events, err
		}
		hello()
	}
	if !feed(Initial, script.ServerHello()) || !feed(Handshake, script.EncryptedExtensions()) ||
		h.request && !feed(Handshake, script.CertificateRequest()) {
		return s, script, events, err
	}
	if script.PSK != nil {
		feed(Handshake, script.Finished())
		return s, script, events, err
	}
	if feed(Handshake, script.Certificate()) && feed(Handshake, script.CertificateVerify()) {
		feed(Handshake, script.Finished())
	}
	return s, script, events, err
}

// TestClientWithScript is the handshake without a mistake, which the tables of mistakes begin
// with: what is wrong there is the mistake alone.
func TestClientWithScript(t *testing.T) {
	for _, c := range []struct {
		what      string
		handshake withServer
	}{
		{"nothing special", withServer{}},
		{"HelloRetryRequest for another group", withServer{retries: []retry{{iana.Secp256r1, nil}}}},
		{"HelloRetryRequest with a cookie alone", withServer{retries: []retry{{0, []byte("cookie")}}}},
		{"HelloRetryRequest for another group with a cookie", withServer{retries: []retry{{iana.Secp256r1, []byte("cookie")}}}},
		{"certificate request", withServer{request: true}},
		{"certificate request, answered", withServer{request: true, config: func(c *Config) {
			c.Certificates = issue(t, testpeer.KeyEd25519).store
		}}},
		{"ECDSA certificate", withServer{key: testpeer.KeyP256}},
		{"RSA certificate", withServer{key: testpeer.KeyRSA2048}},
		{"ChaCha20", withServer{server: func(s *testpeer.ScriptServer) { s.Suite = iana.TLS_CHACHA20_POLY1305_SHA256 }}},
		{"ALPN", withServer{config: offerALPN, server: func(s *testpeer.ScriptServer) { s.ALPN = "h2" }}},
		{"legacy_version of TLS 1.0, which says nothing", withServer{edit: on(iana.ServerHello, version(iana.TLS10))}},
		{"legacy_version of TLS 1.3, which says nothing", withServer{retries: []retry{toP256}, edit: testpeer.Edits(onRetry(version(iana.TLS13)), on(iana.ServerHello, version(iana.TLS13)))}},
		{"supported_groups and GREASE", withServer{edit: testpeer.Edits(
			testpeer.On(iana.EncryptedExtensions, testpeer.Add(iana.SupportedGroups, 0, 4, 0, 0x1d, 0x1a, 0x1a)),
			testpeer.On(iana.CertificateRequest, testpeer.Add(0x2a2a, 1, 2, 3))), request: true}},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, script, _, err := c.handshake.play(t)
			defer s.close()
			if err != nil || !s.Done() {
				t.Fatalf("the client ends in %s with %v", s.stateName(), err)
			}
			for _, p := range s.out {
				if iana.Message(p.data[0]) == iana.Finished {
					script.ReadFinished(p.data)
				} else {
					script.ReadClient(p.data)
				}
			}
			if script.Err() != nil {
				t.Error(script.Err())
			}
			for _, e := range s.log {
				if e.Kind == SetWriteKey && e.Epoch == Application && e.Secret != script.ApplicationClient ||
					e.Kind == SetReadKey && e.Epoch == Application && e.Secret != script.ApplicationServer {
					t.Errorf("%v of the application differs from the server's", e.Kind)
				}
			}
			if s.Result.ALPN != script.ALPN || s.Result.CipherSuite != script.Suite || s.Result.Group != script.Group ||
				s.Result.Retried != (c.handshake.retries != nil) {
				t.Errorf("the result is %+v", &s.Result)
			}
		})
	}
}

// TestSecondClientHello compares the hello after a HelloRetryRequest with the first one: they
// differ in key_share and cookie alone.
func TestSecondClientHello(t *testing.T) {
	for _, c := range []struct {
		r    retry
		adds []iana.Extension
	}{
		{retry{iana.Secp256r1, nil}, nil},
		{retry{0, []byte("cookie")}, []iana.Extension{iana.Cookie}},
		{retry{iana.Secp256r1, []byte("cookie")}, []iana.Extension{iana.Cookie}},
	} {
		h := withServer{retries: []retry{c.r}, config: offerALPN}
		s, _, _, err := h.play(t)
		if err != nil {
			t.Fatal(err)
		}
		var hellos []parts
		for _, e := range s.log {
			if e.Kind == Write && e.Data[0] == byte(iana.ClientHello) {
				testpeer.Change(func(p *parts) { hellos = append(hellos, *p) })(e.Data)
			}
		}
		if len(hellos) != 2 {
			t.Fatalf("%d hellos", len(hellos))
		}
		first, second := hellos[0], hellos[1]
		if first.Version != second.Version || string(first.Random) != string(second.Random) || string(first.SessionID) != string(second.SessionID) ||
			string(first.Suites) != string(second.Suites) || string(first.Compression) != string(second.Compression) {
			t.Errorf("the second hello differs in more than extensions")
		}
		for i, x := range second.Extensions {
			switch {
			case i >= len(first.Extensions):
				if !slices.Contains(c.adds, x.Type) {
					t.Errorf("%v is added", x.Type)
				}
			case x.Type != first.Extensions[i].Type:
				t.Errorf("%v comes where the first hello has %v", x.Type, first.Extensions[i].Type)
			case (x.Type == iana.KeyShare && c.r.group != 0) == (string(x.Data) == string(first.Extensions[i].Data)):
				t.Errorf("%v is changed, or should be", x.Type)
			}
		}
		if len(second.Extensions) != len(first.Extensions)+len(c.adds) {
			t.Errorf("%d extensions, then %d", len(first.Extensions), len(second.Extensions))
		}
		s.close()
	}
}
