package testvectors

import (
	"bytes"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestRFC8448Counts holds each value to the length that the document states for it, and each
// section to the number of steps and values that it has.
func TestRFC8448Counts(t *testing.T) {
	for _, c := range []struct{ section, steps, values, octets, records, messages int }{
		{2, 1, 8, 128 + 3 + 128 + 5*64, 0, 0},
		{3, 55, 109, 6295, 9, 8},
		{4, 60, 125, 5845, 10, 6},
		{5, 54, 106, 7545, 8, 9},
		{6, 52, 101, 6655, 6, 10},
		{7, 51, 102, 5520, 8, 7},
	} {
		trace := load(t, c.section)
		values, octets := 0, 0
		for _, s := range trace {
			values += len(s.Values)
			for _, v := range s.Values {
				octets += len(v.Data)
				if c.section != 2 && len(v.Data) != v.Octets {
					t.Errorf("section %d, %s, %s: %d octets, document has %d", c.section, s.What, v.Name, len(v.Data), v.Octets)
				}
			}
			if c.section != 2 && (s.Who != "client" && s.Who != "server" || (s.SameAs != "") != (len(s.Values) == 0)) {
				t.Errorf("section %d: step %+v", c.section, s)
			}
		}
		got := [5]int{len(trace), values, octets, len(trace.Records()), len(trace.Messages())}
		if want := [5]int{c.steps, c.values, c.octets, c.records, c.messages}; got != want {
			t.Errorf("section %d: steps, values, octets, records, messages: got %d, want %d", c.section, got, want)
		}
	}
}

// TestRFC8448Records checks each record against its payload, and against the messages that
// the document constructs before.
func TestRFC8448Records(t *testing.T) {
	for section := 3; section <= 7; section++ {
		trace := load(t, section)
		messages := trace.Messages()
		for _, s := range trace.Find("", "construct a") {
			m := messages[0]
			messages = messages[1:]
			v := s.Values[0]
			// A ClientHello with a PSK is constructed without its binders.
			if m.From != s.Who || !bytes.HasPrefix(m.Data, v.Data) || len(m.Data) != len(v.Data) && section != 4 {
				t.Errorf("section %d: %s of %d octets, sent as %d", section, v.Name, v.Octets, len(m.Data))
			}
			if name := iana.Message(m.Data[0]).String(); strings.ReplaceAll(name, "_", "") != strings.ToLower(v.Name) {
				t.Errorf("section %d: %s is a %s", section, v.Name, name)
			}
		}
		if len(messages) != 0 {
			t.Errorf("section %d: %d messages sent that were not constructed", section, len(messages))
		}
		for i, r := range trace.Records() {
			n := len(r.Wire) - 5
			if n < 0 || int(r.Wire[3])<<8|int(r.Wire[4]) != n {
				t.Fatalf("section %d, record %d: header %x before %d bytes", section, i, r.Wire[:5], n)
			}
			switch typ := iana.RecordType(r.Wire[0]); {
			case typ == iana.RecordApplicationData: // protected: content type and tag
				if n != len(r.Payload)+17 {
					t.Errorf("section %d, record %d: %d octets protect %d", section, i, n, len(r.Payload))
				}
			case !bytes.Equal(r.Wire[5:], r.Payload) || typ.String() != r.Type:
				t.Errorf("section %d, record %d: %v is not its payload", section, i, typ)
			}
		}
	}
}

func TestRFC5869(t *testing.T) {
	trace, err := RFC5869()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][5]int{{22, 13, 10, 32, 42}, {80, 80, 80, 32, 82}, {22, 0, 0, 32, 42}} {
		for j, v := range trace[i].Values {
			if len(v.Data) != want[j] || v.Octets != want[j] {
				t.Errorf("%s: %s has %d octets, want %d", trace[i].What, v.Name, len(v.Data), want[j])
			}
		}
	}
	if len(trace) != 3 {
		t.Errorf("%d cases, want 3", len(trace))
	}
}

func TestTLS12PRF(t *testing.T) {
	trace, err := TLS12PRF()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][3]int{{16, 16, 100}, {16, 16, 148}, {48, 64, 48}, {48, 64, 128}, {48, 64, 48}, {48, 64, 128}, {16, 16, 48}, {16, 16, 48}} {
		for j, v := range trace[i].Values {
			if len(v.Data) != want[j] || v.Octets != want[j] {
				t.Errorf("%s: %s has %d octets, want %d", trace[i].What, v.Name, len(v.Data), want[j])
			}
		}
	}
	if len(trace) != 8 {
		t.Errorf("%d answers, want 8", len(trace))
	}
}

func TestFFDHE(t *testing.T) {
	trace, err := FFDHE()
	if err != nil {
		t.Fatal(err)
	}
	primes := []int{256, 384, 512, 768, 1024, 256}
	if len(trace) != len(primes) {
		t.Fatalf("%d agreements, want %d", len(trace), len(primes))
	}
	for i, n := range primes {
		for _, v := range trace[i].Values {
			if len(v.Data) != v.Octets {
				t.Errorf("%s: %s has %d octets, want %d", trace[i].What, v.Name, len(v.Data), v.Octets)
			}
		}
		secret := n
		if i == 5 {
			secret-- // its first octet is zero
		}
		s := &trace[i]
		if len(s.Value("client public value")) != n || len(s.Value("server public value")) != n || len(s.Value("secret")) != secret {
			t.Errorf("%s: values of another length than %d", s.What, n)
		}
	}
}

func TestParse(t *testing.T) {
	for name, text := range map[string]string{
		"line that is no pair":   "step = a\nPRK",
		"value before any step":  "PRK = 00",
		"odd number of digits":   "step = a\nPRK = 000",
		"count that is no count": "step = a\nPRK (x octets) = 00",
	} {
		if _, err := parse(text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := RFC8448(8); err == nil {
		t.Error("section 8 has a trace")
	}
	s := parseStep(`{server} calculate finished "tls13 finished" (same as client)`)
	if s.Who != "server" || s.What != `calculate finished "tls13 finished"` || s.Label != "tls13 finished" || s.SameAs != "client" {
		t.Errorf("step %+v", s)
	}
}

func load(t *testing.T, section int) Trace {
	t.Helper()
	trace, err := RFC8448(section)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}
