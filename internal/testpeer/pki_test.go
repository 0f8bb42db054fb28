package testpeer_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

func authority(t *testing.T, o testpeer.AuthorityOptions) *testpeer.Authority {
	t.Helper()
	a, err := testpeer.NewAuthority(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issue(t *testing.T, a *testpeer.Authority, tpl testpeer.Template) *testpeer.Issued {
	t.Helper()
	i, err := a.Issue(tpl)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

var kinds = []testpeer.KeyKind{
	testpeer.KeyP256, testpeer.KeyP384, testpeer.KeyP521, testpeer.KeyP224, testpeer.KeyEd25519,
	testpeer.KeyRSA1024, testpeer.KeyRSA2048, testpeer.KeyRSA3072, testpeer.KeyRSA4096, testpeer.KeyRSAPSS2048,
}

func TestEachKindOfKeyVerifies(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			a := authority(t, testpeer.AuthorityOptions{Key: kind, Seed: []byte("kinds"), Intermediates: 1})
			i := issue(t, a, testpeer.Template{DNSNames: []string{"a.example"}, Key: kind})
			if len(i.Chain) != 2 || i.Leaf != i.Parsed[0] {
				t.Fatalf("the chain has %d certificates", len(i.Chain))
			}
			pool := x509.NewCertPool()
			pool.AddCert(i.Parsed[1])
			_, err := i.Leaf.Verify(x509.VerifyOptions{Roots: a.Pool(), Intermediates: pool, DNSName: "a.example"})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestASeedFixesEveryByte(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.String(), func(t *testing.T) {
			o := testpeer.AuthorityOptions{Key: kind, Seed: []byte("fixed"), Intermediates: 2}
			names := []string{"a.example", "b.example"}
			chains := map[string][][]byte{}
			for range 2 {
				a := authority(t, o)
				for _, name := range names {
					i := issue(t, a, testpeer.Template{DNSNames: []string{name}, IPs: []net.IP{{192, 0, 2, 1}}, Key: kind})
					if before := chains[name]; before != nil && !slices.EqualFunc(before, i.Chain, bytes.Equal) {
						t.Errorf("the chain of %s differs between two runs", name)
					}
					chains[name] = i.Chain
				}
				slices.Reverse(names)
			}
			if bytes.Equal(chains["a.example"][0], chains["b.example"][0]) {
				t.Error("two names have the same certificate")
			}
			other := issue(t, authority(t, testpeer.AuthorityOptions{Key: kind, Seed: []byte("other")}),
				testpeer.Template{DNSNames: []string{"a.example"}, Key: kind})
			if bytes.Equal(chains["a.example"][0], other.Chain[0]) {
				t.Error("two seeds have the same certificate")
			}
		})
	}
}

func TestWithoutASeedNothingIsTheSame(t *testing.T) {
	a, b := authority(t, testpeer.AuthorityOptions{}), authority(t, testpeer.AuthorityOptions{})
	if a.Key().(*ecdsa.PrivateKey).Equal(b.Key()) {
		t.Error("two authorities have the same key")
	}
	if a.Root().SerialNumber.Cmp(b.Root().SerialNumber) == 0 {
		t.Error("two authorities have the same serial number")
	}
	now := time.Now()
	if a.Root().NotBefore.After(now) || a.Root().NotAfter.Before(now) {
		t.Errorf("the root is valid from %v to %v", a.Root().NotBefore, a.Root().NotAfter)
	}
}

func TestWhatTheTemplateAsksFor(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{Key: testpeer.KeyRSA2048, Seed: []byte("template")})
	for _, test := range []struct {
		name  string
		tpl   testpeer.Template
		check func(c *x509.Certificate) bool
	}{
		{"a leaf may sign and is for both sides", testpeer.Template{}, func(c *x509.Certificate) bool {
			return c.KeyUsage == x509.KeyUsageDigitalSignature && len(c.ExtKeyUsage) == 2 && !c.IsCA
		}},
		{"an RSA leaf may decrypt too", testpeer.Template{Key: testpeer.KeyRSA2048}, func(c *x509.Certificate) bool {
			return c.KeyUsage == x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment
		}},
		{"key usage can be left out", testpeer.Template{NoKeyUsage: true}, func(c *x509.Certificate) bool {
			return c.KeyUsage == 0
		}},
		{"an authority signs certificates and lists", testpeer.Template{IsCA: true}, func(c *x509.Certificate) bool {
			return c.IsCA && c.KeyUsage == x509.KeyUsageCertSign|x509.KeyUsageCRLSign && c.MaxPathLen == -1
		}},
		{"a path length of none", testpeer.Template{IsCA: true, PathLen: -1}, func(c *x509.Certificate) bool {
			return c.MaxPathLen == 0 && c.MaxPathLenZero
		}},
		{"SHA-1", testpeer.Template{Signature: x509.SHA1WithRSA}, func(c *x509.Certificate) bool {
			return c.SignatureAlgorithm == x509.SHA1WithRSA
		}},
		{"MD5", testpeer.Template{Signature: x509.MD5WithRSA}, func(c *x509.Certificate) bool {
			return c.SignatureAlgorithm == x509.MD5WithRSA
		}},
		{"an end before the usual beginning moves the beginning",
			testpeer.Template{NotAfter: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)}, func(c *x509.Certificate) bool {
				return c.NotBefore.Before(c.NotAfter)
			}},
		{"the common name is the first name", testpeer.Template{DNSNames: []string{"x.example", "y.example"}},
			func(c *x509.Certificate) bool { return c.Subject.CommonName == "x.example" }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if i := issue(t, a, test.tpl); !test.check(i.Leaf) {
				t.Errorf("%+v", i.Leaf)
			}
		})
	}
}

func TestAnUnknownKindOfKeyIsAnError(t *testing.T) {
	for _, seed := range [][]byte{nil, []byte("seed")} {
		if _, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Key: 99, Seed: seed}); err == nil {
			t.Error("there is a key of kind 99")
		}
	}
}

func TestFilesServeCryptoTLS(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	a := authority(t, testpeer.AuthorityOptions{Intermediates: 1})
	if err := issue(t, a, testpeer.Template{DNSNames: []string{"a.example"}}).WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if len(pair.Certificate) != 2 {
		t.Errorf("cert.pem holds %d certificates", len(pair.Certificate))
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if block, _ := pem.Decode(ca); block == nil || !bytes.Equal(block.Bytes, a.Root().Raw) || !bytes.Equal(ca, a.RootPEM()) {
		t.Error("ca.pem is not the root")
	}
	if info, err := os.Stat(filepath.Join(dir, "key.pem")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key.pem has mode %v, %v", info.Mode(), err)
	}
}
