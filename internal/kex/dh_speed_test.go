//go:build !race

package kex

import (
	"bytes"
	"fmt"
	"testing"
)

// TestDHAllocations holds what an exchange costs the collector: above 2048 bits bigmod finds
// no room on the stack and allocates for each multiplication.
func TestDHAllocations(t *testing.T) {
	want := []struct{ generate, shared float64 }{{3, 3}, {800, 800}, {900, 900}, {1000, 1010}, {1100, 1100}, {3, 3}, {3, 3}}
	for i, d := range dhGroups(t) {
		_, peer := mustDHKey(t, d)
		room := make([]byte, 0, len(d.P()))
		var k *DHKey
		generate := testing.AllocsPerRun(3, func() { k, _ = d.Generate(nil) })
		exponent, spare := bytes.Clone(k.exponent), k.exponent
		shared := testing.AllocsPerRun(3, func() {
			k.exponent = append(spare[:0], exponent...) // of which Shared has wiped the last one
			if _, err := k.Shared(room, peer); err != nil {
				t.Error(err)
			}
		})
		public := testing.AllocsPerRun(3, func() { k.AppendPublic(room) })
		if generate > want[i].generate || shared > want[i].shared || public != 0 {
			t.Errorf("%d bits: Generate allocates %v objects, Shared %v, AppendPublic %v, want at most %v and 0", d.BitLen(), generate, shared, public, want[i])
		}
	}
}

func BenchmarkDH(b *testing.B) {
	for _, d := range dhGroups(b) {
		name := fmt.Sprintf("%d bits, exponent of %d", d.BitLen(), d.exponentBits)
		b.Run(name+"/generate", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.Generate(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		_, peer := mustDHKey(b, d)
		k, _ := mustDHKey(b, d)
		exponent, spare, room := bytes.Clone(k.exponent), k.exponent, make([]byte, 0, len(d.P()))
		b.Run(name+"/shared", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				k.exponent = append(spare[:0], exponent...)
				if _, err := k.Shared(room, peer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
