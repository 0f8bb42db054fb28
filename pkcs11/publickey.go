package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
)

// Limits on RSA moduli in bits, as everywhere in this module.
const minRSABits, maxRSABits = 1024, 8192

// oids are what CKA_EC_PARAMS names. PKCS #11 calls Ed25519 also by a string, and before RFC
// 8410 it had another number.
var (
	oidP256       = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	oidP384       = asn1.ObjectIdentifier{1, 3, 132, 0, 34}
	oidP521       = asn1.ObjectIdentifier{1, 3, 132, 0, 35}
	oidEd25519    = asn1.ObjectIdentifier{1, 3, 101, 112}
	oidEd25519Old = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 15, 1}
	oidRSASSAPSS  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
)

// rsaKey makes a public key of CKA_MODULUS and CKA_PUBLIC_EXPONENT.
func rsaKey(modulus, exponent []byte) (*rsa.PublicKey, error) {
	n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	if bits := n.BitLen(); bits < minRSABits || bits > maxRSABits {
		return nil, fmt.Errorf("pkcs11: an RSA modulus of %d bits is not between %d and %d", bits, minRSABits, maxRSABits)
	}
	if e.BitLen() > 31 || e.Int64() < 3 || e.Bit(0) == 0 {
		return nil, fmt.Errorf("pkcs11: %v is no RSA exponent", e)
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// curveKey makes a public key of CKA_EC_PARAMS and CKA_EC_POINT. Points come bare and as OCTET
// STRINGs, from one and the same module.
func curveKey(params, point []byte) (crypto.PublicKey, error) {
	curve, err := namedCurve(params)
	if err != nil {
		return nil, err
	}
	var inner []byte
	if rest, err := asn1.Unmarshal(point, &inner); err != nil || len(rest) != 0 {
		inner = point
	}
	if curve == nil {
		for _, p := range [][]byte{point, inner} {
			if len(p) == ed25519.PublicKeySize {
				return ed25519.PublicKey(p), nil
			}
		}
		return nil, fmt.Errorf("pkcs11: %d bytes are no Ed25519 public key", len(point))
	}
	for _, p := range [][]byte{point, inner} {
		if k, err := ecdsa.ParseUncompressedPublicKey(curve, p); err == nil {
			return k, nil
		}
	}
	return nil, fmt.Errorf("pkcs11: %d bytes are no uncompressed point of %s", len(point), curve.Params().Name)
}

// namedCurve reads CKA_EC_PARAMS. Ed25519 is the nil curve.
func namedCurve(params []byte) (elliptic.Curve, error) {
	var oid asn1.ObjectIdentifier
	if rest, err := asn1.Unmarshal(params, &oid); err == nil && len(rest) == 0 {
		switch {
		case oid.Equal(oidP256):
			return elliptic.P256(), nil
		case oid.Equal(oidP384):
			return elliptic.P384(), nil
		case oid.Equal(oidP521):
			return elliptic.P521(), nil
		case oid.Equal(oidEd25519), oid.Equal(oidEd25519Old):
			return nil, nil //nolint:nilnil // see above
		}
		return nil, fmt.Errorf("pkcs11: curve %v is unknown", oid)
	}
	var name string
	if rest, err := asn1.UnmarshalWithParams(params, &name, "printable"); err == nil && len(rest) == 0 && name == "edwards25519" {
		return nil, nil //nolint:nilnil // see above
	}
	return nil, fmt.Errorf("pkcs11: CKA_EC_PARAMS of %d bytes name no curve", len(params))
}

// points are the encodings of pub to look for in CKA_EC_POINT: the one of the standard first.
func points(pub crypto.PublicKey) [][]byte {
	var bare []byte
	switch k := pub.(type) {
	case *ecdsa.PublicKey:
		p, err := k.Bytes()
		if err != nil {
			return nil
		}
		bare = p
	case ed25519.PublicKey:
		bare = k
	default:
		return nil
	}
	wrapped, err := asn1.Marshal(bare)
	if err != nil {
		return nil
	}
	return [][]byte{wrapped, bare}
}

// keyType is CKA_KEY_TYPE of the private half of pub.
func keyType(pub crypto.PublicKey) (uint, error) {
	switch pub.(type) {
	case *rsa.PublicKey:
		return ckkRSA, nil
	case *ecdsa.PublicKey:
		return ckkEC, nil
	case ed25519.PublicKey:
		return ckkECEdwards, nil
	}
	return 0, fmt.Errorf("pkcs11: keys of type %T are not used in tokens", pub)
}

// same reports whether a and b are one key.
func same(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// subjectKey is the public key of a certificate, also of one for RSA-PSS only, whose key
// crypto/x509 leaves alone.
func subjectKey(c *x509.Certificate) (crypto.PublicKey, error) {
	if c == nil {
		return nil, errors.New("pkcs11: there is no certificate")
	}
	if c.PublicKey != nil {
		return c.PublicKey, nil
	}
	var info struct {
		Algorithm struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Key asn1.BitString
	}
	if _, err := asn1.Unmarshal(c.RawSubjectPublicKeyInfo, &info); err != nil || !info.Algorithm.OID.Equal(oidRSASSAPSS) {
		return nil, fmt.Errorf("pkcs11: the public key of certificate %q is of no kind that tokens hold", c.Subject)
	}
	k, err := x509.ParsePKCS1PublicKey(info.Key.RightAlign())
	if err != nil {
		return nil, fmt.Errorf("pkcs11: the public key of certificate %q: %w", c.Subject, err)
	}
	return k, nil
}
