package handshake

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestServerMistakes is what a client says of a server that does wrong.
func TestServerMistakes(t *testing.T) {
	for _, c := range []struct {
		what     string
		server   withServer
		alert    iana.Alert
		sentence string
	}{
		// ServerHello.
		{"ServerHello of TLS 1.2", serverHello(drop(iana.SupportedVersions), drop(iana.KeyShare)),
			iana.ProtocolVersion, "server chose TLSv1.2, this client's policy begins with TLSv1.3"},
		{"ServerHello of TLS 1.1", serverHello(change(func(p *parts) { p.Version, p.Extensions = iana.TLS11, nil })),
			iana.ProtocolVersion, "server chose TLSv1.1, this client offers TLSv1.3"},
		{"ServerHello of TLS 1.2 after a HelloRetryRequest", secondServerHello(drop(iana.SupportedVersions)),
			iana.IllegalParameter, "server chose TLSv1.2 after HelloRetryRequest"},
		{"a version that was not offered", serverHello(replace(iana.SupportedVersions, 3, 5)),
			iana.IllegalParameter, "server chose 0x0305 in supported_versions, which was not offered"},
		{"such a version, with an extension and a group that were not offered", serverHello(replace(iana.SupportedVersions, 3, 5), add(0x1234), replace(iana.KeyShare)),
			iana.IllegalParameter, "server chose 0x0305 in supported_versions, which was not offered"},
		{"TLS 1.2 in supported_versions", serverHello(replace(iana.SupportedVersions, 3, 3)),
			iana.IllegalParameter, "server_hello: extension supported_versions: TLSv1.2 is before TLSv1.3"},
		{"legacy_version of SSL 3.0", serverHello(version(iana.SSL30)),
			iana.ProtocolVersion, "server sent legacy_version SSLv3, with which no version of TLS begins"},
		{"legacy_version of a version to come", serverHello(version(0x0305)),
			iana.IllegalParameter, "server sent legacy_version 0x0305, which no version of TLS bears"},
		{"HelloRetryRequest with legacy_version of SSL 3.0", retryRequest(version(iana.SSL30)),
			iana.ProtocolVersion, "server sent legacy_version SSLv3, with which no version of TLS begins"},
		{"another session ID", serverHello(change(func(p *parts) { p.SessionID[31] ^= 1 })),
			iana.IllegalParameter, "server did not echo legacy_session_id"},
		{"no session ID", serverHello(sessionID()),
			iana.IllegalParameter, "server did not echo legacy_session_id"},
		{"a session ID that was not sent", withServer{config: withoutCompatibility, edit: on(iana.ServerHello, sessionID(1))},
			iana.IllegalParameter, "server did not echo legacy_session_id"},
		{"compression", serverHello(compression(1)),
			iana.DecodeError, "server_hello: legacy_compression_method: not null"},
		{"a suite that was not offered", serverHello(choose(iana.TLS_AES_256_GCM_SHA384)),
			iana.IllegalParameter, "server chose cipher suite TLS_AES_256_GCM_SHA384, which was not offered"},
		{"a suite that nobody knows", serverHello(choose(0x1399)),
			iana.IllegalParameter, "server chose cipher suite 0x1399, which was not offered"},
		{"a suite of TLS 1.2", withServer{edit: on(iana.ServerHello, choose(iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)), config: offersTLS12Suite},
			iana.IllegalParameter, "server chose cipher suite TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, which was not offered"},
		{"another suite than HelloRetryRequest had", secondServerHello(choose(iana.TLS_CHACHA20_POLY1305_SHA256)),
			iana.IllegalParameter, "server chose cipher suite TLS_CHACHA20_POLY1305_SHA256 after TLS_AES_128_GCM_SHA256 in HelloRetryRequest"},
		{"an extension that was not offered", serverHello(add(iana.PreSharedKey, 0, 0)),
			iana.UnsupportedExtension, "server_hello: extension pre_shared_key: was not offered"},
		{"an extension that belongs elsewhere", serverHello(add(iana.SupportedGroups, 0, 2, 0, 0x1d)),
			iana.IllegalParameter, "server_hello: extension supported_groups: does not belong here"},
		{"an extension twice", serverHello(add(iana.SupportedVersions, 3, 4)),
			iana.IllegalParameter, "server_hello: extension supported_versions: there twice"},

		// The key share.
		{"no key share", serverHello(drop(iana.KeyShare)),
			iana.MissingExtension, "server sent no key_share"},
		{"a share of a group that was not sent", serverHello(replace(iana.KeyShare, keyShare(iana.Secp256r1, make([]byte, 65)...)...)),
			iana.IllegalParameter, "server chose group secp256r1, for which no key share was sent"},
		{"a share of another group than HelloRetryRequest asked for", secondServerHello(replace(iana.KeyShare, keyShare(iana.X25519, make([]byte, 32)...)...)),
			iana.IllegalParameter, "server chose group x25519, for which no key share was sent"},
		{"a short share", serverHello(replace(iana.KeyShare, keyShare(iana.X25519, make([]byte, 31)...)...)),
			iana.IllegalParameter, "kex: peer's x25519 key share has 31 bytes instead of 32"},
		{"a long share", serverHello(replace(iana.KeyShare, keyShare(iana.X25519, make([]byte, 33)...)...)),
			iana.IllegalParameter, "kex: peer's x25519 key share has 33 bytes instead of 32"},
		{"an empty share", serverHello(replace(iana.KeyShare, keyShare(iana.X25519)...)),
			iana.DecodeError, "server_hello: extension key_share: key_exchange: empty"},
		{"a share of zeros", serverHello(replace(iana.KeyShare, keyShare(iana.X25519, make([]byte, 32)...)...)),
			iana.IllegalParameter, "kex: peer's x25519 key share of 32 bytes gives an all-zero secret"},
		{"a share that is not on the curve", secondServerHello(flip(-1)),
			iana.IllegalParameter, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},

		// HelloRetryRequest.
		{"a second HelloRetryRequest", withServer{retries: []retry{toP256, {0, []byte("cookie")}}},
			iana.UnexpectedMessage, "server sent a second HelloRetryRequest"},
		{"HelloRetryRequest for a group that was not offered", withServer{retries: []retry{{iana.Secp384r1, nil}}},
			iana.IllegalParameter, "server asks for a key share for secp384r1, which was not offered"},
		{"HelloRetryRequest for a share that was sent", withServer{retries: []retry{{iana.X25519, nil}}},
			iana.IllegalParameter, "server asks for a key share for x25519, which it had"},
		{"HelloRetryRequest for a share that was sent, with a cookie", withServer{retries: []retry{{iana.X25519, []byte("cookie")}}},
			iana.IllegalParameter, "server asks for a key share for x25519, which it had"},
		{"HelloRetryRequest that changes nothing", withServer{retries: []retry{{0, nil}}},
			iana.IllegalParameter, "server sent a HelloRetryRequest that changes nothing"},
		{"HelloRetryRequest with an empty cookie", withServer{retries: []retry{{iana.Secp256r1, []byte{}}}},
			iana.DecodeError, "hello_retry_request: extension cookie: cookie: empty"},
		{"HelloRetryRequest without a version", retryRequest(drop(iana.SupportedVersions)),
			iana.MissingExtension, "hello_retry_request: no supported_versions"},
		{"HelloRetryRequest of a version that was not offered", retryRequest(replace(iana.SupportedVersions, 3, 5)),
			iana.IllegalParameter, "server chose 0x0305 in supported_versions, which was not offered"},
		{"HelloRetryRequest of a suite that was not offered", retryRequest(choose(iana.TLS_AES_256_GCM_SHA384)),
			iana.IllegalParameter, "server chose cipher suite TLS_AES_256_GCM_SHA384, which was not offered"},
		{"HelloRetryRequest with another session ID", retryRequest(sessionID()),
			iana.IllegalParameter, "server did not echo legacy_session_id"},
		{"HelloRetryRequest with an extension that was not offered", retryRequest(add(0x1234)),
			iana.UnsupportedExtension, "hello_retry_request: extension 0x1234: was not offered"},
		{"HelloRetryRequest with a key share in it", retryRequest(replace(iana.KeyShare, keyShare(iana.Secp256r1, make([]byte, 65)...)...)),
			iana.DecodeError, "hello_retry_request: extension key_share: 67 bytes left over"},
		{"HelloRetryRequest with the beginning of ServerHello behind it", retryRequest(func(msg []byte) []byte { return append(msg, 2) }),
			iana.UnexpectedMessage, "server sent more after HelloRetryRequest in the same record"},
		{"HelloRetryRequest with ServerHello behind it", retryRequest(func(msg []byte) []byte { return append(msg, 2, 0, 0, 0) }),
			iana.UnexpectedMessage, "server sent more after HelloRetryRequest in the same record"},

		// EncryptedExtensions.
		{"ALPN that was not offered", encryptedExtensions(add(iana.ApplicationLayerProtocolNegotiation, 0, 3, 2, 'h', '2')),
			iana.UnsupportedExtension, "encrypted_extensions: extension application_layer_protocol_negotiation: was not offered"},
		{"a protocol that was not offered", withServer{config: offerALPN, server: func(s *testpeer.ScriptServer) { s.ALPN = "h3" }},
			iana.IllegalParameter, `server chose application protocol "h3", which was not offered`},
		{"two protocols", withServer{config: offerALPN, edit: on(iana.EncryptedExtensions, add(iana.ApplicationLayerProtocolNegotiation, 0, 6, 2, 'h', '2', 2, 'h', '2'))},
			iana.DecodeError, "encrypted_extensions: extension application_layer_protocol_negotiation: protocol_name_list: more than one name"},
		{"an unsolicited extension", encryptedExtensions(add(iana.RecordSizeLimit, 0x40, 1)),
			iana.UnsupportedExtension, "encrypted_extensions: extension record_size_limit: was not offered"},
		{"an unknown extension", encryptedExtensions(add(0x1234)),
			iana.UnsupportedExtension, "encrypted_extensions: extension 0x1234: was not offered"},
		{"a key share in EncryptedExtensions", encryptedExtensions(add(iana.KeyShare)),
			iana.IllegalParameter, "encrypted_extensions: extension key_share: does not belong here"},
		{"early data that was not offered", encryptedExtensions(add(iana.EarlyData)),
			iana.UnsupportedExtension, "encrypted_extensions: extension early_data: was not offered"},
		{"server_name with contents", encryptedExtensions(add(iana.ServerName, 0)),
			iana.DecodeError, "encrypted_extensions: extension server_name: 1 bytes left over"},

		// CertificateRequest.
		{"CertificateRequest to a client that does not allow it", withServer{request: true, config: noClientCertificate},
			iana.UnexpectedMessage, "server asks for a client certificate, which this client does not allow"},
		{"no CertificateRequest to a client that insists on it", withServer{config: requiredCertificate},
			iana.HandshakeFailure, "server asks for no client certificate, which this client requires"},
		{"CertificateRequest without signature_algorithms", certificateRequest(drop(iana.SignatureAlgorithms)),
			iana.MissingExtension, "certificate_request: no signature_algorithms"},
		{"CertificateRequest with a context", certificateRequest(context(1, 2)),
			iana.IllegalParameter, "server sent a certificate_request_context of 2 bytes in the handshake"},
		{"CertificateRequest with a key share", certificateRequest(add(iana.KeyShare)),
			iana.IllegalParameter, "certificate_request: extension key_share: does not belong here"},

		// Certificate.
		{"an empty chain", certificateOf(0, 0, 0, 0),
			iana.DecodeError, "server sent an empty certificate chain"},
		{"an empty certificate", certificateOf(0, 0, 0, 5, 0, 0, 0, 0, 0),
			iana.DecodeError, "certificate: entry 0: cert_data: empty"},
		{"a certificate that cannot be read", certificateOf(0, 0, 0, 6, 0, 0, 1, 0, 0, 0),
			iana.DecodeError, "certs: certificate 0 of the chain: not a certificate: x509: malformed certificate"},
		{"a certificate with a context", certificateOf(1, 7, 0, 0, 0),
			iana.IllegalParameter, "server sent a certificate_request_context of 1 bytes with its certificate"},
		{"an OCSP response that was not asked for", certificateOf(0, 0, 0, 15, 0, 0, 1, 0, 0, 9, 0, 5, 0, 5, 1, 0, 0, 1, 0),
			iana.UnsupportedExtension, "certificate: entry 0: extension status_request: was not offered"},
		{"a chain that was not issued by anybody known", withServer{server: func(s *testpeer.ScriptServer) { s.Identity = stranger(t) }},
			iana.UnknownCA, `verify: certificate of "CN=localhost" is signed by itself and not trusted`},

		// CertificateVerify.
		{"a scheme that was not offered", withServer{key: testpeer.KeyP256, config: onlyEd25519},
			iana.IllegalParameter, "server signed by ecdsa_secp256r1_sha256, which was not offered"},
		{"a scheme that nobody knows", signedBy(testpeer.KeyEd25519, flip(4)),
			iana.IllegalParameter, "server signed by 0x0907, which was not offered"},
		{"a scheme that does not fit the key", signedBy(testpeer.KeyP256, scheme(iana.Ed25519)),
			iana.IllegalParameter, "server signed by ed25519, which does not fit its certificate's ECDSA key"},
		{"PKCS #1 in TLS 1.3", withServer{key: testpeer.KeyRSA2048, config: offersPKCS1forChains, server: func(s *testpeer.ScriptServer) { s.Scheme = iana.RSAPKCS1SHA256 }},
			iana.IllegalParameter, "server signed by rsa_pkcs1_sha256, which was not offered"},
		{"a bit of the Ed25519 signature", signedBy(testpeer.KeyEd25519, flip(-1)),
			iana.DecryptError, "server's signature does not verify: sig: peer's ed25519 signature of 64 bytes is not valid for an Ed25519 key of 32 bytes"},
		{"a bit of the ECDSA signature", signedBy(testpeer.KeyP256, flip(-1)),
			iana.DecryptError, "server's signature does not verify: sig: peer's ecdsa_secp256r1_sha256 signature of 72 bytes is not valid for an ECDSA key on P-256"},
		{"a bit of the RSA signature", signedBy(testpeer.KeyRSA2048, flip(-1)),
			iana.DecryptError, "server's signature does not verify: sig: peer's rsa_pss_rsae_sha256 signature of 256 bytes is not valid for an RSA key of 2048 bits"},
		{"an empty signature", signedBy(testpeer.KeyEd25519, testpeer.Body(8, 7, 0, 0)),
			iana.DecryptError, "server's signature does not verify: sig: peer's ed25519 signature of 0 bytes is not valid for an Ed25519 key of 32 bytes"},
		{"the signature of another handshake", signedBy(testpeer.KeyEd25519, testpeer.Body(append([]byte{8, 7, 0, 64}, make([]byte, 64)...)...)),
			iana.DecryptError, "server's signature does not verify: sig: peer's ed25519 signature of 64 bytes is not valid for an Ed25519 key of 32 bytes"},

		// Finished.
		{"a bit of Finished", withServer{edit: on(iana.Finished, flip(7))},
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
		{"a short Finished", withServer{edit: on(iana.Finished, testpeer.Cut(1))},
			iana.DecodeError, "server sent a Finished of 31 bytes, not 32"},
		{"an empty Finished", withServer{edit: on(iana.Finished, testpeer.Body())},
			iana.DecodeError, "server sent a Finished of 0 bytes, not 32"},
		{"a long Finished", withServer{edit: on(iana.Finished, func(msg []byte) []byte { return testpeer.Body(append(msg[4:], 0)...)(msg) })},
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
		{"a Finished of the other hash", withServer{edit: on(iana.Finished, testpeer.Body(make([]byte, 48)...))},
			iana.DecryptError, "server sent a Finished that does not fit the handshake"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, _, events, err := c.server.play(t)
			defer s.close()
			s.failsWith(t, events, err, c.alert, c.sentence)
		})
	}
}
