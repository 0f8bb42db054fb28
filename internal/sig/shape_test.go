package sig

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// seq is a DER SEQUENCE of less than 128 bytes.
func seq(elements ...[]byte) []byte {
	body := bytes.Join(elements, nil)
	return append([]byte{0x30, byte(len(body))}, body...)
}

// integer is a DER element of less than 128 bytes with the tag of an INTEGER.
func integer(body ...byte) []byte { return append([]byte{2, byte(len(body))}, body...) }

// number is the DER INTEGER n.
func number(n *big.Int) []byte { return must(asn1.Marshal(n)) }

func TestCheckShape(t *testing.T) {
	var (
		n256 = elliptic.P256().Params().N
		n521 = elliptic.P521().Params().N
		one  = integer(1)
		full = bytes.Repeat([]byte{0x7f}, 32)
	)
	less := func(n *big.Int, i int64) *big.Int { return new(big.Int).Sub(n, big.NewInt(i)) }
	const (
		from256 = " bytes from an ECDSA key on P-256: "
		from521 = " bytes from an ECDSA key on P-521: "
	)
	longest := func() []byte { // two INTEGERs of 66 bytes
		n := number(less(n521, 1))
		body := append(bytes.Clone(n), n...)
		return append([]byte{0x30, 0x81, byte(len(body))}, body...)
	}()
	for _, c := range []struct {
		sentence  string
		id        iana.SignatureScheme
		pub       crypto.PublicKey
		signature []byte
		want      string // "" = accepted
	}{
		{"one and one", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one, one), ""},
		{"32 bytes each", iana.ECDSASecp256r1SHA256, p256().Public(), seq(integer(full...), integer(full...)), ""},
		{"the order less one", iana.ECDSASecp256r1SHA256, p256().Public(), seq(number(less(n256, 1)), number(less(n256, 1))), ""},
		{"P-521's longest, with a length in two bytes", iana.ECDSASecp521r1SHA512, p521().Public(), longest, ""},

		{"nothing", iana.ECDSASecp256r1SHA256, p256().Public(), nil, "sig: ecdsa_secp256r1_sha256 signature of 0" + from256 + "no DER SEQUENCE"},
		{"one byte", iana.ECDSASecp256r1SHA256, p256().Public(), []byte{0x30}, "sig: ecdsa_secp256r1_sha256 signature of 1" + from256 + "no DER SEQUENCE"},
		{"a SET", iana.ECDSASecp256r1SHA256, p256().Public(), append([]byte{0x31}, seq(one, one)[1:]...), "sig: ecdsa_secp256r1_sha256 signature of 8" + from256 + "no DER SEQUENCE"},
		{"r and s side by side, as in PKCS #11", iana.ECDSASecp256r1SHA256, p256().Public(), append(full, full...), "sig: ecdsa_secp256r1_sha256 signature of 64" + from256 + "no DER SEQUENCE"},
		{"an indefinite length", iana.ECDSASecp256r1SHA256, p256().Public(), append(append([]byte{0x30, 0x80}, one...), 0, 0), "sig: ecdsa_secp256r1_sha256 signature of 7" + from256 + "no DER SEQUENCE"},
		{"a length in two bytes that fits in one", iana.ECDSASecp256r1SHA256, p256().Public(), append([]byte{0x30, 0x81}, seq(one, one)[1:]...), "sig: ecdsa_secp256r1_sha256 signature of 9" + from256 + "no DER SEQUENCE"},
		{"a length in three bytes", iana.ECDSASecp256r1SHA256, p256().Public(), append([]byte{0x30, 0x82, 0}, seq(one, one)[1:]...), "sig: ecdsa_secp256r1_sha256 signature of 10" + from256 + "no DER SEQUENCE"},
		{"a length in two bytes, one of them missing", iana.ECDSASecp256r1SHA256, p256().Public(), []byte{0x30, 0x81}, "sig: ecdsa_secp256r1_sha256 signature of 2" + from256 + "no DER SEQUENCE"},
		{"cut short", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one, one)[:7], "sig: ecdsa_secp256r1_sha256 signature of 7" + from256 + "no DER SEQUENCE"},
		{"a byte after it", iana.ECDSASecp256r1SHA256, p256().Public(), append(seq(one, one), 0), "sig: ecdsa_secp256r1_sha256 signature of 9" + from256 + "bytes after the SEQUENCE"},
		{"an empty SEQUENCE", iana.ECDSASecp256r1SHA256, p256().Public(), seq(), "sig: ecdsa_secp256r1_sha256 signature of 2" + from256 + "r is no DER INTEGER"},
		{"r alone", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one), "sig: ecdsa_secp256r1_sha256 signature of 5" + from256 + "s is no DER INTEGER"},
		{"a third INTEGER", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one, one, one), "sig: ecdsa_secp256r1_sha256 signature of 11" + from256 + "bytes after s in the SEQUENCE"},
		{"r as an OCTET STRING", iana.ECDSASecp256r1SHA256, p256().Public(), seq([]byte{4, 1, 1}, one), "sig: ecdsa_secp256r1_sha256 signature of 8" + from256 + "r is no DER INTEGER"},
		{"s that ends after the SEQUENCE", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one, []byte{2, 2, 1}), "sig: ecdsa_secp256r1_sha256 signature of 8" + from256 + "s is no DER INTEGER"},
		{"r of no bytes", iana.ECDSASecp256r1SHA256, p256().Public(), seq(integer(), one), "sig: ecdsa_secp256r1_sha256 signature of 7" + from256 + "r is empty"},
		{"r = 0", iana.ECDSASecp256r1SHA256, p256().Public(), seq(integer(0), one), "sig: ecdsa_secp256r1_sha256 signature of 8" + from256 + "r is zero"},
		{"s = 0", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one, integer(0)), "sig: ecdsa_secp256r1_sha256 signature of 8" + from256 + "s is zero"},
		{"r = -1", iana.ECDSASecp256r1SHA256, p256().Public(), seq(integer(0xff), one), "sig: ecdsa_secp256r1_sha256 signature of 8" + from256 + "r is negative"},
		{"s negative for want of a leading zero", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one, integer(append([]byte{0x80}, full[1:]...)...)), "sig: ecdsa_secp256r1_sha256 signature of 39" + from256 + "s is negative"},
		{"r with a zero in front", iana.ECDSASecp256r1SHA256, p256().Public(), seq(integer(0, 1), one), "sig: ecdsa_secp256r1_sha256 signature of 9" + from256 + "r has a leading zero too many"},
		{"r = 0 in two bytes", iana.ECDSASecp256r1SHA256, p256().Public(), seq(integer(0, 0), one), "sig: ecdsa_secp256r1_sha256 signature of 9" + from256 + "r has a leading zero too many"},
		{"s with two zeros in front", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one, integer(0, 0, 0x80)), "sig: ecdsa_secp256r1_sha256 signature of 10" + from256 + "s has a leading zero too many"},
		{"r = the order", iana.ECDSASecp256r1SHA256, p256().Public(), seq(number(n256), one), "sig: ecdsa_secp256r1_sha256 signature of 40" + from256 + "r is not below the order of the curve"},
		{"s of 33 bytes", iana.ECDSASecp256r1SHA256, p256().Public(), seq(one, integer(append([]byte{1}, full...)...)), "sig: ecdsa_secp256r1_sha256 signature of 40" + from256 + "s is not below the order of the curve"},
		{"a signature of P-256 from P-521 is short, but possible", iana.ECDSASecp521r1SHA512, p521().Public(), seq(integer(full...), integer(full...)), ""},
		{"a signature of P-521 from P-256", iana.ECDSASecp256r1SHA256, p256().Public(), longest, "sig: ecdsa_secp256r1_sha256 signature of 139" + from256 + "r is not below the order of the curve"},
		{"P-521's order", iana.ECDSASecp521r1SHA512, p521().Public(), seq(one, number(n521)), "sig: ecdsa_secp521r1_sha512 signature of 73" + from521 + "s is not below the order of the curve"},

		{"Ed25519", iana.Ed25519, edwards().Public(), make([]byte, 64), ""},
		{"Ed25519 without a byte", iana.Ed25519, edwards().Public(), make([]byte, 63), "sig: ed25519 signature of 63 bytes from an Ed25519 key of 32 bytes: 64 are due"},
		{"RSA", iana.RSAPSSRSAESHA256, modulus(2048), make([]byte, 256), ""},
		{"RSA of an odd length", iana.RSAPKCS1SHA256, modulus(2049), make([]byte, 257), ""},
		{"RSA with a byte more", iana.RSAPKCS1SHA256, modulus(2048), make([]byte, 257), "sig: rsa_pkcs1_sha256 signature of 257 bytes from an RSA key of 2048 bits: 256 are due"},
		{"RSA without its leading zero", iana.RSAPSSRSAESHA256, modulus(2048), make([]byte, 255), "sig: rsa_pss_rsae_sha256 signature of 255 bytes from an RSA key of 2048 bits: 256 are due"},
		{"an empty RSA signature", iana.RSAPSSRSAESHA256, modulus(2048), nil, "sig: rsa_pss_rsae_sha256 signature of 0 bytes from an RSA key of 2048 bits: 256 are due"},
		{"ECDSA from an RSA key", iana.ECDSASecp256r1SHA256, modulus(2048), seq(one, one), "sig: ecdsa_secp256r1_sha256 signature cannot be from an RSA key of 2048 bits"},
		{"RSA from no key", iana.RSAPSSPSSSHA256, nil, nil, "sig: rsa_pss_pss_sha256 signature cannot be from a key of type <nil>"},
	} {
		err := Lookup(c.id).CheckShape(c.pub, c.signature)
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s:\n got %v\nwant %s", c.sentence, err, c.want)
		}
		var peer interface{ Alert() iana.Alert }
		if errors.As(err, &peer) {
			t.Errorf("%s: blames the peer", c.sentence)
		}
	}
}

// FuzzCheckShape compares with encoding/asn1: what is accepted is the encoding of two
// numbers in range, and such an encoding is accepted.
func FuzzCheckShape(f *testing.F) {
	curves := []crypto.PublicKey{p256().Public(), p384().Public(), p521().Public()}
	s := Lookup(iana.ECDSASHA1)
	for i, key := range keysFor(s) {
		signature, err := s.Sign(nil, key, nil, []byte("message"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), signature)
	}
	f.Add(byte(0), seq(integer(0, 0x80), integer(0xff)))
	f.Fuzz(func(t *testing.T, i byte, signature []byte) {
		pub := curves[int(i)%len(curves)]
		n := pub.(*ecdsa.PublicKey).Params().N
		var v struct{ R, S *big.Int }
		rest, err := asn1.Unmarshal(signature, &v)
		want := err == nil && len(rest) == 0 &&
			v.R.Sign() > 0 && v.R.Cmp(n) < 0 && v.S.Sign() > 0 && v.S.Cmp(n) < 0
		if want {
			// encoding/asn1 lets elements after the last of a struct pass.
			want = bytes.Equal(must(asn1.Marshal(v)), signature)
		}
		if err := s.CheckShape(pub, signature); (err == nil) != want {
			t.Errorf("%x: %v, want accepted %t", signature, err, want)
		}
	})
}
