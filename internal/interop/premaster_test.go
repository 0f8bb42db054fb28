package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// TestPremasterCountsNothingSecret holds that the choice between the premaster secret that a client
// sent and a random one takes as many instructions whichever it is. A
// client that could tell would have somebody who decrypts for it (RFC 5246, Section 7.4.7.1).
func TestPremasterCountsNothingSecret(t *testing.T) {
	t.Parallel()
	m := Measure(t, "handshake")
	m.dir = besideStates(t)
	const choose = "github.com/s2ngo/s2ngo/handshake.choosePremasterCT"
	wrong := ""
	for range attempts {
		counts, cases := m.Instructions(t, "TestPremasterCases", choose)
		wrong = ""
		for group, names := range byGroup(t, cases, counts) {
			seen := map[uint64]string{}
			for name, counts := range names {
				seen[counts[0]] = name
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

	// The same must tell a naive choice from a good one.
	counts, cases := m.Instructions(t, "TestNaivePremaster", "github.com/s2ngo/s2ngo/handshake.naivePremaster")
	names := byGroup(t, cases, counts)["48 bytes"]
	if good, bad := names["good"], names["version 2.3"]; len(good) != 1 || len(bad) != 1 || good[0] == bad[0] {
		t.Errorf("nothing shows of the naive choice: %v", names)
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
