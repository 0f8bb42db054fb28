package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestEachPolicyKeepsTheRulesItClaims(t *testing.T) {
	claims := map[Rule]int{}
	for _, e := range registry {
		for _, r := range e.policy.Rules {
			claims[r]++
		}
		for _, v := range e.policy.Violations() {
			t.Errorf("%s: %s", e.name, v)
		}
	}
	if claims[PerfectForwardSecrecy] != 35+24+len(own) || claims[FIPS140_3] != 24 {
		t.Errorf("claims are %v", claims)
	}
}

func TestForwardSecrecyIsThatOfTheSnapshot(t *testing.T) {
	for name, f := range readSnapshot(t).CipherSuites {
		if s := iana.CipherSuite(code(t, f.Code)); isForwardSecret(s) != f.ForwardSecret {
			t.Errorf("%s: forward secret is %t, want %t", name, isForwardSecret(s), f.ForwardSecret)
		}
	}
}

func TestFIPSSchemesAreThoseWithAnApprovedHash(t *testing.T) {
	for name, f := range readSnapshot(t).SignatureSchemes {
		if s := iana.SignatureScheme(code(t, f.Code)); isFIPSScheme(s) != (f.Hash != "SHA1") {
			t.Errorf("%s: approved is %t, its hash is %s", name, isFIPSScheme(s), f.Hash)
		}
	}
}

func TestFIPSGroupsAreThoseWithAnApprovedLeadingShare(t *testing.T) {
	s := readSnapshot(t)
	for name, f := range s.Groups {
		if g := iana.Group(code(t, f.Code)); isFIPSCurve(g) != (name != "x25519") {
			t.Errorf("%s: approved is %t", name, isFIPSCurve(g))
		}
	}
	for name, f := range s.KEMGroups {
		leadsWithKEM := f.KEMFirst || f.Curve == ""
		want := leadsWithKEM && (f.KEM == "ML-KEM-768" || f.KEM == "ML-KEM-1024") || !leadsWithKEM && f.Curve != "x25519"
		if g := iana.Group(code(t, f.Code)); isFIPSKEMGroup(g) != want {
			t.Errorf("%s: approved is %t, want %t", name, isFIPSKEMGroup(g), want)
		}
	}
}

func TestCheckNamesWhatBreaksARule(t *testing.T) {
	sound := func() *Policy {
		return &Policy{
			MinVersion: iana.TLS12, MaxVersion: iana.TLS13,
			CipherSuites:     []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
			SignatureSchemes: []iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.Ed25519, iana.MLDSA87},
			Curves:           []iana.Group{iana.Secp256r1},
			KEMGroups:        []iana.Group{iana.X25519MLKEM768, iana.MLKEM1024},
			Rules:            []Rule{FIPS140_3, PerfectForwardSecrecy},
		}
	}
	for _, c := range []struct {
		says  string
		spoil func(p *Policy)
		want  []string
	}{
		{"nothing is wrong", func(*Policy) {}, nil},
		{"a suite has RSA key exchange",
			func(p *Policy) { p.CipherSuites = append(p.CipherSuites, iana.TLS_RSA_WITH_AES_128_GCM_SHA256) },
			[]string{
				"cipher suite #3, TLS_RSA_WITH_AES_128_GCM_SHA256, breaks fips_140_3: NIST SP 800-52r2 does not list the suite",
				"cipher suite #3, TLS_RSA_WITH_AES_128_GCM_SHA256, breaks perfect_forward_secrecy: the key exchange is not ephemeral",
			}},
		{"a suite has no name",
			func(p *Policy) { p.CipherSuites[0] = 0xc0ff },
			[]string{
				"cipher suite #1, 0xc0ff, breaks fips_140_3: NIST SP 800-52r2 does not list the suite",
				"cipher suite #1, 0xc0ff, breaks perfect_forward_secrecy: the key exchange is not ephemeral",
			}},
		{"ChaCha20 is forward secret and not approved",
			func(p *Policy) { p.CipherSuites[1] = iana.TLS_CHACHA20_POLY1305_SHA256 },
			[]string{"cipher suite #2, TLS_CHACHA20_POLY1305_SHA256, breaks fips_140_3: NIST SP 800-52r2 does not list the suite"}},
		{"the policy begins with TLS 1.1",
			func(p *Policy) { p.MinVersion = iana.TLS11 },
			[]string{"minimum version TLSv1.1 breaks fips_140_3: only TLS 1.2 and later are approved"}},
		{"a handshake may be signed with SHA-1",
			func(p *Policy) { p.SignatureSchemes[1] = iana.ECDSASHA1 },
			[]string{"signature scheme #2, ecdsa_sha1, breaks fips_140_3: the hash or the signature is not approved"}},
		{"a certificate may be signed with SHA-1",
			func(p *Policy) { p.CertificateSignatureSchemes = []iana.SignatureScheme{iana.RSAPKCS1SHA1} },
			[]string{"certificate signature scheme #1, rsa_pkcs1_sha1, breaks fips_140_3: the hash or the signature is not approved"}},
		{"X25519 alone is not approved, only behind ML-KEM",
			func(p *Policy) { p.Curves = append(p.Curves, iana.X25519) },
			[]string{"curve #2, x25519, breaks fips_140_3: NIST SP 800-56Ar3 does not list the curve"}},
		{"a KEM group is too small",
			func(p *Policy) { p.KEMGroups[1] = iana.MLKEM512 },
			[]string{"KEM group #2, MLKEM512, breaks fips_140_3: the leading share is not of an approved scheme"}},
		{"a rule does not exist",
			func(p *Policy) { p.Rules = []Rule{77} },
			[]string{"rule Rule(77): there is no such rule"}},
		{"a rule that is not claimed is not checked",
			func(p *Policy) { p.Rules, p.CipherSuites[0] = nil, iana.TLS_RSA_WITH_RC4_128_MD5 }, nil},
	} {
		p := sound()
		c.spoil(p)
		var got []string
		for _, v := range p.Violations() {
			got = append(got, v.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: violations are\n%s\nwant\n%s", c.says, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

func TestCheckFindsEachEntryOfAPolicyThatClaimsNothing(t *testing.T) {
	p, err := Lookup("CloudFront-SSL-v-3")
	if err != nil {
		t.Fatal(err)
	}
	var ours []string
	for _, v := range PerfectForwardSecrecy.Check(p) {
		if p.CipherSuites[v.Index].String() != v.Entry || v.Rule != PerfectForwardSecrecy || v.Field != "cipher suite" {
			t.Errorf("violation is %+v", v)
		}
		ours = append(ours, v.Entry)
	}
	var want []string
	for _, s := range p.CipherSuites {
		if strings.HasPrefix(s.String(), "TLS_RSA_") {
			want = append(want, s.String())
		}
	}
	if len(want) == 0 || !slices.Equal(ours, want) {
		t.Errorf("violations are %q, want %q", ours, want)
	}
	if v := FIPS140_3.Check(p); len(v) == 0 || v[0].Field != "minimum version" {
		t.Errorf("violations of fips_140_3 are %v", v)
	}
}

func TestRuleAndKeyNames(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{PerfectForwardSecrecy.String(), "perfect_forward_secrecy"},
		{FIPS140_3.String(), "fips_140_3"},
		{Rule(0).String(), "Rule(0)"},
		{KeyRSA1024.String(), "rsa_1024"},
		{KeyRSA2048.String(), "rsa_2048"},
		{KeyRSA3072.String(), "rsa_3072"},
		{KeyRSA4096.String(), "rsa_4096"},
		{KeyRSAPSS1024.String(), "rsa_pss_1024"},
		{KeyRSAPSS2048.String(), "rsa_pss_2048"},
		{KeyRSAPSS3072.String(), "rsa_pss_3072"},
		{KeyRSAPSS4096.String(), "rsa_pss_4096"},
		{KeyECDSAP256.String(), "ecdsa_p256"},
		{KeyECDSAP384.String(), "ecdsa_p384"},
		{KeyECDSAP521.String(), "ecdsa_p521"},
		{KeyMLDSA87.String(), "mldsa_87"},
		{CertificateKey(0).String(), "CertificateKey(0)"},
	} {
		if c.got != c.want {
			t.Errorf("name is %q, want %q", c.got, c.want)
		}
	}
}
