package sig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// Keys of the tests, made on first use.
var (
	p256    = ecdsaKeyOn(elliptic.P256())
	p384    = ecdsaKeyOn(elliptic.P384())
	p521    = ecdsaKeyOn(elliptic.P521())
	p224    = ecdsaKeyOn(elliptic.P224())
	rsa2048 = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	other   = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	edwards = sync.OnceValue(func() crypto.Signer {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return must(k, err)
	})
)

func ecdsaKeyOn(c elliptic.Curve) func() crypto.Signer {
	return sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(c, rand.Reader)) })
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// modulus is a public RSA key of that many bits, good for its length only.
func modulus(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.SetBit(n, 0, 1), E: 65537}
}

func TestTable(t *testing.T) {
	const (
		only12 = false
		also13 = true
	)
	for _, c := range []struct {
		id       iana.SignatureScheme
		hash     crypto.Hash
		tls13    bool
		approved bool
	}{
		{iana.ECDSASecp256r1SHA256, crypto.SHA256, also13, true},
		{iana.ECDSASecp384r1SHA384, crypto.SHA384, also13, true},
		{iana.ECDSASecp521r1SHA512, crypto.SHA512, also13, true},
		{iana.RSAPSSRSAESHA256, crypto.SHA256, also13, true},
		{iana.RSAPSSRSAESHA384, crypto.SHA384, also13, true},
		{iana.RSAPSSRSAESHA512, crypto.SHA512, also13, true},
		{iana.RSAPSSPSSSHA256, crypto.SHA256, also13, true},
		{iana.RSAPSSPSSSHA384, crypto.SHA384, also13, true},
		{iana.RSAPSSPSSSHA512, crypto.SHA512, also13, true},
		{iana.Ed25519, 0, also13, true},
		{iana.RSAPKCS1SHA256, crypto.SHA256, only12, true},
		{iana.RSAPKCS1SHA384, crypto.SHA384, only12, true},
		{iana.RSAPKCS1SHA512, crypto.SHA512, only12, true},
		{iana.RSAPKCS1SHA224, crypto.SHA224, only12, true},
		{iana.ECDSASHA224, crypto.SHA224, only12, true},
		{iana.RSAPKCS1SHA1, crypto.SHA1, only12, false},
		{iana.ECDSASHA1, crypto.SHA1, only12, false},
	} {
		s := Lookup(c.id)
		if s == nil {
			t.Errorf("%v is not there", c.id)
			continue
		}
		if s.ID != c.id || s.Hash != c.hash || !s.TLS12 || s.TLS13 != c.tls13 || s.Approved != c.approved {
			t.Errorf("%v: row %+v", c.id, s)
		}
		if s.SignerOpts().HashFunc() != c.hash {
			t.Errorf("%v: options with hash %v", c.id, s.SignerOpts().HashFunc())
		}
		pss, isPSS := s.SignerOpts().(*rsa.PSSOptions)
		if want := c.id>>8 == 8 && c.id != iana.Ed25519; isPSS != want || isPSS && pss.SaltLength != rsa.PSSSaltLengthEqualsHash {
			t.Errorf("%v: options %#v", c.id, s.SignerOpts())
		}
		message := []byte("message")
		var want []byte
		if c.hash != 0 {
			h := c.hash.New()
			h.Write(message)
			want = h.Sum(nil)
		}
		if got := s.Digest([]byte("x"), message); string(got) != "x"+string(want) {
			t.Errorf("%v: digest %x, want %x after an x", c.id, got, want)
		}
	}
	for _, id := range []iana.SignatureScheme{0, iana.Ed448, iana.MLDSA65, 0x0101, 0x1a1a} {
		if Lookup(id) != nil {
			t.Errorf("%v has a row", id)
		}
	}
}

func TestFits(t *testing.T) {
	const tls12, tls13 = iana.TLS12, iana.TLS13
	for _, c := range []struct {
		sentence string
		pub      crypto.PublicKey
		v        iana.Version
		want     []iana.SignatureScheme // in the order of SchemesFor
	}{
		{"P-256 in TLS 1.3 signs with SHA-256", p256().Public(), tls13,
			[]iana.SignatureScheme{iana.ECDSASecp256r1SHA256}},
		{"P-384 in TLS 1.3 signs with SHA-384", p384().Public(), tls13,
			[]iana.SignatureScheme{iana.ECDSASecp384r1SHA384}},
		{"P-521 in TLS 1.3 signs with SHA-512", p521().Public(), tls13,
			[]iana.SignatureScheme{iana.ECDSASecp521r1SHA512}},
		{"P-256 in TLS 1.2 signs with any hash", p256().Public(), tls12,
			[]iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384, iana.ECDSASecp521r1SHA512, iana.ECDSASHA224, iana.ECDSASHA1}},
		{"P-521 in TLS 1.2 signs with any hash", p521().Public(), tls12,
			[]iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384, iana.ECDSASecp521r1SHA512, iana.ECDSASHA224, iana.ECDSASHA1}},
		{"P-224 is no curve of TLS 1.3", p224().Public(), tls13, nil},
		{"P-224 is no curve of ours in TLS 1.2", p224().Public(), tls12, nil},
		{"Ed25519 in TLS 1.3", edwards().Public(), tls13,
			[]iana.SignatureScheme{iana.Ed25519}},
		{"Ed25519 in TLS 1.2", edwards().Public(), tls12,
			[]iana.SignatureScheme{iana.Ed25519}},
		{"RSA in TLS 1.3 signs with PSS", modulus(2048), tls13,
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512}},
		{"RSA in TLS 1.2 signs with PSS and PKCS #1", modulus(2048), tls12,
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512,
				iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA512, iana.RSAPKCS1SHA224, iana.RSAPKCS1SHA1}},
		{"1024 bits have no room for PSS with SHA-512", modulus(1024), tls13,
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384}},
		{"1033 bits lack one for PSS with SHA-512", modulus(1033), tls13,
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384}},
		{"1034 bits have room for PSS with SHA-512", modulus(1034), tls13,
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512}},
		{"1023 bits are too few", modulus(1023), tls12, nil},
		{"8192 bits are not too many", modulus(8192), tls13,
			[]iana.SignatureScheme{iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512}},
		{"8193 bits are too many", modulus(8193), tls12, nil},
		{"a PSS certificate signs with pss_pss in TLS 1.3", PSSPublicKey{RSA: modulus(2048)}, tls13,
			[]iana.SignatureScheme{iana.RSAPSSPSSSHA256, iana.RSAPSSPSSSHA384, iana.RSAPSSPSSSHA512}},
		{"a PSS certificate signs with nothing else in TLS 1.2", PSSPublicKey{RSA: modulus(2048)}, tls12,
			[]iana.SignatureScheme{iana.RSAPSSPSSSHA256, iana.RSAPSSPSSSHA384, iana.RSAPSSPSSSHA512}},
		{"a PSS certificate for one hash", PSSPublicKey{RSA: modulus(2048), Hash: crypto.SHA384}, tls13,
			[]iana.SignatureScheme{iana.RSAPSSPSSSHA384}},
		{"a version that there is not", p256().Public(), 0x0305, nil},
		{"TLS 1.1", p256().Public(), iana.TLS11, nil},
		{"no key", nil, tls12, nil},
		{"a private key", p256(), tls13, nil},
		{"an ECDSA key that is nil", (*ecdsa.PublicKey)(nil), tls12, nil},
		{"an ECDSA key without a curve", &ecdsa.PublicKey{}, tls12, nil},
		{"an RSA key that is nil", (*rsa.PublicKey)(nil), tls12, nil},
		{"an RSA key without a modulus", &rsa.PublicKey{E: 3}, tls12, nil},
		{"a PSS key that is empty", PSSPublicKey{}, tls12, nil},
		{"an Ed25519 key of 31 bytes", make(ed25519.PublicKey, 31), tls12, nil},
		{"a string", "key", tls12, nil},
	} {
		if got := SchemesFor(c.pub, c.v); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.sentence, got, c.want)
		}
		for i := range table {
			if got := table[i].Fits(c.pub, c.v); got != slices.Contains(c.want, table[i].ID) {
				t.Errorf("%s: Fits says %t for %v", c.sentence, got, table[i].ID)
			}
		}
	}
}

func TestCertificateVerifyInput(t *testing.T) {
	// The example of RFC 8446, Section 4.4.3, is a hash of 32 bytes of 01.
	hash := slices.Repeat([]byte{1}, 32)
	spaces := string(slices.Repeat([]byte{0x20}, 64))
	for _, c := range []struct {
		server bool
		want   string
	}{
		{true, spaces + "TLS 1.3, server CertificateVerify\x00" + string(hash)},
		{false, spaces + "TLS 1.3, client CertificateVerify\x00" + string(hash)},
	} {
		if got := AppendCertificateVerifyInput([]byte("x"), c.server, hash); string(got) != "x"+c.want {
			t.Errorf("server %t: %q, want %q", c.server, got, "x"+c.want)
		}
	}
	if n := len(AppendCertificateVerifyInput(nil, true, make([]byte, 48))); n != MaxCertificateVerifyInputLen {
		t.Errorf("%d bytes with SHA-384, MaxCertificateVerifyInputLen is %d", n, MaxCertificateVerifyInputLen)
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
	cmd := exec.Command(os.Args[0], "-test.run=^(TestFIPSMode|TestSignAndVerify)$")
	cmd.Env = append(os.Environ(), inFIPSMode+"=1", "GODEBUG=fips140=on")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with GODEBUG=fips140=on: %v\n%s", err, out)
	}
}
