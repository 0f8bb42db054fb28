//go:build !race

// Allocations and times are not counted under the race detector: its build of the standard library's hashes
// allocates.

package schedule

import (
	"crypto"
	"testing"
)

// handshake is what a side with a PSK or without derives in one handshake, with resumption and a key update.
func handshake(h crypto.Hash, psk []byte) (sum byte) {
	var th, shared [48]byte
	var key [32]byte
	var iv [12]byte
	var verify [64]byte
	hash := th[:h.Size()]

	early := New(h, psk)
	if psk != nil {
		binder := early.ResumptionBinderKey()
		sum ^= binder.Finished(verify[:0], hash)[0]
		binder.Clear()
	}
	hs := early.Handshake(shared[:])
	c, s := hs.Traffic(hash)
	for _, secret := range []*Secret{&c, &s} {
		sum ^= secret.Finished(verify[:0], hash)[0]
		key, iv := secret.KeyIV(32, 12)
		sum ^= key[0] ^ iv[0]
		secret.Clear()
	}
	main := hs.Main()
	c, s = main.Traffic(hash)
	next := c.Next()
	for _, secret := range []*Secret{&c, &s} {
		key, iv := secret.KeyIV(32, 12)
		sum ^= key[0] ^ iv[0]
	}
	exporter, resumption := main.Exporter(hash), main.Resumption(hash)
	main.Clear()
	ticket := resumption.TicketPSK(iv[:1])
	next.Key(key[:])
	next.IV(iv[:])
	if err := exporter.Export(key[:], "EXPORTER-test", hash); err != nil {
		panic(err)
	}
	for _, secret := range []*Secret{&c, &s, &exporter, &resumption, &ticket, &next} {
		secret.Clear()
	}
	return sum
}

func TestAllocations(t *testing.T) {
	psk := make([]byte, 48)
	for _, h := range hashes {
		for name, psk := range map[string][]byte{"no PSK": nil, "PSK": psk[:h.Size()]} {
			if n := testing.AllocsPerRun(50, func() { handshake(h, psk) }); n != 0 {
				t.Errorf("%v, %s: %v allocations in a handshake, a key update and an export", h, name, n)
			}
		}
	}
}

// TestAllocations12 is TestAllocations for TLS 1.2.
func TestAllocations12(t *testing.T) {
	var premaster, th, verify [48]byte
	var randoms [2][32]byte
	var block [160]byte
	for _, h := range hashes {
		n := testing.AllocsPerRun(50, func() {
			m := NewExtendedMaster(h, premaster[:], th[:h.Size()])
			plain := NewMaster(h, premaster[:], randoms[0][:], randoms[1][:])
			m.KeyBlock(block[:], randoms[1][:], randoms[0][:])
			m.Finished(verify[:0], true, th[:h.Size()])
			if err := plain.Export(block[:], "EXPORTER-test", randoms[0][:], randoms[1][:], th[:]); err != nil {
				t.Error(err)
			}
			m.Clear()
			plain.Clear()
		})
		if n != 0 {
			t.Errorf("%v: %v allocations in a handshake of TLS 1.2 and an export", h, n)
		}
	}
}

// keys is the key schedule of a full handshake of one side, to the application keys: 19 HMACs.
func keys(h crypto.Hash, shared, hash []byte) (sum byte) {
	var verify [48]byte
	early := New(h, nil)
	hs := early.Handshake(shared)
	c, s := hs.Traffic(hash)
	for _, secret := range []*Secret{&c, &s} {
		sum ^= secret.Finished(verify[:0], hash)[0]
		key, iv := secret.KeyIV(32, 12)
		sum ^= key[0] ^ iv[0]
	}
	main := hs.Main()
	c, s = main.Traffic(hash)
	for _, secret := range []*Secret{&c, &s} {
		key, iv := secret.KeyIV(32, 12)
		sum ^= key[0] ^ iv[0]
	}
	return sum
}

func BenchmarkHandshake(b *testing.B) {
	for _, h := range hashes {
		b.Run(h.String(), func(b *testing.B) {
			b.ReportAllocs()
			shared, hash := make([]byte, 32), make([]byte, h.Size())
			for b.Loop() {
				keys(h, shared, hash)
			}
		})
	}
}
