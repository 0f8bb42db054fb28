package sig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
)

// algorithm is what a row does with the keys of one type.
type algorithm interface {
	// owns reports whether pub is a well-formed key of the type.
	owns(pub crypto.PublicKey) bool

	// fits is Scheme.Fits; strict says that the curve counts.
	fits(h crypto.Hash, pub crypto.PublicKey, strict bool) bool

	// verify is called with a key that the algorithm owns.
	verify(h crypto.Hash, pub crypto.PublicKey, input, signature []byte) bool

	// shape is called with a key that the algorithm owns, and says what is wrong with
	// signature, or nothing.
	shape(pub crypto.PublicKey, signature []byte) string
}

// PSSPublicKey is the key of a certificate whose SubjectPublicKeyInfo names id-RSASSA-PSS,
// for which crypto/x509 has no type: it signs with the rsa_pss_pss schemes and nothing else
// (RFC 8446, Section 4.2.3).
type PSSPublicKey struct {
	RSA  *rsa.PublicKey
	Hash crypto.Hash // the only one that the certificate allows, or 0 (RFC 4055, Section 3.1)
}

// ecdsaKey signs with ECDSA. In TLS 1.3 its keys are on the curve, which is nil for schemes
// that TLS 1.3 has not.
type ecdsaKey struct{ curve elliptic.Curve }

// curves are those that TLS 1.2 and 1.3 negotiate here, with their orders.
var curves = [...]struct {
	curve elliptic.Curve
	order []byte // big-endian, without leading zeros
}{
	{elliptic.P256(), elliptic.P256().Params().N.Bytes()},
	{elliptic.P384(), elliptic.P384().Params().N.Bytes()},
	{elliptic.P521(), elliptic.P521().Params().N.Bytes()},
}

// orderOf returns the order of the curve of pub, or nil if it is none of curves.
func orderOf(pub crypto.PublicKey) []byte {
	k, ok := pub.(*ecdsa.PublicKey)
	if !ok || k == nil {
		return nil
	}
	for i := range curves {
		if k.Curve == curves[i].curve {
			return curves[i].order
		}
	}
	return nil
}

func (ecdsaKey) owns(pub crypto.PublicKey) bool { return orderOf(pub) != nil }

func (a ecdsaKey) fits(_ crypto.Hash, pub crypto.PublicKey, strict bool) bool {
	return a.owns(pub) && (!strict || pub.(*ecdsa.PublicKey).Curve == a.curve)
}

func (ecdsaKey) verify(_ crypto.Hash, pub crypto.PublicKey, input, signature []byte) bool {
	return ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), input, signature)
}

// ed25519Key signs with Ed25519.
type ed25519Key struct{}

func (ed25519Key) owns(pub crypto.PublicKey) bool {
	k, ok := pub.(ed25519.PublicKey)
	return ok && len(k) == ed25519.PublicKeySize
}

func (a ed25519Key) fits(_ crypto.Hash, pub crypto.PublicKey, _ bool) bool { return a.owns(pub) }

func (ed25519Key) verify(_ crypto.Hash, pub crypto.PublicKey, input, signature []byte) bool {
	return ed25519.Verify(pub.(ed25519.PublicKey), input, signature)
}

// rsaKey signs with RSA: PSS or PKCS #1 v1.5; spki says that the certificate names
// id-RSASSA-PSS instead of rsaEncryption.
type rsaKey struct{ pss, spki bool }

// rsaOf returns the RSA key of either certificate, or nil.
func rsaOf(pub crypto.PublicKey) *rsa.PublicKey {
	var k *rsa.PublicKey
	switch p := pub.(type) {
	case *rsa.PublicKey:
		k = p
	case PSSPublicKey:
		k = p.RSA
	}
	if k == nil || k.N == nil {
		return nil
	}
	return k
}

func (rsaKey) owns(pub crypto.PublicKey) bool { return rsaOf(pub) != nil }

// fits leaves room for PSS: the encoded message holds two hashes and two bytes more, and
// is a bit shorter than the modulus (RFC 8017, Section 9.1.1).
func (a rsaKey) fits(h crypto.Hash, pub crypto.PublicKey, _ bool) bool {
	k := rsaOf(pub)
	if k == nil {
		return false
	}
	p, spki := pub.(PSSPublicKey)
	if spki != a.spki || spki && p.Hash != 0 && p.Hash != h {
		return false
	}
	bits := k.N.BitLen()
	if bits < MinRSABits || bits > MaxRSABits {
		return false
	}
	return !a.pss || (bits-1+7)/8 >= 2*h.Size()+2
}

func (a rsaKey) verify(h crypto.Hash, pub crypto.PublicKey, input, signature []byte) bool {
	k := rsaOf(pub)
	if a.pss {
		opts := rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}
		return rsa.VerifyPSS(k, h, input, signature, &opts) == nil
	}
	return rsa.VerifyPKCS1v15(k, h, input, signature) == nil
}

// describe names the type of a key and what counts of it.
func describe(pub crypto.PublicKey) string {
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		if k != nil && k.Curve != nil {
			return "an ECDSA key on " + k.Curve.Params().Name
		}
	case *rsa.PublicKey, PSSPublicKey:
		if k := rsaOf(pub); k != nil {
			return fmt.Sprintf("an RSA key of %d bits", k.N.BitLen())
		}
	case ed25519.PublicKey:
		return fmt.Sprintf("an Ed25519 key of %d bytes", len(k))
	}
	return fmt.Sprintf("a key of type %T", pub)
}
