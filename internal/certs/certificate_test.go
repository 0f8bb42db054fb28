package certs_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

var seed = []byte("certs")

func authority(t *testing.T, o testpeer.AuthorityOptions) *testpeer.Authority {
	t.Helper()
	o.Seed = seed
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

// load returns the Certificate of a new leaf.
func load(t *testing.T, a *testpeer.Authority, tpl testpeer.Template) *certs.Certificate {
	t.Helper()
	i := issue(t, a, tpl)
	c, err := certs.New(i.Chain, i.Key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signerOnly and others are keys that hide what they hold but for some methods.
type (
	signerOnly    struct{ crypto.Signer }
	decrypterOnly struct{ crypto.Decrypter }
	mute          struct{ pub crypto.PublicKey }
	bare          struct{}
)

func (m mute) Public() crypto.PublicKey { return m.pub }

func (signerOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("not asked for")
}

func TestNewTakesWhatFits(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{Intermediates: 1})
	for _, test := range []struct {
		name string
		kind testpeer.KeyKind
		want certs.KeyType
	}{
		{"P-256", testpeer.KeyP256, certs.KeyECDSA},
		{"P-384", testpeer.KeyP384, certs.KeyECDSA},
		{"P-521", testpeer.KeyP521, certs.KeyECDSA},
		{"Ed25519", testpeer.KeyEd25519, certs.KeyEd25519},
		{"RSA of 1024 bits", testpeer.KeyRSA1024, certs.KeyRSA},
		{"RSA of 2048 bits", testpeer.KeyRSA2048, certs.KeyRSA},
		{"RSA of 4096 bits", testpeer.KeyRSA4096, certs.KeyRSA},
		{"RSA-PSS", testpeer.KeyRSAPSS2048, certs.KeyRSAPSS},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := issue(t, a, testpeer.Template{Key: test.kind})
			for form, key := range map[string]crypto.PrivateKey{
				"the key itself": i.Key, "a signer of it": signerOnly{i.Key}, "no key": nil,
			} {
				c, err := certs.New(i.Chain, key)
				if err != nil {
					t.Errorf("with %s: %v", form, err)
					continue
				}
				if c.KeyType() != test.want {
					t.Errorf("key type is %v", c.KeyType())
				}
				if len(c.X509()) != 2 || c.X509()[0] != c.Leaf || c.Leaf.PublicKey == nil {
					t.Errorf("the chain is %d certificates, its leaf's key %T", len(c.X509()), c.Leaf.PublicKey)
				}
			}
		})
	}
	i := issue(t, a, testpeer.Template{Key: testpeer.KeyRSA2048})
	if _, err := certs.New(i.Chain, decrypterOnly{i.Key.(*rsa.PrivateKey)}); err != nil {
		t.Errorf("with a decrypter: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{})
	p256 := issue(t, a, testpeer.Template{DNSNames: []string{"a.example"}})
	other := issue(t, a, testpeer.Template{DNSNames: []string{"b.example"}})
	rsa2048 := issue(t, a, testpeer.Template{Key: testpeer.KeyRSA2048})
	p224 := issue(t, a, testpeer.Template{Key: testpeer.KeyP224})
	for _, test := range []struct {
		name  string
		chain [][]byte
		key   crypto.PrivateKey
		is    error
		want  string
	}{
		{"no certificates", nil, p256.Key, nil, "certs: the certificate chain is empty"},
		{"another key of the same type", p256.Chain, other.Key, certs.ErrKeyMismatch,
			`certs: certificate of "CN=a.example": private key does not match the leaf certificate: the certificate holds ECDSA on P-256, the key is ECDSA on P-256`},
		{"a key of another type", p256.Chain, rsa2048.Key, certs.ErrKeyMismatch, "the key is RSA of 2048 bits"},
		{"the key of an RSA certificate replaced", rsa2048.Chain, p256.Key, certs.ErrKeyMismatch, "holds RSA of 2048 bits, the key is ECDSA on P-256"},
		{"a key without a public half", p256.Chain, mute{}, nil, "private key of type certs_test.mute neither signs nor decrypts"},
		{"something that is no key", p256.Chain, bare{}, nil, "private key of type certs_test.bare has no method Public"},
		{"a signer whose public half is unknown", p256.Chain, unknownSigner{}, certs.ErrKeyMismatch, "the key is nothing"},
		{"a leaf that is not DER", [][]byte{{1, 2, 3}}, nil, nil, "certs: certificate 0 of the chain: not a certificate: x509: malformed certificate"},
		{"rubbish after the leaf", [][]byte{p256.Chain[0], nil}, nil, nil, "certs: certificate 1 of the chain: not a certificate: x509: malformed certificate"},
		{"a P-224 leaf", p224.Chain, p224.Key, certs.ErrUnsupportedKey, "unsupported key: ECDSA on P-224"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := certs.New(test.chain, test.key)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v", err)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("%v is not %v", err, test.is)
			}
		})
	}
}

type unknownSigner struct{ signerOnly }

func (unknownSigner) Public() crypto.PublicKey { return nil }

func TestCanSign(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{})
	all := []iana.SignatureScheme{
		iana.RSAPKCS1SHA1, iana.ECDSASHA1, iana.RSAPKCS1SHA256, iana.ECDSASecp256r1SHA256, iana.RSAPKCS1SHA384,
		iana.ECDSASecp384r1SHA384, iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA512, iana.Ed25519, iana.Ed448,
		iana.RSAPSSPSSSHA256, iana.RSAPSSPSSSHA384, iana.MLDSA65, 0x1234,
	}
	const tls12, tls13 = iana.TLS12, iana.TLS13
	for _, test := range []struct {
		name    string
		cert    *certs.Certificate
		schemes []iana.SignatureScheme
		version iana.Version
		want    []iana.SignatureScheme
	}{
		{"P-256 in TLS 1.3", load(t, a, testpeer.Template{}), nil, tls13,
			[]iana.SignatureScheme{iana.ECDSASecp256r1SHA256}},
		{"P-256 in TLS 1.2", load(t, a, testpeer.Template{}), nil, tls12,
			[]iana.SignatureScheme{iana.ECDSASHA1, iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384}},
		{"Ed25519", load(t, a, testpeer.Template{Key: testpeer.KeyEd25519}), nil, tls13,
			[]iana.SignatureScheme{iana.Ed25519}},
		{"RSA in TLS 1.3", load(t, a, testpeer.Template{Key: testpeer.KeyRSA2048}), nil, tls13,
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA512}},
		{"short RSA has no room for SHA-512", load(t, a, testpeer.Template{Key: testpeer.KeyRSA1024}), nil, tls13,
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256}},
		{"RSA in TLS 1.2", load(t, a, testpeer.Template{Key: testpeer.KeyRSA2048}), nil, tls12,
			[]iana.SignatureScheme{iana.RSAPKCS1SHA1, iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384, iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA512}},
		{"RSA-PSS in TLS 1.2", load(t, a, testpeer.Template{Key: testpeer.KeyRSAPSS2048}), nil, tls12,
			[]iana.SignatureScheme{iana.RSAPSSPSSSHA256, iana.RSAPSSPSSSHA384}},
		{"RSA-PSS bound to SHA-384", fixture(t, "pss-sha384"), nil, tls13,
			[]iana.SignatureScheme{iana.RSAPSSPSSSHA384}},
		{"a TPM without PSS", load(t, a, testpeer.Template{Key: testpeer.KeyRSA2048}),
			[]iana.SignatureScheme{iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA256}, tls12,
			[]iana.SignatureScheme{iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384}},
		{"schemes that do not fit the key", load(t, a, testpeer.Template{}),
			[]iana.SignatureScheme{iana.Ed25519}, tls13, nil},
		{"no schemes at all", load(t, a, testpeer.Template{}), []iana.SignatureScheme{}, tls13, nil},
		{"a Certificate made by hand", &certs.Certificate{}, nil, tls13, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cert.Schemes = test.schemes
			var got []iana.SignatureScheme
			for _, s := range all {
				if test.cert.CanSign(s, test.version) {
					got = append(got, s)
				}
			}
			if len(got) != len(test.want) {
				t.Fatalf("got %v, want %v", got, test.want)
			}
			for i := range got {
				if got[i] != test.want[i] {
					t.Fatalf("got %v, want %v", got, test.want)
				}
			}
		})
	}
}

func TestParseChainOfAPeer(t *testing.T) {
	i := issue(t, authority(t, testpeer.AuthorityOptions{Key: testpeer.KeyRSAPSS2048, Intermediates: 2}),
		testpeer.Template{Key: testpeer.KeyRSAPSS2048})
	chain, err := certs.ParseChain(i.Chain, 3)
	if err != nil {
		t.Fatal(err)
	}
	for k, cert := range chain {
		if certs.KeyTypeOf(cert) != certs.KeyRSAPSS {
			t.Errorf("certificate %d has a key of type %v", k, certs.KeyTypeOf(cert))
		}
		if k > 0 {
			if err := chain[k-1].CheckSignatureFrom(cert); err != nil {
				t.Errorf("certificate %d did not sign the one before: %v", k, err)
			}
		}
	}
	for _, test := range []struct {
		name  string
		chain [][]byte
		max   int
		index int
		want  string
		alert iana.Alert
	}{
		{"too long a chain is not read", [][]byte{{1}, {2}, {3}}, 2, 2, "the chain has 3 certificates, 2 at most are read", iana.BadCertificate},
		{"a certificate cut short", [][]byte{i.Chain[0], i.Chain[1][:100]}, 9, 1, "certificate 1 of the chain: not a certificate: x509: malformed certificate", iana.DecodeError},
		{"a certificate of two empty parts", [][]byte{{0x30, 4, 0x30, 0, 0x30, 0}}, 9, 0, "certificate 0 of the chain: x509: malformed", iana.BadCertificate},
		{"two numbers", [][]byte{{0x30, 6, 2, 1, 1, 2, 1, 1}}, 9, 0, "not a certificate", iana.DecodeError},
		{"a certificate with a tail", [][]byte{append(i.Chain[0][:len(i.Chain[0]):len(i.Chain[0])], 0)}, 9, 0, "trailing data", iana.DecodeError},
		{"an RSA-PSS key bound to SHA-1", [][]byte{der(t, "pss-sha1-cert.pem")}, 9, 0, "RSA-PSS key is bound to SHA-1", iana.BadCertificate},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := certs.ParseChain(test.chain, test.max)
			var parse *certs.ParseError
			if !errors.As(err, &parse) || parse.Index != test.index || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v", err)
			}
			var alert interface{ Alert() iana.Alert }
			if !errors.As(err, &alert) || alert.Alert() != test.alert {
				t.Errorf("the peer is not told %v", test.alert)
			}
		})
	}
}

func TestAPeersUnknownKeyIsReadWithoutIt(t *testing.T) {
	chain, err := certs.ParseChain([][]byte{der(t, "ed448-cert.pem")}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if certs.KeyTypeOf(chain[0]) != certs.KeyUnsupported || certs.PublicKey(chain[0]) != nil {
		t.Errorf("the key is %T of type %v", certs.PublicKey(chain[0]), certs.KeyTypeOf(chain[0]))
	}
}

func TestPublicKeyOfPlainRSAIsItself(t *testing.T) {
	c := load(t, authority(t, testpeer.AuthorityOptions{}), testpeer.Template{Key: testpeer.KeyRSA2048})
	if c.PublicKey() != c.Leaf.PublicKey || certs.PublicKey(c.Leaf) != c.Leaf.PublicKey {
		t.Error("the key has changed")
	}
	if c.Leaf.PublicKeyAlgorithm != x509.RSA {
		t.Errorf("the algorithm is %v", c.Leaf.PublicKeyAlgorithm)
	}
}

// ableKey is a key that says what it can do.
type ableKey struct {
	crypto.Signer
	schemes  []iana.SignatureScheme
	decrypts bool
}

func (k ableKey) SignatureSchemes() []iana.SignatureScheme { return k.schemes }
func (k ableKey) CanDecrypt() bool                         { return k.decrypts }

// learningKey is a key that learns what it cannot do.
type learningKey struct {
	ableKey
	refused *iana.SignatureScheme
}

func (k learningKey) CanSign(s iana.SignatureScheme) bool { return s != *k.refused }

// A key that has a method for it is asked again for each signature.
func TestKeyLearnsOfALimit(t *testing.T) {
	issued, err := testpeer.SelfSigned([]byte("able"), testpeer.Template{Key: testpeer.KeyRSA2048})
	if err != nil {
		t.Fatal(err)
	}
	key := learningKey{ableKey{issued.Key, nil, true}, new(iana.SignatureScheme)}
	c, err := certs.New(issued.Chain, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, refused := range []bool{false, true} {
		if c.CanSign(iana.RSAPSSRSAESHA256, iana.TLS13) == refused || !c.CanSign(iana.RSAPSSRSAESHA384, iana.TLS13) {
			t.Errorf("refused %v: what the key can do is decided wrongly", refused)
		}
		*key.refused = iana.RSAPSSRSAESHA256
	}
}

// New asks a key what it can do.
func TestNewAsksTheKey(t *testing.T) {
	issued, err := testpeer.SelfSigned([]byte("able"), testpeer.Template{Key: testpeer.KeyRSA2048})
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []ableKey{
		{issued.Key, nil, true},
		{issued.Key, []iana.SignatureScheme{iana.RSAPKCS1SHA256}, false},
	} {
		c, err := certs.New(issued.Chain, key)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Schemes, key.schemes) || c.SignOnly == key.decrypts {
			t.Errorf("%+v gives a certificate with %v, %v", key, c.Schemes, c.SignOnly)
		}
		if c.CanSign(iana.RSAPSSRSAESHA256, iana.TLS13) != (key.schemes == nil) {
			t.Errorf("%+v: rsa_pss_rsae_sha256 is decided wrongly", key)
		}
	}
}
