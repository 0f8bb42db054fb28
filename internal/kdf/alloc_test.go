//go:build !race

// Allocations and times are not counted under the race detector: its build of the standard library's hashes
// allocates.

package kdf

import (
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"testing"
)

// TestAllocations asks for no heap object at any size that TLS uses, and at some it does not.
func TestAllocations(t *testing.T) {
	message := make([]byte, 1<<14)
	for _, h := range hashes {
		size := h.Size()
		for name, f := range map[string]func(){
			"HMAC, Finished": func() {
				var out, key, hash [MaxSize]byte
				HMAC(h, out[:size], key[:size], hash[:size])
			},
			"HMAC, long key and message": func() {
				var out [MaxSize]byte
				HMAC(h, out[:size], message, message, message)
			},
			"Extract, no salt": func() {
				var out, ikm [MaxSize]byte
				Extract(h, out[:size], nil, ikm[:size])
			},
			"Extract, hybrid secret": func() {
				var out, salt [MaxSize]byte
				var ikm [48 + 32]byte
				Extract(h, out[:size], salt[:size], ikm[:])
			},
			"ExpandLabel, key": func() {
				var out [32]byte
				var secret [MaxSize]byte
				ExpandLabel(h, out[:], secret[:size], "key", nil)
			},
			"ExpandLabel, iv": func() {
				var out [12]byte
				var secret [MaxSize]byte
				ExpandLabel(h, out[:], secret[:size], "iv", nil)
			},
			"ExpandLabel, Derive-Secret": func() {
				var out, secret, hash [MaxSize]byte
				ExpandLabel(h, out[:size], secret[:size], "c hs traffic", hash[:size])
			},
			"ExpandLabel, longest label on the stack": func() {
				var out, secret [MaxSize]byte
				ExpandLabel(h, out[:size], secret[:size], "EXPORTER-a label of fifty-four bytes, and not one more", nil)
			},
			"ExpandLabel, longest nonce": func() {
				var out, secret [MaxSize]byte
				ExpandLabel(h, out[:size], secret[:size], "resumption", message[:255])
			},
			"MAC, key and iv": func() {
				var key [32]byte
				var iv [12]byte
				var secret [MaxSize]byte
				var m MAC
				m.Init(h, secret[:size])
				m.ExpandLabel(key[:], "key", nil)
				m.ExpandLabel(iv[:], "iv", nil)
				m.Clear()
			},
			"Expand, 255 blocks": func() {
				var prk [MaxSize]byte
				Expand(h, message[:255*size], prk[:size], prk[:0])
			},
			"PRF12, Finished": func() {
				var out [12]byte
				var master, hash [48]byte
				PRF12(h, out[:], master[:], "client finished", hash[:size])
			},
			"PRF12, longest key block": func() {
				var out [160]byte
				var master [48]byte
				var randoms [2][32]byte
				PRF12(h, out[:], master[:], "key expansion", randoms[0][:], randoms[1][:])
			},
			"PRF12, longest label and most seeds on the stack": func() {
				var out, master, seed [48]byte
				PRF12(h, out[:], master[:], "EXPORTER-a label of sixty-four bytes, which is more than any has",
					seed[:], seed[:], seed[:], seed[:], seed[:], seed[:])
			},
			"Sum": func() {
				var out [MaxSize]byte
				Sum(h, out[:size], message)
			},
		} {
			if n := testing.AllocsPerRun(20, f); n != 0 {
				t.Errorf("%v, %v: %v allocations", h, name, n)
			}
		}
	}
}

func BenchmarkExpandLabel(b *testing.B) {
	var out, secret, hash [MaxSize]byte
	for _, h := range hashes {
		n := h.Size()
		b.Run(h.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ExpandLabel(h, out[:n], secret[:n], "c hs traffic", hash[:n])
			}
		})
	}
}

// BenchmarkMAC makes two labels of one secret, with a MAC and without.
func BenchmarkMAC(b *testing.B) {
	var out, secret, hash [MaxSize]byte
	for _, h := range hashes {
		n := h.Size()
		b.Run(h.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var m MAC
				m.Init(h, secret[:n])
				m.ExpandLabel(out[:n], "c hs traffic", hash[:n])
				m.ExpandLabel(out[:n], "s hs traffic", hash[:n])
				m.Clear()
			}
		})
		b.Run(h.String()+" twice", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ExpandLabel(h, out[:n], secret[:n], "c hs traffic", hash[:n])
				ExpandLabel(h, out[:n], secret[:n], "s hs traffic", hash[:n])
			}
		})
	}
}

// BenchmarkPRF12 makes the longest key block and a Finished.
func BenchmarkPRF12(b *testing.B) {
	var out [160]byte
	var master, hash [48]byte
	var randoms [2][32]byte
	for _, h := range hashes {
		b.Run(h.String()+"/key block", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				PRF12(h, out[:], master[:], "key expansion", randoms[0][:], randoms[1][:])
			}
		})
		b.Run(h.String()+"/Finished", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				PRF12(h, out[:12], master[:], "client finished", hash[:h.Size()])
			}
		})
	}
}

func BenchmarkExpandLabelStd(b *testing.B) {
	secret, info := make([]byte, MaxSize), string(make([]byte, 54))
	b.Run("SHA-256", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			hkdf.Expand(sha256.New, secret[:32], info, 32)
		}
	})
	b.Run("SHA-384", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			hkdf.Expand(sha512.New384, secret[:48], info, 48)
		}
	})
}

func BenchmarkExtract(b *testing.B) {
	var out, salt, ikm [MaxSize]byte
	for _, h := range hashes {
		n := h.Size()
		b.Run(h.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Extract(h, out[:n], salt[:n], ikm[:n])
			}
		})
	}
}

func BenchmarkExtractStd(b *testing.B) {
	salt, ikm := make([]byte, MaxSize), make([]byte, MaxSize)
	b.Run("SHA-256", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			hkdf.Extract(sha256.New, ikm[:32], salt[:32])
		}
	})
	b.Run("SHA-384", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			hkdf.Extract(sha512.New384, ikm[:48], salt[:48])
		}
	})
}
