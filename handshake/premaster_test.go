package handshake

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// premasterAnswers are what a private key can say of a premaster secret of version TLS 1.2, in groups
// of one length: within a group nothing tells one from another.
var premasterAnswers = []struct {
	name   string
	answer []byte
	good   bool
}{
	{"48 bytes: good", answer12(3, 3, 48), true},
	{"48 bytes: good, of other bytes", append([]byte{3, 3}, bytes.Repeat([]byte{0xff}, 46)...), true},
	{"48 bytes: TLS 1.1", answer12(3, 2, 48), false},
	{"48 bytes: TLS 1.3", answer12(3, 4, 48), false},
	{"48 bytes: version 2.3", answer12(2, 3, 48), false},
	{"48 bytes: version 0.3", answer12(0, 3, 48), false},
	{"48 bytes: zeros", make([]byte, 48), false},
	{"48 bytes: ones", bytes.Repeat([]byte{0xff}, 48), false},
	{"47 bytes: of the right version", answer12(3, 3, 47), false},
	{"47 bytes: zeros", make([]byte, 47), false},
	{"49 bytes: of the right version", answer12(3, 3, 49), false},
	{"49 bytes: ones", bytes.Repeat([]byte{0xff}, 49), false},
	{"no bytes: none", nil, false},
	{"no bytes: empty", []byte{}, false},
}

func answer12(major, minor byte, n int) []byte {
	return append([]byte{major, minor}, bytes.Repeat([]byte{0xaa}, n-2)...)
}

// TestPremasterCases calls choosePremasterCT for each answer, as package interop wants it to measure
// the calls: several times, since now and then an allocation takes the long way.
func TestPremasterCases(t *testing.T) {
	random := bytes.Repeat([]byte{0x55}, premasterLen)
	t.Log("case first call: good")
	choosePremasterCT(random, answer12(3, 3, 48), iana.TLS12)
	for _, c := range slices.Repeat(premasterAnswers, 3) {
		t.Logf("case %s", c.name)
		before := bytes.Clone(c.answer)
		got := choosePremasterCT(random, c.answer, iana.TLS12)
		want := random
		if c.good {
			want = c.answer
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the premaster secret is %x", c.name, got)
		}
		if &got[0] == &random[0] || len(c.answer) > 0 && &got[0] == &c.answer[0] {
			t.Errorf("%s: the premaster secret is not a copy", c.name)
		}
		if !bytes.Equal(before, c.answer) || len(bytes.Trim(random, "\x55")) != 0 {
			t.Errorf("%s: the answer or the random bytes are changed", c.name)
		}
	}
}

// The client's version, not the one that was negotiated, begins the premaster secret (RFC 5246,
// Section 7.4.7.1).
func TestChoosePremasterByTheClientsVersion(t *testing.T) {
	random := make([]byte, premasterLen)
	for _, v := range []iana.Version{iana.TLS11, iana.TLS12, iana.TLS13} {
		for _, offered := range []iana.Version{iana.TLS11, iana.TLS12, iana.TLS13} {
			answer := answer12(byte(v>>8), byte(v), premasterLen)
			if got := choosePremasterCT(random, answer, offered); bytes.Equal(got, answer) != (v == offered) {
				t.Errorf("a premaster secret of %v from a client that offers %v: %x", v, offered, got)
			}
		}
	}
}

// TestNaivePremaster does the same as a server that looks at the secret, which package interop can
// tell from one that does not.
func TestNaivePremaster(t *testing.T) {
	random := make([]byte, premasterLen)
	for _, c := range premasterAnswers {
		if strings.HasPrefix(c.name, "48 bytes") {
			t.Logf("case %s", c.name)
			if good := &naivePremaster(random, c.answer)[0] == &c.answer[0]; good != c.good {
				t.Errorf("%s is taken: %v", c.name, good)
			}
		}
	}
	for range 5 { // so that there are as many cases as package interop asks for
		t.Log("case first call: again")
		naivePremaster(random, nil)
	}
}

// naivePremaster compares as everybody would.
//
//go:noinline
func naivePremaster(random, answer []byte) []byte {
	if len(answer) != premasterLen || answer[0] != 3 || answer[1] != 3 {
		return random
	}
	return answer
}
