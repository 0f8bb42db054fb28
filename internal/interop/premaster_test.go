package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestPremasterCountsNothingSecret holds that what is done to a decrypted premaster secret takes as
// many instructions whatever it is: taking off the padding of what a token has decrypted, and the
// choice between the secret that a client sent and a random one. A client that could tell would have
// somebody who decrypts for it (RFC 5246, Section 7.4.7.1).
func TestPremasterCountsNothingSecret(t *testing.T) {
	const module = "github.com/s2ngo/s2ngo/"
	for _, c := range []struct {
		what, folder, dir            string
		test, function, naive, looks string
		group, good, bad             string
	}{
		{"the choice", "handshake", besideStates(t), "TestPremasterCases", "handshake.choosePremasterCT",
			"TestNaivePremaster", "handshake.naivePremaster", "48 bytes", "good", "version 2.3"},
		{"the padding", "pkcs11", "", "TestUnpadCases", "pkcs11.unpadCT",
			"TestNaiveUnpad", "pkcs11.naiveUnpad", "256 bytes", "a good one", "a first byte that is not 0"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			m := Measure(t, c.folder)
			if c.dir != "" {
				m.dir = c.dir
			}
			wrong := ""
			for range attempts {
				counts, cases := m.Instructions(t, c.test, module+c.function)
				wrong = ""
				for group, names := range byGroup(t, cases, counts) {
					seen := map[uint64]string{}
					for name, counts := range names {
						seen[slices.Min(counts)] = name
					}
					t.Logf("%s: %v", group, seen)
					if len(seen) != 1 {
						wrong += fmt.Sprintf("%s: instructions depend on the secret: %v\n", group, seen)
					}
				}
				if wrong == "" {
					break
				}
			}
			if wrong != "" {
				t.Error(wrong)
			}

			// The same must tell a naive way from a good one.
			counts, cases := m.Instructions(t, c.naive, module+c.looks)
			names := byGroup(t, cases, counts)[c.group]
			if good, bad := names[c.good], names[c.bad]; len(good) != 1 || len(bad) != 1 || good[0] == bad[0] {
				t.Errorf("nothing shows of the naive way: %v", names)
			}
		})
	}
}

// besideStates returns a folder from which the tests of package handshake find docs/STATES.md, as they
// want to before they end.
func besideStates(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(t), "docs", "STATES.md"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"docs", "handshake"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "docs", "STATES.md"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "handshake")
}
