package interop

import (
	"slices"
	"strings"
	"testing"
)

// TestParseCallgrind reads the parts of a profile that stand for calls.
func TestParseCallgrind(t *testing.T) {
	counts, err := parseCallgrind(strings.NewReader(`part: 1
desc: Trigger: --dump-after=f
summary: 12
totals: 12
desc: Trigger: --dump-after=f
totals: 34
desc: Trigger: Program termination
totals: 7
`))
	if err != nil || !slices.Equal(counts, []uint64{12, 34}) {
		t.Errorf("%d, %v, want 12 and 34", counts, err)
	}
	if _, err := parseCallgrind(strings.NewReader("desc: Trigger: --dump-after=f\ntotals: x\n")); err == nil {
		t.Error("took a total that is no number")
	}
}

// TestParseLackey tells calls that differ by one address, and no others, apart.
func TestParseLackey(t *testing.T) {
	call := func(from, read string) string {
		return "==1== noise\nI  " + from + ",5\n S 1ffe,8\nI  00401000,3\n L " + read + ",8\nI  00500000,1\nI  00401003,1\nI  00400005,2\n L 77,1\n"
	}
	text := call("00400000", "1000") + call("00400000", "1000") + call("00400000", "1008") + "I  00401000,3\n"
	traces, err := parseLackey(strings.NewReader(text), 0x401000)
	if err != nil || len(traces) != 3 {
		t.Fatalf("%d traces, %v, want 3", len(traces), err)
	}
	if traces[0] != traces[1] || traces[0] == traces[2] {
		t.Errorf("traces are %x", traces)
	}
	if _, err := parseLackey(strings.NewReader("I  00401000,3\n"), 0x401000); err == nil {
		t.Error("took a call from nowhere")
	}
}

// TestMeasureNothing asks for no trace of a function that is not there.
func TestMeasureNothing(t *testing.T) {
	if _, err := address("/bin/sh", "no.such.function"); err == nil {
		t.Error("found a function that is not there")
	}
	if got := said([]byte("    a_test.go:1: case one: two\n    a_test.go:2: other\n"), "case"); !slices.Equal(got, []string{"one: two"}) {
		t.Errorf("said %q", got)
	}
}
