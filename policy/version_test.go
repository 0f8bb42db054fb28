package policy

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestSupports(t *testing.T) {
	type versions [5]bool // SSLv3 TLS1.0 TLS1.1 TLS1.2 TLS1.3
	mixed := []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	for _, c := range []struct {
		says     string
		min, max iana.Version
		suites   []iana.CipherSuite
		want     versions
		lowest   iana.Version
	}{
		{"both versions", iana.TLS12, iana.TLS13, mixed, versions{3: true, 4: true}, iana.TLS12},
		{"a minimum of SSLv3 is a floor of TLS 1.2", iana.SSL30, iana.TLS13, mixed, versions{3: true, 4: true}, iana.TLS12},
		{"a maximum of TLS 1.2", iana.TLS10, iana.TLS12, mixed, versions{3: true}, iana.TLS12},
		{"a minimum of TLS 1.3", iana.TLS13, iana.TLS13, mixed, versions{4: true}, iana.TLS13},
		{"a maximum below TLS 1.2", iana.SSL30, iana.TLS11, mixed, versions{}, 0},
		{"only suites of TLS 1.3", iana.SSL30, iana.TLS13, mixed[:1], versions{4: true}, iana.TLS13},
		{"only suites of TLS 1.2", iana.TLS12, iana.TLS13, mixed[1:], versions{3: true}, iana.TLS12},
		{"RC4 is no suite for TLS 1.2", iana.SSL30, iana.TLS13,
			[]iana.CipherSuite{iana.TLS_RSA_WITH_RC4_128_SHA, iana.TLS_AES_128_GCM_SHA256}, versions{4: true}, iana.TLS13},
		{"a signalling value is no suite", iana.TLS12, iana.TLS12,
			[]iana.CipherSuite{iana.TLS_FALLBACK_SCSV, iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV}, versions{}, 0},
		{"no suites", iana.TLS12, iana.TLS13, nil, versions{}, 0},
	} {
		p := &Policy{MinVersion: c.min, MaxVersion: c.max, CipherSuites: c.suites}
		for i, v := range []iana.Version{iana.SSL30, iana.TLS10, iana.TLS11, iana.TLS12, iana.TLS13} {
			if p.Supports(v) != c.want[i] {
				t.Errorf("%s: supports %s is %t", c.says, v, !c.want[i])
			}
		}
		if got := p.EffectiveMinVersion(); got != c.lowest {
			t.Errorf("%s: lowest version is %s, want %s", c.says, got, c.lowest)
		}
		if p.Supports(0x0305) || p.Supports(0x7f1c) || p.Supports(0) {
			t.Errorf("%s: supports a version that does not exist", c.says)
		}
	}
}

func TestWhatAVersionMayUse(t *testing.T) {
	p := &Policy{
		MinVersion: iana.SSL30, MaxVersion: iana.TLS13,
		CipherSuites: []iana.CipherSuite{
			iana.TLS_RSA_WITH_RC4_128_MD5, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384,
			iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA, iana.TLS_RSA_WITH_RC4_128_SHA, iana.TLS_AES_128_GCM_SHA256,
		},
		SignatureSchemes: []iana.SignatureScheme{
			iana.MLDSA65, iana.RSAPKCS1SHA256, iana.ECDSASecp256r1SHA256, iana.RSAPKCS1SHA1, iana.ECDSASHA1,
			iana.RSAPKCS1SHA224, iana.ECDSASHA224, iana.Ed25519, iana.RSAPSSPSSSHA512,
		},
		Curves:                  []iana.Group{iana.X25519, iana.Secp384r1},
		KEMGroups:               []iana.Group{iana.X25519MLKEM768, iana.MLKEM1024},
		StronglyPreferredGroups: []iana.Group{iana.Secp384r1},
	}
	only13 := *p
	only13.MinVersion = iana.TLS13
	for _, c := range []struct {
		says     string
		p        *Policy
		versions []iana.Version
		suites   []iana.CipherSuite
		schemes  []iana.SignatureScheme
		groups   []iana.Group
	}{
		{"TLS 1.2 has no RC4, no ML-DSA and no KEM groups", p, []iana.Version{iana.TLS12},
			[]iana.CipherSuite{iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
			slices.Clone(p.SignatureSchemes[1:]), p.Curves},
		{"TLS 1.3 has its own suites, no PKCS #1, SHA-1 or SHA-224, and all groups, KEM groups first", p, []iana.Version{iana.TLS13},
			[]iana.CipherSuite{iana.TLS_AES_256_GCM_SHA384, iana.TLS_AES_128_GCM_SHA256},
			[]iana.SignatureScheme{iana.MLDSA65, iana.ECDSASecp256r1SHA256, iana.Ed25519, iana.RSAPSSPSSSHA512},
			append(slices.Clone(p.KEMGroups), p.Curves...)},
		{"both versions keep the order of the policy", p, []iana.Version{iana.TLS13, iana.TLS12},
			[]iana.CipherSuite{iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384, iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA, iana.TLS_AES_128_GCM_SHA256},
			p.SignatureSchemes, append(slices.Clone(p.KEMGroups), p.Curves...)},
		{"no version named means each that is supported", &only13, nil,
			[]iana.CipherSuite{iana.TLS_AES_256_GCM_SHA384, iana.TLS_AES_128_GCM_SHA256},
			[]iana.SignatureScheme{iana.MLDSA65, iana.ECDSASecp256r1SHA256, iana.Ed25519, iana.RSAPSSPSSSHA512},
			append(slices.Clone(p.KEMGroups), p.Curves...)},
		{"a version that is not supported may use nothing", &only13, []iana.Version{iana.TLS12}, nil, nil, nil},
		{"an old version may use nothing", p, []iana.Version{iana.SSL30, iana.TLS10, iana.TLS11}, nil, nil, nil},
	} {
		if got := c.p.Suites(c.versions...); !slices.Equal(got, c.suites) {
			t.Errorf("%s: suites are %v, want %v", c.says, got, c.suites)
		}
		if got := c.p.Schemes(c.versions...); !slices.Equal(got, c.schemes) {
			t.Errorf("%s: schemes are %v, want %v", c.says, got, c.schemes)
		}
		if got := c.p.Groups(c.versions...); !slices.Equal(got, c.groups) {
			t.Errorf("%s: groups are %v, want %v", c.says, got, c.groups)
		}
	}

	if l := p.LocalGroups(iana.TLS13); !slices.Equal(l.KEM, p.KEMGroups) || !slices.Equal(l.Curves, p.Curves) || !slices.Equal(l.StronglyPreferred, p.StronglyPreferredGroups) {
		t.Errorf("local groups of TLS 1.3 are %v", l)
	}
	if l := p.LocalGroups(iana.TLS12); l.KEM != nil || !slices.Equal(l.Curves, p.Curves) || l.StronglyPreferred != nil {
		t.Errorf("local groups of TLS 1.2 are %v", l)
	}
	if l := only13.LocalGroups(iana.TLS12); l.KEM != nil || l.Curves != nil || l.StronglyPreferred != nil {
		t.Errorf("local groups of a version that is not supported are %v", l)
	}
}

func TestOfferedSchemes(t *testing.T) {
	p, err := Lookup("20260513") // ML-DSA first, PKCS #1 last
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		says string
		v    iana.Version
		want []iana.SignatureScheme
	}{
		{"up to TLS 1.3 all are offered, PKCS #1 for the sake of certificates", iana.TLS13, p.SignatureSchemes},
		{"up to TLS 1.2 ML-DSA is left out", iana.TLS12, p.SignatureSchemes[1:]},
	} {
		if got := p.OfferedSchemes(c.v); !slices.Equal(got, c.want) {
			t.Errorf("%s: schemes are %v, want %v", c.says, got, c.want)
		}
	}
	for _, e := range registry {
		offered := e.policy.OfferedSchemes(e.policy.MaxVersion)
		for _, s := range e.policy.Schemes() {
			if !slices.Contains(offered, s) {
				t.Errorf("%s: %s is used but not offered", e.name, s)
			}
		}
	}
}

func TestTheListsOfAVersionAreTheCallersOwn(t *testing.T) {
	p, err := Lookup("default")
	if err != nil {
		t.Fatal(err)
	}
	before := p.String()
	p.Suites()[0], p.Schemes()[0], p.Groups()[0], p.OfferedSchemes(iana.TLS13)[0] = 0, 0, 0, 0
	_ = append(p.Groups(iana.TLS13)[:1], 0)
	if p.String() != before {
		t.Error("a change to a filtered list shows in the policy")
	}
}

func TestMasksAgreeWithTheSnapshot(t *testing.T) {
	s := readSnapshot(t)
	for name, f := range s.CipherSuites {
		suite := iana.CipherSuite(code(t, f.Code))
		rc4 := suite == iana.TLS_RSA_WITH_RC4_128_MD5 || suite == iana.TLS_RSA_WITH_RC4_128_SHA
		if want := f.MinVersion != "TLS1.3" && !rc4; suiteFits(suite, iana.TLS12) != want {
			t.Errorf("%s fits TLS 1.2: %t, want %t", name, !want, want)
		}
		if want := f.MinVersion == "TLS1.3"; suiteFits(suite, iana.TLS13) != want {
			t.Errorf("%s fits TLS 1.3: %t, want %t", name, !want, want)
		}
	}
	for name, f := range s.SignatureSchemes {
		scheme := iana.SignatureScheme(code(t, f.Code))
		if schemeFits(scheme, iana.TLS12) != f.TLS12 || schemeFits(scheme, iana.TLS13) != f.TLS13 {
			t.Errorf("%s fits TLS 1.2: %t, TLS 1.3: %t, want %t, %t", name,
				schemeFits(scheme, iana.TLS12), schemeFits(scheme, iana.TLS13), f.TLS12, f.TLS13)
		}
	}
}

func TestEachPolicyHasAVersion(t *testing.T) {
	for _, e := range registry {
		if e.policy.EffectiveMinVersion() == 0 {
			t.Errorf("%s: no version can be negotiated", e.name)
		}
		for _, v := range negotiated {
			if e.policy.Supports(v) && (len(e.policy.Groups(v)) == 0 || len(e.policy.Schemes(v)) == 0) {
				t.Errorf("%s: %s has groups %v and schemes %v", e.name, v, e.policy.Groups(v), e.policy.Schemes(v))
			}
		}
	}
}
