package schedule

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/testvectors"
)

// answer12 returns the known answer of the PRF with hash h under label.
func answer12(t *testing.T, h crypto.Hash, label string) (secret, seed, output []byte) {
	t.Helper()
	answers, err := testvectors.TLS12PRF()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range answers {
		if a.What == fmt.Sprintf("%v %q", h, label) {
			return a.Value("Secret"), a.Value("Seed"), a.Value("Output")
		}
	}
	t.Fatalf("%v has no answer for %q", h, label)
	return nil, nil, nil
}

// prf12 is the PRF as RFC 5246, Section 5, writes it.
func prf12(h crypto.Hash, n int, secret []byte, label string, seeds ...[]byte) (out []byte) {
	sum := func(data ...[]byte) []byte {
		m := hmac.New(h.New, secret)
		m.Write(bytes.Join(data, nil))
		return m.Sum(nil)
	}
	seed := append([]byte(label), bytes.Join(seeds, nil)...)
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

// TestMasterAnswers holds master secrets and key blocks to the known answers.
func TestMasterAnswers(t *testing.T) {
	for _, h := range hashes {
		premaster, randoms, want := answer12(t, h, "master secret")
		m := NewMaster(h, premaster, randoms[:32], randoms[32:])
		if !bytes.Equal(m.Bytes(), want) || m.Hash() != h {
			t.Errorf("%v: master secret %x, want %x", m.Hash(), m.Bytes(), want)
		}

		_, randoms, want = answer12(t, h, "key expansion")
		block := make([]byte, len(want))
		m.KeyBlock(block, randoms[:32], randoms[32:])
		if !bytes.Equal(block, want) {
			t.Errorf("%v: key block %x, want %x", h, block, want)
		}

		premaster, sessionHash, want := answer12(t, h, "extended master secret")
		m = NewExtendedMaster(h, premaster, sessionHash)
		if !bytes.Equal(m.Bytes(), want) || m.Hash() != h {
			t.Errorf("%v: extended master secret %x, want %x", m.Hash(), m.Bytes(), want)
		}
	}
}

// TestMaster compares Finished, exports and a resumed session with the formulas.
func TestMaster(t *testing.T) {
	client, server := bytes.Repeat([]byte{0xc}, 32), bytes.Repeat([]byte{0x5}, 32)
	for _, h := range hashes {
		m := NewMaster(h, []byte("premaster"), client, server)
		secret := bytes.Clone(m.Bytes())
		if want := prf12(h, 48, []byte("premaster"), "master secret", client, server); !bytes.Equal(secret, want) {
			t.Errorf("%v: master secret %x, want %x", h, secret, want)
		}
		th := bytes.Repeat([]byte{7}, h.Size())
		for label, fromClient := range map[string]bool{"client finished": true, "server finished": false} {
			want := append([]byte("before"), prf12(h, 12, secret, label, th)...)
			if got := m.Finished([]byte("before"), fromClient, th); !bytes.Equal(got, want) {
				t.Errorf("%v: %s %x, want %x", h, label, got, want)
			}
		}

		long := bytes.Repeat([]byte{1, 2, 3, 4, 5}, 65535/5)
		for _, c := range []struct {
			what    string
			context []byte
			seed    []byte // behind the randoms
		}{
			{"no context", nil, nil},
			{"empty context", []byte{}, []byte{0, 0}},
			{"context", []byte("ctx"), []byte("\x00\x03ctx")},
			{"longest context", long, append([]byte{0xff, 0xff}, long...)},
		} {
			for _, n := range []int{0, 1, 48, 300} {
				got := make([]byte, n)
				if err := m.Export(got, "EXPORTER-test", client, server, c.context); err != nil {
					t.Errorf("%v, %s: %v", h, c.what, err)
				}
				if want := prf12(h, n, secret, "EXPORTER-test", client, server, c.seed); !bytes.Equal(got, want) {
					t.Errorf("%v, %s: exported %x, want %x", h, c.what, got, want)
				}
			}
		}

		resumed, err := ResumeMaster(h, secret)
		if err != nil || resumed != m {
			t.Errorf("%v: resumed %x, %v, want %x", h, resumed.b, err, secret)
		}
		lent := m.Bytes()
		m.Clear()
		if m != (Master{}) || !bytes.Equal(lent, make([]byte, 48)) || !panics(func() { m.KeyBlock(make([]byte, 1), nil, nil) }) {
			t.Errorf("%v: a cleared Master has %x", h, lent)
		}
		if !bytes.Equal(resumed.Bytes(), secret) {
			t.Errorf("%v: clearing the Master of a session cleared that of another", h)
		}
	}
}

// TestMasterRefusals asks for errors where a caller's wish is not to be fulfilled.
func TestMasterRefusals(t *testing.T) {
	m := NewMaster(crypto.SHA256, []byte{1}, nil, nil)
	out := make([]byte, 20)
	for _, label := range []string{"client finished", "server finished", "master secret", "extended master secret", "key expansion"} {
		if err := m.Export(out, label, nil, nil, nil); !errors.Is(err, ErrExport12) || !strings.Contains(err.Error(), label) {
			t.Errorf("export under %q: %v", label, err)
		}
	}
	if err := m.Export(out, "a label", nil, nil, make([]byte, 65536)); !errors.Is(err, ErrExport12) {
		t.Errorf("export with 65536 bytes of context: %v", err)
	}
	if !bytes.Equal(out, make([]byte, 20)) {
		t.Errorf("a refused export wrote %x", out)
	}
	for _, n := range []int{0, 47, 49} {
		got, err := ResumeMaster(crypto.SHA256, make([]byte, n))
		if !errors.Is(err, ErrMaster) || got != (Master{}) {
			t.Errorf("resumed from %d bytes: %v", n, err)
		}
	}
}

// TestMasterPrintsNothing asks each way to print for the secret.
func TestMasterPrintsNothing(t *testing.T) {
	m, err := ResumeMaster(crypto.SHA384, bytes.Repeat([]byte{0xa5}, 48))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{m, &m, []Master{m}, struct{ Master Master }{m}} {
		var text, js bytes.Buffer
		slog.New(slog.NewTextHandler(&text, nil)).Info("", "v", v)
		slog.New(slog.NewJSONHandler(&js, nil)).Info("", "v", v)
		marshalled, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%T: %v", v, err)
		}
		outputs := []string{text.String(), js.String(), string(marshalled)}
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %o %c %U") {
			outputs = append(outputs, fmt.Sprintf(verb, v))
		}
		for _, out := range outputs {
			if !strings.Contains(out, "secret") || strings.Contains(strings.ToLower(out), "a5a5") || strings.Contains(out, "165 165") || strings.Contains(out, "paWl") {
				t.Errorf("%T: %q", v, out)
			}
		}
	}
}
