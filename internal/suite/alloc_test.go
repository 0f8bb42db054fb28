//go:build !race

package suite

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestAllocations holds what a key and a record cost the collector. (The race detector has
// allocations of its own.)
func TestAllocations(t *testing.T) {
	for _, c := range []struct {
		id  iana.CipherSuite
		max float64 // of NewAEAD
	}{
		{iana.TLS_AES_128_GCM_SHA256, 2},
		{iana.TLS_AES_256_GCM_SHA384, 2},
		{iana.TLS_CHACHA20_POLY1305_SHA256, 1},
	} {
		s := Lookup(c.id)
		key := make([]byte, s.KeyLen)
		if n := testing.AllocsPerRun(100, func() { _, _ = s.NewAEAD(key) }); n > c.max {
			t.Errorf("%v: NewAEAD allocates %v objects, want at most %v", c.id, n, c.max)
		}
		aead, err := s.NewAEAD(key)
		if err != nil {
			t.Fatal(err)
		}
		nonce, ad := make([]byte, NonceLen), make([]byte, 5)
		record := make([]byte, 16384, 16384+TagLen)
		n := testing.AllocsPerRun(100, func() {
			sealed := aead.Seal(record[:0], nonce, record, ad)
			if _, err := aead.Open(sealed[:0], nonce, sealed, ad); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%v: Seal and Open allocate %v objects", c.id, n)
		}
	}
}
