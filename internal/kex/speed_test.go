//go:build !race

package kex

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
)

// operation is one thing that a handshake does with an agreement.
type operation struct {
	name string
	do   func()
}

// operations returns those of a, ready to be repeated.
func operations(t testing.TB, a agreement) []operation {
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	n := a.sizes()
	key, share := mustGenerate(t, a, nil)
	answer, _, err := a.encapsulate(nil, nil, nil, share)
	must(err)
	shareBuf, answerBuf, secretBuf := make([]byte, 0, n.client), make([]byte, 0, n.server), make([]byte, 0, n.secret)
	return []operation{
		{"generate", func() {
			_, err := a.generate(nil)
			must(err)
		}},
		{"public", func() { key.AppendPublic(shareBuf) }},
		{"encapsulate", func() {
			_, _, err := a.encapsulate(nil, answerBuf, secretBuf, share)
			must(err)
		}},
		{"shared", func() {
			_, err := key.Shared(secretBuf, answer)
			must(err)
		}},
	}
}

// hash is what the standard library does with the SHA extensions of an amd64 processor.
func hash() {
	var msg [1500]byte
	sum := sha256.Sum256(msg[:])
	runtime.KeepAlive(sum)
}

func took(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

func median(ds []time.Duration) time.Duration {
	slices.Sort(ds)
	return ds[len(ds)/2]
}

// TestHashSpeedAfter measures SHA-256 on the thread on which each operation has just run,
// which vector registers left dirty would make about 90 times slower; see zeroUpper.
func TestHashSpeedAfter(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// A single run may be hit by the rest of the machine; dirty registers hit all of them.
	const rounds, bound = 31, 8
	type row struct {
		name          string
		before, after time.Duration
	}
	var rows []row
	for i := range table {
		for _, op := range operations(t, table[i].agreement) {
			var before, after []time.Duration
			for range rounds {
				hash()
				before = append(before, took(hash))
				op.do()
				after = append(after, took(hash))
			}
			rows = append(rows, row{table[i].ID.String() + " " + op.name, median(before), median(after)})
		}
	}
	// The quickest one, since before a round may well be after another, and as slow.
	clean := rows[0].before
	for _, r := range rows {
		clean = min(clean, r.before)
	}
	for _, r := range rows {
		if r.after > bound*clean {
			t.Errorf("SHA-256 of 1500 bytes takes %v after %s, and %v on a clean thread", r.after, r.name, clean)
		}
	}
}

func BenchmarkAgreement(b *testing.B) {
	for _, c := range []struct {
		name string
		a    agreement
	}{
		{"X25519/circl", circlX25519{}},
		{"X25519/std", &stdX25519},
		{"P-256/std", secp256r1},
		{"P-384/std", secp384r1},
		{"P-521/std", secp521r1},
		{"ML-KEM-768/circl", &circlMLKEM768},
		{"ML-KEM-768/std", &stdMLKEM768},
		{"ML-KEM-1024/circl", &circlMLKEM1024},
		{"ML-KEM-1024/std", &stdMLKEM1024},
		{"X25519MLKEM768/chosen", Lookup(iana.X25519MLKEM768).agreement},
		{"SecP256r1MLKEM768/chosen", Lookup(iana.SecP256r1MLKEM768).agreement},
		{"SecP384r1MLKEM1024/chosen", Lookup(iana.SecP384r1MLKEM1024).agreement},
	} {
		for _, op := range operations(b, c.a) {
			b.Run(fmt.Sprintf("%s/%s", c.name, op.name), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					op.do()
				}
			})
		}
	}
}
