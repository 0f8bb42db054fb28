package suite

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestNewAEAD(t *testing.T) {
	for i := range table {
		s := &table[i]
		if s.NewAEAD == nil {
			continue
		}
		t.Run(s.ID.String(), func(t *testing.T) {
			key := bytes.Repeat([]byte{7}, s.KeyLen)
			aead, err := s.NewAEAD(key)
			if err != nil {
				t.Fatal(err)
			}
			if aead.NonceSize() != NonceLen || aead.Overhead() != TagLen {
				t.Errorf("nonce of %d bytes, tag of %d", aead.NonceSize(), aead.Overhead())
			}

			nonce, ad := make([]byte, NonceLen), []byte{23, 3, 3, 0, 21}
			sealed := aead.Seal(nil, nonce, []byte("hello"), ad)
			clear(key)
			if again := aead.Seal(nil, nonce, []byte("hello"), ad); !bytes.Equal(again, sealed) {
				t.Error("clearing the caller's key changed the AEAD's")
			}

			otherLengths(t, s.KeyLen, func(key []byte) error { _, err := s.NewAEAD(key); return err })
		})
	}
}

func TestNewBlock(t *testing.T) {
	for i := range table {
		s := &table[i]
		if s.NewBlock == nil {
			continue
		}
		t.Run(s.ID.String(), func(t *testing.T) {
			key := make([]byte, s.KeyLen)
			for i := range key {
				key[i] = byte(i) // three keys of DES
			}
			block, err := s.NewBlock(key)
			if err != nil {
				t.Fatal(err)
			}
			if block.BlockSize() != s.ExplicitLen {
				t.Errorf("blocks of %d bytes, an IV of %d", block.BlockSize(), s.ExplicitLen)
			}

			before, after := make([]byte, s.ExplicitLen), make([]byte, s.ExplicitLen)
			block.Encrypt(before, before)
			clear(key)
			block.Encrypt(after, after)
			if !bytes.Equal(before, after) {
				t.Error("clearing the caller's key changed the cipher's")
			}
			otherLengths(t, s.KeyLen, func(key []byte) error { _, err := s.NewBlock(key); return err })
		})
	}
}

// otherLengths asks of take that it takes no key but of keyLen bytes, and says so.
func otherLengths(t *testing.T, keyLen int, take func(key []byte) error) {
	t.Helper()
	for n := range 2*keyLen + 1 {
		if n == keyLen {
			continue
		}
		err := take(make([]byte, n))
		if err == nil {
			t.Errorf("took a key of %d bytes", n)
		} else if !strings.Contains(err.Error(), fmt.Sprintf("key of %d bytes", n)) {
			t.Errorf("error for a key of %d bytes does not say so: %v", n, err)
		}
	}
}

// inFIPSMode is set in the process that TestFIPSMode starts.
const inFIPSMode = "S2NGO_TEST_IN_FIPS_MODE"

func TestFIPSMode(t *testing.T) {
	fips := os.Getenv(inFIPSMode) != ""
	for i := range table {
		s := &table[i]
		if want := s.Approved || !fips; s.Usable() != want {
			t.Errorf("FIPS mode %t: %v is usable: %t", fips, s.ID, s.Usable())
		}
	}
	if fips {
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestFIPSMode$")
	cmd.Env = append(os.Environ(), inFIPSMode+"=1", "GODEBUG=fips140=on")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with GODEBUG=fips140=on: %v\n%s", err, out)
	}
}

func BenchmarkSuite(b *testing.B) {
	for i := range table {
		s := &table[i]
		if !s.TLS13 {
			continue // the same ciphers
		}
		key, nonce, ad := make([]byte, s.KeyLen), make([]byte, NonceLen), make([]byte, 5)
		b.Run(s.ID.String()+"/NewAEAD", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.NewAEAD(key); err != nil {
					b.Fatal(err)
				}
			}
		})
		aead, err := s.NewAEAD(key)
		if err != nil {
			b.Fatal(err)
		}
		buf := make([]byte, 16384, 16384+TagLen)
		sealed := aead.Seal(nil, nonce, buf, ad)
		b.Run(s.ID.String()+"/Seal16K", func(b *testing.B) {
			b.SetBytes(16384)
			for b.Loop() {
				aead.Seal(buf[:0], nonce, buf, ad)
			}
		})
		out := make([]byte, 0, 16384)
		b.Run(s.ID.String()+"/Open16K", func(b *testing.B) {
			b.SetBytes(16384)
			for b.Loop() {
				if _, err := aead.Open(out, nonce, sealed, ad); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
