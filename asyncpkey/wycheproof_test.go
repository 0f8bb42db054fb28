package asyncpkey

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"
)

// hexBytes is a byte string in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// pkcs1Vectors is a file of schema rsaes_pkcs1_decrypt_schema_v1.
type pkcs1Vectors struct {
	TestGroups []struct {
		PrivateKeyPkcs8 hexBytes
		Tests           []struct {
			TcID    int
			Comment string
			Msg, Ct hexBytes
		}
	}
}

// TestWycheproofPKCS1 decrypts ciphertexts of all kinds as premaster secrets. None of them
// holds 48 bytes, so whatever is wrong with it or right, there is no error, and nothing of
// the message comes out.
func TestWycheproofPKCS1(t *testing.T) {
	useless := 0
	for _, file := range []string{"rsa_pkcs1_2048_test.json", "rsa_pkcs1_3072_test.json", "rsa_pkcs1_4096_test.json"} {
		text, err := fs.ReadFile(wycheproof.TestVectors, file)
		if err != nil {
			t.Fatal(err)
		}
		var v pkcs1Vectors
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(err)
		}
		for _, g := range v.TestGroups {
			parsed, err := x509.ParsePKCS8PrivateKey(g.PrivateKeyPkcs8)
			if err != nil {
				t.Fatal(err)
			}
			key := parsed.(*rsa.PrivateKey)
			for _, c := range g.Tests {
				if len(c.Ct) == 0 {
					continue // NewOp refuses it
				}
				op, err := NewOp(Request{Kind: Decrypt, Ciphertext: c.Ct, PublicKey: &key.PublicKey, Role: Server})
				if err != nil {
					t.Fatal(err)
				}
				if err := op.Perform(key); err != nil {
					t.Errorf("%s %d (%s): Perform tells %v", file, c.TcID, c.Comment, err)
				}
				out, err := op.Output()
				if err != nil {
					t.Errorf("%s %d (%s): %v", file, c.TcID, c.Comment, err)
				}
				useless++
				if len(c.Msg) >= 4 && bytes.Contains(out, c.Msg) || len(out) != 0 && len(out) != premasterLen {
					t.Errorf("%s %d (%s): %d bytes came out: %x", file, c.TcID, c.Comment, len(out), out)
				}
			}
		}
	}
	if useless < 180 {
		t.Errorf("%d vectors are useless as premaster secrets, too few to be true", useless)
	}
}
