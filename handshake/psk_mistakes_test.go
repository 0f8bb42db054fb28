package handshake

import (
	"bytes"
	"crypto"
	"slices"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// scriptedPSK is externalPSK for a script.
func scriptedPSK() testpeer.PSK {
	p := externalPSK()
	return testpeer.PSK{Identity: p.Identity, Secret: p.Secret, External: true}
}

// unknownPSK is one that nobody knows.
func unknownPSK(identity string) testpeer.PSK {
	return testpeer.PSK{Identity: []byte(identity), Secret: []byte("secret"), External: true}
}

// offersPSKs lets a scripted client offer PSKs.
func offersPSKs(psks ...testpeer.PSK) func(c *testpeer.ScriptClient) {
	return func(c *testpeer.ScriptClient) { c.PSKs, c.Modes = psks, []uint8{wire.PSKWithDHE} }
}

// knowsPSK gives a server the PSK of these tests.
func knowsPSK(c *Config) { c.PSKs = []*PSK{externalPSK()} }

func onlyPSKs(c *Config) { knowsPSK(c); c.Certificates = nil }

func knowsPSKandWantsP256(c *Config) { knowsPSK(c); wantsP256(c) }

func flipBound(i int) func(c *testpeer.ScriptClient) {
	return func(c *testpeer.ScriptClient) {
		offersPSKs(scriptedPSK())(c)
		c.EditBound = flip(i)
	}
}

// onlySecond edits the second hello of c.
func onlySecond(c *testpeer.ScriptClient, e testpeer.Edit) testpeer.Edit {
	return func(msg []byte) []byte {
		if c.Retry {
			return e(msg)
		}
		return msg
	}
}

// TestClientPSKMistakes is what a server says of a client that does wrong with PSKs.
func TestClientPSKMistakes(t *testing.T) {
	for _, c := range []struct {
		what     string
		client   withClient
		alert    iana.Alert
		sentence string
	}{
		{"a binder with a flipped bit", withClient{config: knowsPSK, client: flipBound(-1)},
			iana.DecryptError, "client sent a binder that does not fit PSK 0"},
		{"a binder for another random", withClient{config: knowsPSK, client: flipBound(10)},
			iana.DecryptError, "client sent a binder that does not fit PSK 0"},
		{"a binder for another secret", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.PSKs[0].Secret = []byte("another secret")
		}}, iana.DecryptError, "client sent a binder that does not fit PSK 0"},
		{"the binder of a ticket for an external PSK", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.PSKs[0].External = false
		}}, iana.DecryptError, "client sent a binder that does not fit PSK 0"},
		{"a binder of another hash's length", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.PSKs[0].Hash = crypto.SHA384
		}}, iana.DecryptError, "client sent a binder that does not fit PSK 0"},
		{"a binder of 31 bytes", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.EditBound = replace(iana.PreSharedKey, slices.Concat([]byte{0, 14, 0, 8}, []byte("external"), []byte{0, 0, 0, 0, 0, 32, 31}, make([]byte, 31))...)
		}}, iana.DecryptError, "client sent a binder that does not fit PSK 0"},
		{"a wrong binder behind a right one", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			p := scriptedPSK()
			offersPSKs(unknownPSK("x"), p)(c)
			c.EditBound = flip(-1)
		}}, iana.DecryptError, "client sent a binder that does not fit PSK 1"},
		{"no psk_key_exchange_modes", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) { c.PSKs = []testpeer.PSK{scriptedPSK()} }},
			iana.MissingExtension, "client sent pre_shared_key without psk_key_exchange_modes"},
		{"no PSK for a server that has nothing else", withClient{config: onlyPSKs},
			iana.HandshakeFailure, "client offers no PSK, and this server has no certificate"},
		{"a PSK without key exchange for a server that has nothing else", withClient{config: onlyPSKs, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.Modes = []uint8{wire.PSKOnly}
		}}, iana.HandshakeFailure, "client offers no PSK, and this server has no certificate"},
		{"an unknown PSK for a server that has nothing else", withClient{config: onlyPSKs, client: offersPSKs(unknownPSK("x"))},
			iana.DecryptError, "client offers no PSK that this server knows, and there is no certificate"},
		{"an unknown PSK and no signature_algorithms", withClient{config: knowsPSK, client: offersPSKs(unknownPSK("x")),
			edit: on(iana.ClientHello, drop(iana.SignatureAlgorithms))},
			iana.MissingExtension, "client sent no signature_algorithms"},
		{"a PSK and no key_share", withClient{config: knowsPSK, client: offersPSKs(scriptedPSK()), edit: on(iana.ClientHello, drop(iana.KeyShare))},
			iana.MissingExtension, "client sent no key_share"},
		{"a PSK and no supported_groups", withClient{config: knowsPSK, client: offersPSKs(scriptedPSK()), edit: on(iana.ClientHello, drop(iana.SupportedGroups))},
			iana.MissingExtension, "client sent no supported_groups"},
		{"a PSK and no common suite", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.Suites = []iana.CipherSuite{iana.TLS_AES_256_GCM_SHA384}
		}}, iana.HandshakeFailure, "client offers none of the cipher suites of this server's policy for TLSv1.3"},
		{"fewer binders than identities", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.EditBound = replace(iana.PreSharedKey, append([]byte{0, 14, 0, 1, 'x', 0, 0, 0, 0, 0, 1, 'y', 0, 0, 0, 0, 0, 33, 32}, make([]byte, 32)...)...)
		}}, iana.IllegalParameter, "client_hello: extension pre_shared_key: binders: 1 for 2 identities"},
		{"an empty identity", withClient{config: knowsPSK, client: offersPSKs(unknownPSK(""))},
			iana.DecodeError, "client_hello: extension pre_shared_key: identities: empty"},
		{"a wrong binder after HelloRetryRequest", withClient{config: knowsPSKandWantsP256, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.EditBound = onlySecond(c, flip(-1))
		}}, iana.DecryptError, "client sent a binder that does not fit PSK 0"},
		{"early data after HelloRetryRequest", withClient{config: knowsPSKandWantsP256, client: offersPSKs(scriptedPSK()), second: change(func(p *parts) {
			p.Extensions = slices.Insert(p.Extensions, 0, testpeer.Extension{Type: iana.EarlyData})
		})},
			iana.IllegalParameter, "client offers early data after HelloRetryRequest"},
		{"other modes after HelloRetryRequest", withClient{config: knowsPSKandWantsP256, client: offersPSKs(scriptedPSK()), second: replace(iana.PSKKeyExchangeModes, 2, 1, 0)},
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"no PSK any more after HelloRetryRequest", withClient{config: knowsPSKandWantsP256, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.EditBound = onlySecond(c, drop(iana.PreSharedKey))
		}}, iana.MissingExtension, "client offers no PSK any more, by which HelloRetryRequest was chosen"},
		{"another PSK after HelloRetryRequest", withClient{config: knowsPSKandWantsP256, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.EditBound = onlySecond(c, replace(iana.PreSharedKey, preSharedKey()...))
		}}, iana.IllegalParameter, "client offers the PSK no more by which HelloRetryRequest was chosen"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, script, events, err := c.client.play(t)
			defer s.close()
			if script.Err() != nil {
				t.Fatal(script.Err())
			}
			s.failsWith(t, events, err, c.alert, c.sentence)
		})
	}
}

// TestServerWithPSKs is the handshake of a client that offers PSKs without a mistake.
func TestServerWithPSKs(t *testing.T) {
	nine := make([]testpeer.PSK, 9)
	for i := range nine {
		nine[i] = unknownPSK(string(rune('a' + i)))
	}
	for _, c := range []struct {
		what   string
		client withClient
		chosen int // -1 = none
	}{
		{"one that is known", withClient{config: knowsPSK, client: offersPSKs(scriptedPSK())}, 0},
		{"one that is known, without signature_algorithms", withClient{config: knowsPSK, client: offersPSKs(scriptedPSK()),
			edit: on(iana.ClientHello, drop(iana.SignatureAlgorithms))}, 0},
		{"the last of ten", withClient{config: knowsPSK, client: offersPSKs(append(slices.Clone(nine), scriptedPSK())...)}, 9},
		{"the sixty-fourth", withClient{config: knowsPSK, client: offersPSKs(append(slices.Repeat([]testpeer.PSK{unknownPSK("x")}, 63), scriptedPSK())...)}, 63},
		{"the sixty-fifth, which is not looked at", withClient{config: knowsPSK, client: offersPSKs(append(slices.Repeat([]testpeer.PSK{unknownPSK("x")}, 64), scriptedPSK())...)}, -1},
		{"one that is known, twice", withClient{config: knowsPSK, client: offersPSKs(scriptedPSK(), scriptedPSK())}, 0},
		{"none that is known", withClient{config: knowsPSK, client: offersPSKs(nine...)}, -1},
		{"one whose binder is not looked at", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK(), unknownPSK("x"))(c)
			c.EditBound = flip(-1)
		}}, 0},
		{"without key exchange", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.Modes = []uint8{wire.PSKOnly}
		}}, -1},
		{"for suites of another hash", withClient{config: func(c *Config) {
			c.PSKs = []*PSK{{Identity: []byte("external"), Secret: []byte("x"), Hash: crypto.SHA384}}
		}, client: offersPSKs(scriptedPSK())}, -1},
		{"the second of the server's, and a HelloRetryRequest", withClient{config: knowsPSKandWantsP256, client: offersPSKs(unknownPSK("x"), scriptedPSK())}, 1},
		{"early data that is not expected", withClient{config: knowsPSK, client: func(c *testpeer.ScriptClient) {
			offersPSKs(scriptedPSK())(c)
			c.EarlyData = true
		}}, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, script, _, err := c.client.play(t)
			defer s.close()
			if err != nil || script.Err() != nil || !s.Done() {
				t.Fatalf("the server ends in %s with %v, its client with %v", s.stateName(), err, script.Err())
			}
			has := script.Hello.Has.Has(iana.PreSharedKey)
			if has != (c.chosen >= 0) || has && int(script.Hello.SelectedIdentity) != c.chosen || (s.Result.PSKIdentity != nil) != has {
				t.Errorf("the server chose %d (%v), want %d", script.Hello.SelectedIdentity, has, c.chosen)
			}
			for _, e := range s.log {
				if e.Kind == SetWriteKey && e.Epoch == Application && e.Secret != script.ApplicationServer {
					t.Errorf("%v of the application differs from the client's", e.Kind)
				}
			}
		})
	}
}

// choosesPSK lets a scripted server choose a PSK that the client offers.
func choosesPSK(change func(s *testpeer.ScriptServer)) func(s *testpeer.ScriptServer) {
	return func(s *testpeer.ScriptServer) {
		p := scriptedPSK()
		s.PSK = &p
		if change != nil {
			change(s)
		}
	}
}

func offersEarlyData(c *Config) {
	c.PSKs = []*PSK{externalPSK(), {Identity: []byte("second"), Secret: []byte("secret")}}
}

// TestServerPSKMistakes is what a client says of a server that does wrong with PSKs.
func TestServerPSKMistakes(t *testing.T) {
	for _, c := range []struct {
		what     string
		server   withServer
		alert    iana.Alert
		sentence string
	}{
		{"a PSK that was not offered", withServer{config: knowsPSK, server: choosesPSK(func(s *testpeer.ScriptServer) { s.Selected = 1 })},
			iana.IllegalParameter, "server chose PSK 1 of the 1 that were offered"},
		{"a PSK where none was offered", withServer{server: choosesPSK(nil)},
			iana.UnsupportedExtension, "server_hello: extension pre_shared_key: was not offered"},
		{"a PSK of another hash than the suite's", withServer{
			config: func(c *Config) {
				knowsPSK(c)
				c.Suites = append(c.Suites, iana.TLS_AES_256_GCM_SHA384)
			},
			server: choosesPSK(func(s *testpeer.ScriptServer) { s.Suite, s.PSK.Hash = iana.TLS_AES_256_GCM_SHA384, crypto.SHA384 }),
		}, iana.IllegalParameter, "server chose a PSK for SHA-256 and cipher suite TLS_AES_256_GCM_SHA384"},
		{"a PSK and no key share", withServer{config: knowsPSK, server: choosesPSK(nil), edit: on(iana.ServerHello, drop(iana.KeyShare))},
			iana.IllegalParameter, "server chose a PSK and sent no key_share, which psk_dhe_ke wants"},
		{"pre_shared_key in HelloRetryRequest", withServer{config: knowsPSK, retries: []retry{toP256}, edit: testpeer.OnRetry(add(iana.PreSharedKey, 0, 0))},
			iana.IllegalParameter, "hello_retry_request: extension pre_shared_key: does not belong here"},
		{"a PSK where a client wants to be asked for its certificate", withServer{config: func(c *Config) { knowsPSK(c); c.ClientAuth = RequireClientAuth }, server: choosesPSK(nil)},
			iana.HandshakeFailure, "server chose an external PSK and so asks for no client certificate, which this client requires"},
		{"a certificate request beside a PSK", withServer{config: knowsPSK, server: choosesPSK(nil), request: true},
			iana.UnexpectedMessage, "server sent certificate_request where finished is expected"},
		{"a Finished without the PSK", withServer{config: knowsPSK, server: choosesPSK(nil), edit: on(iana.Finished, flip(5))},
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
		{"early data accepted without an offer", withServer{config: knowsPSK, server: choosesPSK(func(s *testpeer.ScriptServer) { s.EarlyData = true })},
			iana.UnsupportedExtension, "encrypted_extensions: extension early_data: was not offered"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, script, events, err := c.server.play(t)
			defer s.close()
			if script.Err() != nil {
				t.Fatal(script.Err())
			}
			s.failsWith(t, events, err, c.alert, c.sentence)
		})
	}
}

// TestServerEarlyDataMistakes is what a client that sends early data says of a server that does
// wrong with it.
func TestServerEarlyDataMistakes(t *testing.T) {
	for _, c := range []struct {
		what     string
		server   withServer
		alert    iana.Alert
		sentence string
	}{
		{"accepted with another PSK", withServer{server: choosesPSK(func(s *testpeer.ScriptServer) {
			s.PSK = &testpeer.PSK{Identity: []byte("second"), Secret: []byte("secret"), External: true}
			s.Selected, s.EarlyData = 1, true
		})}, iana.IllegalParameter, "server accepts early data without the PSK that it was offered with"},
		{"accepted without a PSK", withServer{server: func(s *testpeer.ScriptServer) { s.EarlyData = true }},
			iana.IllegalParameter, "server accepts early data without the PSK that it was offered with"},
		{"accepted with another cipher suite", withServer{server: choosesPSK(func(s *testpeer.ScriptServer) {
			s.Suite, s.EarlyData = iana.TLS_CHACHA20_POLY1305_SHA256, true
		})}, iana.IllegalParameter, "server accepts early data of cipher suite TLS_AES_128_GCM_SHA256 and chose TLS_CHACHA20_POLY1305_SHA256"},
		{"accepted with another protocol", withServer{
			config: func(c *Config) { offersEarlyData(c); offerALPN(c) },
			server: choosesPSK(func(s *testpeer.ScriptServer) { s.ALPN, s.EarlyData = "h2", true }),
		}, iana.IllegalParameter, `server accepts early data of application protocol "" and chose "h2"`},
		{"accepted after HelloRetryRequest", withServer{retries: []retry{toP256}, server: choosesPSK(func(s *testpeer.ScriptServer) { s.EarlyData = true })},
			iana.UnsupportedExtension, "encrypted_extensions: extension early_data: was not offered"},
		{"TLS 1.2", withServer{
			config: func(c *Config) { offersEarlyData(c); offersTLS12Suite(c); c.MinVersion = iana.TLS12 },
			edit:   on(iana.ServerHello, testpeer.Edits(drop(iana.SupportedVersions), drop(iana.KeyShare))),
		}, iana.ProtocolVersion, "server chose TLSv1.2, and early data of TLSv1.3 is under way"},
		{"early_data with something in it", withServer{server: choosesPSK(nil), edit: on(iana.EncryptedExtensions, add(iana.EarlyData, 0))},
			iana.DecodeError, "encrypted_extensions: extension early_data: 1 bytes left over"},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.server.config == nil {
				c.server.config = offersEarlyData
			}
			c.server.early = true
			s, script, events, err := c.server.play(t)
			defer s.close()
			if script.Err() != nil {
				t.Fatal(script.Err())
			}
			s.failsWith(t, events, err, c.alert, c.sentence)
		})
	}
}

// TestTickets holds what a client makes of tickets.
func TestTickets(t *testing.T) {
	r := plain.start(t)
	defer r.close()
	r.post = nil
	r.client.cfg.SessionTickets = true
	r.finish()
	for _, c := range []struct {
		lifetime uint32
		taken    bool
	}{{0, false}, {1, true}, {uint32(session.MaxLifetime / time.Second), true}} {
		events, err := r.client.feed(packet{Application, testpeer.NewSessionTicket(c.lifetime, 1, 2)})
		if err != nil || (len(events) == 1) != c.taken {
			t.Fatalf("a ticket for %d seconds gives %d events, %v", c.lifetime, len(events), err)
		}
		if !c.taken {
			continue
		}
		if s := events[0].Detail.(*session.Session); s.Lifetime != c.lifetime || string(s.Ticket) != "the ticket.." || !s.Issued.Equal(today()) || len(s.Secret) != 32 {
			t.Errorf("the session is %+v", *s)
		}
	}
	events, err := r.client.feed(packet{Application, testpeer.NewSessionTicket(uint32(session.MaxLifetime/time.Second)+1, 1)})
	r.client.failsWith(t, events, err, iana.IllegalParameter, "server sent a ticket for 604801 seconds, more than 7 days")
}

// TestTicketsOfOthers gives a server tickets that are none of its own, or damaged: each is a full
// handshake. Of many only the first are tried.
func TestTicketsOfOthers(t *testing.T) {
	have := scenario{tls13Sealed, NoClientAuth, false, 0}.made13(t).session
	ticket := func(change func(b []byte) []byte) testpeer.PSK {
		return testpeer.PSK{Identity: change(bytes.Clone(have.Ticket)), Secret: have.Secret, Age: have.ObfuscatedAge(today())}
	}
	own := ticket(func(b []byte) []byte { return b })
	play := func(psks ...testpeer.PSK) (resumed bool) {
		t.Helper()
		h := withClient{config: func(c *Config) { tls13Sealed.useTickets13(t, c, c) }, client: offersPSKs(psks...)}
		s, script, _, err := h.play(t)
		defer s.close()
		if err != nil || script.Err() != nil || !s.Done() {
			t.Fatalf("the server ends in %s with %v, its client with %v", s.stateName(), err, script.Err())
		}
		return s.Result.Resumed
	}
	for i := range have.Ticket {
		if play(ticket(func(b []byte) []byte { b[i] ^= 1; return b })) {
			t.Fatalf("a ticket is resumed although its byte %d is another", i)
		}
	}
	for _, n := range []int{1, 31, 32, 33, len(have.Ticket) - 1} {
		if play(ticket(func(b []byte) []byte { return b[:n] })) {
			t.Errorf("%d bytes of a ticket are resumed", n)
		}
	}
	other := unknownPSK("x")
	if !play(own) || !play(other, other, own) || play(other, other, other, own) {
		t.Error("not the first three are tried")
	}
}
