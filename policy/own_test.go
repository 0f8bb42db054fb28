package policy

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestOwnDefaultIsTheDefaultOf2026WithEd25519(t *testing.T) {
	ours, err := Lookup("s2ngo_20261120")
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := Lookup("20251014")
	if err != nil {
		t.Fatal(err)
	}
	theirs.Name = ours.Name
	theirs.SignatureSchemes = append([]iana.SignatureScheme{iana.Ed25519}, theirs.SignatureSchemes...)
	if got, want := ours.String(), theirs.String(); got != want {
		t.Errorf("s2ngo_20261120 is\n%s\nwant\n%s", got, want)
	}
}

func TestOwnPoliciesSignWithEd25519InBothVersions(t *testing.T) {
	for _, e := range own {
		for _, v := range negotiated {
			if !slices.Contains(e.policy.Schemes(v), iana.Ed25519) {
				t.Errorf("%s: %s has no ed25519", e.name, v)
			}
		}
	}
}

func TestOwnPoliciesAreSound(t *testing.T) {
	for _, e := range own {
		if v := e.policy.Violations(); len(v) > 0 {
			t.Errorf("%s: %v", e.name, v)
		}
		if flags := e.policy.Flags(); !slices.Equal(flags, []string{"pq_kem"}) {
			t.Errorf("%s: flags are %q", e.name, flags)
		}
	}
}
