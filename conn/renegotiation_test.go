package conn

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// handServer is a server of TLS 1.2 played by hand, that can renegotiate.
type handServer struct {
	*hand12
	*testpeer.ScriptServer12
	client *Conn
	issued *testpeer.Issued
	asked  int // OnHelloRequest was called
}

var helloRequest = []byte{byte(iana.HelloRequest), 0, 0, 0}

// newHandServer returns a server whose client answers HelloRequests by answer.
func newHandServer(t testing.TB, answer Renegotiation, change func(*Config)) *handServer {
	t.Helper()
	issued, err := pki().Issue(testpeer.Template{DNSNames: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	pipe := testpeer.NewPipe()
	s := &handServer{hand12: newHand12(t, pipe.Server), issued: issued}
	cfg := clientConfig()
	cfg.SecurityPolicy = onlySuites(t, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384)
	cfg.OnHelloRequest = func(*Conn) Renegotiation {
		s.asked++
		return answer
	}
	if change != nil {
		change(cfg)
	}
	s.client = mustClient(t, pipe.Client.Recv, pipe.Client.Send, cfg)
	return s
}

// begin forgets the handshake before, whose verify_data stay.
func (s *handServer) begin(id iana.CipherSuite, before []byte) {
	s.ScriptServer12 = &testpeer.ScriptServer12{}
	s.Identity, s.Suite, s.Extended, s.Before = s.issued, id, true, before
}

// step lets the client move and checks what it says.
func (s *handServer) step(move func() (Blocked, error), want Blocked) {
	s.Helper()
	if b, err := move(); b != want || err != nil {
		s.Fatalf("the client says %v, %v, not %v", b, err, want)
	}
}

// hello reads the client's hello.
func (s *handServer) hello() {
	s.Helper()
	msgs, _ := s.flight()
	if len(msgs) != 1 {
		s.Fatalf("%d messages where the client's hello is expected", len(msgs))
	}
	s.ReadClientHello(msgs[0])
	s.check()
}

func (s *handServer) check() {
	s.Helper()
	if err := s.Err(); err != nil {
		s.Fatal(err)
	}
}

// ourFlight is the server's.
func (s *handServer) ourFlight() {
	s.Helper()
	s.messages(s.ServerHello(), s.Certificate(), s.ServerKeyExchange(), s.ServerHelloDone())
	s.check()
}

// end reads the client's flight and answers its Finished.
func (s *handServer) end() {
	s.Helper()
	msgs, ccs := s.flight()
	if ccs.RecordType != iana.RecordChangeCipherSpec {
		s.Fatalf("%v %x comes where change_cipher_spec is expected", ccs.RecordType, ccs.data)
	}
	for _, msg := range msgs {
		s.ReadClient(msg)
	}
	s.check()
	macKey, key, iv := s.Keys(true)
	s.readKeys(s.Suite, macKey, key, iv)
	msgs, _ = s.flight()
	if len(msgs) != 1 {
		s.Fatalf("%d messages end the client's flight", len(msgs))
	}
	s.ReadFinished(msgs[0])
	macKey, key, iv = s.Keys(false)
	s.writeKeys(s.Suite, macKey, key, iv)
	s.messages(s.ScriptServer12.Finished())
	s.check()
}

// handshake is one from its hello on, by Negotiate or Renegotiate.
func (s *handServer) handshake(move func() (Blocked, error), id iana.CipherSuite, before []byte) {
	s.Helper()
	s.begin(id, before)
	s.step(move, BlockedOnRead)
	s.hello()
	s.ourFlight()
	s.step(move, BlockedOnRead)
	s.end()
	s.step(move, NotBlocked)
}

// established12 is the first handshake.
func (s *handServer) established() {
	s.Helper()
	s.handshake(s.client.Negotiate, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, []byte{})
}

// ask sends a HelloRequest, which the client reads.
func (s *handServer) ask(want Blocked) {
	s.Helper()
	s.messages(helloRequest)
	if n, b, err := s.client.Recv(make([]byte, 10)); n != 0 || b != want || err != nil {
		s.Fatalf("Recv of a HelloRequest: %d, %v, %v", n, b, err)
	}
}

// both is renegotiation_info of a server in its second handshake.
func (s *handServer) both() []byte { return slices.Concat(s.ClientVerify, s.ServerVerify) }

// wantData reads application data that the client sends.
func (s *handServer) wantData(text string) {
	s.Helper()
	mustSend(s, s.client, text)
	if rec, ok := s.next(); !ok || rec.RecordType != iana.RecordApplicationData || string(rec.data) != text {
		s.Errorf("the server receives %v %q, not %q", rec.RecordType, rec.data, text)
	}
}

func (s *handServer) data(text string) { s.record(iana.RecordApplicationData, []byte(text)...) }

func TestRenegotiationAccepted(t *testing.T) {
	s := newHandServer(t, RenegotiationAccept, nil)
	s.established()
	s.wantData("before")
	before := s.client.State()
	for _, id := range []iana.CipherSuite{iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256} {
		s.asked = 0
		s.ask(BlockedOnApplicationInput)
		s.wantData("behind the HelloRequest")
		wrote := s.ClientVerify
		info := s.both()
		s.begin(id, info)
		s.step(s.client.Renegotiate, BlockedOnRead)
		s.hello()
		if got := s.ScriptServer12.Hello.RenegotiationInfo; string(got) != string(wrote) {
			t.Errorf("the client's renegotiation_info is %x, want %x", got, wrote)
		}
		if s.ScriptServer12.Hello.Has.Has(iana.SupportedVersions) && s.ScriptServer12.Hello.SupportedVersions.Has(iana.TLS13) {
			t.Error("the client offers TLS 1.3 in a renegotiation")
		}
		if n, b, err := s.client.Send([]byte("x")); n != 0 || b != BlockedOnApplicationInput || err != nil {
			t.Errorf("Send while Renegotiate is under way: %d, %v, %v", n, b, err)
		}

		// Application data may come as long as the server has not changed its key.
		s.data("one")
		s.step(s.client.Renegotiate, BlockedOnApplicationData)
		s.step(s.client.Renegotiate, BlockedOnApplicationData)
		if n, b, err := s.client.Recv(make([]byte, 2)); n != 2 || b != NotBlocked || err != nil {
			t.Fatal(n, b, err)
		}
		s.step(s.client.Renegotiate, BlockedOnApplicationData)
		buf := make([]byte, 10)
		if n, b, err := s.client.Recv(buf); n != 1 || b != NotBlocked || err != nil {
			t.Fatal(n, b, err)
		}
		if n, b, err := s.client.Recv(buf); n != 0 || b != BlockedOnApplicationInput || err != nil {
			t.Fatal(n, b, err)
		}
		s.step(s.client.Renegotiate, BlockedOnRead)
		s.messages(s.ServerHello(), s.Certificate())
		s.data("two")
		s.messages(s.ServerKeyExchange(), s.ServerHelloDone())
		s.step(s.client.Renegotiate, BlockedOnApplicationData)
		if n, _, err := s.client.Recv(buf); string(buf[:n]) != "two" || err != nil {
			t.Fatalf("%q, %v", buf[:n], err)
		}
		s.step(s.client.Renegotiate, BlockedOnRead)
		s.end()
		s.step(s.client.Renegotiate, NotBlocked)
		if string(s.both()) == string(info) {
			t.Error("both handshakes end the same way")
		}

		s.wantData("behind")
		s.data("and back")
		wantRecv(t, s.client, "and back")
		st := s.client.State()
		if st.CipherSuite != id || st.Version != iana.TLS12 || !st.HandshakeDone || !st.ExtendedMasterSecret || len(st.PeerCertificates) != len(before.PeerCertificates) {
			t.Errorf("the state is %+v", st)
		}
		if s.asked != 1 {
			t.Errorf("asked %d times", s.asked)
		}
	}
	s.record(iana.RecordAlert, 1, byte(iana.CloseNotify))
	if _, err := recvError(t, s.client); err == nil || err.Error() != "EOF" {
		t.Errorf("the end is %v", err)
	}
}

func TestRenegotiationNotWanted(t *testing.T) {
	t.Run("ignored", func(t *testing.T) {
		s := newHandServer(t, RenegotiationIgnore, nil)
		s.established()
		s.ask(BlockedOnRead)
		s.wantData("as if nothing had been")
	})
	t.Run("without a hook", func(t *testing.T) {
		s := newHandServer(t, RenegotiationIgnore, func(cfg *Config) { cfg.OnHelloRequest = nil })
		s.established()
		s.ask(BlockedOnRead)
		s.wantData("as if nothing had been")
	})
	wantWarning := func(t *testing.T, s *handServer) {
		t.Helper()
		if rec, ok := s.next(); !ok || rec.RecordType != iana.RecordAlert || string(rec.data) != string([]byte{1, byte(iana.NoRenegotiation)}) {
			t.Errorf("the server receives %v %x, not the warning no_renegotiation", rec.RecordType, rec.data)
		}
		s.wantData("still there")
		s.data("me too")
		wantRecv(t, s.client, "me too")
	}
	t.Run("rejected", func(t *testing.T) {
		s := newHandServer(t, RenegotiationReject, nil)
		s.established()
		s.ask(BlockedOnRead)
		wantWarning(t, s)
	})
	t.Run("accepted, but not secure", func(t *testing.T) {
		s := newHandServer(t, RenegotiationAccept, nil)
		s.handshake(s.client.Negotiate, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, nil)
		s.ask(BlockedOnRead)
		wantWarning(t, s)
		_, err := s.client.Renegotiate()
		failure{ErrUsage, 0, "Renegotiate without a HelloRequest"}.check(t, "Renegotiate", err)
	})
	t.Run("forbidden", func(t *testing.T) {
		s := newHandServer(t, RenegotiationAccept, func(cfg *Config) { cfg.ForbidRenegotiation = true })
		s.established()
		s.messages(helloRequest)
		_, err := recvError(t, s.client)
		accuses(iana.NoRenegotiation, "server wants to renegotiate, which this client never does").check(t, "client", err)
		if rec, ok := s.next(); !ok || rec.RecordType != iana.RecordAlert || string(rec.data) != string([]byte{2, byte(iana.NoRenegotiation)}) {
			t.Errorf("the server receives %v %x, not the alert no_renegotiation", rec.RecordType, rec.data)
		}
		if s.asked != 0 {
			t.Error("the application is asked")
		}
	})
	t.Run("forbidden in the handshake, too", func(t *testing.T) {
		s := newHandServer(t, RenegotiationIgnore, func(cfg *Config) { cfg.ForbidRenegotiation = true })
		s.begin(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, []byte{})
		s.step(s.client.Negotiate, BlockedOnRead)
		s.hello()
		s.messages(helloRequest)
		_, err := s.client.Negotiate()
		accuses(iana.UnexpectedMessage, "server sent hello_request where server_hello is expected").check(t, "client", err)
	})
	t.Run("33 times", func(t *testing.T) {
		s := newHandServer(t, RenegotiationIgnore, nil)
		s.established()
		for range 33 {
			s.messages(helloRequest)
		}
		_, err := recvError(t, s.client)
		accuses(iana.UnexpectedMessage, "server sent 33 hello_requests").check(t, "client", err)
		if s.asked != 32 {
			t.Errorf("asked %d times", s.asked)
		}
	})
}

// TestRenegotiationMistakes is what a client says of a server that does wrong in the second
// handshake.
func TestRenegotiationMistakes(t *testing.T) {
	spoil := func(b []byte, i int) []byte {
		b = slices.Clone(b)
		b[i] ^= 1
		return b
	}
	const wrongInfo = "server renegotiates, and its renegotiation_info does not fit the handshake before"
	for _, c := range []struct {
		name string
		do   func(s *handServer, info []byte)
		want failure
	}{
		{"no renegotiation_info", func(s *handServer, _ []byte) { s.Before = nil; s.messages(s.ServerHello()) },
			accuses(iana.HandshakeFailure, wrongInfo)},
		{"renegotiation_info of a first handshake", func(s *handServer, _ []byte) { s.Before = []byte{}; s.messages(s.ServerHello()) },
			accuses(iana.HandshakeFailure, wrongInfo)},
		{"the client's half of renegotiation_info", func(s *handServer, info []byte) { s.Before = info[:12]; s.messages(s.ServerHello()) },
			accuses(iana.HandshakeFailure, wrongInfo)},
		{"the halves of renegotiation_info in the wrong order", func(s *handServer, info []byte) {
			s.Before = slices.Concat(info[12:], info[:12])
			s.messages(s.ServerHello())
		}, accuses(iana.HandshakeFailure, wrongInfo)},
		{"a bit of the client's verify_data", func(s *handServer, info []byte) { s.Before = spoil(info, 0); s.messages(s.ServerHello()) },
			accuses(iana.HandshakeFailure, wrongInfo)},
		{"a bit of the server's verify_data", func(s *handServer, info []byte) { s.Before = spoil(info, 23); s.messages(s.ServerHello()) },
			accuses(iana.HandshakeFailure, wrongInfo)},
		{"a byte more of renegotiation_info", func(s *handServer, info []byte) {
			s.Before = append(slices.Clone(info), 0)
			s.messages(s.ServerHello())
		}, accuses(iana.HandshakeFailure, wrongInfo)},
		{"another certificate", func(s *handServer, _ []byte) {
			other, err := pki().Issue(testpeer.Template{DNSNames: []string{"localhost", "other"}})
			if err != nil {
				s.Fatal(err)
			}
			s.Identity = other
			s.messages(s.ServerHello(), s.Certificate())
		}, accuses(iana.IllegalParameter, "server renegotiates with another certificate")},
		{"TLS 1.1", func(s *handServer, _ []byte) {
			s.Edit = testpeer.On(iana.ServerHello, testpeer.Change(func(p *testpeer.Parts) { p.Version = iana.TLS11 }))
			s.messages(s.ServerHello())
		}, accuses(iana.ProtocolVersion, "server chose TLSv1.1")},
		{"TLS 1.3", func(s *handServer, _ []byte) {
			s.Edit = testpeer.On(iana.ServerHello, testpeer.Change(func(p *testpeer.Parts) {
				p.Suites = []byte{0x13, 1}
				p.Extensions = []testpeer.Extension{{Type: iana.KeyShare, Data: make([]byte, 40)}, {Type: iana.SupportedVersions, Data: []byte{3, 4}}}
			}))
			s.messages(s.ServerHello())
		}, accuses(iana.ProtocolVersion, "server chose TLSv1.3 to renegotiate TLSv1.2")},
		{"a HelloRetryRequest", func(s *handServer, _ []byte) {
			s.Edit = testpeer.On(iana.ServerHello, testpeer.Change(func(p *testpeer.Parts) {
				p.Random, p.Suites = wire.HelloRetryRequestRandom[:], []byte{0x13, 1}
				p.Extensions = []testpeer.Extension{{Type: iana.SupportedVersions, Data: []byte{3, 4}}, {Type: iana.Cookie, Data: []byte{0, 1, 7}}}
			}))
			s.messages(s.ServerHello())
		}, accuses(iana.ProtocolVersion, "server chose TLSv1.3 to renegotiate TLSv1.2")},
		{"a bad signature", func(s *handServer, _ []byte) {
			s.Edit = testpeer.On(iana.ServerKeyExchange, testpeer.Flip(-1))
			s.ourFlight()
		}, accuses(iana.DecryptError, "does not verify")},
		{"change_cipher_spec too early", func(s *handServer, _ []byte) {
			s.messages(s.ServerHello())
			s.record(iana.RecordChangeCipherSpec, 1)
		}, accuses(iana.UnexpectedMessage, "change_cipher_spec")},
		{"data in the middle of a message", func(s *handServer, _ []byte) {
			s.record(iana.RecordHandshake, s.ServerHello()[:20]...)
			s.data("x")
		}, accuses(iana.UnexpectedMessage, "in the middle of a handshake message")},
		{"data behind its change_cipher_spec", func(s *handServer, _ []byte) {
			s.ourFlight()
			s.step(s.client.Renegotiate, BlockedOnRead)
			msgs, _ := s.flight()
			for _, msg := range msgs {
				s.ReadClient(msg)
			}
			macKey, key, iv := s.Keys(false)
			s.writeKeys(s.Suite, macKey, key, iv)
			s.data("x")
		}, accuses(iana.UnexpectedMessage, "application data")},
		{"a fatal alert", func(s *handServer, _ []byte) { s.record(iana.RecordAlert, 2, byte(iana.HandshakeFailure)) }, told(iana.HandshakeFailure)},
		{"close_notify", func(s *handServer, _ []byte) { s.record(iana.RecordAlert, 1, byte(iana.CloseNotify)) }, failure{kind: ErrClosed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newHandServer(t, RenegotiationAccept, nil)
			s.established()
			s.ask(BlockedOnApplicationInput)
			info := s.both()
			s.begin(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, info)
			s.step(s.client.Renegotiate, BlockedOnRead)
			s.hello()
			c.do(s, info)
			_, err := s.client.Renegotiate()
			if c.want.kind == ErrClosed {
				if rec, ok := s.next(); !ok || rec.RecordType != iana.RecordAlert || string(rec.data) != "\x01\x00" {
					t.Errorf("%v %x answers close_notify", rec.RecordType, rec.data)
				}
				if err == nil {
					t.Error("the handshake goes on behind close_notify")
				}
				return
			}
			c.want.check(t, "client", err)
			_, again := s.client.Renegotiate()
			_, _, sending := s.client.Send([]byte("x"))
			_, _, receiving := s.client.Recv(make([]byte, 1))
			for method, later := range map[string]error{"Renegotiate": again, "Send": sending, "Recv": receiving} {
				if err == nil || later == nil || later.Error() != err.Error() {
					t.Errorf("the error was %v, and that of %s is %v", err, method, later)
				}
			}
		})
	}
}

// A client certificate, and an answer that comes later, in the second handshake.
func TestRenegotiationWithClientCertificate(t *testing.T) {
	cert := issue(t, testpeer.Template{DNSNames: []string{"client"}})
	var op *asyncpkey.Op
	s := newHandServer(t, RenegotiationAccept, func(cfg *Config) {
		cfg.Certificates = []*Certificate{cert}
		cfg.OnPrivateKey = func(_ *Conn, o *asyncpkey.Op) error { op = o; return nil }
	})
	s.established()
	if s.client.State().ClientAuth {
		t.Error("the first handshake proves a certificate")
	}
	s.ask(BlockedOnApplicationInput)
	s.begin(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, s.both())
	s.Schemes = []iana.SignatureScheme{iana.ECDSASecp256r1SHA256}
	s.step(s.client.Renegotiate, BlockedOnRead)
	s.hello()
	s.messages(s.ServerHello(), s.Certificate(), s.ServerKeyExchange(), s.CertificateRequest(), s.ServerHelloDone())
	s.step(s.client.Renegotiate, BlockedOnApplicationInput)
	if err := op.Perform(cert.PrivateKey); err != nil {
		t.Fatal(err)
	}
	if err := s.client.Apply(op); err != nil {
		t.Fatal(err)
	}
	s.step(s.client.Renegotiate, BlockedOnRead)
	s.end()
	s.step(s.client.Renegotiate, NotBlocked)
	if !s.client.State().ClientAuth {
		t.Error("the second handshake proves no certificate")
	}
	s.wantData("known now")
}

// What is used wrongly changes nothing.
func TestRenegotiateMisuse(t *testing.T) {
	wrong := failure{ErrUsage, 0, "Renegotiate without a HelloRequest"}
	t.Run("nobody has asked", func(t *testing.T) {
		s := newHandServer(t, RenegotiationAccept, nil)
		s.established()
		_, err := s.client.Renegotiate()
		wrong.check(t, "Renegotiate", err)
		s.wantData("as before")
	})
	t.Run("before the handshake", func(t *testing.T) {
		s := newHandServer(t, RenegotiationAccept, nil)
		_, err := s.client.Renegotiate()
		wrong.check(t, "Renegotiate", err)
		s.established()
	})
	t.Run("on a server", func(t *testing.T) {
		p := established(t, clientConfig(), serverConfig(t))
		_, err := p.server.Renegotiate()
		wrong.check(t, "Renegotiate", err)
		mustSend(t, p.server, "as before")
	})
	t.Run("in the hook", func(t *testing.T) {
		s := newHandServer(t, RenegotiationIgnore, func(cfg *Config) {
			cfg.OnHelloRequest = func(c *Conn) Renegotiation {
				_, err := c.Renegotiate()
				failure{ErrUsage, 0, "Renegotiate while another goroutine"}.check(t, "Renegotiate", err)
				return RenegotiationIgnore
			}
		})
		s.established()
		s.ask(BlockedOnRead)
	})
	t.Run("after Close", func(t *testing.T) {
		s := newHandServer(t, RenegotiationAccept, nil)
		s.established()
		s.ask(BlockedOnApplicationInput)
		s.client.Close()
		_, err := s.client.Renegotiate()
		failure{ErrClosed, 0, "Renegotiate after Close"}.check(t, "Renegotiate", err)
	})
	t.Run("Negotiate instead", func(t *testing.T) {
		s := newHandServer(t, RenegotiationAccept, nil)
		s.established()
		s.ask(BlockedOnApplicationInput)
		s.step(s.client.Negotiate, NotBlocked)
		s.handshake(s.client.Renegotiate, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, s.both())
	})
}
