package kdf

import (
	"bytes"
	"crypto"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/testvectors"
)

var hashes = []crypto.Hash{crypto.SHA256, crypto.SHA384}

func TestRFC5869(t *testing.T) {
	cases, err := testvectors.RFC5869()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		prk := make([]byte, 32)
		Extract(crypto.SHA256, prk, c.Value("salt"), c.Value("IKM"))
		if want := c.Value("PRK"); !bytes.Equal(prk, want) {
			t.Errorf("%s: PRK %x, want %x", c.What, prk, want)
		}
		want := c.Value("OKM")
		okm := make([]byte, len(want))
		Expand(crypto.SHA256, okm, prk, c.Value("info"))
		if !bytes.Equal(okm, want) {
			t.Errorf("%s: OKM %x, want %x", c.What, okm, want)
		}
	}
}

// TestRFC8448Expand expands each PRK of the traces with the info beside it.
func TestRFC8448Expand(t *testing.T) {
	expansions := 0
	for section := 3; section <= 7; section++ {
		trace, err := testvectors.RFC8448(section)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range trace {
			for _, prefix := range []string{"", "key ", "iv "} {
				want := s.Value(prefix + "expanded")
				if want == nil {
					continue
				}
				got := make([]byte, len(want))
				Expand(crypto.SHA256, got, s.Value("PRK"), s.Value(prefix+"info"))
				if !bytes.Equal(got, want) {
					t.Errorf("section %d: %s: %sexpanded %x, want %x", section, s.What, prefix, got, want)
				}
				expansions++
			}
		}
	}
	if expansions != 101 {
		t.Errorf("%d expansions in the traces, want 101", expansions)
	}
}

// TestAgainstStandardLibrary compares with crypto/hmac and crypto/hkdf at random lengths
// around the block sizes.
func TestAgainstStandardLibrary(t *testing.T) {
	r := rand.New(rand.NewPCG(8446, 5869))
	bytesOf := func(max int) []byte {
		b := make([]byte, r.IntN(max+1))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	for range 3000 {
		for _, h := range hashes {
			key, a, b := bytesOf(200), bytesOf(300), bytesOf(40)

			m := hmac.New(h.New, key)
			m.Write(a)
			m.Write(b)
			got := make([]byte, r.IntN(h.Size()+1))
			HMAC(h, got, key, a, nil, b)
			if want := m.Sum(nil)[:len(got)]; !bytes.Equal(got, want) {
				t.Fatalf("%v: HMAC(%x, %x || %x) = %x, want %x", h, key, a, b, got, want)
			}

			prk := make([]byte, h.Size())
			Extract(h, prk, key, a)
			if want, err := hkdf.Extract(h.New, a, key); err != nil || !bytes.Equal(prk, want) {
				t.Fatalf("%v: Extract(%x, %x) = %x, want %x, %v", h, key, a, prk, want, err)
			}

			out := make([]byte, r.IntN(5*h.Size()))
			Expand(h, out, prk, b)
			if want, err := hkdf.Expand(h.New, prk, string(b), len(out)); err != nil || !bytes.Equal(out, want) {
				t.Fatalf("%v: Expand(%x, %x) = %x, want %x, %v", h, prk, b, out, want, err)
			}

			label, context := strings.Repeat("l", r.IntN(MaxLabel+1)), bytesOf(255)
			info := []byte{byte(len(out) >> 8), byte(len(out)), byte(6 + len(label))}
			info = append(info, "tls13 "+label...)
			info = append(append(info, byte(len(context))), context...)
			ExpandLabel(h, out, prk, label, context)
			if want, err := hkdf.Expand(h.New, prk, string(info), len(out)); err != nil || !bytes.Equal(out, want) {
				t.Fatalf("%v: ExpandLabel(%x, %q, %x) = %x, want %x, %v", h, prk, label, context, out, want, err)
			}
		}
	}
}

// TestMAC uses one key for many messages, and compares with HMAC and ExpandLabel.
func TestMAC(t *testing.T) {
	long := bytes.Repeat([]byte("a key and message "), 20)
	for _, h := range hashes {
		for _, n := range []int{0, 1, h.Size(), h.New().BlockSize(), h.New().BlockSize() + 1, len(long)} {
			key := long[:n]
			var m MAC
			m.Init(h, key)
			for _, size := range []int{0, 1, h.Size()} {
				got, want := make([]byte, size), make([]byte, size)
				m.Sum(got, long, nil, key)
				HMAC(h, want, key, long, key)
				if !bytes.Equal(got, want) {
					t.Errorf("%v, key of %d: Sum %x, want %x", h, n, got, want)
				}
				got, want = make([]byte, 3*size), make([]byte, 3*size)
				m.ExpandLabel(got, "label", long[:200])
				ExpandLabel(h, want, key, "label", long[:200])
				if !bytes.Equal(got, want) {
					t.Errorf("%v, key of %d: ExpandLabel %x, want %x", h, n, got, want)
				}
			}
			m.Clear()
			if m != (MAC{}) || !panics(func() { m.Sum(nil) }) {
				t.Errorf("%v: MAC is of use after Clear", h)
			}
		}
	}
}

// TestInPlace overwrites a secret with what is derived from it.
func TestInPlace(t *testing.T) {
	for _, h := range hashes {
		secret, want := make([]byte, h.Size()), make([]byte, h.Size())
		ExpandLabel(h, want, secret, "traffic upd", nil)
		ExpandLabel(h, secret, secret, "traffic upd", nil)
		if !bytes.Equal(secret, want) {
			t.Errorf("%v: ExpandLabel in place: %x, want %x", h, secret, want)
		}
		HMAC(h, want, secret, []byte("a"))
		HMAC(h, secret, secret, []byte("a"))
		if !bytes.Equal(secret, want) {
			t.Errorf("%v: HMAC in place: %x, want %x", h, secret, want)
		}
	}
}

func TestSum(t *testing.T) {
	data := []byte("abc")
	short, long := sha256.Sum256(data), sha512.Sum384(data)
	for _, h := range hashes {
		got := make([]byte, h.Size())
		Sum(h, got, data)
		if want := [][]byte{short[:], long[:]}[h-crypto.SHA256]; !bytes.Equal(got, want) {
			t.Errorf("%v: %x, want %x", h, got, want)
		}
	}
}

// TestMisuse asks for a panic where our own code is wrong; no peer can choose these.
func TestMisuse(t *testing.T) {
	out := make([]byte, 1<<14)
	for name, f := range map[string]func(){
		"HMAC with SHA-1":              func() { HMAC(crypto.SHA1, out[:20], nil) },
		"HMAC with no hash":            func() { HMAC(0, out[:20], nil) },
		"HMAC longer than the hash":    func() { HMAC(crypto.SHA256, out[:33], nil) },
		"hash with SHA-512":            func() { Sum(crypto.SHA512, out[:64], nil) },
		"hash into too little":         func() { Sum(crypto.SHA384, out[:32], nil) },
		"Expand of more than 255 sums": func() { Expand(crypto.SHA256, out[:255*32+1], out[:32], nil) },
		"MAC with SHA-1":               func() { new(MAC).Init(crypto.SHA1, nil) },
		"MAC before Init":              func() { (&MAC{hash: crypto.SHA256}).Sum(out[:32]) },
		"label of 250 bytes":           func() { ExpandLabel(crypto.SHA256, out[:32], out[:32], string(out[:250]), nil) },
		"PRF12 of 7 seeds":             func() { PRF12(crypto.SHA256, out[:1], nil, "", nil, nil, nil, nil, nil, nil, nil) },
		"context of 256 bytes":         func() { ExpandLabel(crypto.SHA256, out[:32], out[:32], "", out[:256]) },
	} {
		if !panics(f) {
			t.Errorf("%s: no panic", name)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}
