//go:build !race

// Allocations and times are not counted under the race detector: its build of the standard library's hashes
// allocates.

package transcript

import "testing"

func TestAllocations(t *testing.T) {
	hello := make([]byte, 300)
	for _, h := range hashes {
		tr := new(Transcript)
		if n := testing.AllocsPerRun(20, func() {
			tr.Lend(hello)
			_ = tr.Start(h)
			tr.HelloRetry()
			for range 8 {
				tr.Add(hello)
				tr.Sum()
			}
			tr.Clear()
		}); n != 1 {
			t.Errorf("%v: %v allocations in a handshake, want the hash alone", h, n)
		}
		start(t, tr, h)
		if n := testing.AllocsPerRun(20, func() {
			tr.SumWith(hello)
		}); n != 1 {
			t.Errorf("%v: %v allocations in SumWith, want 1", h, n)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	for _, h := range hashes {
		b.Run(h.String(), func(b *testing.B) {
			b.ReportAllocs()
			var tr Transcript
			if err := tr.Start(h); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				tr.Sum()
			}
		})
	}
}
