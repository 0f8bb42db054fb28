package interop

import (
	"fmt"
	"strings"
	"testing"
)

const cbcOpen = "github.com/s2ngo/s2ngo/record.(*cbcOpener).openCT"

// byGroup sorts values by the cases they belong to: group, then name, then in order.
func byGroup[T any](t *testing.T, cases []string, values []T) map[string]map[string][]T {
	t.Helper()
	if len(cases) != len(values) || len(cases) < 10 {
		t.Fatalf("%d calls in %d cases", len(values), len(cases))
	}
	groups := map[string]map[string][]T{}
	for i, c := range cases {
		group, name, _ := strings.Cut(c, ": ")
		if group == "first call" {
			continue
		}
		if groups[group] == nil {
			groups[group] = map[string][]T{}
		}
		groups[group][name] = append(groups[group][name], values[i])
	}
	return groups
}

// attempts is how often something is measured before it counts as different: on a busy machine Go's
// scheduler gets into a call now and then, which only ever adds to it.
const attempts = 5

// TestCBCOpeningCountsNothingSecret holds that opening a record of a CBC cipher takes the same number
// of instructions whatever its padding and its MAC are.
func TestCBCOpeningCountsNothingSecret(t *testing.T) {
	t.Parallel()
	m := Measure(t, "record")
	least := map[string]uint64{}
	wrong := ""
	for range attempts {
		counts, cases := m.Instructions(t, "TestOpenCases", cbcOpen)
		for i, c := range cases {
			if i < len(counts) && (least[c] == 0 || counts[i] < least[c]) {
				least[c] = counts[i]
			}
		}
		for i, c := range cases {
			counts[i] = least[c]
		}
		groups := byGroup(t, cases, counts)
		if len(groups) != 12 {
			t.Errorf("%d groups, want 3 lengths of 4 ciphers", len(groups))
		}
		wrong = ""
		for group, names := range groups {
			seen := map[uint64]string{}
			for name, counts := range names {
				seen[counts[0]] = name
			}
			for n := range seen {
				t.Logf("%s: %d cases of %d instructions", group, len(names), n)
			}
			if len(seen) != 1 {
				wrong += fmt.Sprintf("%s: instructions depend on what is secret: %v\n", group, seen)
			}
		}
		if wrong == "" {
			break
		}
	}
	if wrong != "" {
		t.Error(wrong)
	}

	// The same must tell a naive opener from a good one.
	counts, cases := m.Instructions(t, "TestNaiveCases", "github.com/s2ngo/s2ngo/record.naiveOpen")
	for group, names := range byGroup(t, cases, counts) {
		some := "padding of 85"
		if strings.HasSuffix(group, " 96 bytes") {
			some = "padding of 20"
		}
		good, mac, padding, none := names[some], names[some+", bad MAC"], names[some+", bad padding"], names["padding of 0"]
		if len(good) != 1 || len(mac) != 1 || len(padding) != 1 || len(none) != 1 {
			t.Fatalf("%s: %v, %v, %v and %v counts", group, good, mac, padding, none)
		}
		text := fmt.Sprintf("%s: %d instructions for good padding, %d for no padding, %d for a bad MAC, %d for bad padding",
			group, good[0], none[0], mac[0], padding[0])
		if good[0] == padding[0] || mac[0] == padding[0] || good[0] == none[0] {
			t.Errorf("nothing shows of the naive opener: %s", text)
		}
		t.Logf("naive: %s", text)
	}
}

// TestCBCOpeningTracesNothingSecret holds that opening takes the same instructions in the same order
// and reads and writes the same memory, whatever padding and MAC are: no branch and no index is
// secret.
func TestCBCOpeningTracesNothingSecret(t *testing.T) {
	t.Parallel()
	m := Measure(t, "record")
	wrong := ""
	for range attempts {
		traces, cases := m.Traces(t, "TestOpenTraceCases", cbcOpen)
		groups := byGroup(t, cases, traces)
		if len(groups) != 6 {
			t.Errorf("%d groups, want 2 lengths of 3 ciphers", len(groups))
		}
		wrong = ""
		for group, names := range groups {
			n := inCommon(names)
			t.Logf("%s: %d cases with a trace in common", group, n)
			if n != len(names) {
				wrong += fmt.Sprintf("%s: %d cases of %d have a trace in common\n", group, n, len(names))
			}
		}
		if wrong == "" {
			break
		}
	}
	if wrong != "" {
		t.Error(wrong)
	}

	// The same must tell a naive opener from a good one.
	traces, cases := m.Traces(t, "TestNaiveTraceCases", "github.com/s2ngo/s2ngo/record.naiveOpen")
	for group, names := range byGroup(t, cases, traces) {
		if n := inCommon(names); n > 1 {
			t.Errorf("nothing shows of the naive opener: %s: %d cases of %d have a trace in common", group, n, len(names))
		}
	}
}

// inCommon returns how many cases have a trace in common, of which each has several, since another
// thread may have got into one: a trace that all have is that of the function.
func inCommon(names map[string][]Trace) (most int) {
	with := map[Trace]int{}
	for _, traces := range names {
		seen := map[Trace]bool{}
		for _, trace := range traces {
			seen[trace] = true
		}
		for trace := range seen {
			with[trace]++
		}
	}
	for _, n := range with {
		most = max(most, n)
	}
	return most
}
