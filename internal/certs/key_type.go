package certs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/sig"
)

// Sizes of an RSA modulus, in bits, that are accepted in a certificate.
const (
	MinRSABits = sig.MinRSABits
	MaxRSABits = sig.MaxRSABits
)

// KeyType is the type of the public key in a certificate.
type KeyType uint8

// Key types. KeyRSAPSS is an RSA key whose certificate says id-RSASSA-PSS (RFC 4055): it
// makes the rsa_pss_pss signatures and nothing else.
const (
	KeyUnsupported KeyType = iota
	KeyRSA
	KeyRSAPSS
	KeyECDSA
	KeyEd25519
)

// String returns the name of t, as "RSA-PSS".
func (t KeyType) String() string {
	switch t {
	case KeyUnsupported:
		return "unsupported"
	case KeyRSA:
		return "RSA"
	case KeyRSAPSS:
		return "RSA-PSS"
	case KeyECDSA:
		return "ECDSA"
	case KeyEd25519:
		return "Ed25519"
	}
	return strconv.Itoa(int(t))
}

// KeyTypeOf returns the type of the key in cert, which must come from ParseChain for
// KeyRSAPSS to be told from the others.
func KeyTypeOf(cert *x509.Certificate) KeyType {
	return keyTypeOf(PublicKey(cert))
}

func keyTypeOf(pub crypto.PublicKey) KeyType {
	switch pub := pub.(type) {
	case sig.PSSPublicKey:
		return KeyRSAPSS
	case *rsa.PublicKey:
		return KeyRSA
	case *ecdsa.PublicKey:
		switch pub.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
			return KeyECDSA
		}
	case ed25519.PublicKey:
		return KeyEd25519
	}
	return KeyUnsupported
}

// PublicKey returns the key of cert in the form that internal/sig tells apart: a
// sig.PSSPublicKey for KeyRSAPSS, and cert.PublicKey otherwise. cert must come from
// ParseChain.
func PublicKey(cert *x509.Certificate) crypto.PublicKey {
	if cert.PublicKeyAlgorithm == x509.RSA && isPSS(cert) {
		if key, err := pssKey(cert); err == nil {
			return key
		}
		return nil
	}
	return cert.PublicKey
}

// checkKey returns nil if TLS can be done with the key in cert.
func checkKey(cert *x509.Certificate) error {
	if cert.PublicKey == nil {
		return fmt.Errorf("%w: %s", ErrUnsupportedKey, describeAlgorithm(cert))
	}
	if KeyTypeOf(cert) == KeyUnsupported {
		return fmt.Errorf("%w: %s", ErrUnsupportedKey, describeKey(cert.PublicKey))
	}
	if pub, ok := cert.PublicKey.(*rsa.PublicKey); ok {
		if bits := pub.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
			return fmt.Errorf("%w: RSA of %d bits, not of %d to %d", ErrUnsupportedKey, bits, MinRSABits, MaxRSABits)
		}
	}
	return nil
}

// describeKey names a public key in an error: "RSA of 2048 bits".
func describeKey(pub crypto.PublicKey) string {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		return "RSA of " + strconv.Itoa(pub.N.BitLen()) + " bits"
	case *ecdsa.PublicKey:
		return "ECDSA on " + pub.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	case nil:
		return "nothing"
	}
	return fmt.Sprintf("%T", pub)
}

// Group returns the curve of an ECDSA leaf as the group that a client of TLS 1.2 has to
// list for it (RFC 8422, Section 5.3), and 0 for any other key.
func (c *Certificate) Group() iana.Group { return CurveOf(c.Leaf) }

// CurveOf is Group for any leaf.
func CurveOf(leaf *x509.Certificate) iana.Group {
	key, ok := leaf.PublicKey.(*ecdsa.PublicKey)
	if !ok {
		return 0
	}
	switch key.Curve {
	case elliptic.P256():
		return iana.Secp256r1
	case elliptic.P384():
		return iana.Secp384r1
	case elliptic.P521():
		return iana.Secp521r1
	}
	return 0
}
