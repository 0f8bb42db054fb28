//go:build unix

package interop

import (
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// suites12 are the cipher suites of TLS 1.2 that openssl and our policies both have, by our name and
// by openssl's.
var suites12 = [][2]string{
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"},
	{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
	{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
	{"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
	{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
	{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
	{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"},
	{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384"},
	{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
	{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
	{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
	{"TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA"},
	{"TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "DHE-RSA-AES256-SHA"},
	{"TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "DHE-RSA-AES128-SHA256"},
	{"TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "DHE-RSA-AES256-SHA256"},
	{"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "DHE-RSA-AES128-GCM-SHA256"},
	{"TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384"},
	{"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
	{"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
	{"TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"},
	{"TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"},
	{"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
	{"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
}

// suites12Elsewhere are those of the policies' cipher suites of TLS 1.2 that openssl is built without,
// and other peers show.
var suites12Elsewhere = []string{
	"TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
}

// policiesOf12 returns the policies that negotiate TLS 1.2.
func policiesOf12(t testing.TB) (policies []*policy.Policy) {
	t.Helper()
	for _, name := range policy.Names() {
		p, err := policy.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Supports(iana.TLS12) {
			policies = append(policies, p)
		}
	}
	return policies
}

// policyWith returns the name of a policy that has a suite and restricts nothing else about
// certificates.
func policyWith(t testing.TB, suite string) string {
	t.Helper()
	for _, p := range policiesOf12(t) {
		if p.CertificateKeys == nil && p.CertificateSignatureSchemes == nil && slices.ContainsFunc(p.Suites(iana.TLS12),
			func(s iana.CipherSuite) bool { return s.String() == suite }) {
			return p.Name
		}
	}
	t.Fatalf("no policy has %s", suite)
	return ""
}

// TestSuites12AreAll holds the lists above against the policies.
func TestSuites12AreAll(t *testing.T) {
	listed := map[string]bool{}
	for _, suite := range suites12 {
		listed[suite[0]] = true
	}
	for _, suite := range suites12Elsewhere {
		listed[suite] = true
	}
	found := map[string]bool{}
	for _, p := range policiesOf12(t) {
		for _, suite := range p.Suites(iana.TLS12) {
			if found[suite.String()] = true; !listed[suite.String()] {
				t.Errorf("%s of %s is in no test", suite, p.Name)
			}
		}
	}
	if len(found) != len(listed) {
		t.Errorf("the tests have %d suites, the policies %d", len(listed), len(found))
	}
}

// A scheme12 is a signature scheme of TLS 1.2 by our name and by openssl's, with the certificate for
// it.
type scheme12 struct{ name, openssl, identity string }

// schemes12 are the schemes for each kind of key exchange. Static RSA has no signature.
var schemes12 = map[string][]scheme12{
	"TLS_ECDHE_ECDSA": {
		{"ecdsa_sha1", "ECDSA+SHA1", "p256"},
		{"ecdsa_sha224", "ECDSA+SHA224", "p256"},
		{"ecdsa_secp256r1_sha256", "ECDSA+SHA256", "p256"},
		{"ecdsa_secp384r1_sha384", "ECDSA+SHA384", "p256"},
		{"ecdsa_secp521r1_sha512", "ECDSA+SHA512", "p256"},
		{"ed25519", "ed25519", "ed25519"},
	},
	"TLS_ECDHE_RSA": rsaSchemes12,
	"TLS_DHE_RSA":   rsaSchemes12,
	"TLS_RSA":       {{"", "", "rsa"}},
}

var rsaSchemes12 = []scheme12{
	{"rsa_pkcs1_sha1", "RSA+SHA1", "rsa"},
	{"rsa_pkcs1_sha224", "RSA+SHA224", "rsa"},
	{"rsa_pkcs1_sha256", "RSA+SHA256", "rsa"},
	{"rsa_pkcs1_sha384", "RSA+SHA384", "rsa"},
	{"rsa_pkcs1_sha512", "RSA+SHA512", "rsa"},
	{"rsa_pss_rsae_sha256", "rsa_pss_rsae_sha256", "rsa"},
	{"rsa_pss_rsae_sha384", "rsa_pss_rsae_sha384", "rsa"},
	{"rsa_pss_rsae_sha512", "rsa_pss_rsae_sha512", "rsa"},
	{"rsa_pss_pss_sha256", "rsa_pss_pss_sha256", "rsapss"},
	{"rsa_pss_pss_sha384", "rsa_pss_pss_sha384", "rsapss"},
	{"rsa_pss_pss_sha512", "rsa_pss_pss_sha512", "rsapss"},
}

// A combination is what one handshake of TLS 1.2 is to use.
type combination struct {
	suite  [2]string
	scheme scheme12
	group  [2]string
}

// name is that of a subtest.
func (c combination) name() string {
	return strings.TrimSuffix(strings.Join([]string{c.scheme.name, c.scheme.identity, c.group[1]}, " "), " ")
}

// report is what our side is to tell of it.
func (c combination) report() report {
	return report{Version: "TLSv1.2", CipherSuite: c.suite[0], Group: c.group[1]}
}

// combinations returns what there is for a suite.
func combinations(suite [2]string) (all []combination) {
	exchange, _, _ := strings.Cut(suite[0], "_WITH_")
	for _, scheme := range schemes12[exchange] {
		if strings.HasPrefix(exchange, "TLS_ECDHE") {
			for _, group := range groups {
				all = append(all, combination{suite, scheme, group})
			}
		} else {
			all = append(all, combination{suite, scheme, [2]string{}})
		}
	}
	return all
}

// withCurve adds the curve of the ECDSA certificate to a group: TLS 1.2 has it among the groups of the
// client.
func withCurve(group, curve, separator string) string {
	if group == curve {
		return group
	}
	return group + separator + curve
}

// everyScheme12 lets us have all of the schemes.
var everyScheme12 = func() []string {
	names := []string{}
	for _, scheme := range append(slices.Clone(schemes12["TLS_ECDHE_ECDSA"]), rsaSchemes12...) {
		names = append(names, scheme.name)
	}
	return []string{"--schemes", strings.Join(names, ",")}
}()

// TestSuites12 has each suite of TLS 1.2 with each group and each scheme, with data in several records.
func TestSuites12(t *testing.T) {
	SkipUnderRace(t)
	for _, suite := range suites12 {
		t.Run(suite[0], func(t *testing.T) {
			t.Parallel()
			cipher := suite[1] + ":@SECLEVEL=0"
			chosen := []string{"--ciphers", policyWith(t, suite[0])}
			ours := map[string]*server{}
			theirs := map[string]int{}
			for _, c := range combinations(suite) {
				if ours[c.scheme.identity] == nil {
					// P-256 comes last: clients that want another group have it as well.
					ours[c.scheme.identity] = serve(t, slices.Concat(with(t, c.scheme.identity), chosen, everyScheme12,
						[]string{"--groups", "x25519,secp521r1,secp384r1,secp256r1", "--https-bench", "40000"})...)
					_, theirs[c.scheme.identity] = sServer(t, c.scheme.identity, "-tls1_2", "-cipher", cipher)
				}
				t.Run(c.name()+" from s_client", func(t *testing.T) {
					options := []string{"-tls1_2", "-cipher", cipher}
					if c.scheme.name != "" {
						options = append(options, "-sigalgs", c.scheme.openssl)
					}
					if c.group[0] != "" {
						options = append(options, "-groups", withCurve(c.group[0], "P-256", ":"))
					}
					got := sClient(t, ours[c.scheme.identity].port, request, options...)
					if n := strings.Count(got.Stdout, "s2ngo benchmark "); n != 40000/16 {
						t.Fatalf("s_client ended with %d and %d bytes: %s", got.Code, n*16, got.Stderr)
					}
					want := c.report()
					want.SignatureScheme = c.scheme.name
					ours[c.scheme.identity].next().expect(t, want)
				})
				t.Run(c.name()+" to s_server", func(t *testing.T) {
					options := slices.Concat(chosen, []string{"--echo"})
					if c.scheme.name != "" {
						options = append(options, "--schemes", c.scheme.name)
					}
					if c.group[1] != "" {
						options = append(options, "--groups", withCurve(c.group[1], "secp256r1", ","))
					}
					got := connect(t, theirs[c.scheme.identity], strings.Repeat(greeting, 5000), options...)
					if got.Code != 0 || got.Data != strings.Repeat(reversed, 5000) {
						t.Errorf("s2ngo-client ended with %d and %d bytes: %s", got.Code, len(got.Data), got.Stderr)
					}
					want := c.report()
					want.PeerSignatureScheme = c.scheme.name
					got.expect(t, want)
				})
			}
		})
	}
}
