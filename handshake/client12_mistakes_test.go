package handshake

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// wrongHello12 is a handshake in which the ClientHello is changed.
func wrongHello12(e ...testpeer.Edit) withClient12 {
	return withClient12{edit: on(iana.ClientHello, testpeer.Edits(e...))}
}

// suiteList is what a client offers.
func suiteList(list ...iana.CipherSuite) withClient12 {
	return withClient12{client: func(c *testpeer.ScriptClient12) { c.Suites = list }}
}

// clientShare is an ECDHE handshake in group g whose ClientKeyExchange has another body.
func clientShare(g iana.Group, body ...byte) withClient12 {
	return withClient12{config: curves12(g), edit: on(iana.ClientKeyExchange, testpeer.Body(body...))}
}

func curves12(groups ...iana.Group) func(*Config) {
	return func(c *Config) { c.Groups12 = groups }
}

// public is a DHE handshake whose ClientKeyExchange has another public value.
func public(y []byte, more ...byte) withClient12 {
	body := append([]byte{byte(len(y) >> 8), byte(len(y))}, y...)
	return withClient12{suite: dheRSA, key: testpeer.KeyRSA2048, edit: on(iana.ClientKeyExchange, testpeer.Body(append(body, more...)...))}
}

// withCertificate12 is a handshake in which a message of type t, of a client that shows a
// certificate, is changed.
func withCertificate12(t iana.Message, e testpeer.Edit) withClient12 {
	return withClient12{config: optionalCertificate, edit: on(t, e)}
}

// proves is a handshake in which a client with such a certificate signs by a scheme.
func proves(t testing.TB, kind testpeer.KeyKind, id iana.SignatureScheme) withClient12 {
	return withClient12{config: optionalCertificate, client: func(c *testpeer.ScriptClient12) {
		c.Identity, c.Scheme = issue(t, kind).Issued, id
	}}
}

// goes gives a client's handshake another flight, and closes another end.
func goes(flight func(p *toServer)) withClient12   { return withClient12{flight: flight} }
func closes(ending func(p *toServer)) withClient12 { return withClient12{ending: ending} }

// TestClient12Mistakes is what a server of TLS 1.2 says of a client that does wrong, or that it
// has nothing in common with.
func TestClient12Mistakes(t *testing.T) {
	for _, c := range []struct {
		what     string
		client   withClient12
		alert    iana.Alert
		sentence string
	}{
		// ClientHello.
		{"TLS 1.1", wrongHello12(version(iana.TLS11)),
			iana.ProtocolVersion, "client offers TLSv1.1 at most, this server's policy begins with TLSv1.2"},
		{"TLS 1.0", wrongHello12(version(iana.TLS10)),
			iana.ProtocolVersion, "client offers TLSv1.0 at most, this server's policy begins with TLSv1.2"},
		{"SSLv3 beside TLS 1.2 in supported_versions", wrongHello12(version(iana.SSL30), add(iana.SupportedVersions, 2, 3, 3)),
			iana.ProtocolVersion, "client sent legacy_version SSLv3, with which no version of TLS begins"},
		{"SSLv3", wrongHello12(version(iana.SSL30)),
			iana.ProtocolVersion, "client offers SSLv3 at most, this server's policy begins with TLSv1.2"},
		{"old versions in supported_versions", wrongHello12(add(iana.SupportedVersions, 4, 3, 2, 3, 1)),
			iana.ProtocolVersion, "client offers no version of this server's policy: TLSv1.2 to TLSv1.3"},
		{"a fallback from TLS 1.3", withClient12{client: fallsBack},
			iana.InappropriateFallback, "client fell back to TLSv1.2, this server knows TLSv1.3"},
		{"compression alone", wrongHello12(compression(1)),
			iana.IllegalParameter, "client does not offer to do without compression"},
		{"no compression method", wrongHello12(compression()),
			iana.DecodeError, "client_hello: legacy_compression_methods: empty"},
		{"renegotiation_info of another connection", wrongHello12(replace(iana.RenegotiationInfo, 1, 7)),
			iana.HandshakeFailure, "client sent renegotiation_info of a connection that it does not have"},
		{"renegotiation_info without its length", wrongHello12(replace(iana.RenegotiationInfo)),
			iana.DecodeError, "client_hello: extension renegotiation_info: renegotiated_connection: 1 bytes wanted, 0 there"},
		{"extended_master_secret with contents", wrongHello12(replace(iana.ExtendedMasterSecret, 0)),
			iana.DecodeError, "client_hello: extension extended_master_secret: 1 bytes left over"},
		{"extended_master_secret twice", wrongHello12(add(iana.ExtendedMasterSecret)),
			iana.DecodeError, "client_hello: extension extended_master_secret: there twice"},
		{"point formats without the one that there is", wrongHello12(replace(iana.ECPointFormats, 2, 1, 2)),
			iana.IllegalParameter, "client does not offer uncompressed points"},
		{"no point formats", wrongHello12(replace(iana.ECPointFormats, 0)),
			iana.DecodeError, "client_hello: extension ec_point_formats: ec_point_format_list: empty"},
		{"an extension that belongs elsewhere", wrongHello12(add(iana.OIDFilters, 0, 0)),
			iana.IllegalParameter, "client_hello: extension oid_filters: does not belong here"},
		{"no common suite", suiteList(iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"suites of TLS 1.3 alone", suiteList(iana.TLS_AES_128_GCM_SHA256),
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"signals alone", suiteList(iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV),
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"no suite for the certificate", suiteList(ecdheRSA, dheRSA, rsaOnly),
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"no common group", withClient12{config: curves12(iana.Secp384r1)},
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"no supported_groups beside ec_point_formats", withClient12{edit: on(iana.ClientHello, drop(iana.SupportedGroups))},
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"no curve of the certificate", withClient12{client: func(c *testpeer.ScriptClient12) { c.Groups = []iana.Group{iana.X25519} }},
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"no scheme for the certificate", withClient12{client: func(c *testpeer.ScriptClient12) { c.Schemes = []iana.SignatureScheme{iana.RSAPSSRSAESHA256} }},
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"no signature_algorithms, to a policy without SHA-1", wrongHello12(drop(iana.SignatureAlgorithms)),
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"finite-field groups that nobody knows", withClient12{suite: dheRSA, key: testpeer.KeyRSA2048, client: func(c *testpeer.ScriptClient12) { c.Groups = []iana.Group{0x01fd} }},
			iana.InsufficientSecurity, "client offers no group for DHE that this server takes, and no other cipher suite"},
		{"finite-field groups that nobody knows, beside a curve for another certificate", withClient12{key: testpeer.KeyRSA2048, client: func(c *testpeer.ScriptClient12) {
			c.Suites, c.Groups = []iana.CipherSuite{ecdheECDSA, dheRSA}, []iana.Group{iana.X25519, 0x01fd}
		}},
			iana.InsufficientSecurity, "client offers no group for DHE that this server takes, and no other cipher suite"},
		{"finite-field groups that nobody knows, and no suite for them", withClient12{key: testpeer.KeyRSA2048, client: func(c *testpeer.ScriptClient12) {
			c.Suites, c.Groups = []iana.CipherSuite{ecdheECDSA}, []iana.Group{iana.X25519, 0x01fd}
		}},
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"finite-field groups that nobody knows, to a certificate that DHE does not fit", withClient12{client: func(c *testpeer.ScriptClient12) {
			c.Suites, c.Groups = []iana.CipherSuite{dheRSA}, []iana.Group{0x01fd}
		}},
			iana.HandshakeFailure, "client offers no cipher suite of this server's policy for TLSv1.2 that fits its certificates and groups"},
		{"no protocol in common", withClient12{config: offerALPN, client: func(c *testpeer.ScriptClient12) { c.ALPN = []string{"h3"} }},
			iana.NoApplicationProtocol, `client offers none of this server's application protocols ["h2" "http/1.1"]`},

		// Certificate.
		{"no certificate where one is required", withClient12{config: requiredCertificate, client: noIdentity},
			iana.HandshakeFailure, "client sent no certificate, which this server requires"},
		{"no Certificate message at all", withClient12{config: optionalCertificate, flight: func(p *toServer) { p.feed(p.ClientKeyExchange()) }},
			iana.UnexpectedMessage, "client sent client_key_exchange where certificate is expected"},
		{"a Certificate that was not asked for", goes(func(p *toServer) { p.feed(p.Certificate()) }),
			iana.UnexpectedMessage, "client sent certificate where client_key_exchange is expected"},
		{"a certificate that cannot be read", withCertificate12(iana.Certificate, testpeer.Body(0, 0, 4, 0, 0, 1, 0)),
			iana.DecodeError, "certs: certificate 0 of the chain: not a certificate: x509: malformed certificate"},
		{"an empty certificate", withCertificate12(iana.Certificate, testpeer.Body(0, 0, 3, 0, 0, 0)),
			iana.DecodeError, "certificate: entry 0: empty"},
		{"a certificate of nobody known", withClient12{config: optionalCertificate, client: func(c *testpeer.ScriptClient12) { c.Identity = stranger(t) }},
			iana.UnknownCA, `verify: certificate of "CN=localhost" is signed by itself and not trusted`},

		// ClientKeyExchange.
		{"two ClientKeyExchanges", goes(func(p *toServer) { p.feed(p.ClientKeyExchange(), p.ClientKeyExchange()) }),
			iana.UnexpectedMessage, "client sent client_key_exchange where change_cipher_spec is expected"},
		{"an empty body", clientShare(iana.X25519),
			iana.DecodeError, "client_key_exchange: ecdh_Yc: 1 bytes wanted, 0 there"},
		{"an empty point", clientShare(iana.X25519, 0),
			iana.DecodeError, "client_key_exchange: ecdh_Yc: empty"},
		{"a short point", clientShare(iana.X25519, append([]byte{31}, make([]byte, 31)...)...),
			iana.IllegalParameter, "kex: peer's x25519 key share has 31 bytes instead of 32"},
		{"a long point", clientShare(iana.X25519, append([]byte{33}, make([]byte, 33)...)...),
			iana.IllegalParameter, "kex: peer's x25519 key share has 33 bytes instead of 32"},
		{"x25519 of zeros", clientShare(iana.X25519, append([]byte{32}, make([]byte, 32)...)...),
			iana.IllegalParameter, "kex: peer's x25519 key share of 32 bytes gives an all-zero secret"},
		{"a point of zeros", clientShare(iana.Secp256r1, append([]byte{65}, make([]byte, 65)...)...),
			iana.IllegalParameter, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"a point that is not on the curve", clientShare(iana.Secp256r1, append([]byte{65, 4}, make([]byte, 64)...)...),
			iana.IllegalParameter, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"a compressed point", clientShare(iana.Secp256r1, append([]byte{33, 2}, make([]byte, 32)...)...),
			iana.IllegalParameter, "kex: peer's secp256r1 key share has 33 bytes instead of 65"},
		{"a point in infinity", clientShare(iana.Secp256r1, 1, 0),
			iana.IllegalParameter, "kex: peer's secp256r1 key share has 1 bytes instead of 65"},
		{"bytes behind the point", withClient12{edit: on(iana.ClientKeyExchange, longer(0))},
			iana.DecodeError, "client_key_exchange: 1 bytes left over"},
		{"half a point", withClient12{edit: on(iana.ClientKeyExchange, testpeer.Cut(1))},
			iana.DecodeError, "client_key_exchange: ecdh_Yc: 32 bytes wanted, 31 there"},
		{"a public value of 0", public([]byte{0}),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is 0"},
		{"a public value of 1", public([]byte{1}),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is 1"},
		{"a public value of 1 with zeros before it", public(append(make([]byte, 300), 1)),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is 1"},
		{"a public value of p - 1", public(less(ffdhe2048.P(), 1)),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is the prime minus 1"},
		{"a public value of p", public(ffdhe2048.P()),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is not below the prime"},
		{"a public value of p + 1", public(less(ffdhe2048.P(), -1)),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is not below the prime"},
		{"a public value above p", public(append([]byte{1}, ffdhe2048.P()...)),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is not below the prime"},
		{"an empty public value", public(nil),
			iana.DecodeError, "client_key_exchange: dh_Yc: empty"},
		{"bytes behind the public value", public([]byte{2}, 0),
			iana.DecodeError, "client_key_exchange: 1 bytes left over"},
		{"an implicit public value", withClient12{suite: dheRSA, key: testpeer.KeyRSA2048, edit: on(iana.ClientKeyExchange, testpeer.Body())},
			iana.DecodeError, "client_key_exchange: dh_Yc: 2 bytes wanted, 0 there"},
		{"a premaster secret without its length", withClient12{suite: rsaOnly, key: testpeer.KeyRSA2048, edit: on(iana.ClientKeyExchange, func(msg []byte) []byte { return testpeer.Body(msg[6:]...)(msg) })},
			iana.DecodeError, ""},
		{"an empty premaster secret", withClient12{suite: rsaOnly, key: testpeer.KeyRSA2048, edit: on(iana.ClientKeyExchange, testpeer.Body(0, 0))},
			iana.DecodeError, "client_key_exchange: encrypted_pre_master_secret: empty"},
		{"bytes behind the premaster secret", withClient12{suite: rsaOnly, key: testpeer.KeyRSA2048, edit: on(iana.ClientKeyExchange, longer(0))},
			iana.DecodeError, "client_key_exchange: 1 bytes left over"},

		// CertificateVerify.
		{"a scheme that was not offered", proves(t, testpeer.KeyP256, iana.ECDSASecp384r1SHA384),
			iana.IllegalParameter, "client signed by ecdsa_secp384r1_sha384, which was not offered"},
		{"SHA-1", proves(t, testpeer.KeyRSA2048, iana.RSAPKCS1SHA1),
			iana.IllegalParameter, "client signed by rsa_pkcs1_sha1, which was not offered"},
		{"SHA-1 and ECDSA", proves(t, testpeer.KeyP256, iana.ECDSASHA1),
			iana.IllegalParameter, "client signed by ecdsa_sha1, which was not offered"},
		{"a scheme that does not fit the key", withCertificate12(iana.CertificateVerify, scheme(iana.ECDSASecp256r1SHA256)),
			iana.IllegalParameter, "client signed by ecdsa_secp256r1_sha256, which does not fit the key of its certificate"},
		{"a scheme that nobody knows", withCertificate12(iana.CertificateVerify, scheme(0x0999)),
			iana.IllegalParameter, "client signed by 0x0999, which was not offered"},
		{"a bit of the signature", withCertificate12(iana.CertificateVerify, flip(-1)),
			iana.DecryptError, "client's signature does not verify: sig: peer's ed25519 signature of 64 bytes is not valid for an Ed25519 key of 32 bytes"},
		{"a signature of no bytes", withCertificate12(iana.CertificateVerify, testpeer.Body(8, 7, 0, 0)),
			iana.DecryptError, "client's signature does not verify: sig: peer's ed25519 signature of 0 bytes is not valid for an Ed25519 key of 32 bytes"},
		{"bytes behind the signature", withCertificate12(iana.CertificateVerify, longer(0)),
			iana.DecodeError, "certificate_verify: 1 bytes left over"},
		{"no scheme, as in TLS 1.1", withCertificate12(iana.CertificateVerify, func(msg []byte) []byte { return testpeer.Body(msg[6:]...)(msg) }),
			iana.DecodeError, "certificate_verify: signature: 33943 bytes wanted, 62 there"},
		{"no CertificateVerify behind a certificate", withClient12{config: optionalCertificate, flight: func(p *toServer) { p.feed(p.Certificate(), p.ClientKeyExchange()) }},
			iana.UnexpectedMessage, "client sent change_cipher_spec where certificate_verify is expected"},
		{"CertificateVerify without a certificate", withClient12{config: optionalCertificate, client: noIdentity, flight: func(p *toServer) {
			p.feed(p.Certificate(), p.ClientKeyExchange(), []byte{15, 0, 0, 4, 8, 7, 0, 0})
		}},
			iana.UnexpectedMessage, "client sent certificate_verify where change_cipher_spec is expected"},
		{"CertificateVerify before ClientKeyExchange", withClient12{config: optionalCertificate, flight: func(p *toServer) { p.feed(p.Certificate(), p.CertificateVerify()) }},
			iana.UnexpectedMessage, "client sent certificate_verify where client_key_exchange is expected"},

		// change_cipher_spec.
		{"change_cipher_spec before ClientKeyExchange", goes(func(p *toServer) { p.feed(nil) }),
			iana.UnexpectedMessage, "client sent change_cipher_spec where client_key_exchange is expected"},
		{"change_cipher_spec twice", closes(func(p *toServer) { p.feed(nil, nil) }),
			iana.UnexpectedMessage, "client sent change_cipher_spec where finished is expected"},
		{"change_cipher_spec before CertificateVerify", withClient12{config: optionalCertificate, flight: func(p *toServer) { p.feed(p.Certificate(), p.ClientKeyExchange(), nil) }},
			iana.UnexpectedMessage, "client sent change_cipher_spec where certificate_verify is expected"},
		{"change_cipher_spec in the middle of a message", goes(func(p *toServer) { p.feed(p.ClientKeyExchange()[:9], nil) }),
			iana.UnexpectedMessage, "client sent change_cipher_spec in the middle of a handshake message"},

		// Finished.
		{"Finished before change_cipher_spec", closes(func(p *toServer) { p.feed(p.ScriptClient12.Finished()) }),
			iana.UnexpectedMessage, "client sent finished where change_cipher_spec is expected"},
		{"Finished instead of ClientKeyExchange", goes(func(p *toServer) { p.feed(finished12) }),
			iana.UnexpectedMessage, "client sent finished where client_key_exchange is expected"},
		{"Finished without protection behind change_cipher_spec", closes(func(p *toServer) { p.feed(nil, p.ScriptClient12.Finished()) }),
			iana.UnexpectedMessage, "handshake bytes of the initial epoch came in the application epoch"},
		{"a bit of Finished", withClient12{edit: on(iana.Finished, flip(7))},
			iana.DecryptError, "client sent a Finished that does not fit the handshake"},
		{"a bit of Finished after a certificate", withCertificate12(iana.Finished, flip(-1)),
			iana.DecryptError, "client sent a Finished that does not fit the handshake"},
		{"a short Finished", withClient12{edit: on(iana.Finished, testpeer.Cut(1))},
			iana.DecodeError, "client sent a Finished of 11 bytes, not 12"},
		{"a Finished of TLS 1.3's length", withClient12{edit: on(iana.Finished, longer(make([]byte, 20)...))},
			iana.DecryptError, "client sent a Finished that does not fit the handshake"},
		{"bytes behind Finished", closes(func(p *toServer) { p.ccs(); p.feed(append(p.ScriptClient12.Finished(), 1)) }),
			iana.UnexpectedMessage, "client sent 1 bytes after finished in the same record, where keys change"},

		// After the handshake.
		{"a ClientHello after the handshake", closes(func(p *toServer) { p.ending(); p.feed(p.ClientHello()) }),
			iana.NoRenegotiation, "client wants to renegotiate, which this server never does"},
		{"a HelloRequest of the client", closes(func(p *toServer) { p.ending(); p.feed(helloRequest) }),
			iana.UnexpectedMessage, "client sent hello_request"},
		{"a HelloRequest of the client in the handshake", goes(func(p *toServer) { p.feed(helloRequest) }),
			iana.UnexpectedMessage, "client sent hello_request where client_key_exchange is expected"},
		{"a second Finished", closes(func(p *toServer) { p.ending(); p.feed(finished12) }),
			iana.UnexpectedMessage, "client sent finished where hello_request or client_hello is expected"},
		{"change_cipher_spec after the handshake", closes(func(p *toServer) { p.ending(); p.feed(nil) }),
			iana.UnexpectedMessage, "client sent change_cipher_spec where hello_request or client_hello is expected"},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := c.client.play(t)
			defer p.side.close()
			p.failsWith(t, p.events, p.err, c.alert, c.sentence)
		})
	}
}
