package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// certificateFor is a certificate of key's.
func certificateFor(t testing.TB, key crypto.Signer) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1)}, &x509.Certificate{}, key.Public(), testP256())
	if err != nil {
		t.Fatal(err)
	}
	return must(x509.ParseCertificate(der))
}

// A key is found by its certificate's public key, whatever of it the token knows, and never
// another one.
func TestKeyIsFoundByItsPublicKey(t *testing.T) {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for _, test := range []struct {
		name   string
		key    func() crypto.Signer
		change func(t *testing.T, token *fakeToken, public, private *fakeObject)
		says   string
	}{
		{"RSA by its modulus", testRSA, nil, ""},
		{"ECDSA by its point", testP256, nil, ""},
		{"ECDSA P-384", testP384, nil, ""},
		{"Ed25519 by its bare point", testEd, nil, ""},
		{"Ed25519 by its wrapped point and its curve's name", testEd, func(t *testing.T, _ *fakeToken, public, private *fakeObject) {
			public.attributes[ckaECPoint] = mustDER([]byte(testEd().Public().(ed25519.PublicKey)))
			name := must(asn1.MarshalWithParams("edwards25519", "printable"))
			public.attributes[ckaECParams], private.attributes[ckaECParams] = name, name
		}, ""},
		{"ECDSA by a bare point", testP256, func(t *testing.T, _ *fakeToken, public, _ *fakeObject) {
			public.attributes[ckaECPoint] = points(testP256().Public())[1]
		}, ""},
		{"ECDSA by a point that the private key has", testP256, func(t *testing.T, _ *fakeToken, public, private *fakeObject) {
			private.attributes[ckaECPoint] = public.attributes[ckaECPoint]
			clear(public.attributes)
		}, ""},
		{"ECDSA by CKA_PUBLIC_KEY_INFO", testP256, func(t *testing.T, _ *fakeToken, public, private *fakeObject) {
			private.attributes[ckaPublicKeyInfo] = must(x509.MarshalPKIXPublicKey(testP256().Public()))
			clear(public.attributes)
		}, ""},
		{"ECDSA by a certificate of the same ID", testP256, func(t *testing.T, token *fakeToken, public, private *fakeObject) {
			public.attributes = map[uint][]byte{
				ckaClass: ulong(ckoCertificate), ckaCertificateType: ulong(ckcX509), ckaID: private.attributes[ckaID],
				ckaValue: certificateFor(t, testP256()).Raw,
			}
		}, ""},
		{"ECDSA by an ID that is the hash of its point, as NSS makes it", testP256, func(t *testing.T, token *fakeToken, public, private *fakeObject) {
			sum := sha1.Sum(points(testP256().Public())[1])
			private.attributes[ckaID] = sum[:]
			clear(public.attributes)
		}, ""},
		{"ECDSA by nothing but its signature", testP256, func(t *testing.T, token *fakeToken, public, private *fakeObject) {
			clear(public.attributes)
			private.attributes[ckaID] = nil
		}, ""},
		{"RSA by a token that does not search for a modulus", testRSA, func(t *testing.T, token *fakeToken, public, private *fakeObject) {
			delete(private.attributes, ckaModulus)
		}, ""},
		{"a key that is not there", testP256, func(t *testing.T, token *fakeToken, public, private *fakeObject) {
			clear(public.attributes)
			clear(private.attributes)
		}, "no such private key"},
		{"another key under the ID of the certificate", testP256, func(t *testing.T, token *fakeToken, public, private *fakeObject) {
			private.key = other
			clear(public.attributes)
		}, "no such private key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFake(other, testP384(), testRSA(), test.key())
			objects := f.tokens[0].objects
			public, private := objects[len(objects)-2], objects[len(objects)-1]
			if test.key() == testP384() || test.key() == testRSA() { // once only
				clear(objects[map[bool]int{true: 2, false: 4}[test.key() == testP384()]].attributes)
				clear(objects[map[bool]int{true: 3, false: 5}[test.key() == testP384()]].attributes)
			}
			if test.change != nil {
				test.change(t, f.tokens[0], public, private)
			}
			token := f.open(t)
			k, err := token.KeyFor(certificateFor(t, test.key()))
			if test.says != "" {
				if err == nil || !strings.Contains(err.Error(), test.says) || !errors.Is(err, ErrNoKey) {
					t.Errorf("found %v, %v", k, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var opts crypto.SignerOpts = crypto.SHA256
			if _, ok := test.key().(ed25519.PrivateKey); ok {
				opts = crypto.Hash(0)
			}
			if _, err := k.Sign(nil, make([]byte, 32), opts); err != nil {
				t.Errorf("signing: %v", err) // which verifies
			}
			if again, err := token.KeyOf(test.key().Public()); again != k || err != nil {
				t.Errorf("finding it again: another, %v", err)
			}
		})
	}
}

func TestKeyByURI(t *testing.T) {
	f := newFake(testP256(), testRSA())
	f.tokens[0].add(testP384(), []byte{9}, "twin")
	f.tokens[0].add(testEd(), []byte{8}, "twin")
	f.tokens[0].objects = append(f.tokens[0].objects, &fakeObject{attributes: map[uint][]byte{
		ckaClass: ulong(ckoCertificate), ckaCertificateType: ulong(ckcX509), ckaID: {1}, ckaLabel: []byte("site"),
		ckaValue: certificateFor(t, testP256()).Raw,
	}})
	token := f.open(t, func(c *Config) { c.URI = "pkcs11:token=fake;object=key%201" })
	for _, test := range []struct {
		uri  string
		want crypto.Signer
		says string
	}{
		{"", testP256(), ""},
		{"pkcs11:id=%02", testRSA(), ""},
		{"pkcs11:object=key%202;id=%02;type=private", testRSA(), ""},
		{"pkcs11:object=site", testP256(), ""},
		{"pkcs11:object=site;type=cert", testP256(), ""},
		{"pkcs11:object=twin", nil, "2 private keys fit"},
		{"pkcs11:object=twin;id=%08", testEd(), ""},
		{"pkcs11:object=none", nil, "no such private key"},
		{"pkcs11:id=%01;id=%02", nil, "twice"},
	} {
		k, err := token.Key(test.uri)
		switch {
		case test.says != "":
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q: %v, %v, want an error with %q", test.uri, k, err, test.says)
			}
		case err != nil:
			t.Errorf("%q: %v", test.uri, err)
		case !same(k.Public(), test.want.Public()):
			t.Errorf("%q: found %v", test.uri, k)
		default:
			if again, err := token.Key(k.URI()); again != k || err != nil {
				t.Errorf("%q: its own URI, %s, leads to %v, %v", test.uri, k.URI(), again, err)
			}
		}
	}
	chain, err := token.Certificates("pkcs11:object=site")
	if err != nil || len(chain) != 1 || !same(chain[0].PublicKey, testP256().Public()) {
		t.Errorf("the certificates are %v, %v", chain, err)
	}
	if keys, err := token.Keys(); err != nil || len(keys) != 4 {
		t.Errorf("the keys are %v, %v", keys, err)
	}
}

// Keys that share an ID are told apart by their points, in each new session.
func TestKeysOfOneID(t *testing.T) {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	f := newFake(other, testP256())
	for _, o := range f.tokens[0].objects {
		o.attributes[ckaID] = []byte{7}
	}
	for i := 0; i < 4; i += 2 {
		f.tokens[0].objects[i+1].attributes[ckaECPoint] = f.tokens[0].objects[i].attributes[ckaECPoint]
	}
	token := f.open(t, func(c *Config) { c.Workers = 1 })
	k1, k2 := keyOf(t, token, testP256()), keyOf(t, token, other)
	for range 3 {
		f.change(func() { f.closeAll() })
		for _, k := range []*Key{k1, k2} {
			if err := signs(t, k); err != nil {
				t.Errorf("%v: %v", k, err)
			}
		}
	}
}

// Keys that share an ID and do not have their points, as in most tokens, are told apart by what
// they sign, in each new session.
func TestKeysOfOneIDWithoutPoints(t *testing.T) {
	other := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	for _, skip := range []bool{false, true} {
		f := newFake(other, testP256())
		for _, o := range f.tokens[0].objects {
			o.attributes[ckaID] = []byte{7}
		}
		token := f.open(t, func(c *Config) { c.Workers, c.SkipVerify = 1, skip })
		if keys, err := token.Keys(); err != nil || len(keys) != 2 {
			t.Errorf("the keys are %v, %v", keys, err)
		}
		for range 3 {
			for label, want := range map[string]crypto.Signer{"pkcs11:object=key%201": other, "pkcs11:object=key%202": testP256()} {
				byPublic, err := token.KeyOf(want.Public())
				if err != nil {
					t.Fatal(err)
				}
				if byLabel, err := token.Key(label); err != nil || byLabel != byPublic {
					t.Errorf("%s is %v, %v, want %v", label, byLabel, err, byPublic)
				}
				digest := make([]byte, 32)
				out, err := byPublic.Sign(nil, digest, crypto.SHA256)
				if err != nil || !ecdsa.VerifyASN1(want.Public().(*ecdsa.PublicKey), digest, out) {
					t.Errorf("%v signs as another key does: %v", byPublic, err)
				}
			}
			f.change(func() { f.closeAll() })
		}
	}
}

// What the token and the key say they can do limits what is offered.
func TestSignatureSchemes(t *testing.T) {
	private := func(f *fake) map[uint][]byte { return f.tokens[0].objects[1].attributes }
	for _, test := range []struct {
		name     string
		key      crypto.Signer
		change   func(*fake)
		with     []iana.SignatureScheme
		without  []iana.SignatureScheme
		decrypts bool
	}{
		{"an RSA key", testRSA(), func(*fake) {},
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPSSPSSSHA512, iana.RSAPKCS1SHA1},
			[]iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.Ed25519}, true},
		{"a P-256 key", testP256(), func(*fake) {},
			[]iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384},
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.Ed25519}, false},
		{"an Ed25519 key", testEd(), func(*fake) {},
			[]iana.SignatureScheme{iana.Ed25519}, []iana.SignatureScheme{iana.ECDSASecp256r1SHA256}, false},
		{"a token without PSS", testRSA(), func(f *fake) { f.tokens[0].mechanisms = []uint{ckmRSAPKCS, ckmRSAX509} },
			[]iana.SignatureScheme{iana.RSAPKCS1SHA256}, []iana.SignatureScheme{iana.RSAPSSRSAESHA256}, true},
		{"a token without X.509", testRSA(), func(f *fake) { f.tokens[0].mechanisms = []uint{ckmRSAPKCS} },
			[]iana.SignatureScheme{iana.RSAPKCS1SHA256}, nil, false},
		{"a key for PSS only", testRSA(), func(f *fake) { private(f)[ckaAllowedMechanisms] = ulong(ckmRSAPKCSPSS) },
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256}, []iana.SignatureScheme{iana.RSAPKCS1SHA256}, false},
		{"a key that does not sign", testRSA(), func(f *fake) { private(f)[ckaSign] = []byte{0} },
			nil, []iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPKCS1SHA256}, true},
		{"a key that does not decrypt", testRSA(), func(f *fake) { private(f)[ckaDecrypt] = []byte{0} },
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256}, nil, false},
		{"an RSA key too short for PSS with SHA-512", must(rsa.GenerateKey(rand.Reader, 1024)), func(*fake) {},
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA384, iana.RSAPKCS1SHA512}, []iana.SignatureScheme{iana.RSAPSSRSAESHA512}, true},
	} {
		f := newFake(test.key)
		test.change(f)
		k := keyOf(t, f.open(t), test.key)
		got := k.SignatureSchemes()
		for _, s := range test.with {
			if !slices.Contains(got, s) {
				t.Errorf("%s: %v is missing in %v", test.name, s, got)
			}
		}
		for _, s := range test.without {
			if slices.Contains(got, s) {
				t.Errorf("%s: %v is in %v", test.name, s, got)
			}
		}
		if k.CanDecrypt() != test.decrypts {
			t.Errorf("%s: CanDecrypt = %v", test.name, k.CanDecrypt())
		}
	}
}

// What does not fit is refused before the token is asked, which would sign it.
func TestSignRefuses(t *testing.T) {
	f := newFake(testRSA(), testP256(), testEd())
	token := f.open(t)
	for _, test := range []struct {
		name   string
		key    crypto.Signer
		digest int
		opts   crypto.SignerOpts
	}{
		{"a short digest", testRSA(), 31, crypto.SHA256},
		{"a long digest", testP256(), 33, crypto.SHA256},
		{"a SHA-256 digest as SHA-384, which NSS signs by PSS", testRSA(), 32, &rsa.PSSOptions{Hash: crypto.SHA384, SaltLength: rsa.PSSSaltLengthEqualsHash}},
		{"no hash", testRSA(), 32, crypto.Hash(0)},
		{"no options", testP256(), 32, nil},
		{"a hash that TLS has not", testRSA(), 16, crypto.MD5},
		{"a salt that does not fit", testRSA(), 32, &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: 223}},
		{"Ed25519 with a hash", testEd(), 64, crypto.SHA512},
		{"Ed25519 with a context", testEd(), 32, &ed25519.Options{Context: "x"}},
	} {
		if _, err := keyOf(t, token, test.key).Sign(nil, make([]byte, test.digest), test.opts); err == nil {
			t.Errorf("%s: signed", test.name)
		}
	}
	if f.called("SignInit") != 0 {
		t.Error("the token was asked")
	}
	for _, salt := range []int{rsa.PSSSaltLengthAuto, rsa.PSSSaltLengthEqualsHash, 20, 222} {
		if _, err := keyOf(t, token, testRSA()).Sign(nil, make([]byte, 32), &rsa.PSSOptions{Hash: crypto.SHA256, SaltLength: salt}); err != nil {
			t.Errorf("a salt of %d: %v", salt, err)
		}
	}
	if _, err := keyOf(t, token, testEd()).SignMessage(nil, []byte("message"), crypto.Hash(0)); err != nil {
		t.Errorf("an Ed25519 message: %v", err)
	}
	if _, err := keyOf(t, token, testP256()).SignMessage(nil, []byte("message"), crypto.SHA384); err != nil {
		t.Errorf("a message: %v", err)
	}
}

// A token that signs wrongly is caught: the operation fails, and nothing wrong is handed out.
func TestBadSignatureIsCaught(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t)
	k := keyOf(t, token, testP256())
	if err := signs(t, k); err != nil {
		t.Fatal(err)
	}
	f.change(func() { f.tokens[0].objects[1].key = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	_, err := perform(t, token.Handle, asyncpkey.Request{
		Kind: asyncpkey.Sign, Scheme: iana.ECDSASecp256r1SHA256, Message: []byte("x"), PublicKey: testP256().Public(),
	})
	if !errors.Is(err, ErrBadSignature) {
		t.Errorf("the operation ended with %v, want ErrBadSignature", err)
	}
	if n := f.called("Sign"); n != 3 {
		t.Errorf("the token signed %d times, want the first and two of the operation", n)
	}
}

// An operation for a certificate whose key is bound to RSA-PSS finds the RSA key.
func TestPSSCertificate(t *testing.T) {
	issued, err := testpeer.SelfSigned([]byte("pkcs11"), testpeer.Template{Key: testpeer.KeyRSAPSS2048})
	if err != nil {
		t.Fatal(err)
	}
	leaf := must(x509.ParseCertificate(issued.Chain[0]))
	f := newFake(issued.Key)
	if k, err := f.open(t).KeyFor(leaf); err != nil || !same(k.Public(), issued.Key.Public()) {
		t.Errorf("found %v, %v", k, err)
	}
}

func TestECDSADER(t *testing.T) {
	for _, test := range []struct{ raw, want string }{
		{"\x01\x02", "\x30\x06\x02\x01\x01\x02\x01\x02"},
		{"\x80\x7f", "\x30\x07\x02\x02\x00\x80\x02\x01\x7f"},
		{"\x00\x01\x00\xff", "\x30\x07\x02\x01\x01\x02\x02\x00\xff"},
	} {
		if got, err := ecdsaDER([]byte(test.raw), 2); err != nil || string(got) != test.want {
			t.Errorf("%x: %x, %v, want %x", test.raw, got, err, test.want)
		}
	}
	for _, raw := range []string{"", "\x01", "\x01\x02\x03", "\x01\x02\x03\x04\x05\x06"} {
		if got, err := ecdsaDER([]byte(raw), 2); !errors.Is(err, ErrBadSignature) {
			t.Errorf("%x: %x, %v", raw, got, err)
		}
	}
	long := make([]byte, 132)
	for i := range long {
		long[i] = 0xff
	}
	der, err := ecdsaDER(long, 66)
	var rs struct{ R, S asn1.RawValue }
	if rest, parseErr := asn1.Unmarshal(der, &rs); err != nil || parseErr != nil || len(rest) != 0 {
		t.Errorf("a P-521 signature: %x, %v, %v", der, err, parseErr)
	}
}

// An operation that somebody else has performed is left to him.
func TestHandleLeavesAloneWhatIsPerformed(t *testing.T) {
	token := newFake(testP256()).open(t)
	op := must(asyncpkey.NewOp(asyncpkey.Request{
		Kind: asyncpkey.Sign, Scheme: iana.ECDSASecp256r1SHA256, Message: []byte("m"), PublicKey: testP256().Public(),
	}))
	if err := op.Perform(testP256()); err != nil {
		t.Fatal(err)
	}
	if err := token.Handle(op, func(*asyncpkey.Op) error { t.Error("it is applied"); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := token.Close(); err != nil { // after it is done
		t.Fatal(err)
	}
	if err := asyncpkey.Apply(op, true); err != nil {
		t.Errorf("applying it: %v", err)
	}
}
