package record

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/s2ngo/s2ngo/iana"
)

// suites are the AEADs that the tests and benchmarks run over.
var suites = []struct {
	name   string
	keyLen int
	aead   func(key []byte) (cipher.AEAD, error)
}{
	{"AES-128-GCM", 16, newGCM},
	{"AES-256-GCM", 32, newGCM},
	{"ChaCha20-Poly1305", 32, chacha20poly1305.New},
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

func mustAEAD(i int) cipher.AEAD {
	a, err := suites[i].aead(make([]byte, suites[i].keyLen))
	if err != nil {
		panic(err)
	}
	return a
}

// pipe is a wire in memory: what send is given, recv returns.
type pipe struct {
	data []byte
	off  int
}

func (p *pipe) send(b []byte) (int, error) {
	p.data = append(p.data, b...)
	return len(b), nil
}

func (p *pipe) recv(b []byte) (int, error) {
	if p.off == len(p.data) {
		return 0, ErrWouldBlock
	}
	n := copy(b, p.data[p.off:])
	if p.off += n; p.off == len(p.data) {
		p.data, p.off = p.data[:0], 0
	}
	return n, nil
}

func BenchmarkSeal(b *testing.B) {
	for i, s := range suites {
		payload := make([]byte, MaxPlaintext)
		b.Run(s.name+"/raw", func(b *testing.B) {
			a, nonce, out := mustAEAD(i), make([]byte, 12), make([]byte, 0, MaxPlaintext+16)
			b.SetBytes(MaxPlaintext)
			for b.Loop() {
				a.Seal(out[:0], nonce, payload, nonce[:5])
			}
		})
		b.Run(s.name+"/record", func(b *testing.B) {
			var w Writer
			w.SetSealer(NewAEAD13(mustAEAD(i), make([]byte, 12), 0))
			send := func(p []byte) (int, error) { return len(p), nil }
			b.SetBytes(MaxPlaintext)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := w.Seal(iana.RecordApplicationData, payload); err != nil {
					b.Fatal(err)
				}
				if err := w.Flush(send); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for i, s := range suites {
		sealed := sealOne(b, mustAEAD(i))
		b.Run(s.name+"/raw", func(b *testing.B) {
			a, nonce, out := mustAEAD(i), make([]byte, 12), make([]byte, 0, MaxPlaintext+16)
			b.SetBytes(MaxPlaintext)
			for b.Loop() {
				if _, err := a.Open(out[:0], nonce, sealed[5:], sealed[:5]); err != nil {
					b.Fatal(err)
				}
			}
		})
		for _, direct := range []bool{false, true} {
			name, dst := "/record", []byte(nil)
			if direct {
				name, dst = "/record-into", make([]byte, MaxPlaintext+1)
			}
			b.Run(s.name+name, func(b *testing.B) {
				var r Reader
				o := NewAEAD13(mustAEAD(i), make([]byte, 12), 0)
				r.SetOpener(o)
				recv := func(p []byte) (int, error) { return copy(p, sealed), nil }
				b.SetBytes(MaxPlaintext)
				b.ReportAllocs()
				for b.Loop() {
					o.seq = 0
					if _, err := r.Fill(recv); err != nil {
						b.Fatal(err)
					}
					if _, err := r.NextInto(dst); err != nil {
						b.Fatal(err)
					}
					r.Release()
				}
			})
		}
	}
}

func sealOne(t testing.TB, a cipher.AEAD) []byte {
	t.Helper()
	record := make([]byte, HeaderLen+MaxPlaintext, HeaderLen+MaxPlaintext+17)
	sealed, err := NewAEAD13(a, make([]byte, 12), 0).Seal(record, iana.RecordApplicationData, 0)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// BenchmarkBoth is seal, a copy over a wire in memory, and open, as BUDGETS.md counts bulk.
func BenchmarkBoth(b *testing.B) {
	for i, s := range suites {
		for _, direct := range []bool{false, true} {
			name := "/copied"
			if direct {
				name = "/into"
			}
			b.Run(s.name+name, func(b *testing.B) {
				var w Writer
				var r Reader
				w.SetSealer(NewAEAD13(mustAEAD(i), make([]byte, 12), 0))
				r.SetOpener(NewAEAD13(mustAEAD(i), make([]byte, 12), 0))
				var wire pipe
				send, recv := wire.send, wire.recv
				payload, dst := make([]byte, MaxPlaintext), make([]byte, 32<<10)
				b.SetBytes(MaxPlaintext)
				for b.Loop() {
					w.Seal(iana.RecordApplicationData, payload)
					w.Flush(send)
					r.Fill(recv)
					var rec Record
					var err error
					if direct {
						rec, err = r.NextInto(dst)
					} else {
						rec, err = r.Next()
						copy(dst, rec.Payload)
					}
					if err != nil || len(rec.Payload) != MaxPlaintext {
						b.Fatal(err)
					}
					r.Release()
				}
			})
		}
	}
}

// BenchmarkCiphers12 seals and opens full records of TLS 1.2.
func BenchmarkCiphers12(b *testing.B) {
	for _, id := range ciphers12 {
		p := newPeer12(id)
		b.Run(id.String()+"/seal", func(b *testing.B) {
			s := p.sealer(b, nil)
			start := HeaderLen + s.Prefix()
			buf := make([]byte, start+MaxPlaintext, MaxPlaintext+MaxCiphertext12)
			b.SetBytes(MaxPlaintext)
			b.ReportAllocs()
			for b.Loop() {
				counter(s).blocks = 0
				if _, err := s.Seal(buf, iana.RecordApplicationData, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
		for _, n := range []int{64, MaxPlaintext} {
			b.Run(fmt.Sprintf("%v/open%d", id, n), func(b *testing.B) {
				o := p.opener(b)
				p.seq = 0
				sealed := p.record(iana.RecordApplicationData, make([]byte, n), make([]byte, p.suite.ExplicitLen))
				record := bytes.Clone(sealed)
				b.SetBytes(int64(n))
				b.ReportAllocs()
				for b.Loop() {
					counter(o).seq = 0
					copy(record, sealed)
					if _, _, err := o.Open(record[:HeaderLen], record[HeaderLen:]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
