package suite

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/s2ngo/s2ngo/iana"
)

// hexBytes is a byte string in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// aeadVectors is a file of schema aead_test_schema_v1; sizes are in bits.
type aeadVectors struct {
	TestGroups []struct {
		IVSize, KeySize, TagSize int
		Tests                    []struct {
			TcID                       int
			Comment                    string
			Key, IV, AAD, Msg, Ct, Tag hexBytes
			Result                     string
		}
	}
}

func TestWycheproof(t *testing.T) {
	for _, c := range []struct {
		file    string
		id      iana.CipherSuite
		keySize int
		want    int // vectors that fit TLS's nonces, tags and keys
	}{
		{"aes_gcm_test.json", iana.TLS_AES_128_GCM_SHA256, 128, 67},
		{"aes_gcm_test.json", iana.TLS_AES_256_GCM_SHA384, 256, 66},
		{"chacha20_poly1305_test.json", iana.TLS_CHACHA20_POLY1305_SHA256, 256, 316},
	} {
		t.Run(c.id.String(), func(t *testing.T) {
			data, err := fs.ReadFile(wycheproof.TestVectors, c.file)
			if err != nil {
				t.Fatal(err)
			}
			var v aeadVectors
			if err := json.Unmarshal(data, &v); err != nil {
				t.Fatal(err)
			}
			s, ran := Lookup(c.id), 0
			for _, g := range v.TestGroups {
				for _, tc := range g.Tests {
					aead, err := s.NewAEAD(tc.Key)
					if (err == nil) != (g.KeySize == c.keySize) {
						t.Errorf("#%d: key of %d bytes: %v", tc.TcID, len(tc.Key), err)
					}
					if err != nil || g.IVSize != 8*NonceLen || g.TagSize != 8*TagLen {
						continue
					}
					ran++
					sealed := append(bytes.Clone(tc.Ct), tc.Tag...)
					opened, err := aead.Open(nil, tc.IV, sealed, tc.AAD)
					if tc.Result == "invalid" {
						if err == nil {
							t.Errorf("#%d (%s): opened", tc.TcID, tc.Comment)
						}
						continue
					}
					if err != nil || !bytes.Equal(opened, tc.Msg) {
						t.Errorf("#%d (%s): Open gives %x, %v", tc.TcID, tc.Comment, opened, err)
					}
					if got := aead.Seal(nil, tc.IV, tc.Msg, tc.AAD); !bytes.Equal(got, sealed) {
						t.Errorf("#%d (%s): Seal gives %x, want %x", tc.TcID, tc.Comment, got, sealed)
					}
				}
			}
			if ran != c.want {
				t.Errorf("ran %d vectors, want %d", ran, c.want)
			}
		})
	}
}
