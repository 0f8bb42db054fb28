package handshake

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// withClient is a server's handshake with a scripted client.
type withClient struct {
	config func(c *Config)                // changes what serverConfig gives; nil = nothing
	client func(c *testpeer.ScriptClient) // changes the script; nil = nothing
	edit   testpeer.Edit
	second testpeer.Edit // of the second ClientHello
	empty  bool          // the client's Certificate is empty, and no CertificateVerify follows
}

// play plays the handshake up to the server's first error, or to its end.
func (h *withClient) play(t testing.TB) (s *side, script *testpeer.ScriptClient, events []Event, err error) {
	t.Helper()
	cfg := serverConfig(t)
	if h.config != nil {
		h.config(cfg)
	}
	s = newSide(false, cfg)
	script = &testpeer.ScriptClient{
		Suites: cfg.Suites, Groups: []iana.Group{iana.X25519, iana.Secp256r1}, Shares: []iana.Group{iana.X25519},
		Schemes: cfg.Schemes, ServerName: "localhost", SessionID: []byte("this is the client's session ID!"),
		EditSecond: h.second,
	}
	script.Identity, script.Edit, script.Rand = issue(t, testpeer.KeyEd25519).Issued, h.edit, stream('c')
	if h.client != nil {
		h.client(script)
	}
	feed := func(epoch Epoch, msg []byte) bool {
		t.Helper()
		if script.Err() != nil {
			t.Fatal(script.Err())
		}
		events, err = s.feed(packet{epoch, msg})
		return err == nil
	}
	for range 2 {
		if !feed(Initial, script.ClientHello()) {
			return s, script, events, err
		}
		script.ReadServerHello(s.out[0].data)
		s.out = s.out[1:]
		if !script.Retry || script.Hello.KeyShare != nil {
			break
		}
	}
	requested := false
	for _, p := range s.out {
		switch iana.Message(p.data[0]) {
		case iana.Finished:
			script.ReadFinished(p.data)
			continue
		case iana.CertificateRequest:
			requested = true
		}
		script.ReadServer(p.data)
	}
	if h.empty {
		script.Identity = nil
	}
	if requested && (!feed(Handshake, script.Certificate()) || !h.empty && !feed(Handshake, script.CertificateVerify())) {
		return s, script, events, err
	}
	if s.ReadEpoch() == Early && !feed(Early, script.EndOfEarlyData()) {
		return s, script, events, err
	}
	feed(Handshake, script.Finished())
	return s, script, events, err
}

// TestServerWithScript is the handshake without a mistake, which the tables of mistakes begin
// with: what is wrong there is the mistake alone.
func TestServerWithScript(t *testing.T) {
	for _, c := range []struct {
		what      string
		handshake withClient
	}{
		{"nothing special", withClient{}},
		{"without a name", withClient{client: func(c *testpeer.ScriptClient) { c.ServerName = "" }}},
		{"without a session ID", withClient{client: func(c *testpeer.ScriptClient) { c.SessionID = nil }}},
		{"HelloRetryRequest for another group", withClient{config: wantsP256}},
		{"HelloRetryRequest, answered with a cookie, padding and other shares", withClient{config: wantsP256,
			second: testpeer.Edits(add(iana.Cookie, 0, 1, 7), add(iana.Padding, make([]byte, 100)...))}},
		{"HelloRetryRequest, answered with the extensions in another order and one more that nobody knows", withClient{config: wantsP256,
			second: testpeer.Edits(add(0x1234, 5), change(func(p *parts) { p.Extensions[0], p.Extensions[1] = p.Extensions[1], p.Extensions[0] }))}},
		{"certificate wanted, none given", withClient{config: optionalCertificate, empty: true}},
		{"certificate wanted and given", withClient{config: optionalCertificate}},
		{"certificate required and given", withClient{config: requiredCertificate}},
		{"ECDSA certificate", withClient{config: requiredCertificate, client: func(c *testpeer.ScriptClient) {
			c.Identity = issue(t, testpeer.KeyP256).Issued
		}}},
		{"RSA certificate", withClient{config: requiredCertificate, client: func(c *testpeer.ScriptClient) {
			c.Identity = issue(t, testpeer.KeyRSA2048).Issued
		}}},
		{"ALPN", withClient{config: offerALPN, client: func(c *testpeer.ScriptClient) { c.ALPN = []string{"http/1.1", "h2"} }}},
		{"ALPN without overlap, which is ignored", withClient{client: func(c *testpeer.ScriptClient) { c.ALPN = []string{"h3"} },
			config: func(c *Config) { offerALPN(c); c.IgnoreALPN = true }}},
		{"early data, which is not wanted", withClient{edit: on(iana.ClientHello, add(iana.EarlyData))}},
		{"GREASE in every list", withClient{edit: on(iana.ClientHello, testpeer.Edits(add(0x4a4a), add(0xdada, 1, 2, 3),
			replace(iana.SupportedVersions, 4, 0x1a, 0x1a, 3, 4), change(func(p *parts) { p.Suites = append([]byte{0x2a, 0x2a}, p.Suites...) }),
			greaseGroups))}},
		{"legacy_version of TLS 1.0, which says nothing", withClient{edit: on(iana.ClientHello, version(iana.TLS10))}},
		{"legacy_version of TLS 1.3, which says nothing", withClient{config: wantsP256, edit: on(iana.ClientHello, version(iana.TLS13))}},
		{"versions that nobody knows, and old ones", withClient{edit: on(iana.ClientHello, replace(iana.SupportedVersions, 8, 3, 5, 3, 3, 3, 4, 3, 1))}},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, script, _, err := c.handshake.play(t)
			defer s.close()
			if err != nil || script.Err() != nil || !s.Done() {
				t.Fatalf("the server ends in %s with %v, its client with %v", s.stateName(), err, script.Err())
			}
			for _, e := range s.log {
				if e.Kind == SetWriteKey && e.Epoch == Application && e.Secret != script.ApplicationServer ||
					e.Kind == SetReadKey && e.Epoch == Application && e.Secret != script.ApplicationClient {
					t.Errorf("%v of the application differs from the client's", e.Kind)
				}
			}
			if s.Result.ServerName != script.ServerName || s.Result.CipherSuite != script.Hello.CipherSuite || s.Result.Retried != script.Retry {
				t.Errorf("the result is %+v", &s.Result)
			}
			if string(script.Hello.SessionID) != string(script.SessionID) {
				t.Error("the session ID is not echoed")
			}
		})
	}
}

// greaseGroups puts a value of RFC 8701 at the head of supported_groups and of key_share.
func greaseGroups(msg []byte) []byte {
	return change(func(p *parts) {
		for i := range p.Extensions {
			x := &p.Extensions[i]
			switch x.Type {
			case iana.SupportedGroups:
				x.Data = slices.Concat([]byte{0, x.Data[1] + 2, 0x6a, 0x6a}, x.Data[2:])
			case iana.KeyShare:
				x.Data = slices.Concat([]byte{0, x.Data[1] + 5, 0x6a, 0x6a, 0, 1, 0}, x.Data[2:])
			}
		}
	})(msg)
}

// TestEarlyDataIsSkipped holds what the record layer is told of early data that is not wanted.
func TestEarlyDataIsSkipped(t *testing.T) {
	for _, c := range []struct {
		what      string
		handshake withClient
		epochs    []Epoch
	}{
		{"none offered", withClient{}, nil},
		{"offered", withClient{edit: on(iana.ClientHello, add(iana.EarlyData))}, []Epoch{Handshake}},
		{"offered, and retried", withClient{config: wantsP256, edit: on(iana.ClientHello, add(iana.EarlyData)), second: drop(iana.EarlyData)}, []Epoch{Initial}},
	} {
		s, _, _, err := c.handshake.play(t)
		if err != nil {
			t.Fatal(c.what, err)
		}
		var got []Epoch
		for _, e := range s.log {
			if e.Kind == SkipEarlyData {
				got = append(got, e.Epoch)
				if e.Limit != 16384-17 {
					t.Errorf("%s: %d bytes are passed over, not a record of 2^14 bytes", c.what, e.Limit)
				}
			}
		}
		if !slices.Equal(got, c.epochs) {
			t.Errorf("%s: early data is skipped in %v, want %v", c.what, got, c.epochs)
		}
		s.close()
	}
}
