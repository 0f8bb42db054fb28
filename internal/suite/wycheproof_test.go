package suite

import (
	"bytes"
	"crypto/cipher"
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

// TestWycheproofCBC takes the block ciphers through CBC. TLS pads in another way: what is compared is
// the ciphertext of the valid vectors, and that a wrong padding decrypts to one.
func TestWycheproofCBC(t *testing.T) {
	data, err := fs.ReadFile(wycheproof.TestVectors, "aes_cbc_pkcs5_test.json")
	if err != nil {
		t.Fatal(err)
	}
	var v aeadVectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id      iana.CipherSuite
		keySize int
	}{
		{iana.TLS_RSA_WITH_AES_128_CBC_SHA, 128},
		{iana.TLS_RSA_WITH_AES_256_CBC_SHA, 256},
	} {
		ran := 0
		for _, g := range v.TestGroups {
			for _, tc := range g.Tests {
				block, err := Lookup(c.id).NewBlock(tc.Key)
				if (err == nil) != (g.KeySize == c.keySize) {
					t.Errorf("#%d: key of %d bytes: %v", tc.TcID, len(tc.Key), err)
				}
				if err != nil || len(tc.Ct)%block.BlockSize() != 0 || len(tc.Ct) == 0 {
					continue
				}
				ran++
				n := block.BlockSize() - len(tc.Msg)%block.BlockSize()
				want := append(bytes.Clone(tc.Msg), bytes.Repeat([]byte{byte(n)}, n)...)
				got := make([]byte, len(tc.Ct))
				cipher.NewCBCDecrypter(block, tc.IV).CryptBlocks(got, tc.Ct)
				if bytes.Equal(got, want) != (tc.Result == "valid") {
					t.Errorf("%v #%d (%s): decrypts to %x, which is %s", c.id, tc.TcID, tc.Comment, got, tc.Result)
				}
				cipher.NewCBCEncrypter(block, tc.IV).CryptBlocks(got, got)
				if !bytes.Equal(got, tc.Ct) {
					t.Errorf("%v #%d (%s): encrypts to %x, want %x", c.id, tc.TcID, tc.Comment, got, tc.Ct)
				}
			}
		}
		if ran < 60 {
			t.Errorf("%v: ran %d vectors", c.id, ran)
		}
	}
}

// TestTripleDES gives the example of SP 800-67, Appendix B.1.
func TestTripleDES(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	block, err := Lookup(iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA).NewBlock(unhex("0123456789abcdef23456789abcdef01456789abcdef0123"))
	if err != nil {
		t.Fatal(err)
	}
	plaintext, got := []byte("The qufck brown fox jump"), make([]byte, 24)
	for i := 0; i < len(got); i += 8 {
		block.Encrypt(got[i:], plaintext[i:])
	}
	if want := unhex("a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900"); !bytes.Equal(got, want) {
		t.Errorf("encrypts to %x, want %x", got, want)
	}
}
