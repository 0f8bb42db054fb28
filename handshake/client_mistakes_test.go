package handshake

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestClientMistakes is what a server says of a client that does wrong, or that it has nothing in
// common with.
func TestClientMistakes(t *testing.T) {
	for _, c := range []struct {
		what     string
		client   withClient
		alert    iana.Alert
		sentence string
	}{
		// Versions.
		{"TLS 1.2 at most", wrongHello(drop(iana.SupportedVersions)),
			iana.ProtocolVersion, "client offers TLSv1.2 at most, this server's policy begins with TLSv1.3"},
		{"TLS 1.0 at most", wrongHello(change(func(p *parts) { p.Version, p.Extensions = iana.TLS10, nil })),
			iana.ProtocolVersion, "client offers TLSv1.0 at most, this server's policy begins with TLSv1.3"},
		{"legacy_version of TLS 1.3 alone", wrongHello(drop(iana.SupportedVersions), version(iana.TLS13)),
			iana.ProtocolVersion, "client offers TLSv1.2 at most, this server's policy begins with TLSv1.3"},
		{"old versions in supported_versions", wrongHello(replace(iana.SupportedVersions, 4, 3, 3, 3, 2)),
			iana.ProtocolVersion, "client offers no version of this server's policy: TLSv1.3"},
		{"no version in supported_versions", wrongHello(replace(iana.SupportedVersions, 0)),
			iana.DecodeError, "client_hello: extension supported_versions: versions: 0 bytes are no list of two-byte values"},
		{"TLS 1.3 with legacy_version of SSL 3.0", wrongHello(version(iana.SSL30)),
			iana.ProtocolVersion, "client sent legacy_version SSLv3, with which no version of TLS begins"},
		{"TLS 1.3 with legacy_version of SSL 2.0", wrongHello(version(0x0200)),
			iana.ProtocolVersion, "client sent legacy_version 0x0200, with which no version of TLS begins"},

		// What every hello must have.
		{"no signature_algorithms", wrongHello(drop(iana.SignatureAlgorithms)),
			iana.MissingExtension, "client sent no signature_algorithms"},
		{"no supported_groups", wrongHello(drop(iana.SupportedGroups)),
			iana.MissingExtension, "client sent no supported_groups"},
		{"no key_share", wrongHello(drop(iana.KeyShare)),
			iana.MissingExtension, "client sent no key_share"},
		{"compression", wrongHello(compression(1, 0)),
			iana.IllegalParameter, "client offers compression with TLSv1.3"},
		{"compression alone", wrongHello(compression(1)),
			iana.IllegalParameter, "client offers compression with TLSv1.3"},
		{"no compression method", wrongHello(compression()),
			iana.DecodeError, "client_hello: legacy_compression_methods: empty"},
		{"a session ID of 33 bytes", wrongHello(sessionID(make([]byte, 33)...)),
			iana.DecodeError, "client_hello: legacy_session_id: 33 bytes, more than 32"},
		{"no suites", wrongHello(suites()),
			iana.DecodeError, "client_hello: cipher_suites: 0 bytes are no list of two-byte values"},
		{"half a suite", wrongHello(suites(0x13, 1, 0x13)),
			iana.DecodeError, "client_hello: cipher_suites: 3 bytes are no list of two-byte values"},
		{"an extension twice", wrongHello(add(iana.ServerName, 0, 4, 0, 0, 1, 'x')),
			iana.DecodeError, "client_hello: extension server_name: there twice"},
		{"an unknown extension twice", wrongHello(add(0x1234), add(0x1234)),
			iana.DecodeError, "client_hello: extension 0x1234: there twice"},
		{"an extension that belongs elsewhere", wrongHello(add(iana.OIDFilters, 0, 0)),
			iana.IllegalParameter, "client_hello: extension oid_filters: does not belong here"},
		{"pre_shared_key before another extension", wrongHello(add(iana.PreSharedKey, preSharedKey()...), add(0x1234)),
			iana.IllegalParameter, "client_hello: extension pre_shared_key: not the last extension"},
		{"two names of one type", wrongHello(replace(iana.ServerName, 0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b')),
			iana.IllegalParameter, "client_hello: extension server_name: server_name_list: two host names"},

		// Key shares.
		{"a share of a group that is not among the groups", wrongHello(replace(iana.KeyShare, shares(97, iana.Secp384r1)...)),
			iana.IllegalParameter, "client sent a key share for secp384r1, which is not among its groups"},
		{"two shares of one group", wrongHello(replace(iana.KeyShare, shares(32, iana.X25519, iana.X25519)...)),
			iana.IllegalParameter, "client_hello: extension key_share: client_shares: group x25519 twice"},
		{"an empty share", wrongHello(replace(iana.KeyShare, shares(0, iana.X25519)...)),
			iana.DecodeError, "client_hello: extension key_share: client_shares: empty"},
		{"a short share", wrongHello(replace(iana.KeyShare, shares(31, iana.X25519)...)),
			iana.IllegalParameter, "kex: peer's x25519 key share has 31 bytes instead of 32"},
		{"a long share", wrongHello(replace(iana.KeyShare, shares(33, iana.X25519)...)),
			iana.IllegalParameter, "kex: peer's x25519 key share has 33 bytes instead of 32"},
		{"a share of zeros", wrongHello(replace(iana.KeyShare, shares(32, iana.X25519)...)),
			iana.IllegalParameter, "kex: peer's x25519 key share of 32 bytes gives an all-zero secret"},
		{"a point that is not on the curve", withClient{config: wantsP256, edit: on(iana.ClientHello, replace(iana.KeyShare, shares(65, iana.Secp256r1)...))},
			iana.IllegalParameter, "kex: peer's secp256r1 key share of 65 bytes is not an uncompressed point of the curve"},

		// Nothing in common.
		{"no common suite", withClient{client: func(c *testpeer.ScriptClient) { c.Suites = []iana.CipherSuite{iana.TLS_AES_256_GCM_SHA384, 0x1399} }},
			iana.HandshakeFailure, "client offers none of the cipher suites of this server's policy for TLSv1.3"},
		{"suites of TLS 1.2 alone", withClient{
			client: func(c *testpeer.ScriptClient) {
				c.Suites = []iana.CipherSuite{iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
			},
			config: offersTLS12Suite},
			iana.HandshakeFailure, "client offers none of the cipher suites of this server's policy for TLSv1.3"},
		{"no common group", withClient{config: curves(iana.Secp521r1)},
			iana.HandshakeFailure, "client offers none of the groups of this server's policy"},
		{"no scheme for the certificate", withClient{client: func(c *testpeer.ScriptClient) { c.Schemes = []iana.SignatureScheme{iana.RSAPSSRSAESHA256} }},
			iana.HandshakeFailure, "client offers no signature scheme for any certificate of this server"},
		{"no protocol in common", withClient{config: offerALPN, client: func(c *testpeer.ScriptClient) { c.ALPN = []string{"h3"} }},
			iana.NoApplicationProtocol, `client offers none of this server's application protocols ["h2" "http/1.1"]`},
		{"an empty protocol", withClient{config: offerALPN, client: func(c *testpeer.ScriptClient) { c.ALPN = []string{"h2", ""} }},
			iana.DecodeError, "client_hello: extension application_layer_protocol_negotiation: protocol_name_list: empty"},

		// The second hello (RFC 8446, Section 4.1.2).
		{"second hello with another version", secondHello(version(iana.TLS13)),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with another random", secondHello(change(func(p *parts) { p.Random[0] ^= 1 })),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with another session ID", secondHello(change(func(p *parts) { p.SessionID[0] ^= 1 })),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello without a session ID", secondHello(sessionID()),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with other suites", secondHello(change(func(p *parts) { p.Suites = p.Suites[:2] })),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with the suites in another order", secondHello(change(func(p *parts) { p.Suites = append(p.Suites[2:4:4], p.Suites[:2]...) })),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with compression", secondHello(compression(0, 1)),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with another name", secondHello(replace(iana.ServerName, 0, 4, 0, 0, 1, 'x')),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello without the name", secondHello(drop(iana.ServerName)),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with other versions", secondHello(replace(iana.SupportedVersions, 4, 3, 4, 3, 3)),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with other groups", secondHello(replace(iana.SupportedGroups, 0, 2, 0, 0x17)),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with other schemes", secondHello(replace(iana.SignatureAlgorithms, 0, 2, 8, 7)),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with ALPN", secondHello(add(iana.ApplicationLayerProtocolNegotiation, 0, 3, 2, 'h', '2')),
			iana.IllegalParameter, "client changed its ClientHello after HelloRetryRequest in more than key shares"},
		{"second hello with early data", secondHello(add(iana.EarlyData)),
			iana.IllegalParameter, "client offers early data after HelloRetryRequest"},
		{"second hello with the first one's share", secondHello(replace(iana.KeyShare, shares(32, iana.X25519)...)),
			iana.IllegalParameter, "client sent no key share for secp256r1, which HelloRetryRequest asked for"},
		{"second hello without a share", secondHello(replace(iana.KeyShare, shares(0)...)),
			iana.IllegalParameter, "client sent no key share for secp256r1, which HelloRetryRequest asked for"},
		{"second hello without key_share", secondHello(drop(iana.KeyShare)),
			iana.MissingExtension, "client sent no key_share"},
		{"second hello with the share of a group that is preferred to the one asked for",
			withClient{config: prefersKEMs, client: offersKEMs, second: replace(iana.KeyShare, shares(1568, iana.MLKEM1024)...)},
			iana.IllegalParameter, ""},

		// Certificate.
		{"no certificate where one is required", withClient{config: requiredCertificate, empty: true},
			iana.CertificateRequired, "client sent no certificate, which this server requires"},
		{"a certificate with a context", withCertificate(iana.Certificate, testpeer.Body(1, 7, 0, 0, 0)),
			iana.IllegalParameter, "client echoes a certificate_request_context that was not sent"},
		{"a certificate with an extension that was not asked for", withCertificate(iana.Certificate, testpeer.Body(0, 0, 0, 15, 0, 0, 1, 0, 0, 9, 0, 5, 0, 5, 1, 0, 0, 1, 0)),
			iana.UnsupportedExtension, "certificate: entry 0: extension status_request: was not offered"},
		{"a certificate that cannot be read", withCertificate(iana.Certificate, testpeer.Body(0, 0, 0, 6, 0, 0, 1, 0, 0, 0)),
			iana.DecodeError, "certs: certificate 0 of the chain: not a certificate: x509: malformed certificate"},
		{"a certificate of nobody known", withClient{config: optionalCertificate, client: func(c *testpeer.ScriptClient) { c.Identity = stranger(t) }},
			iana.UnknownCA, `verify: certificate of "CN=localhost" is signed by itself and not trusted`},

		// CertificateVerify.
		{"a scheme that was not offered", withCertificate(iana.CertificateVerify, scheme(iana.ECDSASecp384r1SHA384)),
			iana.IllegalParameter, "client signed by ecdsa_secp384r1_sha384, which was not offered"},
		{"a scheme that does not fit the key", withCertificate(iana.CertificateVerify, scheme(iana.ECDSASecp256r1SHA256)),
			iana.IllegalParameter, "client signed by ecdsa_secp256r1_sha256, which does not fit its certificate's Ed25519 key"},
		{"a bit of the signature", withCertificate(iana.CertificateVerify, flip(-1)),
			iana.DecryptError, "client's signature does not verify: sig: peer's ed25519 signature of 64 bytes is not valid for an Ed25519 key of 32 bytes"},
		{"a signature of no bytes", withCertificate(iana.CertificateVerify, testpeer.Body(8, 7, 0, 0)),
			iana.DecryptError, "client's signature does not verify: sig: peer's ed25519 signature of 0 bytes is not valid for an Ed25519 key of 32 bytes"},

		// Finished.
		{"a bit of Finished", withClient{edit: on(iana.Finished, flip(7))},
			iana.DecryptError, "client sent a Finished that does not fit the handshake"},
		{"a bit of Finished after a certificate", withCertificate(iana.Finished, flip(-1)),
			iana.DecryptError, "client sent a Finished that does not fit the handshake"},
		{"a short Finished", withClient{edit: on(iana.Finished, testpeer.Cut(1))},
			iana.DecodeError, "client sent a Finished of 31 bytes, not 32"},
		{"an empty Finished", withClient{edit: on(iana.Finished, testpeer.Body())},
			iana.DecodeError, "client sent a Finished of 0 bytes, not 32"},
		{"a long Finished", withClient{edit: on(iana.Finished, func(msg []byte) []byte { return testpeer.Body(append(msg[4:], 0)...)(msg) })},
			iana.DecryptError, "client sent a Finished that does not fit the handshake"},
	} {
		t.Run(c.what, func(t *testing.T) {
			s, _, events, err := c.client.play(t)
			defer s.close()
			s.failsWith(t, events, err, c.alert, c.sentence)
		})
	}
}
