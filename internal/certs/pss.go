package certs

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"github.com/s2ngo/s2ngo/internal/sig"
)

// Keys that are bound to RSASSA-PSS (RFC 4055): crypto/x509 reads neither such a
// certificate's key nor such a PKCS#8 file. Its chain verifier works with a key that is put
// back into the certificate.

var (
	oidRSASSAPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}
	oidMGF1      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 8}
	oidSHA256    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512    = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
)

// publicKeyInfo is the SubjectPublicKeyInfo of RFC 5280, Section 4.1.
type publicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// privateKeyInfo is the PrivateKeyInfo of RFC 5208, Section 5.
type privateKeyInfo struct {
	Version    int
	Algorithm  pkix.AlgorithmIdentifier
	Key        []byte
	Attributes []asn1.RawValue `asn1:"optional,tag:0"`
}

// pssParameters is RSASSA-PSS-params of RFC 4055, Section 3.1. SHA-1, its default hash, has
// no place in TLS 1.3.
type pssParameters struct {
	Hash    pkix.AlgorithmIdentifier `asn1:"explicit,tag:0,optional"`
	MGF     pkix.AlgorithmIdentifier `asn1:"explicit,tag:1,optional"`
	Salt    int                      `asn1:"explicit,tag:2,optional,default:20"`
	Trailer int                      `asn1:"explicit,tag:3,optional,default:1"`
}

// isPSS reports whether the certificate's key says id-RSASSA-PSS.
func isPSS(cert *x509.Certificate) bool {
	var info publicKeyInfo
	_, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info)
	return err == nil && info.Algorithm.Algorithm.Equal(oidRSASSAPSS)
}

// pssKey reads the key of a certificate that says id-RSASSA-PSS.
func pssKey(cert *x509.Certificate) (sig.PSSPublicKey, error) {
	var info publicKeyInfo
	rest, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info)
	if err != nil || len(rest) != 0 {
		return sig.PSSPublicKey{}, errors.New("malformed RSA-PSS public key")
	}
	hash, err := pssHash(info.Algorithm.Parameters.FullBytes)
	if err != nil {
		return sig.PSSPublicKey{}, err
	}
	key, err := x509.ParsePKCS1PublicKey(info.Key.RightAlign())
	if err != nil {
		return sig.PSSPublicKey{}, fmt.Errorf("RSA-PSS public key: %w", err)
	}
	return sig.PSSPublicKey{RSA: key, Hash: hash}, nil
}

// pssHash returns the hash that RSASSA-PSS-params in DER bind a key to; 0 if there are none.
func pssHash(parameters []byte) (crypto.Hash, error) {
	if len(parameters) == 0 {
		return 0, nil
	}
	var p pssParameters
	if rest, err := asn1.Unmarshal(parameters, &p); err != nil || len(rest) != 0 {
		return 0, errors.New("malformed RSA-PSS parameters")
	}
	var hash crypto.Hash
	switch {
	case p.Hash.Algorithm.Equal(oidSHA256):
		hash = crypto.SHA256
	case p.Hash.Algorithm.Equal(oidSHA384):
		hash = crypto.SHA384
	case p.Hash.Algorithm.Equal(oidSHA512):
		hash = crypto.SHA512
	case len(p.Hash.Algorithm) == 0:
		return 0, errors.New("RSA-PSS key is bound to SHA-1")
	default:
		return 0, fmt.Errorf("RSA-PSS key is bound to the unknown hash %v", p.Hash.Algorithm)
	}
	var inner pkix.AlgorithmIdentifier
	rest, err := asn1.Unmarshal(p.MGF.Parameters.FullBytes, &inner)
	if err != nil || len(rest) != 0 || !p.MGF.Algorithm.Equal(oidMGF1) || !inner.Algorithm.Equal(p.Hash.Algorithm) {
		return 0, errors.New("RSA-PSS key is bound to a mask generation other than MGF1 with its own hash")
	}
	// The salt in TLS is as long as the hash (RFC 8446, Section 4.2.3); the parameters
	// give its least length (RFC 4055, Section 3.3).
	if p.Salt < 0 || p.Salt > hash.Size() || p.Trailer != 1 {
		return 0, fmt.Errorf("RSA-PSS key is bound to a salt of %d bytes and trailer %d", p.Salt, p.Trailer)
	}
	return hash, nil
}

// putKeyBack fills in the key of a certificate that says id-RSASSA-PSS.
func putKeyBack(cert *x509.Certificate) error {
	if cert.PublicKey != nil || !isPSS(cert) {
		return nil
	}
	key, err := pssKey(cert)
	if err != nil {
		return err
	}
	cert.PublicKey, cert.PublicKeyAlgorithm = key.RSA, x509.RSA
	return nil
}

// pssPrivateKey reads PKCS#8 that says id-RSASSA-PSS; nil if it says something else.
func pssPrivateKey(der []byte) (*rsa.PrivateKey, error) {
	var info privateKeyInfo
	if rest, err := asn1.Unmarshal(der, &info); err != nil || len(rest) != 0 ||
		!info.Algorithm.Algorithm.Equal(oidRSASSAPSS) {
		return nil, nil
	}
	return x509.ParsePKCS1PrivateKey(bytes.Clone(info.Key))
}
