package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// snapshot is testdata/policies.json: every field of every policy of s2n, by name.
type snapshot struct {
	CipherSuites     map[string]suiteFact      `json:"cipher_suites"`
	SignatureSchemes map[string]schemeFact     `json:"signature_schemes"`
	Groups           map[string]groupFact      `json:"groups"`
	KEMGroups        map[string]groupFact      `json:"kem_groups"`
	Deprecated       []string                  `json:"deprecated_policies"`
	Policies         map[string]map[string]any `json:"policies"`
	order            []string                  // the keys of Policies as they stand in the file
}

type suiteFact struct {
	Code          string `json:"code"`
	MinVersion    string `json:"min_version"`
	KeyExchange   string `json:"key_exchange"`
	ForwardSecret bool   `json:"forward_secret"`
}

type schemeFact struct {
	Code  string `json:"code"`
	Hash  string `json:"hash"`
	TLS12 bool   `json:"tls12"`
	TLS13 bool   `json:"tls13"`
}

type groupFact struct {
	Code     string `json:"code"`
	Curve    string `json:"curve"`
	KEM      string `json:"kem"`
	KEMFirst bool   `json:"kem_share_first_on_wire"`
}

func readSnapshot(t *testing.T) *snapshot {
	t.Helper()
	data, err := os.ReadFile("testdata/policies.json")
	if err != nil {
		t.Fatal(err)
	}
	s := new(snapshot)
	if err := json.Unmarshal(data, s); err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(raw["policies"]))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		s.order = append(s.order, name.(string))
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// compared are the fields of a policy in the snapshot; each has its column in fields.
var compared = []string{
	"allow_chacha20_boosting", "certificate_keys", "certificate_preferences_apply_locally",
	"certificate_signature_schemes", "cipher_suites", "effective_min_version", "flags", "groups",
	"kem_groups", "max_version", "min_version", "rules", "same_content_as",
	"signature_algorithms_wire_order", "signature_schemes_tls12", "signature_schemes_tls13",
	"strongly_preferred_groups", "struct",
}

// fields returns p as the snapshot writes it, so that the two can be compared as text.
func fields(p *Policy, earlier []string) map[string]any {
	var sameAs any
	for _, alias := range Aliases(p.Name) {
		if slices.Contains(earlier, alias) {
			sameAs = alias
			break
		}
	}
	return map[string]any{
		"min_version":                           version(p.MinVersion),
		"max_version":                           version(p.MaxVersion),
		"effective_min_version":                 version(p.EffectiveMinVersion()),
		"cipher_suites":                         strs(p.CipherSuites),
		"allow_chacha20_boosting":               p.AllowChaCha20Boosting,
		"signature_algorithms_wire_order":       strs(p.SignatureSchemes),
		"signature_schemes_tls12":               strs(p.Schemes(iana.TLS12)),
		"signature_schemes_tls13":               strs(p.Schemes(iana.TLS13)),
		"certificate_signature_schemes":         orNull(p.CertificateSignatureSchemes),
		"certificate_keys":                      orNull(p.CertificateKeys),
		"certificate_preferences_apply_locally": p.CertificatePreferencesApplyLocally,
		"groups":                                strs(p.Curves),
		"kem_groups":                            strs(p.KEMGroups),
		"strongly_preferred_groups":             strs(p.StronglyPreferredGroups),
		"rules":                                 strs(p.Rules),
		"same_content_as":                       sameAs,
		"flags":                                 append([]string{}, p.Flags()...),
	}
}

func TestEveryFieldOfEveryPolicyEqualsTheSnapshot(t *testing.T) {
	s := readSnapshot(t)
	if len(s.order) != 160 {
		t.Fatalf("the snapshot has %d policies, want 160", len(s.order))
	}
	for i, name := range s.order {
		p, err := Lookup(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.Name != name {
			t.Errorf("%s: name is %q", name, p.Name)
		}
		want := s.Policies[name]
		if keys := sortedKeys(want); !slices.Equal(keys, compared) {
			t.Fatalf("%s: the snapshot has fields %v, this test knows %v", name, keys, compared)
		}
		floorVersion(want, "effective_min_version")
		got := fields(p, s.order[:i])
		for _, field := range compared {
			if field == "struct" {
				continue // C's name of the content; TestNamesWithOneStructShareOnePolicy has it
			}
			if g, w := text(t, got[field]), text(t, want[field]); g != w {
				t.Errorf("%s: %s is\n%s, want\n%s", name, field, g, w)
			}
		}
	}
}

func TestNamesAreThoseOfTheSnapshotThenOurOwn(t *testing.T) {
	s := readSnapshot(t)
	want := append(slices.Clone(s.order), "s2ngo_default", "s2ngo_20261120")
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("names are %q, want %q", got, want)
	}
}

func TestDeprecatedNamesAreThoseOfTheSnapshot(t *testing.T) {
	s := readSnapshot(t)
	if !slices.Equal(deprecated[:], s.Deprecated) {
		t.Errorf("deprecated names are %q, want %q", deprecated, s.Deprecated)
	}
}

func TestNamesWithOneStructShareOnePolicy(t *testing.T) {
	s := readSnapshot(t)
	for i, a := range s.order {
		for j, b := range s.order {
			same := s.Policies[a]["struct"] == s.Policies[b]["struct"]
			if shared := named[i].policy == named[j].policy; shared != same {
				t.Errorf("%s and %s share their policy: %t, want %t", a, b, shared, same)
			}
		}
	}
}

func TestCodePointsAreThoseOfTheSnapshot(t *testing.T) {
	s := readSnapshot(t)
	check := func(name, number string, str func(uint16) string) {
		if got := str(code(t, number)); got != name {
			t.Errorf("%s is named %q, want %q", number, got, name)
		}
	}
	for name, f := range s.CipherSuites {
		check(name, f.Code, func(v uint16) string { return iana.CipherSuite(v).String() })
	}
	for name, f := range s.SignatureSchemes {
		check(name, f.Code, func(v uint16) string { return iana.SignatureScheme(v).String() })
	}
	for name, f := range s.Groups {
		check(name, f.Code, func(v uint16) string { return iana.Group(v).String() })
	}
	for name, f := range s.KEMGroups {
		check(name, f.Code, func(v uint16) string { return iana.Group(v).String() })
	}
}

// code parses a code point of the snapshot.
func code(t *testing.T, s string) uint16 {
	t.Helper()
	v, err := strconv.ParseUint(s, 0, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(v)
}

// floorVersion raises a version field to TLS 1.2, below which nothing is negotiated.
func floorVersion(f map[string]any, field string) {
	switch f[field] {
	case "SSLv3", "TLS1.0", "TLS1.1":
		f[field] = "TLS1.2"
	}
}

// version writes v as the snapshot does: "TLS1.2", not "TLSv1.2".
func version(v iana.Version) string {
	switch v {
	case iana.SSL30:
		return "SSLv3"
	case iana.TLS10:
		return "TLS1.0"
	case iana.TLS11:
		return "TLS1.1"
	case iana.TLS12:
		return "TLS1.2"
	case iana.TLS13:
		return "TLS1.3"
	}
	return v.String()
}

// strs returns the names of the values, never nil.
func strs[T fmt.Stringer](values []T) []string {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = v.String()
	}
	return names
}

// orNull is strs for a field in which null is not the same as an empty list.
func orNull[T fmt.Stringer](values []T) any {
	if values == nil {
		return nil
	}
	return strs(values)
}

func sortedKeys(m map[string]any) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
