package schedule

import (
	"bytes"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/internal/kdf"
)

var hashes = []crypto.Hash{crypto.SHA256, crypto.SHA384}

// patterned is a secret whose bytes are easy to find in an output.
func patterned(h crypto.Hash) Secret {
	s := Secret{hash: h}
	for i := range s.Bytes() {
		s.b[i] = 0xa5
	}
	return s
}

// TestRedaction prints each secret type with each verb and each logger.
func TestRedaction(t *testing.T) {
	s := patterned(crypto.SHA384)
	type holder struct{ Secret Secret }
	timeless := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { // a time may show anything
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	for _, v := range []any{
		s, &s, []Secret{s}, map[string]Secret{"key": s}, holder{s}, &holder{s}, []*Secret{&s}, [1]any{s},
		Early{secret: s}, &Early{secret: s}, Handshake{secret: s}, &Handshake{secret: s}, Main{secret: s}, &Main{secret: s},
	} {
		var text, js bytes.Buffer
		slog.New(slog.NewTextHandler(&text, timeless)).Info("", "v", v)
		slog.New(slog.NewJSONHandler(&js, timeless)).Info("", "v", v)
		marshalled, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
		}
		outputs := []string{text.String(), js.String(), string(marshalled), fmt.Sprint(v), fmt.Sprintln(v), fmt.Errorf("x: %v", v).Error()}
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %#x %+x % x %d %b %o %c %U %e %08x %.3s %-60v %t %y") {
			outputs = append(outputs, fmt.Sprintf(verb, v))
		}
		for i, out := range outputs {
			_, isPointers := v.([]*Secret)
			if !strings.Contains(out, "secret") && !isPointers {
				t.Errorf("%T, output %d: %q does not say that it is a secret", v, i, out)
			}
			for _, leak := range []string{"165", "a5a5", "A5A5", "a5 a5", "0xa5", "paWl", "\xa5\xa5", "¥", "10100101", "245 245"} {
				if strings.Contains(out, leak) {
					t.Errorf("%T, output %d: %q shows %q", v, i, out, leak)
				}
			}
		}
	}
	if s.String() != "secret" || s.GoString() != "secret" {
		t.Errorf("%s, %#v", s, s)
	}
}

// TestConsumption makes each stage of the one before and asks that nothing is left of it.
func TestConsumption(t *testing.T) {
	for _, h := range hashes {
		for name, psk := range map[string][]byte{"no PSK": nil, "PSK": make([]byte, 32), "short PSK": {1}} {
			early := New(h, psk)
			hs := early.Handshake(make([]byte, 32))
			if early != (Early{}) {
				t.Errorf("%v, %s: Handshake leaves Early", h, name)
			}
			main := hs.Main()
			if hs != (Handshake{}) {
				t.Errorf("%v, %s: Main leaves Handshake", h, name)
			}
			main.Clear()
			if main != (Main{}) {
				t.Errorf("%v, %s: Clear leaves Main", h, name)
			}
			for use, f := range map[string]func(){
				"Early.Handshake":   func() { early.Handshake(nil) },
				"Early.Traffic":     func() { early.ClientTraffic(nil) },
				"Handshake.Traffic": func() { hs.Traffic(nil) },
				"Handshake.Main":    func() { hs.Main() },
				"Main.Traffic":      func() { main.Traffic(nil) },
				"Main.Exporter":     func() { main.Exporter(nil) },
			} {
				if !panics(f) {
					t.Errorf("%v, %s: %s works on a consumed stage", h, name, use)
				}
			}
		}
	}
	early, hs := New(crypto.SHA256, nil), Handshake{secret: patterned(crypto.SHA384)}
	early.Clear()
	hs.Clear()
	if early != (Early{}) || hs != (Handshake{}) {
		t.Error("Clear leaves a stage")
	}
	s := patterned(crypto.SHA384)
	lent := s.Bytes()
	s.Clear()
	if s != (Secret{}) || !slices.Equal(lent, make([]byte, 48)) || !panics(func() { s.Bytes() }) {
		t.Errorf("a cleared Secret has %x", lent)
	}
}

// TestConstantsSurvive asks that clearing a schedule without a PSK leaves the constants that all such
// schedules begin with.
func TestConstantsSurvive(t *testing.T) {
	for _, h := range hashes {
		shared := []byte("shared")
		first := New(h, nil)
		a := first.Handshake(shared)
		second := New(h, nil)
		b := second.Handshake(shared)
		third := New(h, make([]byte, h.Size())) // zeros are what stands for no PSK
		c := third.Handshake(shared)
		if a != b || a != c {
			t.Errorf("%v: three equal schedules differ", h)
		}
	}
}

func TestExportBounds(t *testing.T) {
	s := patterned(crypto.SHA256)
	for _, c := range []struct {
		name         string
		label, bytes int
		err          error
	}{
		{"empty label and output", 0, 0, nil},
		{"longest label and output", kdf.MaxLabel, 255 * 32, nil},
		{"label of 250 bytes", kdf.MaxLabel + 1, 32, ErrExport},
		{"output of 8161 bytes", 10, 255*32 + 1, ErrExport},
	} {
		err := s.Export(make([]byte, c.bytes), strings.Repeat("l", c.label), nil)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}
