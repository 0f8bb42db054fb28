package pkcs11

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Calls go into p11-kit's modules one after the other, and into others at once.
func TestCallsTakeTurnsInP11Kit(t *testing.T) {
	for name, want := range map[string]bool{"p11-kit-client": true, "libp11-kit": true, "libsofthsm2": false} {
		t.Run(name, func(t *testing.T) {
			f := newFake(testP256())
			f.path = fmt.Sprintf("/fake/%s-%d.so", name, fakes.Add(1))
			var inside, most atomic.Int64
			f.fault = func(call string, _ uint) error {
				n := inside.Add(1)
				defer inside.Add(-1)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
				if call == "Sign" {
					time.Sleep(time.Millisecond)
				}
				return nil
			}
			token := f.open(t)
			k := keyOf(t, token, testP256())
			var all sync.WaitGroup
			for range 32 {
				all.Go(func() {
					if err := signs(t, k); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if alone := most.Load() == 1; alone != want {
				t.Errorf("%d calls were inside at once", most.Load())
			}
		})
	}
}
