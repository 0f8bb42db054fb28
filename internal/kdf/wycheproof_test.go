package kdf

import (
	"bytes"
	"crypto"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

// vectors is the part of a Wycheproof file that the tests of HMAC and HKDF need.
type vectors struct {
	NumberOfTests int
	TestGroups    []struct {
		TagSize int // bits
		Tests   []struct {
			TcID          int
			Comment       string
			Result        string
			Key, Msg, Tag hexBytes
			IKM, Salt     hexBytes
			Info, OKM     hexBytes
			Size          int
		}
	}
}

type hexBytes []byte

func (b *hexBytes) UnmarshalText(text []byte) (err error) {
	*b, err = hex.DecodeString(string(text))
	return err
}

func readVectors(t *testing.T, name string) vectors {
	t.Helper()
	data, err := fs.ReadFile(wycheproof.TestVectors, name)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWycheproofHMAC(t *testing.T) {
	for name, h := range map[string]crypto.Hash{"hmac_sha256_test.json": crypto.SHA256, "hmac_sha384_test.json": crypto.SHA384} {
		v := readVectors(t, name)
		n := 0
		for _, g := range v.TestGroups {
			for _, c := range g.Tests {
				tag := make([]byte, g.TagSize/8)
				HMAC(h, tag, c.Key, c.Msg)
				if bytes.Equal(tag, c.Tag) != (c.Result == "valid") {
					t.Errorf("%s %d, %s: %x beside %x, which is %s", name, c.TcID, c.Comment, tag, c.Tag, c.Result)
				}
				n++
			}
		}
		if n == 0 || n != v.NumberOfTests {
			t.Errorf("%s: %d tests run of %d", name, n, v.NumberOfTests)
		}
	}
}

func TestWycheproofHKDF(t *testing.T) {
	for name, h := range map[string]crypto.Hash{"hkdf_sha256_test.json": crypto.SHA256, "hkdf_sha384_test.json": crypto.SHA384} {
		v := readVectors(t, name)
		n := 0
		for _, g := range v.TestGroups {
			for _, c := range g.Tests {
				prk, okm := make([]byte, h.Size()), make([]byte, c.Size)
				Extract(h, prk, c.Salt, c.IKM)
				refused := panics(func() { Expand(h, okm, prk, c.Info) })
				if refused != (c.Result == "invalid") || !refused && !bytes.Equal(okm, c.OKM) {
					t.Errorf("%s %d, %s, %s: refused %v, %x, want %x", name, c.TcID, c.Comment, c.Result, refused, okm, c.OKM)
				}
				n++
			}
		}
		if n == 0 || n != v.NumberOfTests {
			t.Errorf("%s: %d tests run of %d", name, n, v.NumberOfTests)
		}
	}
}
