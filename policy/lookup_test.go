package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		says, name, want string
	}{
		{"a name as it is registered", "default", "default"},
		{"a name in capitals", "DEFAULT_PQ", "default_pq"},
		{"a name in small letters gets its registered spelling", "cloudfront-upstream-tls-1-0-2025-pq", "CloudFront-Upstream-TLS-1-0-2025-PQ"},
		{"an alias keeps the name it was asked by", "RFC9151", "rfc9151"},
		{"a policy of this module", "S2NGO_default", "s2ngo_default"},
	} {
		p, err := Lookup(c.name)
		if err != nil {
			t.Errorf("%s: %v", c.says, err)
		} else if p.Name != c.want {
			t.Errorf("%s: Lookup(%q) is named %q, want %q", c.says, c.name, p.Name, c.want)
		}
	}
}

func TestLookupRefuses(t *testing.T) {
	for _, c := range []struct {
		says, name string
		want       error
		text       string
	}{
		{"two letters are swapped", "defualt", ErrUnknown, `policy: unknown security policy "defualt": closest is "default"`},
		{"a hyphen stands for an underscore", "default-pq", ErrUnknown, `policy: unknown security policy "default-pq": closest is "default_pq", "default"`},
		{"a digit of the date is wrong", "20251024", ErrUnknown, `policy: unknown security policy "20251024": closest is "20251014"`},
		{"the name is the beginning of some", "KMS-FIPS", ErrUnknown, `policy: unknown security policy "KMS-FIPS": closest is "KMS-FIPS-TLS-1-2-`},
		{"nothing is like the name", "strongest", ErrUnknown, `policy: unknown security policy "strongest"`},
		{"the name is empty", "", ErrUnknown, `policy: unknown security policy ""`},
		{"s2n's policy without content is not one", "null", ErrUnknown, `policy: unknown security policy "null"`},
		{"s2n's test policies are not ours", "test_all", ErrUnknown, `policy: unknown security policy "test_all"`},
		{"the name is retired", "PQ-TLS-1-0-2020-12", ErrDeprecated, `policy: deprecated security policy "PQ-TLS-1-0-2020-12": s2n retired it, choose a current one`},
		{"the name is retired, case does not matter", "pq-sike-test-tls-1-0-2019-11", ErrDeprecated, `policy: deprecated security policy "PQ-SIKE-TEST-TLS-1-0-2019-11"`},
	} {
		p, err := Lookup(c.name)
		if p != nil || !errors.Is(err, c.want) {
			t.Errorf("%s: Lookup(%q) is %v, %v, want %v", c.says, c.name, p != nil, err, c.want)
			continue
		}
		if errors.Is(err, ErrUnknown) && errors.Is(err, ErrDeprecated) {
			t.Errorf("%s: the error is both: %v", c.says, err)
		}
		if !strings.HasPrefix(err.Error(), c.text) {
			t.Errorf("%s: the error is\n%v, want\n%s", c.says, err, c.text)
		}
	}
}

func TestAnUnknownNameDoesNotFloodTheError(t *testing.T) {
	_, err := Lookup(strings.Repeat("default", 100_000))
	if err == nil || len(err.Error()) > 150 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

func TestSuggestedNamesExist(t *testing.T) {
	for _, name := range Names() {
		typo := name[:len(name)-1] + "~"
		near := nearest(typo)
		if len(near) == 0 || len(near) > maxNearest {
			t.Errorf("%s suggests %v", typo, near)
		}
		for _, n := range near {
			if !slices.Contains(Names(), strings.Trim(n, `"`)) {
				t.Errorf("%s suggests %s, which does not exist", typo, n)
			}
		}
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0},
		{"kitten", "sitting", 3}, {"flaw", "lawn", 2}, {"defualt", "default", 2},
	} {
		if got := editDistance(c.a, c.b); got != c.want {
			t.Errorf("distance of %q and %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestChangingALookedUpPolicyChangesNoOther(t *testing.T) {
	p, err := Lookup("20250429") // it has an entry in every list but two
	if err != nil {
		t.Fatal(err)
	}
	p.CipherSuites[0] = 0
	p.SignatureSchemes[0] = 0
	p.CertificateSignatureSchemes[0] = 0
	p.CertificateKeys[0] = 0
	p.Curves[0] = 0
	p.Rules = append(p.Rules[:0], FIPS140_3)
	again, err := Lookup("20250429")
	if err != nil {
		t.Fatal(err)
	}
	if again.CipherSuites[0] == 0 || again.SignatureSchemes[0] == 0 || again.CertificateSignatureSchemes[0] == 0 ||
		again.CertificateKeys[0] == 0 || again.Curves[0] == 0 {
		t.Error("a change to one copy shows in another")
	}
	for _, name := range []string{"default", "20251116"} {
		p, _ := Lookup(name)
		if len(p.KEMGroups) > 0 {
			p.KEMGroups[0] = 0
		}
		if len(p.StronglyPreferredGroups) > 0 {
			p.StronglyPreferredGroups[0] = 0
		}
		p.Rules = append(p.Rules[:0], 0)
		again, _ := Lookup(name)
		if slices.Contains(again.KEMGroups, 0) || slices.Contains(again.StronglyPreferredGroups, 0) || slices.Contains(again.Rules, 0) {
			t.Errorf("%s: a change to one copy shows in another", name)
		}
	}
}

func TestAliases(t *testing.T) {
	for _, c := range []struct {
		name string
		want []string
	}{
		{"default", []string{"20251014"}},
		{"20251014", []string{"default"}},
		{"RFC9151", []string{"20251013", "cnsa_1"}},
		{"s2ngo_default", []string{"s2ngo_20261120"}},
		{"20140601", nil},
		{"20241001_pq_mixed", nil}, // equal to 20241001 today, and free to move away from it
		{"no such name", nil},
	} {
		if got := Aliases(c.name); !slices.Equal(got, c.want) {
			t.Errorf("aliases of %q are %q, want %q", c.name, got, c.want)
		}
	}
}
