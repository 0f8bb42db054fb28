//go:build !race && amd64

package bench

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestHandshakeAllocations holds what handshakes cost the heap, both sides and the wire between them together: what
// is measured, and a little air. (The race detector allocates, and the standard library of other processors does so
// differently.)
func TestHandshakeAllocations(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // which would empty the pools
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))  // of which each processor has its own
	for name, c := range map[string]struct {
		Case
		objects, bytes float64
	}{
		"TLS 1.3":             {Case{Key: testpeer.KeyP256, Group: iana.X25519}, 170, 24700},
		"TLS 1.3, resumption": {Case{Key: testpeer.KeyP256, Group: iana.X25519, Resume: true}, 90, 23600},
		"TLS 1.2":             {Case{Version: iana.TLS12, Key: testpeer.KeyP256, Group: iana.X25519, Suite: iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, 165, 20000},
	} {
		f, err := NewFixture(c.Case)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Ours(f, 20); err != nil { // what is made once is made now
			t.Fatal(err)
		}
		cost, err := Ours(f, 200)
		if err != nil {
			t.Fatal(err)
		}
		if t.Logf("%s: %.1f objects, %.0f bytes", name, cost.Objects, cost.Bytes); cost.Objects > c.objects || cost.Bytes > c.bytes {
			t.Errorf("%s costs %.1f objects of %.0f bytes together, more than %.0f of %.0f", name, cost.Objects, cost.Bytes, c.objects, c.bytes)
		}
	}
}
