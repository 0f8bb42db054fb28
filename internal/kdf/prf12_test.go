package kdf

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/testvectors"
)

// TestPRF12 gives the known answers, whole and in part, with the seed whole and in two halves.
func TestPRF12(t *testing.T) {
	answers, err := testvectors.TLS12PRF()
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]crypto.Hash{"SHA-256": crypto.SHA256, "SHA-384": crypto.SHA384}
	for _, a := range answers {
		name, _, _ := strings.Cut(a.What, " ")
		h := byName[name]
		secret, seed, want := a.Value("Secret"), a.Value("Seed"), a.Value("Output")
		for n := range len(want) + 1 {
			got := make([]byte, n)
			PRF12(h, got, secret, a.Label, seed)
			if !bytes.Equal(got, want[:n]) {
				t.Errorf("%s: %x, want %x", a.What, got, want[:n])
			}
			PRF12(h, got, secret, a.Label, seed[:n%len(seed)], nil, seed[n%len(seed):])
			if !bytes.Equal(got, want[:n]) {
				t.Errorf("%s, seed in two: %x, want %x", a.What, got, want[:n])
			}
		}
		got := bytes.Clone(secret)
		PRF12(h, got, got, a.Label, seed)
		if n := min(len(got), len(want)); !bytes.Equal(got[:n], want[:n]) {
			t.Errorf("%s over its secret: %x, want %x", a.What, got, want[:n])
		}
	}
}

// referencePRF is P_hash as RFC 5246, Section 5, writes it.
func referencePRF(h crypto.Hash, n int, secret, seed []byte) (out []byte) {
	sum := func(data ...[]byte) []byte {
		m := hmac.New(h.New, secret)
		m.Write(bytes.Join(data, nil))
		return m.Sum(nil)
	}
	for a := sum(seed); len(out) < n; a = sum(a) {
		out = append(out, sum(a, seed)...)
	}
	return out[:n]
}

// TestPRF12Reference compares at random lengths, with labels beyond what fits the stack.
func TestPRF12Reference(t *testing.T) {
	r := rand.New(rand.NewPCG(5246, 5))
	bytesOf := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range 2000 {
		for _, h := range hashes {
			secret, label := bytesOf(r.IntN(300)), string(bytesOf(r.IntN(100)))
			seeds := make([][]byte, r.IntN(MaxSeeds+1))
			for i := range seeds {
				seeds[i] = bytesOf(r.IntN(70))
			}
			got := make([]byte, r.IntN(5*h.Size()))
			PRF12(h, got, secret, label, seeds...)
			want := referencePRF(h, len(got), secret, append([]byte(label), bytes.Join(seeds, nil)...))
			if !bytes.Equal(got, want) {
				t.Fatalf("%v: PRF(%x, %x, %x) = %x, want %x", h, secret, label, seeds, got, want)
			}
		}
	}
}
