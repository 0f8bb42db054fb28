package handshake

import (
	"crypto/x509"
	"math/big"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// ffdhe2048 is what a server of these tests takes for DHE when it is honest.
var ffdhe2048 = kex.LookupFFDHE(iana.FFDHE2048)

// less returns the number p - n.
func less(p []byte, n int64) []byte {
	x := new(big.Int).SetBytes(p)
	return x.Sub(x, big.NewInt(n)).Bytes()
}

// dh makes a DHE handshake in which the server signs these parameters.
func dh(p, g, ys []byte) withServer12 {
	return withServer12{suite: dheRSA, key: testpeer.KeyRSA2048, server: func(s *testpeer.ScriptServer12) {
		s.Params = wire.AppendServerDHParams(nil, p, g, ys)
	}}
}

// keyExchange is a handshake in which ServerKeyExchange is changed.
func keyExchange(e ...testpeer.Edit) withServer12 {
	return withServer12{edit: on(iana.ServerKeyExchange, testpeer.Edits(e...))}
}

// labelled says in a ServerKeyExchange for x25519 that it is signed by another scheme.
func labelled(id iana.SignatureScheme) testpeer.Edit {
	return func(msg []byte) []byte {
		msg[40], msg[41] = byte(id>>8), byte(id)
		return msg
	}
}

// longer adds bytes to the end of a message, which its length covers.
func longer(more ...byte) testpeer.Edit {
	return func(msg []byte) []byte { return testpeer.Body(append(msg[4:len(msg):len(msg)], more...)...)(msg) }
}

func hello12(e ...testpeer.Edit) withServer12 {
	return withServer12{edit: on(iana.ServerHello, testpeer.Edits(e...))}
}

// in gives a server's handshake another flight.
func in(flight func(p *toClient)) withServer12 { return withServer12{flight: flight} }

// ends gives a server's handshake another end.
func ends(ending func(p *toClient)) withServer12 { return withServer12{ending: ending} }

func neverRenegotiates(c *Config) { c.NoRenegotiation = true }

var helloRequest = []byte{byte(iana.HelloRequest), 0, 0, 0}

// finished12 is a Finished that fits no handshake.
var finished12 = append([]byte{byte(iana.Finished), 0, 0, 12}, make([]byte, 12)...)

// TestServer12Mistakes is what a client of TLS 1.2 says of a server that does wrong.
func TestServer12Mistakes(t *testing.T) {
	rsa := func(h withServer12) withServer12 {
		h.key = testpeer.KeyRSA2048
		if h.suite == 0 {
			h.suite = ecdheRSA
		}
		return h
	}
	for _, c := range []struct {
		what     string
		server   withServer12
		alert    iana.Alert
		sentence string
	}{
		// ServerHello.
		{"TLS 1.1", hello12(version(iana.TLS11)),
			iana.ProtocolVersion, "server chose TLSv1.1, this client offers TLSv1.2 to TLSv1.3"},
		{"TLS 1.0", hello12(version(iana.TLS10)),
			iana.ProtocolVersion, "server chose TLSv1.0, this client offers TLSv1.2 to TLSv1.3"},
		{"SSLv3", hello12(version(iana.SSL30)),
			iana.ProtocolVersion, "server chose SSLv3, this client offers TLSv1.2 to TLSv1.3"},
		{"TLS 1.3 in the old field", hello12(version(iana.TLS13)),
			iana.ProtocolVersion, "server chose TLSv1.3, this client offers TLSv1.2 to TLSv1.3"},
		{"TLS 1.2 in supported_versions", hello12(add(iana.SupportedVersions, 3, 3)),
			iana.IllegalParameter, "server_hello: extension renegotiation_info: does not belong here"},
		{"a suite of TLS 1.3", hello12(choose(iana.TLS_AES_128_GCM_SHA256)),
			iana.IllegalParameter, "server chose cipher suite TLS_AES_128_GCM_SHA256, which was not offered for TLSv1.2"},
		{"a suite that was not offered", hello12(choose(iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384)),
			iana.IllegalParameter, "server chose cipher suite TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, which was not offered for TLSv1.2"},
		{"a suite that nobody knows", hello12(choose(0x1234)),
			iana.IllegalParameter, "server chose cipher suite 0x1234, which was not offered for TLSv1.2"},
		{"a suite that stands for something else", hello12(choose(iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)),
			iana.IllegalParameter, "server chose cipher suite TLS_EMPTY_RENEGOTIATION_INFO_SCSV, which was not offered for TLSv1.2"},
		{"the session ID that we made up", withServer12{flight: func(p *toClient) {
			p.SessionID = p.ScriptServer12.Hello.SessionID
			p.feed(p.ServerHello())
		}},
			iana.IllegalParameter, "server resumes a session that this client does not have"},
		{"a session ID of 33 bytes", hello12(sessionID(make([]byte, 33)...)),
			iana.DecodeError, "server_hello: legacy_session_id_echo: 33 bytes, more than 32"},
		{"compression", hello12(compression(1)),
			iana.IllegalParameter, "server_hello: compression_method: not null"},
		{"the mark of a downgrade from TLS 1.3", hello12(mark(downgradeTLS12)),
			iana.IllegalParameter, "server chose TLSv1.2 though it knows TLSv1.3: somebody has tampered with the handshake"},
		{"the mark of a downgrade to TLS 1.1", hello12(mark(downgradeTLS11)),
			iana.IllegalParameter, "server chose TLSv1.2 though it knows TLSv1.3: somebody has tampered with the handshake"},
		{"the mark of BoringSSL for clients of Java 11", hello12(mark(downgradeJDK11)),
			iana.IllegalParameter, "server chose TLSv1.2 though it knows TLSv1.3: somebody has tampered with the handshake"},
		{"renegotiation_info of another connection", hello12(replace(iana.RenegotiationInfo, 1, 7)),
			iana.HandshakeFailure, "server sent renegotiation_info of a connection that it does not have"},
		{"renegotiation_info without its length", hello12(replace(iana.RenegotiationInfo)),
			iana.DecodeError, "server_hello: extension renegotiation_info: renegotiated_connection: 1 bytes wanted, 0 there"},
		{"extended_master_secret with contents", hello12(replace(iana.ExtendedMasterSecret, 0)),
			iana.DecodeError, "server_hello: extension extended_master_secret: 1 bytes left over"},
		{"extended_master_secret twice", hello12(add(iana.ExtendedMasterSecret)),
			iana.DecodeError, "server_hello: extension extended_master_secret: there twice"},
		{"an extension that was not offered, twice", hello12(add(0x1234), add(0x1234)),
			iana.DecodeError, "server_hello: extension 0x1234: there twice"},
		{"a certificate on a curve that was not offered", withServer12{key: testpeer.KeyP256, config: func(c *Config) { c.Groups12 = []iana.Group{iana.X25519, iana.Secp384r1} }},
			iana.IllegalParameter, "server's certificate has a key on secp256r1, which was not offered for TLSv1.2"},
		{"a ticket that nobody wanted", hello12(add(iana.SessionTicket)),
			iana.UnsupportedExtension, "server_hello: extension session_ticket: was not offered"},
		{"encrypt_then_mac, which was not offered", hello12(add(iana.EncryptThenMAC)),
			iana.UnsupportedExtension, "server_hello: extension encrypt_then_mac: was not offered"},
		{"ALPN that was not offered", hello12(add(iana.ApplicationLayerProtocolNegotiation, 0, 3, 2, 'h', '2')),
			iana.UnsupportedExtension, "server_hello: extension application_layer_protocol_negotiation: was not offered"},
		{"a protocol that was not offered", withServer12{config: offerALPN, edit: on(iana.ServerHello, add(iana.ApplicationLayerProtocolNegotiation, 0, 3, 2, 'h', '3'))},
			iana.IllegalParameter, `server chose application protocol "h3", which was not offered`},
		{"status_request that was not offered", hello12(add(iana.StatusRequest)),
			iana.UnsupportedExtension, "server_hello: extension status_request: was not offered"},
		{"an extension that nobody knows", hello12(add(0x1234)),
			iana.UnsupportedExtension, "server_hello: extension 0x1234: was not offered"},
		{"an extension that has no place in a ServerHello, and was not offered either", hello12(add(iana.Cookie, 0, 1, 7)),
			iana.UnsupportedExtension, "server_hello: extension cookie: was not offered"},
		{"early_data, which was not offered", hello12(add(iana.EarlyData)),
			iana.UnsupportedExtension, "server_hello: extension early_data: was not offered"},
		{"a key share", hello12(add(iana.KeyShare, keyShare(iana.X25519, make([]byte, 32)...)...)),
			iana.IllegalParameter, "server_hello: extension key_share: does not belong here"},
		{"point formats without the one that there is", hello12(add(iana.ECPointFormats, 1, 1)),
			iana.IllegalParameter, "server_hello: extension ec_point_formats: ec_point_format_list: no uncompressed"},
		{"a second ServerHello", in(func(p *toClient) { p.feed(p.ServerHello(), p.ServerHello()) }),
			iana.UnexpectedMessage, "server sent server_hello where certificate is expected"},

		// Certificate.
		{"no certificate", in(func(p *toClient) { p.feed(p.ServerHello(), p.ServerKeyExchange()) }),
			iana.UnexpectedMessage, "server sent server_key_exchange where certificate is expected"},
		{"an empty chain", withServer12{edit: on(iana.Certificate, testpeer.Body(0, 0, 0))},
			iana.DecodeError, "server sent an empty certificate chain"},
		{"an empty certificate", withServer12{edit: on(iana.Certificate, testpeer.Body(0, 0, 3, 0, 0, 0))},
			iana.DecodeError, "certificate: entry 0: empty"},
		{"a certificate that cannot be read", withServer12{edit: on(iana.Certificate, testpeer.Body(0, 0, 4, 0, 0, 1, 0))},
			iana.DecodeError, "certs: certificate 0 of the chain: not a certificate: x509: malformed certificate"},
		{"a certificate of nobody known", withServer12{server: func(s *testpeer.ScriptServer12) { s.Identity = stranger(t) }},
			iana.UnknownCA, `verify: certificate of "CN=localhost" is signed by itself and not trusted`},
		{"an ECDSA key for an RSA suite", withServer12{suite: ecdheRSA},
			iana.IllegalParameter, "server's certificate has a key of type ECDSA, which does not fit TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		{"an Ed25519 key for an RSA suite", withServer12{suite: ecdheRSA, key: testpeer.KeyEd25519},
			iana.IllegalParameter, "server's certificate has a key of type Ed25519, which does not fit TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		{"an RSA key for an ECDSA suite", withServer12{key: testpeer.KeyRSA2048},
			iana.IllegalParameter, "server's certificate has a key of type RSA, which does not fit TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"},
		{"a key for PSS alone where it has to decrypt", withServer12{suite: rsaOnly, key: testpeer.KeyRSAPSS2048},
			iana.UnsupportedCertificate, `verify: certificate of "CN=localhost" does not allow its key to be used for key encipherment`},
		{"a key for PSS alone, though its certificate lets it encipher", withServer12{suite: rsaOnly, server: usage(t, testpeer.KeyRSAPSS2048, x509.KeyUsageKeyEncipherment)},
			iana.IllegalParameter, "server's certificate has a key of type RSA-PSS, which does not fit TLS_RSA_WITH_AES_128_CBC_SHA"},
		{"an RSA key that must not encipher", rsa(withServer12{suite: rsaOnly, server: usage(t, testpeer.KeyRSA2048, x509.KeyUsageDigitalSignature)}),
			iana.UnsupportedCertificate, `verify: certificate of "CN=localhost" does not allow its key to be used for key encipherment`},
		{"an RSA key that must not sign", rsa(withServer12{server: usage(t, testpeer.KeyRSA2048, x509.KeyUsageKeyEncipherment)}),
			iana.UnsupportedCertificate, `verify: certificate of "CN=localhost" does not allow its key to be used for signatures`},
		{"an ECDSA key that must not sign", withServer12{server: usage(t, testpeer.KeyP256, x509.KeyUsageKeyAgreement)},
			iana.UnsupportedCertificate, `verify: certificate of "CN=localhost" does not allow its key to be used for signatures`},

		// CertificateStatus.
		{"an OCSP response that was not announced", withServer12{config: wantsOCSP, flight: func(p *toClient) {
			p.feed(p.ServerHello(), p.Certificate(), p.CertificateStatus([]byte("ocsp")))
		}},
			iana.UnexpectedMessage, "server sent certificate_status where server_key_exchange is expected"},
		{"two OCSP responses", withServer12{config: wantsOCSP, edit: on(iana.ServerHello, add(iana.StatusRequest)), flight: func(p *toClient) {
			p.feed(p.ServerHello(), p.Certificate(), p.CertificateStatus([]byte("ocsp")), p.CertificateStatus([]byte("ocsp")))
		}},
			iana.UnexpectedMessage, "server sent certificate_status where server_key_exchange is expected"},
		{"an OCSP response of another kind", withServer12{config: wantsOCSP,
			edit: testpeer.Edits(on(iana.ServerHello, add(iana.StatusRequest)), on(iana.CertificateStatus, testpeer.Body(9, 0, 0, 1, 1))),
			flight: func(p *toClient) {
				p.feed(p.ServerHello(), p.Certificate(), p.CertificateStatus([]byte("ocsp")))
			}},
			iana.DecodeError, "certificate_status: status_type: 9 is not ocsp"},

		// ServerKeyExchange for ECDHE.
		{"no ServerKeyExchange", in(func(p *toClient) { p.feed(p.ServerHello(), p.Certificate(), p.ServerHelloDone()) }),
			iana.UnexpectedMessage, "server sent server_hello_done where server_key_exchange is expected"},
		{"two ServerKeyExchanges", in(func(p *toClient) {
			p.feed(p.ServerHello(), p.Certificate(), p.ServerKeyExchange(), p.ServerKeyExchange())
		}),
			iana.UnexpectedMessage, "server sent server_key_exchange where certificate_request or server_hello_done is expected"},
		{"a ServerKeyExchange for RSA", rsa(withServer12{suite: rsaOnly, flight: func(p *toClient) {
			p.feed(p.ServerHello(), p.Certificate(), p.ServerKeyExchange())
		}}),
			iana.UnexpectedMessage, "server sent server_key_exchange where certificate_request or server_hello_done is expected"},
		{"a curve that was not offered", withServer12{server: func(s *testpeer.ScriptServer12) { s.Group = iana.Secp384r1 }},
			iana.IllegalParameter, "server chose group secp384r1, which was not offered for TLSv1.2"},
		{"a curve that nobody knows", withServer12{server: point(0x1234, make([]byte, 32)...)},
			iana.IllegalParameter, "server chose group 0x1234, which was not offered for TLSv1.2"},
		{"a hybrid group", withServer12{server: point(iana.X25519MLKEM768, make([]byte, 200)...)},
			iana.IllegalParameter, "server chose group X25519MLKEM768, which was not offered for TLSv1.2"},
		{"an explicit curve", keyExchange(testpeer.Body(1, 0, 29, 1, 0)),
			iana.IllegalParameter, "server_key_exchange: curve_type: 1 is not named_curve"},
		{"an empty point", withServer12{server: point(iana.X25519)},
			iana.DecodeError, "server_key_exchange: point: empty"},
		{"a short point", withServer12{server: point(iana.X25519, make([]byte, 31)...)},
			iana.IllegalParameter, "kex: peer's x25519 key share has 31 bytes instead of 32"},
		{"a long point", withServer12{server: point(iana.X25519, make([]byte, 33)...)},
			iana.IllegalParameter, "kex: peer's x25519 key share has 33 bytes instead of 32"},
		{"x25519 of zeros", withServer12{server: point(iana.X25519, make([]byte, 32)...)},
			iana.IllegalParameter, "kex: peer's x25519 key share of 32 bytes gives an all-zero secret"},
		{"a point of zeros", withServer12{server: point(iana.Secp256r1, make([]byte, 65)...)},
			iana.IllegalParameter, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"a point that is not on the curve", withServer12{server: point(iana.Secp256r1, append([]byte{4}, make([]byte, 64)...)...)},
			iana.IllegalParameter, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},
		{"a compressed point", withServer12{server: point(iana.Secp256r1, append([]byte{2}, make([]byte, 32)...)...)},
			iana.IllegalParameter, "kex: peer's secp256r1 key share has 33 bytes instead of 65"},
		{"a point in infinity", withServer12{server: point(iana.Secp256r1, 0)},
			iana.IllegalParameter, "kex: peer's secp256r1 key share has 1 bytes instead of 65"},
		{"a scheme that was not offered", withServer12{server: signs(iana.ECDSASecp384r1SHA384)},
			iana.IllegalParameter, "server signed by ecdsa_secp384r1_sha384, which was not offered"},
		{"SHA-1", withServer12{server: signs(iana.ECDSASHA1)},
			iana.IllegalParameter, "server signed by ecdsa_sha1, which was not offered"},
		{"PKCS #1 to a client that wants PSS", rsa(withServer12{server: signs(iana.RSAPKCS1SHA256), config: func(c *Config) { c.Schemes12 = c.Schemes12[:3] }}),
			iana.IllegalParameter, "server signed by rsa_pkcs1_sha256, which was not offered"},
		{"PKCS #1 that is called PSS", rsa(withServer12{server: signs(iana.RSAPKCS1SHA256), edit: on(iana.ServerKeyExchange, labelled(iana.RSAPSSRSAESHA256))}),
			iana.DecryptError, "server's signature of its key exchange does not verify: sig: peer's rsa_pss_rsae_sha256 signature of 256 bytes is not valid for an RSA key of 2048 bits"},
		{"PSS that is called PKCS #1", rsa(withServer12{server: signs(iana.RSAPSSRSAESHA256), edit: on(iana.ServerKeyExchange, labelled(iana.RSAPKCS1SHA256))}),
			iana.DecryptError, "server's signature of its key exchange does not verify: sig: peer's rsa_pkcs1_sha256 signature of 256 bytes is not valid for an RSA key of 2048 bits"},
		{"a scheme that does not fit the key", keyExchange(labelled(iana.RSAPSSRSAESHA256)),
			iana.IllegalParameter, "server signed by rsa_pss_rsae_sha256, which does not fit the key of its certificate"},
		{"a scheme for another curve's keys", keyExchange(labelled(iana.Ed25519)),
			iana.IllegalParameter, "server signed by ed25519, which does not fit the key of its certificate"},
		{"a scheme that nobody knows", keyExchange(labelled(0x0999)),
			iana.IllegalParameter, "server signed by 0x0999, which was not offered"},
		{"a bit of the signature", keyExchange(flip(-1)),
			iana.DecryptError, "server's signature of its key exchange does not verify: sig: peer's ecdsa_secp256r1_sha256 signature of 71 bytes is not valid for an ECDSA key on P-256"},
		{"a bit of what is signed", keyExchange(flip(20)),
			iana.DecryptError, "server's signature of its key exchange does not verify: sig: peer's ecdsa_secp256r1_sha256 signature of 71 bytes is not valid for an ECDSA key on P-256"},
		{"the signature of another random", withServer12{edit: on(iana.ServerKeyExchange, flip(9))},
			iana.DecryptError, "server's signature of its key exchange does not verify: sig: peer's ecdsa_secp256r1_sha256 signature of 71 bytes is not valid for an ECDSA key on P-256"},
		{"an empty signature", keyExchange(func(msg []byte) []byte { return testpeer.Body(append(msg[4:42:42], 0, 0)...)(msg) }),
			iana.DecryptError, "server's signature of its key exchange does not verify: sig: peer's ecdsa_secp256r1_sha256 signature of 0 bytes is not valid for an ECDSA key on P-256"},
		{"bytes behind the signature", keyExchange(longer(0)),
			iana.DecodeError, "server_key_exchange: 1 bytes left over"},
		{"half a signature", keyExchange(testpeer.Cut(20)),
			iana.DecodeError, "server_key_exchange: signature: 71 bytes wanted, 51 there"},

		// ServerKeyExchange for DHE.
		{"a prime of 1024 bits", dh(append([]byte{0x80}, make([]byte, 127)...), []byte{2}, []byte{2}),
			iana.InsufficientSecurity, "kex: DH group of 1024 bits: prime has less than 2048 bits"},
		{"a prime of 2047 bits", dh(append([]byte{0x7f}, make([]byte, 255)...), []byte{2}, []byte{2}),
			iana.InsufficientSecurity, "kex: DH group of 2047 bits: prime has less than 2048 bits"},
		{"a prime of 1", dh([]byte{1}, []byte{2}, []byte{2}),
			iana.InsufficientSecurity, "kex: DH group of 1 bits: prime has less than 2048 bits"},
		{"a prime of 0", dh([]byte{0}, []byte{2}, []byte{2}),
			iana.InsufficientSecurity, "kex: DH group of 0 bits: prime has less than 2048 bits"},
		{"an even prime", dh(less(ffdhe2048.P(), 1), []byte{2}, []byte{2}),
			iana.IllegalParameter, "kex: DH group of 2048 bits: modulus is not a prime"},
		{"an odd number that is no prime", dh(less(ffdhe2048.P(), 2), []byte{2}, []byte{2}),
			iana.IllegalParameter, "kex: DH group of 2048 bits: modulus is not a prime"},
		{"a prime of 65537 bits", dh(append([]byte{1}, make([]byte, 8<<10)...), []byte{2}, []byte{2}),
			iana.IllegalParameter, "kex: DH group of 65537 bits: prime has more than 8192 bits"},
		{"a generator of 1", dh(ffdhe2048.P(), []byte{1}, []byte{2}),
			iana.IllegalParameter, "kex: DH group of 2048 bits: generator is not in 2 to p-2"},
		{"a generator of p - 1", dh(ffdhe2048.P(), less(ffdhe2048.P(), 1), []byte{2}),
			iana.IllegalParameter, "kex: DH group of 2048 bits: generator is not in 2 to p-2"},
		{"a public value of 0", dh(ffdhe2048.P(), []byte{2}, []byte{0}),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is 0"},
		{"a public value of 1", dh(ffdhe2048.P(), []byte{2}, []byte{0, 1}),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is 1"},
		{"a public value of p - 1", dh(ffdhe2048.P(), []byte{2}, less(ffdhe2048.P(), 1)),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is the prime minus 1"},
		{"a public value of p", dh(ffdhe2048.P(), []byte{2}, ffdhe2048.P()),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is not below the prime"},
		{"a public value above p", dh(ffdhe2048.P(), []byte{2}, append([]byte{1}, ffdhe2048.P()...)),
			iana.HandshakeFailure, "kex: DH group ffdhe2048: peer's public value is not below the prime"},
		{"an empty public value", dh(ffdhe2048.P(), []byte{2}, nil),
			iana.DecodeError, "server_key_exchange: dh_Ys: empty"},
		{"an empty prime", dh(nil, []byte{2}, []byte{2}),
			iana.DecodeError, "server_key_exchange: dh_p: empty"},
		{"bytes behind DHE's signature", rsa(withServer12{suite: dheRSA, edit: on(iana.ServerKeyExchange, longer(0))}),
			iana.DecodeError, "server_key_exchange: 1 bytes left over"},
		{"a bit of DHE's signature", rsa(withServer12{suite: dheRSA, edit: on(iana.ServerKeyExchange, flip(-1))}),
			iana.DecryptError, "server's signature of its key exchange does not verify: sig: peer's rsa_pss_rsae_sha256 signature of 256 bytes is not valid for an RSA key of 2048 bits"},
		{"small parameters with a bad signature", withServer12{suite: dheRSA, key: testpeer.KeyRSA2048, edit: on(iana.ServerKeyExchange, flip(-1)),
			server: func(s *testpeer.ScriptServer12) {
				s.Params = wire.AppendServerDHParams(nil, []byte{7}, []byte{2}, []byte{2})
			}},
			iana.DecryptError, "server's signature of its key exchange does not verify: sig: peer's rsa_pss_rsae_sha256 signature of 256 bytes is not valid for an RSA key of 2048 bits"},

		// CertificateRequest and ServerHelloDone.
		{"CertificateRequest to a client that does not allow it", withServer12{request: true, config: noClientCertificate},
			iana.UnexpectedMessage, "server asks for a client certificate, which this client does not allow"},
		{"no CertificateRequest to a client that insists on it", withServer12{config: requiredCertificate},
			iana.HandshakeFailure, "server asks for no client certificate, which this client requires"},
		{"CertificateRequest twice", in(func(p *toClient) { p.flight(); p.feed(p.CertificateRequest(), p.CertificateRequest()) }),
			iana.UnexpectedMessage, "server sent certificate_request where server_hello_done is expected"},
		{"CertificateRequest before ServerKeyExchange", in(func(p *toClient) { p.feed(p.ServerHello(), p.Certificate(), p.CertificateRequest()) }),
			iana.UnexpectedMessage, "server sent certificate_request where server_key_exchange is expected"},
		{"CertificateRequest without a type", withServer12{request: true, edit: on(iana.CertificateRequest, testpeer.Body(0, 0, 2, 8, 7, 0, 0))},
			iana.DecodeError, "certificate_request: certificate_types: empty"},
		{"CertificateRequest without a scheme", withServer12{request: true, edit: on(iana.CertificateRequest, testpeer.Body(1, 64, 0, 0, 0, 0))},
			iana.DecodeError, "certificate_request: supported_signature_algorithms: 0 bytes are no list of two-byte values"},
		{"CertificateRequest without schemes, as in TLS 1.1", withServer12{request: true, edit: on(iana.CertificateRequest, testpeer.Body(1, 64, 0, 0))},
			iana.DecodeError, "certificate_request: supported_signature_algorithms: 0 bytes are no list of two-byte values"},
		{"ServerHelloDone with the beginning of a ticket behind it", withServer12{edit: on(iana.ServerHelloDone, func(msg []byte) []byte { return append(msg, 4) })},
			iana.UnexpectedMessage, "server sent more after server_hello_done in the same record"},
		{"ServerHelloDone with contents", withServer12{edit: on(iana.ServerHelloDone, longer(0))},
			iana.DecodeError, "server sent a server_hello_done of 1 bytes, more than 0"},
		{"a Finished instead of ServerHelloDone", in(func(p *toClient) { p.flight(); p.feed(finished12) }),
			iana.UnexpectedMessage, "server sent finished where certificate_request or server_hello_done is expected"},

		// change_cipher_spec.
		{"change_cipher_spec at once", in(func(p *toClient) { p.feed(nil) }),
			iana.UnexpectedMessage, "server sent change_cipher_spec where server_hello is expected"},
		{"change_cipher_spec before there are keys", in(func(p *toClient) { p.feed(p.ServerHello(), nil) }),
			iana.UnexpectedMessage, "server sent change_cipher_spec where certificate is expected"},
		{"change_cipher_spec instead of ServerHelloDone", in(func(p *toClient) { p.flight(); p.feed(nil) }),
			iana.UnexpectedMessage, "server sent change_cipher_spec where certificate_request or server_hello_done is expected"},
		{"change_cipher_spec twice", ends(func(p *toClient) { p.feed(nil, nil) }),
			iana.UnexpectedMessage, "server sent change_cipher_spec where finished is expected"},
		{"change_cipher_spec in the middle of a message", in(func(p *toClient) { p.feed(p.ServerHello(), p.Certificate()[:100], nil) }),
			iana.UnexpectedMessage, "server sent change_cipher_spec in the middle of a handshake message"},
		{"change_cipher_spec behind the first byte of a message", ends(func(p *toClient) { p.feed([]byte{20}, nil) }),
			iana.UnexpectedMessage, "server sent finished where change_cipher_spec is expected"},

		// Finished.
		{"Finished before change_cipher_spec", ends(func(p *toClient) { p.feed(p.ScriptServer12.Finished()) }),
			iana.UnexpectedMessage, "server sent finished where change_cipher_spec is expected"},
		{"Finished without protection behind change_cipher_spec", ends(func(p *toClient) { p.feed(nil, p.ScriptServer12.Finished()) }),
			iana.UnexpectedMessage, "handshake bytes of the initial epoch came in the application epoch"},
		{"a bit of Finished", withServer12{edit: on(iana.Finished, flip(-1))},
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
		{"a short Finished", withServer12{edit: on(iana.Finished, testpeer.Cut(1))},
			iana.DecodeError, "server sent a Finished of 11 bytes, not 12"},
		{"a long Finished", withServer12{edit: on(iana.Finished, longer(0))},
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
		{"a Finished of no bytes", withServer12{edit: on(iana.Finished, testpeer.Body())},
			iana.DecodeError, "server sent a Finished of 0 bytes, not 12"},
		{"the client's own Finished", ends(func(p *toClient) {
			p.ccs()
			p.feed(append([]byte{20, 0, 0, 12}, p.ClientVerify...))
		}),
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
		{"bytes behind Finished", ends(func(p *toClient) { p.ccs(); p.feed(append(p.ScriptServer12.Finished(), 0)) }),
			iana.UnexpectedMessage, "server sent 1 bytes after finished in the same record, where keys change"},
		{"a ticket that was not announced", ends(func(p *toClient) { p.feed([]byte{4, 0, 0, 7, 0, 0, 0, 1, 0, 1, 9}) }),
			iana.UnexpectedMessage, "server sent new_session_ticket where change_cipher_spec is expected"},

		// After the handshake.
		{"a HelloRequest with contents", ends(func(p *toClient) { p.ending(); p.feed([]byte{0, 0, 0, 1, 7}) }),
			iana.DecodeError, "server sent a hello_request of 1 bytes, more than 0"},
		{"33 HelloRequests", ends(func(p *toClient) {
			p.ending()
			for range 33 {
				p.feed(helloRequest)
			}
		}),
			iana.UnexpectedMessage, "server sent 33 hello_requests without application data in between"},
		{"a HelloRequest in the handshake, to a client that never renegotiates", withServer12{config: neverRenegotiates,
			flight: func(p *toClient) { p.feed(p.ServerHello(), helloRequest) }},
			iana.UnexpectedMessage, "server sent hello_request where certificate is expected"},
		{"a HelloRequest to a client that never renegotiates", withServer12{config: neverRenegotiates, ending: func(p *toClient) { p.ending(); p.feed(helloRequest) }},
			iana.NoRenegotiation, "server wants to renegotiate, which this client never does"},
		{"a ServerHello after the handshake", ends(func(p *toClient) { p.ending(); p.feed(p.ServerHello()) }),
			iana.UnexpectedMessage, "server sent server_hello where hello_request or client_hello is expected"},
		{"a ClientHello of the server", ends(func(p *toClient) { p.ending(); p.feed([]byte{1, 0, 0, 0}) }),
			iana.UnexpectedMessage, "server sent client_hello"},
		{"change_cipher_spec after the handshake", ends(func(p *toClient) { p.ending(); p.feed(nil) }),
			iana.UnexpectedMessage, "server sent change_cipher_spec where hello_request or client_hello is expected"},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := c.server.play(t)
			defer p.side.close()
			p.failsWith(t, p.events, p.err, c.alert, c.sentence)
		})
	}
}
