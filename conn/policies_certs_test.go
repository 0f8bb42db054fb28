package conn

import (
	"crypto/x509"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/policy"
)

// built returns a policy of one's own.
func built(t testing.TB, b *policy.Builder) *policy.Policy {
	t.Helper()
	p, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// peerChains are chains that are wrong in one thing for somebody, by what they are.
func peerChains(t testing.TB) (byName map[string]*Certificate, roots *x509.CertPool) {
	byName, roots = map[string]*Certificate{}, x509.NewCertPool()
	for _, k := range []struct {
		name               string
		root, middle, leaf testpeer.KeyKind
		byRoot, byMiddle   x509.SignatureAlgorithm
	}{
		{"P-384 with SHA-384 all the way", testpeer.KeyP384, testpeer.KeyP384, testpeer.KeyP384, x509.ECDSAWithSHA384, x509.ECDSAWithSHA384},
		{"RSA-3072 with SHA-384 all the way", testpeer.KeyRSA3072, testpeer.KeyRSA3072, testpeer.KeyRSA3072, x509.SHA384WithRSA, x509.SHA384WithRSA},
		{"leaf signed with SHA-256", testpeer.KeyP384, testpeer.KeyP384, testpeer.KeyP384, x509.ECDSAWithSHA384, x509.ECDSAWithSHA256},
		{"intermediate signed with SHA-256", testpeer.KeyP384, testpeer.KeyP384, testpeer.KeyP384, x509.ECDSAWithSHA256, x509.ECDSAWithSHA384},
		{"leaf signed with RSA-PSS", testpeer.KeyRSA3072, testpeer.KeyRSA3072, testpeer.KeyRSA3072, x509.SHA384WithRSA, x509.SHA384WithRSAPSS},
		{"leaf of RSA-2048", testpeer.KeyP384, testpeer.KeyP384, testpeer.KeyRSA2048, x509.ECDSAWithSHA384, x509.ECDSAWithSHA384},
		{"leaf of P-256", testpeer.KeyP384, testpeer.KeyP384, testpeer.KeyP256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA384},
		{"intermediate of P-256", testpeer.KeyP384, testpeer.KeyP256, testpeer.KeyP384, x509.ECDSAWithSHA384, x509.ECDSAWithSHA384},
		{"root of P-256", testpeer.KeyP256, testpeer.KeyP384, testpeer.KeyP384, x509.ECDSAWithSHA384, x509.ECDSAWithSHA384},
	} {
		authority, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: []byte(k.name), Name: "root", Key: k.root})
		if err != nil {
			t.Fatal(err)
		}
		roots.AddCert(authority.Root())
		if authority, err = authority.Intermediate(testpeer.Template{CommonName: "middle", Key: k.middle, Signature: k.byRoot}); err != nil {
			t.Fatal(err)
		}
		issued, err := authority.Issue(testpeer.Template{CommonName: "leaf", DNSNames: []string{"localhost"}, Key: k.leaf, Signature: k.byMiddle})
		if err != nil {
			t.Fatal(err)
		}
		if byName[k.name], err = NewCertificate(issued.Chain, issued.Key); err != nil {
			t.Fatal(err)
		}
	}
	return byName, roots
}

// strictPolicies are what the tests of certificates go by; all restrict nothing else that
// keeps the chains from being shown at all.
func strictPolicies(t testing.TB) map[string]*policy.Policy {
	return map[string]*policy.Policy{
		"rfc9151": lookup(t, "rfc9151"),
		"keys":    built(t, policy.NewBuilder("keys").From("default").CertificateKeys(policy.KeyECDSAP384, policy.KeyRSA3072)),
		"schemes": built(t, policy.NewBuilder("schemes").From("default").CertificateSchemes(iana.ECDSASecp384r1SHA384)),
		"own": built(t, policy.NewBuilder("own").From("default").CertificateKeys(policy.KeyECDSAP384, policy.KeyRSA3072).
			CertificateSchemes(iana.ECDSASecp384r1SHA384).CheckOwnCertificates(true)),
		"default": lookup(t, "default"),
	}
}

// certificateCases say which of the peerChains a policy refuses, and in which words; ""
// accepts.
var certificateCases = []struct{ policy, chain, refusal string }{
	{"rfc9151", "P-384 with SHA-384 all the way", ""},
	{"rfc9151", "RSA-3072 with SHA-384 all the way", ""},
	{"rfc9151", "leaf signed with SHA-256", `certificate of "CN=leaf" is signed with ECDSA-SHA256, which the policy does not allow`},
	{"rfc9151", "intermediate signed with SHA-256", `certificate of "CN=middle" is signed with ECDSA-SHA256, which the policy does not allow`},
	{"rfc9151", "leaf signed with RSA-PSS", `certificate of "CN=leaf" is signed with SHA384-RSAPSS, which the policy does not allow`},
	{"rfc9151", "leaf of RSA-2048", `certificate of "CN=leaf" holds a key of type rsa_2048, which the policy does not allow`},
	{"rfc9151", "intermediate of P-256", `certificate of "CN=middle" holds a key of type ecdsa_p256, which the policy does not allow`},
	{"keys", "P-384 with SHA-384 all the way", ""},
	{"keys", "leaf signed with SHA-256", ""},
	{"keys", "leaf of P-256", `certificate of "CN=leaf" holds a key of type ecdsa_p256, which the policy does not allow`},
	{"keys", "leaf of RSA-2048", `certificate of "CN=leaf" holds a key of type rsa_2048, which the policy does not allow`},
	{"schemes", "leaf of P-256", ""},
	{"schemes", "leaf signed with SHA-256", `certificate of "CN=leaf" is signed with ECDSA-SHA256, which the policy does not allow`},
	{"default", "leaf signed with SHA-256", ""},
	{"default", "intermediate of P-256", ""},
}

func TestPolicyIsHeldAgainstThePeersChain(t *testing.T) {
	certs, roots := peerChains(t)
	policies := strictPolicies(t)
	cases := append(certificateCases[:len(certificateCases):len(certificateCases)],
		// One's own chain is not looked at up to its root.
		struct{ policy, chain, refusal string }{"rfc9151", "root of P-256", `certificate of "CN=root" holds a key of type ecdsa_p256, which the policy does not allow`})
	for _, c := range cases {
		for _, v := range []iana.Version{iana.TLS12, iana.TLS13} {
			pol := inVersion(policies[c.policy], v)
			lax := inVersion(policies["default"], v) // of the one who shows the chain
			judge, shown := failure{}, failure{}
			if c.refusal != "" {
				judge = failure{ErrProtocol, iana.BadCertificate, c.refusal}
				shown = failure{ErrAlert, iana.BadCertificate, "peer sent alert bad_certificate"}
			}
			t.Run(c.policy+" client, "+c.chain+", "+v.String(), func(t *testing.T) {
				p := newPair(t, &Config{SecurityPolicy: pol, RootCAs: roots, ServerName: "localhost"},
					&Config{SecurityPolicy: lax, Certificates: []*Certificate{certs[c.chain]}})
				cerr, serr := p.negotiate()
				judge.check(t, "client", cerr)
				shown.check(t, "server", serr)
			})
			t.Run(c.policy+" server, "+c.chain+", "+v.String(), func(t *testing.T) {
				p := newPair(t, &Config{SecurityPolicy: lax, RootCAs: roots, ServerName: "localhost", Certificates: []*Certificate{certs[c.chain]}},
					&Config{SecurityPolicy: pol, RootCAs: roots, ClientAuth: RequireClientAuth,
						Certificates: []*Certificate{certs["P-384 with SHA-384 all the way"]}})
				cerr, serr := p.negotiate()
				judge.check(t, "server", serr)
				if c.refusal == "" {
					shown.check(t, "client", cerr)
				} else if cerr == nil { // in TLS 1.3 it is done before it hears of that
					_, cerr = recvError(t, p.client)
				}
				shown.check(t, "client", cerr)
			})
		}
	}
}

// TestSkippedVerificationSkipsThePolicy holds that InsecureSkipVerify means what it says.
func TestSkippedVerificationSkipsThePolicy(t *testing.T) {
	certs, _ := peerChains(t)
	p := newPair(t, &Config{Policy: "rfc9151", ServerName: "localhost", InsecureSkipVerify: true},
		&Config{Certificates: []*Certificate{certs["leaf signed with SHA-256"]}})
	p.mustNegotiate(t)
}

func TestPolicyIsHeldAgainstOnesOwnChain(t *testing.T) {
	certs, roots := peerChains(t)
	policies := strictPolicies(t)
	flagged := map[string]bool{"rfc9151": true, "own": true}
	cases := append(certificateCases[:len(certificateCases):len(certificateCases)], []struct{ policy, chain, refusal string }{
		{"rfc9151", "root of P-256", ""}, // it is not sent
		{"rfc9151", "leaf of P-256", `certificate of "CN=leaf" holds a key of type ecdsa_p256, which the policy does not allow`},
		{"own", "P-384 with SHA-384 all the way", ""},
		{"own", "leaf of P-256", `certificate of "CN=leaf" holds a key of type ecdsa_p256, which the policy does not allow`},
		{"own", "intermediate signed with SHA-256", `certificate of "CN=middle" is signed with ECDSA-SHA256, which the policy does not allow`},
	}...)
	for _, c := range cases {
		want := failure{}
		if c.refusal != "" && flagged[c.policy] {
			want = failure{ErrUsage, 0, `certificate 1, for "CN=leaf", does not keep security policy "` + c.policy + `": verify: ` + c.refusal}
		}
		list := []*Certificate{certs["P-384 with SHA-384 all the way"], certs[c.chain]}
		cfg := &Config{SecurityPolicy: policies[c.policy], Certificates: list, RootCAs: roots}
		client, err := NewClient(nowhere, nowhere, cfg)
		want.check(t, c.policy+", "+c.chain+": NewClient", err)
		server, err := NewServer(nowhere, nowhere, cfg)
		want.check(t, c.policy+", "+c.chain+": NewServer", err)
		for _, made := range []*Conn{client, server} {
			if made != nil {
				made.Close()
			}
		}
	}
}

// TestPolicyIsHeldAgainstOnesOwnChainLater is for policies and certificates that come when
// the connection is there already.
func TestPolicyIsHeldAgainstOnesOwnChainLater(t *testing.T) {
	certs, roots := peerChains(t)
	good, bad := certs["P-384 with SHA-384 all the way"], certs["leaf signed with SHA-256"]
	const refusal = `is signed with ECDSA-SHA256, which the policy does not allow`

	t.Run("SetPolicy keeps the policy there was", func(t *testing.T) {
		p := newPair(t, &Config{RootCAs: roots, ServerName: "localhost"}, &Config{Certificates: []*Certificate{bad}})
		failure{ErrUsage, 0, refusal}.check(t, "SetPolicy", p.server.SetPolicy("rfc9151"))
		p.mustNegotiate(t)
		if s := p.server.State(); s.Policy != "default" {
			t.Errorf("policy is %q", s.Policy)
		}
	})
	t.Run("a Config chosen by the ClientHello", func(t *testing.T) {
		server := &Config{}
		server.OnClientHello = func(_ *Conn, _ *ClientHello, op *async.Op[*Config]) {
			op.Answer(&Config{Policy: "rfc9151", Certificates: []*Certificate{bad}})
		}
		p := newPair(t, &Config{Policy: "rfc9151", RootCAs: roots, ServerName: "localhost"}, server)
		cerr, serr := p.negotiate()
		failure{ErrInternal, iana.InternalError, refusal}.check(t, "server", serr)
		failure{ErrAlert, iana.InternalError, "internal_error"}.check(t, "client", cerr)
	})
	for _, v := range []iana.Version{iana.TLS12, iana.TLS13} {
		t.Run("a client certificate chosen by the request, "+v.String(), func(t *testing.T) {
			client := &Config{SecurityPolicy: inVersion(lookup(t, "rfc9151"), v), RootCAs: roots, ServerName: "localhost"}
			client.OnClientCertificate = func(_ *Conn, _ *CertificateRequest, op *async.Op[*Certificate]) { op.Answer(bad) }
			p := newPair(t, client, &Config{Certificates: []*Certificate{good}, RootCAs: roots, ClientAuth: RequireClientAuth})
			cerr, serr := p.negotiate()
			failure{ErrInternal, iana.InternalError, `the chosen certificate, for "CN=leaf", does not keep security policy "rfc9151": verify: certificate of "CN=leaf" ` + refusal}.check(t, "client", cerr)
			failure{ErrAlert, iana.InternalError, "internal_error"}.check(t, "server", serr)
		})
	}
}
