//go:build !race

package kex

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestAllocations holds what each operation costs the collector. (The race detector has
// allocations of its own.)
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		name string
		a    agreement
		want [4]float64 // at most, in the order of operations; std's own may vary with its version
	}{
		{"x25519 by circl", circlX25519{}, [4]float64{1, 0, 0, 0}},
		{"x25519 by std", &stdX25519, [4]float64{8, 0, 12, 4}},
		{"secp256r1", secp256r1, [4]float64{10, 0, 18, 9}},
		{"secp384r1", secp384r1, [4]float64{14, 0, 28, 16}},
		{"secp521r1", secp521r1, [4]float64{14, 0, 28, 16}},
		{"ML-KEM-768 by circl", &circlMLKEM768, [4]float64{6, 0, 3, 0}},
		{"ML-KEM-1024 by circl", &circlMLKEM1024, [4]float64{6, 0, 3, 0}},
		{"ML-KEM-768 by std", &stdMLKEM768, [4]float64{4, 4, 6, 3}},
		{"ML-KEM-1024 by std", &stdMLKEM1024, [4]float64{4, 4, 6, 3}},
		{"X25519MLKEM768 by circl", &hybrid{iana.X25519MLKEM768, &circlMLKEM768, circlX25519{}}, [4]float64{8, 0, 3, 0}},
	} {
		for i, op := range operations(t, c.a) {
			if n := testing.AllocsPerRun(50, op.do); n > c.want[i] {
				t.Errorf("%s: %s allocates %v objects, want at most %v", c.name, op.name, n, c.want[i])
			}
		}
	}
}
