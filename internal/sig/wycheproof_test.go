//go:build !race

package sig

import (
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/c2sp/wycheproof"

	"github.com/s2ngo/s2ngo/iana"
)

// The race detector is left out of this file: thousands of signatures take long with it,
// and nothing here runs at the same time as anything else.

// hexBytes is a byte string in hexadecimal.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

// signatureVectors is a file of schemas ecdsa_verify, rsassa_pss_verify,
// rsassa_pkcs1_verify and eddsa_verify.
type signatureVectors struct {
	TestGroups []struct {
		PublicKeyDer hexBytes
		Tests        []struct {
			TcID            int
			Comment, Result string
			Msg, Sig        hexBytes
		}
	}
}

func TestWycheproof(t *testing.T) {
	total := 0
	for _, f := range []struct {
		file string
		id   iana.SignatureScheme
	}{
		{"ecdsa_secp256r1_sha256", iana.ECDSASecp256r1SHA256},
		{"ecdsa_secp384r1_sha384", iana.ECDSASecp384r1SHA384},
		{"ecdsa_secp521r1_sha512", iana.ECDSASecp521r1SHA512},
		{"ecdsa_secp256r1_sha512", iana.ECDSASecp521r1SHA512}, // as in TLS 1.2
		{"ecdsa_secp384r1_sha256", iana.ECDSASecp256r1SHA256},
		{"ed25519", iana.Ed25519},
		{"rsa_pss_2048_sha256_mgf1_32", iana.RSAPSSRSAESHA256},
		{"rsa_pss_3072_sha256_mgf1_32", iana.RSAPSSRSAESHA256},
		{"rsa_pss_4096_sha256_mgf1_32", iana.RSAPSSPSSSHA256},
		{"rsa_pss_2048_sha384_mgf1_48", iana.RSAPSSRSAESHA384},
		{"rsa_pss_4096_sha384_mgf1_48", iana.RSAPSSPSSSHA384},
		{"rsa_pss_4096_sha512_mgf1_64", iana.RSAPSSRSAESHA512},
		{"rsa_pss_4096_sha512_mgf1_64", iana.RSAPSSPSSSHA512},
		{"rsa_signature_2048_sha224", iana.RSAPKCS1SHA224},
		{"rsa_signature_2048_sha256", iana.RSAPKCS1SHA256},
		{"rsa_signature_3072_sha384", iana.RSAPKCS1SHA384},
		{"rsa_signature_4096_sha512", iana.RSAPKCS1SHA512},
		{"rsa_signature_8192_sha256", iana.RSAPKCS1SHA256},
	} {
		data, err := fs.ReadFile(wycheproof.TestVectors, f.file+"_test.json")
		if err != nil {
			t.Fatal(err)
		}
		var v signatureVectors
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		s, accepted := Lookup(f.id), 0
		for _, g := range v.TestGroups {
			pub, err := x509.ParsePKIXPublicKey(g.PublicKeyDer)
			if err != nil {
				t.Fatalf("%s: %v", f.file, err)
			}
			for _, c := range g.Tests {
				total++
				err := s.Verify(pub, s.Digest(nil, c.Msg), c.Msg, c.Sig)
				// A PKCS #1 signature without the NULL, acceptable there, is not made
				// by anybody here (RFC 8017, Section 9.2, note 1).
				if valid := c.Result == "valid"; (err == nil) != valid {
					t.Errorf("%s #%d (%s): %v, want %s", f.file, c.TcID, c.Comment, err, c.Result)
				}
				if err != nil {
					continue
				}
				accepted++
				if err := s.CheckShape(pub, c.Sig); err != nil {
					t.Errorf("%s #%d (%s): verified, but: %v", f.file, c.TcID, c.Comment, err)
				}
			}
		}
		if accepted == 0 {
			t.Errorf("%s: nothing was accepted", f.file)
		}
	}
	t.Logf("%d signatures", total)
}

// TestWycheproofOfOthers has the valid signatures of another salt length, hash or padding
// refused.
func TestWycheproofOfOthers(t *testing.T) {
	for _, f := range []struct {
		file string
		id   iana.SignatureScheme
	}{
		{"rsa_pss_2048_sha256_mgf1_0", iana.RSAPSSRSAESHA256},
		{"rsa_pss_2048_sha256_mgf1sha1_20", iana.RSAPSSRSAESHA256},
		{"rsa_pss_4096_sha512_mgf1_32", iana.RSAPSSRSAESHA512},
		{"rsa_pss_2048_sha256_mgf1_32", iana.RSAPSSRSAESHA384},
		{"rsa_pss_2048_sha256_mgf1_32", iana.RSAPKCS1SHA256},
		{"rsa_signature_2048_sha256", iana.RSAPSSRSAESHA256},
		{"ecdsa_secp256r1_sha512", iana.ECDSASecp256r1SHA256},
	} {
		data, err := fs.ReadFile(wycheproof.TestVectors, f.file+"_test.json")
		if err != nil {
			t.Fatal(err)
		}
		var v signatureVectors
		if err := json.Unmarshal(data, &v); err != nil {
			t.Fatal(err)
		}
		s := Lookup(f.id)
		for _, g := range v.TestGroups {
			pub := must(x509.ParsePKIXPublicKey(g.PublicKeyDer))
			for _, c := range g.Tests {
				if c.Result == "valid" && s.Verify(pub, nil, c.Msg, c.Sig) == nil {
					t.Errorf("%s #%d (%s) verifies as %v", f.file, c.TcID, c.Comment, f.id)
				}
			}
		}
	}
}
