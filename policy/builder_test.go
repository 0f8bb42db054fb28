package policy

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// sound is a builder with nothing wrong, for tests to spoil.
func sound() *Builder {
	return NewBuilder("mine").
		Suites(iana.TLS_AES_128_GCM_SHA256, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256).
		Schemes(iana.ECDSASecp256r1SHA256, iana.Ed25519).
		Groups(iana.X25519MLKEM768, iana.Secp256r1)
}

func TestBuildNamesAllThatIsWrong(t *testing.T) {
	suite := func(ids ...iana.CipherSuite) func(*Builder) { return func(b *Builder) { b.Suites(ids...) } }
	scheme := func(ids ...iana.SignatureScheme) func(*Builder) { return func(b *Builder) { b.Schemes(ids...) } }
	group := func(ids ...iana.Group) func(*Builder) { return func(b *Builder) { b.Groups(ids...) } }
	for _, c := range []struct {
		says  string
		spoil func(b *Builder)
		want  []string
	}{
		{"nothing is wrong", func(*Builder) {}, nil},
		{"the name is empty", func(b *Builder) { b.name = "" }, []string{"name: it is empty"}},
		{"the name is taken", func(b *Builder) { b.name = "Default" }, []string{"name Default: it stands for another policy"}},
		{"the name was taken once", func(b *Builder) { b.name = "PQ-TLS-1-2-2023-10-07" },
			[]string{"name PQ-TLS-1-2-2023-10-07: it stands for another policy"}},

		{"a version is too old", func(b *Builder) { b.Versions(iana.TLS10, iana.TLS13) },
			[]string{"version TLSv1.0: TLSv1.2 is the lowest that is negotiated"}},
		{"both versions are too old", func(b *Builder) { b.Versions(iana.SSL30, iana.TLS11) },
			[]string{"version SSLv3: TLSv1.2 is the lowest that is negotiated"}},
		{"a version does not exist", func(b *Builder) { b.Versions(iana.TLS12, 0x0305) }, []string{"version 0x0305: it is not known"}},
		{"the versions are the wrong way round", func(b *Builder) { b.Versions(iana.TLS13, iana.TLS12) },
			[]string{"version TLSv1.3: the lowest is above the highest, TLSv1.2"}},
		{"a version has no suite", func(b *Builder) { b.Versions(iana.TLS12, iana.TLS13).Suites(iana.TLS_AES_128_GCM_SHA256) },
			[]string{"version TLSv1.2: there is no cipher suite for it"}},
		{"a version has no scheme", scheme(iana.RSAPKCS1SHA256, iana.ECDSASHA1), []string{"version TLSv1.3: there is no signature scheme for it"}},

		{"there are no suites", func(b *Builder) { b.suites.set, b.suites.list = false, nil }, []string{"cipher suite: the list is empty"}},
		{"the list of suites is empty", suite(), []string{"cipher suite: the list is empty"}},
		{"a suite is there twice",
			suite(iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384, iana.TLS_AES_128_GCM_SHA256),
			[]string{"cipher suite #3, TLS_AES_128_GCM_SHA256: it is #1 already"}},
		{"a suite is not known", suite(0xc0ff, iana.TLS_AES_128_GCM_SHA256), []string{"cipher suite #1, 0xc0ff: it is not known"}},
		{"a suite of TLS 1.3 is not known", suite(iana.TLS_AES_128_GCM_SHA256, 0x1305), []string{"cipher suite #2, 0x1305: it is not known"}},
		{"a suite is GREASE", suite(0x0a0a, iana.TLS_AES_128_GCM_SHA256), []string{"cipher suite #1, GREASE(0x0a0a): it is not known"}},
		{"a suite is a signal", suite(iana.TLS_AES_128_GCM_SHA256, iana.TLS_FALLBACK_SCSV),
			[]string{"cipher suite #2, TLS_FALLBACK_SCSV: it is a signal and no cipher suite"}},
		{"a suite is RC4", suite(iana.TLS_AES_128_GCM_SHA256, iana.TLS_RSA_WITH_RC4_128_SHA),
			[]string{"cipher suite #2, TLS_RSA_WITH_RC4_128_SHA: RC4 is never negotiated (RFC 7465)"}},
		{"a suite is for a version that is left out", func(b *Builder) { b.Versions(iana.TLS13, iana.TLS13) },
			[]string{"cipher suite #2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: the policy is not for TLSv1.2"}},
		{"the other way round", func(b *Builder) { b.Versions(iana.TLS12, iana.TLS12).Groups(iana.Secp256r1) },
			[]string{"cipher suite #1, TLS_AES_128_GCM_SHA256: the policy is not for TLSv1.3"}},
		{"nobody can sign for a suite with RSA certificates",
			suite(iana.TLS_AES_128_GCM_SHA256, iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_RSA_WITH_AES_128_GCM_SHA256),
			[]string{"cipher suite #2, TLS_DHE_RSA_WITH_AES_128_GCM_SHA256: there is no signature scheme for its certificates"}},
		{"nobody can sign for a suite with ECDSA certificates", scheme(iana.RSAPSSRSAESHA256),
			[]string{"cipher suite #2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: there is no signature scheme for its certificates"}},
		{"a suite has no curve", group(iana.X25519MLKEM768),
			[]string{"cipher suite #2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: there is no curve for its key exchange"}},

		{"there are no schemes", func(b *Builder) { b.schemes.set, b.schemes.list = false, nil },
			[]string{
				"signature scheme: the list is empty",
				"cipher suite #2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: there is no signature scheme for its certificates",
			}},
		{"a scheme is there twice", scheme(iana.Ed25519, iana.Ed25519), []string{"signature scheme #2, ed25519: it is #1 already"}},
		{"a scheme is not known", scheme(iana.Ed25519, 0x0102), []string{"signature scheme #2, 0x0102: it is not known"}},
		{"a scheme is not implemented", scheme(iana.Ed448, iana.Ed25519, iana.MLDSA87),
			[]string{"signature scheme #1, ed448: it is not implemented", "signature scheme #3, mldsa87: it is not implemented"}},
		{"a scheme is too old for the version",
			func(b *Builder) {
				b.Suites(iana.TLS_AES_128_GCM_SHA256).Schemes(iana.Ed25519, iana.RSAPKCS1SHA1, iana.RSAPKCS1SHA256)
			},
			[]string{"signature scheme #2, rsa_pkcs1_sha1: it signs nothing in TLSv1.3"}},

		{"there are no groups", func(b *Builder) { b.groups.set, b.groups.list = false, nil },
			[]string{
				"cipher suite #2, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: there is no curve for its key exchange",
				"version TLSv1.3: there is no group for it",
			}},
		{"a group is there twice", group(iana.Secp256r1, iana.X25519, iana.X25519), []string{"group #3, x25519: it is #2 already"}},
		{"a group is not known", group(iana.Secp256r1, 0x7777), []string{"group #2, 0x7777: it is not known"}},
		{"a group is not implemented", group(iana.Secp256r1, iana.X448, iana.MLKEM768),
			[]string{"group #2, x448: it is not implemented", "group #3, MLKEM768: it is not implemented"}},
		{"a group is a finite field", group(iana.Secp256r1, iana.FFDHE2048),
			[]string{"group #2, ffdhe2048: finite fields are not negotiated as groups: DHE suites bring them along"}},
		{"a KEM group is of no use before TLS 1.3", suite(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
			[]string{"group #1, X25519MLKEM768: it is for TLSv1.3 only"}},
		{"a preference is no curve of the policy", func(b *Builder) { b.StronglyPrefer(iana.Secp256r1, iana.Secp384r1, iana.X25519MLKEM768) },
			[]string{
				"strongly preferred group #2, secp384r1: it is not among the curves",
				"strongly preferred group #3, X25519MLKEM768: it is not among the curves",
			}},
		{"a preference is of no use before TLS 1.3",
			func(b *Builder) {
				b.Suites(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256).Groups(iana.Secp256r1).StronglyPrefer(iana.Secp256r1)
			},
			[]string{"strongly preferred group #1, secp256r1: only TLSv1.3 has a HelloRetryRequest to insist on it"}},

		{"no certificate is good enough", func(b *Builder) { b.CertificateSchemes().CertificateKeys() },
			[]string{"certificate signature scheme: the list is empty", "certificate key: the list is empty"}},
		{"certificates may be signed with what is refused",
			func(b *Builder) { b.CertificateSchemes(iana.RSAPKCS1SHA1, iana.Ed448, iana.Ed25519) },
			[]string{
				"certificate signature scheme #1, rsa_pkcs1_sha1: no certificate may be signed with its hash",
				"certificate signature scheme #2, ed448: it is not implemented",
			}},
		{"certificates may hold what is refused",
			func(b *Builder) { b.CertificateKeys(KeyECDSAP256, KeyMLDSA87, 99, KeyECDSAP256) },
			[]string{
				"certificate key #2, mldsa_87: it is not implemented",
				"certificate key #3, CertificateKey(99): it is not known",
				"certificate key #4, ecdsa_p256: it is #1 already",
			}},

		{"a suite breaks a rule",
			func(b *Builder) {
				b.Suites(iana.TLS_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_AES_128_GCM_SHA256).Require(PerfectForwardSecrecy)
			},
			[]string{"cipher suite #1, TLS_RSA_WITH_AES_128_GCM_SHA256, breaks perfect_forward_secrecy: the key exchange is not ephemeral"}},
		{"everything breaks a rule",
			func(b *Builder) {
				b.Suites(iana.TLS_CHACHA20_POLY1305_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256).
					Schemes(iana.Ed25519, iana.RSAPKCS1SHA1).Groups(iana.X25519, iana.MLKEM1024).Require(FIPS140_3)
			},
			[]string{
				"cipher suite #1, TLS_CHACHA20_POLY1305_SHA256, breaks fips_140_3: NIST SP 800-52r2 does not list the suite",
				"signature scheme #2, rsa_pkcs1_sha1, breaks fips_140_3: the hash or the signature is not approved",
				"curve #1, x25519, breaks fips_140_3: NIST SP 800-56Ar3 does not list the curve",
			}},
		{"a rule does not exist", func(b *Builder) { b.Require(42) }, []string{"rule Rule(42): there is no such rule"}},
		{"a rule of the policy it comes from is broken",
			func(b *Builder) { b.From("default_fips").Groups(iana.X25519) },
			[]string{"curve #1, x25519, breaks fips_140_3: NIST SP 800-56Ar3 does not list the curve"}},
		{"which may be waived", func(b *Builder) { b.From("default_fips").Groups(iana.X25519).Waive(FIPS140_3) }, nil},
		{"but not if it is required", func(b *Builder) { b.Require(FIPS140_3).From("default_fips").Groups(iana.X25519).Waive(FIPS140_3) },
			[]string{"curve #1, x25519, breaks fips_140_3: NIST SP 800-56Ar3 does not list the curve"}},

		{"nothing of the policy it comes from is implemented", func(b *Builder) { *b = *NewBuilder("mine").From("cnsa_2") },
			[]string{
				`signature scheme: "cnsa_2" has none that can be negotiated`,
				`certificate signature scheme: "cnsa_2" has none that can be negotiated`,
				`certificate key: "cnsa_2" has none that can be negotiated`,
			}},
		{"no suite is left of the policy it comes from",
			func(b *Builder) { *b = *NewBuilder("mine").From("KMS-FIPS-TLS-1-2-2018-10").Schemes(iana.Ed25519) },
			[]string{`cipher suite: "KMS-FIPS-TLS-1-2-2018-10" has none that can be negotiated`}},
		{"everything is wrong at once",
			func(b *Builder) { b.name = ""; b.Suites(1).Schemes(2).Groups(3).Require(4) },
			[]string{
				"name: it is empty", "signature scheme #1, 0x0002: it is not known", "group #1, 0x0003: it is not known",
				"cipher suite #1, 0x0001: it is not known", "rule Rule(4): there is no such rule",
			}},
	} {
		b := sound()
		c.spoil(b)
		p, err := b.Build()
		var got []string
		var broken *BuildError
		if errors.As(err, &broken) {
			for _, v := range broken.Violations {
				got = append(got, v.String())
			}
		}
		if !slices.Equal(got, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: violations are\n%s\nwant\n%s", c.says, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
		if (p == nil) != (err != nil) {
			t.Errorf("%s: policy %v comes with error %v", c.says, p, err)
		}
	}
}

func TestBuildErrorIsOneSentence(t *testing.T) {
	_, err := sound().Groups(iana.X448, iana.Secp256r1, iana.X448).Build()
	want := `policy: "mine" cannot be built: group #1, x448: it is not implemented; group #3, x448: it is #1 already`
	if err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

func TestFromSaysWhichPolicyThereIsNot(t *testing.T) {
	for _, c := range []struct {
		from string
		is   error
		want string
	}{
		{"defualt", ErrUnknown, `policy: "mine" cannot be built: policy: unknown security policy "defualt": closest is "default"`},
		{"PQ-TLS-1-2-2023-10-07", ErrDeprecated,
			`policy: "mine" cannot be built: policy: deprecated security policy "PQ-TLS-1-2-2023-10-07": s2n retired it, choose a current one`},
	} {
		if p, err := sound().From(c.from).Build(); p != nil || !errors.Is(err, c.is) || err.Error() != c.want {
			t.Errorf("From(%q): %v, %v", c.from, p, err)
		}
	}
}

func TestBuiltPolicyIsWhatWasSaid(t *testing.T) {
	p, err := NewBuilder("mine").
		Suites(iana.TLS_CHACHA20_POLY1305_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256).
		BoostChaCha20(true).
		Schemes(iana.Ed25519, iana.RSAPSSRSAESHA256).
		Groups(iana.X25519, iana.X25519MLKEM768, iana.Secp384r1, iana.MLKEM1024).
		StronglyPrefer(iana.Secp384r1).
		CertificateSchemes(iana.Ed25519).CertificateKeys(KeyRSA4096).CheckOwnCertificates(true).
		Require(PerfectForwardSecrecy, PerfectForwardSecrecy).
		Build()
	want := &Policy{
		Name: "mine", MinVersion: iana.TLS12, MaxVersion: iana.TLS13,
		CipherSuites:                       []iana.CipherSuite{iana.TLS_CHACHA20_POLY1305_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256},
		AllowChaCha20Boosting:              true,
		SignatureSchemes:                   []iana.SignatureScheme{iana.Ed25519, iana.RSAPSSRSAESHA256},
		CertificateSignatureSchemes:        []iana.SignatureScheme{iana.Ed25519},
		CertificateKeys:                    []CertificateKey{KeyRSA4096},
		CertificatePreferencesApplyLocally: true,
		Curves:                             []iana.Group{iana.X25519, iana.Secp384r1},
		KEMGroups:                          []iana.Group{iana.X25519MLKEM768, iana.MLKEM1024},
		StronglyPreferredGroups:            []iana.Group{iana.Secp384r1},
		Rules:                              []Rule{PerfectForwardSecrecy},
	}
	if err != nil || !reflect.DeepEqual(p, want) {
		t.Errorf("policy is\n%v\nwant\n%v\nerror: %v", p, want, err)
	}
}

func TestFromTakesWhatIsNotSaidOtherwise(t *testing.T) {
	for _, c := range []struct {
		says  string
		build *Builder
		want  string // the policy that the result is like
		but   func(p *Policy)
	}{
		{"all of it", NewBuilder("mine").From("default"), "default", func(*Policy) {}},
		{"a version less, and what was for it only", NewBuilder("mine").From("default").Versions(iana.TLS13, iana.TLS13), "default",
			func(p *Policy) { p.MinVersion, p.CipherSuites = iana.TLS13, p.CipherSuites[:3] }},
		{"TLS 1.2 has no KEM groups", NewBuilder("mine").Versions(iana.TLS12, iana.TLS12).From("default"), "default",
			func(p *Policy) { p.MaxVersion, p.CipherSuites, p.KEMGroups = iana.TLS12, p.CipherSuites[3:], nil }},
		{"suites of one version", NewBuilder("mine").From("default").Suites(iana.TLS_AES_256_GCM_SHA384), "default",
			func(p *Policy) { p.MinVersion, p.CipherSuites = iana.TLS13, p.CipherSuites[1:2] }},
		{"schemes without RSA, and so no suites with RSA", NewBuilder("mine").Schemes(iana.Ed25519).From("default"), "default",
			func(p *Policy) {
				p.SignatureSchemes, p.CipherSuites = []iana.SignatureScheme{iana.Ed25519}, p.CipherSuites[:5]
			}},
		{"what was said last counts", NewBuilder("mine").From("20140601").Schemes(0).From("default").Schemes(iana.Ed25519).Groups(1).
			Groups(iana.Secp256r1).Suites(iana.TLS_AES_128_GCM_SHA256), "default",
			func(p *Policy) {
				p.MinVersion, p.CipherSuites, p.KEMGroups = iana.TLS13, p.CipherSuites[:1], nil
				p.Curves, p.SignatureSchemes = p.Curves[:1], []iana.SignatureScheme{iana.Ed25519}
			}},
		{"old versions and RC4 stay behind", NewBuilder("mine").From("20140601"), "20140601",
			func(p *Policy) { p.MinVersion, p.CipherSuites = iana.TLS12, p.Suites() }},
		{"SHA-1 and SHA-224 stay behind where they sign nothing", NewBuilder("mine").From("AWS-CRT-SDK-TLSv1.3"), "AWS-CRT-SDK-TLSv1.3",
			func(p *Policy) {
				p.SignatureSchemes = slices.DeleteFunc(p.SignatureSchemes, isShortHash)
			}},
		{"ML-DSA stays behind", NewBuilder("mine").From("cnsa_1_2_interop"), "cnsa_1_2_interop",
			func(p *Policy) {
				p.SignatureSchemes, p.CertificateSignatureSchemes = p.SignatureSchemes[1:], p.CertificateSignatureSchemes[1:]
			}},
		{"restrictions stay", NewBuilder("mine").From("rfc9151"), "rfc9151", func(*Policy) {}},
		{"restrictions go", NewBuilder("mine").From("rfc9151").AnyCertificate(), "rfc9151",
			func(p *Policy) {
				p.CertificateSignatureSchemes, p.CertificateKeys, p.CertificatePreferencesApplyLocally = nil, nil, false
			}},
		{"and come back", NewBuilder("mine").From("rfc9151").AnyCertificate().CertificateKeys(KeyECDSAP384), "rfc9151",
			func(p *Policy) { p.CertificateKeys = p.CertificateKeys[:1] }},
		{"restrictions for the peer only", NewBuilder("mine").From("rfc9151").CheckOwnCertificates(false), "rfc9151",
			func(p *Policy) { p.CertificatePreferencesApplyLocally = false }},
		{"a strong preference", NewBuilder("mine").From("20251113"), "20251113", func(*Policy) {}},
		{"and none without its curve", NewBuilder("mine").From("20251113").Groups(iana.Secp256r1), "20251113",
			func(p *Policy) { p.Curves, p.StronglyPreferredGroups = p.Curves[1:2], nil }},
		{"boosting off", NewBuilder("mine").From("CloudFront-TLS-1-2-2021-Chacha20-Boosted").BoostChaCha20(false),
			"CloudFront-TLS-1-2-2021-Chacha20-Boosted", func(p *Policy) { p.AllowChaCha20Boosting = false }},
		{"one rule more", NewBuilder("mine").From("20251113").Require(PerfectForwardSecrecy), "20251113",
			func(p *Policy) { p.Rules = []Rule{PerfectForwardSecrecy} }},
		{"one rule less", NewBuilder("mine").From("default_fips").Waive(FIPS140_3), "default_fips",
			func(p *Policy) { p.Rules = []Rule{PerfectForwardSecrecy} }},
	} {
		got, err := c.build.Build()
		if err != nil {
			t.Errorf("%s: %v", c.says, err)
			continue
		}
		want, err := Lookup(c.want)
		if err != nil {
			t.Fatal(err)
		}
		want.Name = "mine"
		c.but(want)
		want.CertificateSignatureSchemes = slices.DeleteFunc(want.CertificateSignatureSchemes, isShortHash)
		if got.String() != want.String() {
			t.Errorf("%s: policy is\n%v\nwant\n%v", c.says, got, want)
		}
	}
}

// TestFromEachPolicy holds that what a Builder takes from a policy is what is negotiated
// of it, and that every entry is.
func TestFromEachPolicy(t *testing.T) {
	refused := 0
	for _, name := range Names() {
		p, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewBuilder("mine").From(name).Build()
		if err != nil {
			refused++
			if flags := p.Flags(); !slices.Contains(flags, "pq_only_kex") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if got, want := b.Suites(), p.Suites(); !slices.Equal(got, want) || !slices.Equal(b.CipherSuites, want) {
			t.Errorf("%s: suites are %v, want %v", name, got, want)
		}
		if got, want := b.Groups(), p.Groups(); !slices.Equal(got, want) {
			t.Errorf("%s: groups are %v, want %v", name, got, want)
		}
		for _, v := range negotiated {
			if b.Supports(v) != p.Supports(v) {
				t.Errorf("%s: supports %v: %t, want %t", name, v, b.Supports(v), p.Supports(v))
			}
			want := slices.DeleteFunc(p.Schemes(v), func(s iana.SignatureScheme) bool { return whyNotScheme(s) != "" })
			if got := b.Schemes(v); !slices.Equal(got, want) {
				t.Errorf("%s: schemes for %v are %v, want %v", name, v, got, want)
			}
		}
		if v := b.Violations(); v != nil || !slices.Equal(b.Rules, p.Rules) {
			t.Errorf("%s: rules are %v, violations %v", name, b.Rules, v)
		}
		again, err := NewBuilder("again").From(name).Suites(b.CipherSuites...).Schemes(b.SignatureSchemes...).Groups(b.Groups()...).
			Versions(b.MinVersion, b.MaxVersion).Build()
		if err != nil {
			t.Errorf("%s: what was built is refused: %v", name, err)
			continue
		}
		again.Name = b.Name
		if !reflect.DeepEqual(again, b) {
			t.Errorf("%s: built again, policy is\n%v\nwant\n%v", name, again, b)
		}
	}
	if refused != 2 {
		t.Errorf("%d policies are refused, want cnsa_2 and 20260219", refused)
	}
}

func TestBuilderKeepsNothingOfItsCallers(t *testing.T) {
	suites := []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384}
	b := NewBuilder("mine").From("default").Suites(suites...)
	suites[0] = 0
	first, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	before := first.String()
	second, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	second.CipherSuites[0], second.SignatureSchemes[0], second.Curves[0], second.KEMGroups[0], second.Rules[0] = 0, 0, 0, 0, 0
	if first.String() != before {
		t.Errorf("policy has become\n%v\nfrom\n%v", first, before)
	}
	if p, err := Lookup("default"); err != nil || p.SignatureSchemes[0] == 0 {
		t.Errorf("the registered policy has become\n%v, %v", p, err)
	}
}
