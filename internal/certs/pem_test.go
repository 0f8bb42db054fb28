package certs_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

func text(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func der(t *testing.T, name string) []byte {
	t.Helper()
	block, _ := pem.Decode(text(t, name))
	return block.Bytes
}

func fixture(t *testing.T, name string) *certs.Certificate {
	t.Helper()
	c, err := certs.LoadFiles("testdata/"+name+"-cert.pem", "testdata/"+name+"-key.pem")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFilesFromOpenSSL(t *testing.T) {
	for _, test := range []struct {
		name string
		want certs.KeyType
	}{
		{"pss", certs.KeyRSAPSS},
		{"pss-sha384", certs.KeyRSAPSS},
		{"pkcs1", certs.KeyRSA},
		{"sec1", certs.KeyECDSA},
	} {
		t.Run(test.name, func(t *testing.T) {
			if c := fixture(t, test.name); c.KeyType() != test.want || c.PrivateKey == nil {
				t.Errorf("key type is %v, key %T", c.KeyType(), c.PrivateKey)
			}
		})
	}
}

func TestOneTextMayHoldAll(t *testing.T) {
	i := issue(t, authority(t, testpeer.AuthorityOptions{Intermediates: 1}), testpeer.Template{})
	key, err := i.KeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	all := bytes.Join([][]byte{[]byte("a remark\n"), key, i.CertPEM(), []byte("\nthe end")}, nil)
	c, err := certs.ParsePEM(all, all)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Chain) != 2 {
		t.Errorf("the chain has %d certificates", len(c.Chain))
	}
	if c, err = certs.ParsePublicPEM(all); err != nil || c.PrivateKey != nil {
		t.Errorf("without a key: %v, %v", c, err)
	}
}

func TestKeysOfEachKindAsPKCS8(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{})
	for _, kind := range []testpeer.KeyKind{
		testpeer.KeyP256, testpeer.KeyP384, testpeer.KeyP521, testpeer.KeyEd25519, testpeer.KeyRSA2048, testpeer.KeyRSAPSS2048,
	} {
		t.Run(kind.String(), func(t *testing.T) {
			i := issue(t, a, testpeer.Template{Key: kind})
			key, err := i.KeyPEM()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := certs.ParsePEM(i.CertPEM(), key); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPEMThatIsRefused(t *testing.T) {
	cert, key := text(t, "sec1-cert.pem"), text(t, "sec1-key.pem")
	block := func(kind, body string) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(body)})
	}
	for _, test := range []struct {
		name      string
		cert, key []byte
		is        error
		want      string
	}{
		{"a key in the place of the certificate", key, key, nil,
			"certs: no certificate in the PEM, which holds EC PARAMETERS, EC PRIVATE KEY"},
		{"a certificate in the place of the key", cert, cert, nil,
			"certs: no private key in the PEM, which holds CERTIFICATE"},
		{"a certificate with OpenSSL's trust settings", text(t, "trusted-cert.pem"), key, nil,
			"certs: no certificate in the PEM, which holds TRUSTED CERTIFICATE"},
		{"a public key", cert, block("PUBLIC KEY", ""), nil, "certs: no private key in the PEM, which holds PUBLIC KEY"},
		{"nothing", nil, nil, nil, "certs: no certificate: the PEM is empty"},
		{"white space", cert, []byte(" \n"), nil, "certs: no private key: the PEM is empty"},
		{"DER", der(t, "sec1-cert.pem"), key, nil, "certs: no certificate: this is not PEM but DER"},
		{"prose", []byte("hello"), key, nil, "certs: no certificate: this is not PEM"},
		{"a PKCS#8 key under a passphrase", cert, text(t, "encrypted-pkcs8-key.pem"), certs.ErrEncryptedKey,
			"certs: private key is encrypted with a passphrase: decrypt it first"},
		{"a SEC 1 key under a passphrase", cert, text(t, "encrypted-sec1-key.pem"), certs.ErrEncryptedKey, ""},
		{"a DSA key", cert, block("DSA PRIVATE KEY", "x"), nil, "certs: DSA PRIVATE KEY: unknown form of a private key"},
		{"an OpenSSH key", cert, block("OPENSSH PRIVATE KEY", "x"), nil, "OPENSSH PRIVATE KEY: unknown form"},
		{"a damaged PKCS#8 key", cert, block("PRIVATE KEY", "x"), nil, "certs: PRIVATE KEY: asn1:"},
		{"a damaged PKCS#1 key", cert, block("RSA PRIVATE KEY", "x"), nil, "certs: RSA PRIVATE KEY: asn1:"},
		{"a damaged SEC 1 key", cert, block("EC PRIVATE KEY", "x"), nil, "certs: EC PRIVATE KEY: x509: failed to parse EC private key"},
		{"a damaged certificate", block("CERTIFICATE", "x"), key, nil, "certs: certificate 0 of the chain: not a certificate: x509:"},
		{"the key of another certificate", cert, text(t, "pkcs1-key.pem"), certs.ErrKeyMismatch, ""},
		{"an Ed448 certificate", text(t, "ed448-cert.pem"), key, certs.ErrUnsupportedKey, `certificate of "CN=ed448.example": unsupported key: Ed448`},
		{"an RSA key that is too short", text(t, "rsa512-cert.pem"), key, certs.ErrUnsupportedKey, "unsupported key: RSA of 512 bits, not of 1024 to 8192"},
		{"an RSA key that is too long", text(t, "rsa8208-cert.pem"), key, certs.ErrUnsupportedKey, "unsupported key: RSA of 8208 bits, not of 1024 to 8192"},
		{"an Ed448 key", cert, text(t, "ed448-key.pem"), nil, "certs: PRIVATE KEY: x509: PKCS#8 wrapping contained private key with unknown algorithm: 1.3.101.113"},
		{"an RSA-PSS certificate bound to SHA-1", text(t, "pss-sha1-cert.pem"), key, nil, "bound to SHA-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := certs.ParsePEM(test.cert, test.key)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v", err)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
		})
	}
}

func TestLoadFilesNamesTheFile(t *testing.T) {
	for _, test := range []struct{ name, cert, key, want string }{
		{"no certificate file", "testdata/none", "testdata/sec1-key.pem", "certs: certificate file: open testdata/none"},
		{"no key file", "testdata/sec1-cert.pem", "testdata/none", "certs: key file: open testdata/none"},
		{"files that do not match", "testdata/sec1-cert.pem", "testdata/pkcs1-key.pem",
			"testdata/sec1-cert.pem, testdata/pkcs1-key.pem: certs: certificate of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := certs.LoadFiles(test.cert, test.key); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestParseRoots(t *testing.T) {
	good := text(t, "pkcs1-cert.pem")
	pss := text(t, "pss-cert.pem")
	bad := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})
	for _, test := range []struct {
		name string
		text []byte
		n    int
		want string // of the error; "" = none
	}{
		{"two roots", bytes.Join([][]byte{good, pss}, nil), 2, ""},
		{"one of them damaged", bytes.Join([][]byte{good, bad, pss}, nil), 2, "certs: trusted certificate 2: not a certificate: x509: malformed certificate"},
		{"keys are passed over", bytes.Join([][]byte{text(t, "sec1-key.pem"), good}, nil), 1, ""},
		{"only keys", text(t, "sec1-key.pem"), 0, "certs: no certificate in the PEM, which holds EC PARAMETERS, EC PRIVATE KEY"},
		{"nothing", nil, 0, "certs: no certificate: the PEM is empty"},
	} {
		t.Run(test.name, func(t *testing.T) {
			roots, err := certs.ParseRoots(test.text)
			if len(roots) != test.n {
				t.Errorf("there are %d", len(roots))
			}
			if err == nil && test.want != "" || err != nil && (test.want == "" || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestARootWithRSAPSSVerifies(t *testing.T) {
	roots, err := certs.ParseRoots(text(t, "pss-cert.pem"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKIXPublicKey(roots[0].RawSubjectPublicKeyInfo)
	if err == nil {
		t.Fatalf("crypto/x509 reads such keys now, as %T: putting them back can go", key)
	}
	if err := roots[0].CheckSignatureFrom(roots[0]); err != nil {
		t.Error(err)
	}
}
