package suite

import (
	"bytes"
	"crypto"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestLookup(t *testing.T) {
	for _, c := range []struct {
		id       iana.CipherSuite
		hash     crypto.Hash
		keyLen   int
		limit    uint64
		approved bool
	}{
		{iana.TLS_AES_128_GCM_SHA256, crypto.SHA256, 16, 23_726_565, true},
		{iana.TLS_AES_256_GCM_SHA384, crypto.SHA384, 32, 23_726_565, true},
		{iana.TLS_CHACHA20_POLY1305_SHA256, crypto.SHA256, 32, 1 << 62, false},
	} {
		s := Lookup(c.id)
		if s == nil {
			t.Errorf("%v is not there", c.id)
			continue
		}
		if s.ID != c.id || s.Hash != c.hash || s.KeyLen != c.keyLen || s.RecordLimit != c.limit || s.Approved != c.approved {
			t.Errorf("%v: row %+v", c.id, s)
		}
		if !s.Hash.Available() {
			t.Errorf("%v: %v is not linked in", c.id, s.Hash)
		}
		if s.KeyLen > MaxKeyLen {
			t.Errorf("%v: key of %d bytes, MaxKeyLen is %d", c.id, s.KeyLen, MaxKeyLen)
		}
	}
	for _, id := range []iana.CipherSuite{0, 0x1304, 0x1a1a, iana.TLS_RSA_WITH_RC4_128_MD5} {
		if s := Lookup(id); s != nil {
			t.Errorf("%v has a row: %+v", id, s)
		}
	}
}

func TestNewAEAD(t *testing.T) {
	for i := range table {
		s := &table[i]
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

			for n := range 2*s.KeyLen + 1 {
				if n == s.KeyLen {
					continue
				}
				_, err := s.NewAEAD(make([]byte, n))
				if err == nil {
					t.Errorf("took a key of %d bytes", n)
				} else if !strings.Contains(err.Error(), fmt.Sprintf("key of %d bytes", n)) {
					t.Errorf("error for a key of %d bytes does not say so: %v", n, err)
				}
			}
		})
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
