package handshake

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/policy"
)

// Short names for the tables of mistakes. Those of package testpeer change one message.
var (
	on      = testpeer.On
	onRetry = testpeer.OnRetry
	change  = testpeer.Change
	drop    = testpeer.Drop
	replace = testpeer.Replace
	add     = testpeer.Add
	flip    = testpeer.Flip
)

type parts = testpeer.Parts

func version(v iana.Version) testpeer.Edit { return change(func(p *parts) { p.Version = v }) }

func sessionID(id ...byte) testpeer.Edit { return change(func(p *parts) { p.SessionID = id }) }

func compression(methods ...byte) testpeer.Edit {
	return change(func(p *parts) { p.Compression = methods })
}

func context(c ...byte) testpeer.Edit { return change(func(p *parts) { p.Context = c }) }

func suites(list ...byte) testpeer.Edit { return change(func(p *parts) { p.Suites = list }) }

func choose(id iana.CipherSuite) testpeer.Edit { return suites(byte(id>>8), byte(id)) }

// scheme is what a CertificateVerify says of its signature.
func scheme(id iana.SignatureScheme) testpeer.Edit {
	return func(msg []byte) []byte {
		msg[4], msg[5] = byte(id>>8), byte(id)
		return msg
	}
}

// keyShare is the contents of the key_share of a ServerHello.
func keyShare(g iana.Group, share ...byte) []byte {
	return append([]byte{byte(g >> 8), byte(g), byte(len(share) >> 8), byte(len(share))}, share...)
}

// shares is the contents of the key_share of a ClientHello, of one share for each group, all of
// n zeros.
func shares(n int, groups ...iana.Group) []byte {
	var list []byte
	for _, g := range groups {
		list = append(list, keyShare(g, make([]byte, n)...)...)
	}
	return append([]byte{byte(len(list) >> 8), byte(len(list))}, list...)
}

// preSharedKey is an offer of one PSK.
func preSharedKey() []byte {
	return append([]byte{0, 7, 0, 1, 'x', 0, 0, 0, 0, 0, 33, 32}, make([]byte, 32)...)
}

// toP256 is a HelloRetryRequest that a client of these tests answers.
var toP256 = retry{iana.Secp256r1, nil}

// serverHello and alike are handshakes in which one message of the server is changed.
func serverHello(e ...testpeer.Edit) withServer {
	return withServer{edit: on(iana.ServerHello, testpeer.Edits(e...))}
}

func secondServerHello(e ...testpeer.Edit) withServer {
	return withServer{retries: []retry{toP256}, edit: on(iana.ServerHello, testpeer.Edits(e...))}
}

func retryRequest(e ...testpeer.Edit) withServer {
	return withServer{retries: []retry{toP256}, edit: onRetry(testpeer.Edits(e...))}
}

func encryptedExtensions(e ...testpeer.Edit) withServer {
	return withServer{edit: on(iana.EncryptedExtensions, testpeer.Edits(e...))}
}

func certificateRequest(e ...testpeer.Edit) withServer {
	return withServer{request: true, edit: on(iana.CertificateRequest, testpeer.Edits(e...))}
}

func certificateOf(body ...byte) withServer {
	return withServer{edit: on(iana.Certificate, testpeer.Body(body...))}
}

func signedBy(key testpeer.KeyKind, e ...testpeer.Edit) withServer {
	return withServer{key: key, edit: on(iana.CertificateVerify, testpeer.Edits(e...))}
}

// wrongHello and secondHello are handshakes in which a ClientHello is changed, the latter the one
// after a HelloRetryRequest only.
func wrongHello(e ...testpeer.Edit) withClient {
	return withClient{edit: on(iana.ClientHello, testpeer.Edits(e...))}
}

func secondHello(e ...testpeer.Edit) withClient {
	return withClient{config: wantsP256, second: testpeer.Edits(e...)}
}

// withCertificate is a handshake in which a message of type t, of a client that shows a
// certificate, is changed.
func withCertificate(t iana.Message, e testpeer.Edit) withClient {
	return withClient{config: optionalCertificate, edit: on(t, e)}
}

// What a Config can want.

func noClientCertificate(c *Config)  { c.ClientAuth = NoClientAuth }
func optionalCertificate(c *Config)  { c.ClientAuth = OptionalClientAuth }
func requiredCertificate(c *Config)  { c.ClientAuth = RequireClientAuth }
func withoutCompatibility(c *Config) { c.NoCompatibility = true }
func offerALPN(c *Config)            { c.ALPN = []string{"h2", "http/1.1"} }
func onlyEd25519(c *Config)          { c.Schemes = []iana.SignatureScheme{iana.Ed25519} }

func offersPKCS1forChains(c *Config) {
	c.OfferedSchemes = append(c.OfferedSchemes, iana.RSAPKCS1SHA256)
}

func offersTLS12Suite(c *Config) {
	c.Suites = append(c.Suites, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
}

func curves(groups ...iana.Group) func(*Config) {
	return func(c *Config) { c.Groups = policy.LocalGroups{Curves: groups} }
}

var wantsP256 = curves(iana.Secp256r1)

// offersKEMs and prefersKEMs have two groups of which the client sends no share.
func offersKEMs(c *testpeer.ScriptClient) {
	c.Groups = []iana.Group{iana.X25519, iana.X25519MLKEM768, iana.MLKEM1024}
}

func prefersKEMs(c *Config) {
	c.Groups = policy.LocalGroups{KEM: []iana.Group{iana.X25519MLKEM768, iana.MLKEM1024}}
}

// stranger is an identity of an authority that nobody trusts.
func stranger(t testing.TB) *testpeer.Issued {
	t.Helper()
	id, err := testpeer.SelfSigned([]byte("stranger"), testpeer.Template{DNSNames: []string{"localhost"}, Key: testpeer.KeyEd25519})
	if err != nil {
		t.Fatal(err)
	}
	return id
}
