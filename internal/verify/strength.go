package verify

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"slices"

	"github.com/s2ngo/s2ngo/policy"
)

// checkStrength holds a valid chain against the limits and the policy's preferences.
func (s *Settings) checkStrength(chain []*x509.Certificate) *Error {
	for i, cert := range chain {
		if e := s.checkKey(cert); e != nil {
			return e
		}
		var issuer *x509.Certificate
		if i+1 < len(chain) {
			issuer = chain[i+1]
		} else if selfIssued(cert) {
			continue // nobody relies on the signature of a root
		}
		if e := s.checkSignature(cert, issuer); e != nil {
			return e
		}
	}
	return nil
}

func (s *Settings) checkKey(cert *x509.Certificate) *Error {
	if pub, ok := cert.PublicKey.(*rsa.PublicKey); ok {
		if bits := pub.N.BitLen(); bits < s.minRSABits() || bits > s.maxRSABits() {
			return refuse(weak, nil, "certificate of %s holds an RSA key of %d bits, not of %d to %d",
				subject(cert), bits, s.minRSABits(), s.maxRSABits())
		}
	}
	if s.Keys == nil {
		return nil
	}
	key, ok := keyOf(cert)
	if !ok {
		return refuse(weak, nil, "certificate of %s holds a key that the policy does not allow", subject(cert))
	}
	if !slices.Contains(s.Keys, key) {
		return refuse(weak, nil, "certificate of %s holds a key of type %v, which the policy does not allow", subject(cert), key)
	}
	return nil
}

// checkSignature checks the algorithm of the signature on cert; issuer is nil if it is not
// known.
func (s *Settings) checkSignature(cert, issuer *x509.Certificate) *Error {
	if issuer != nil && isPSS(issuer) && !isPSSSignature(cert.SignatureAlgorithm) {
		// crypto/x509 does not know that such a key makes PSS signatures only.
		return refuse(weak, nil, "certificate of %s is signed with %v by a key that is for RSA-PSS only",
			subject(cert), cert.SignatureAlgorithm)
	}
	if s.SignatureSchemes != nil && !signedWith(cert, issuer, s.SignatureSchemes) {
		return refuse(weak, nil, "certificate of %s is signed with %v, which the policy does not allow",
			subject(cert), cert.SignatureAlgorithm)
	}
	return nil
}

// keyOf returns the policy's name of the key in cert, if it has one.
func keyOf(cert *x509.Certificate) (policy.CertificateKey, bool) {
	switch pub := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		plain, pss := policy.CertificateKey(0), policy.CertificateKey(0)
		switch pub.N.BitLen() {
		case 1024:
			plain, pss = policy.KeyRSA1024, policy.KeyRSAPSS1024
		case 2048:
			plain, pss = policy.KeyRSA2048, policy.KeyRSAPSS2048
		case 3072:
			plain, pss = policy.KeyRSA3072, policy.KeyRSAPSS3072
		case 4096:
			plain, pss = policy.KeyRSA4096, policy.KeyRSAPSS4096
		default:
			return 0, false
		}
		if isPSS(cert) {
			return pss, true
		}
		return plain, true
	case *ecdsa.PublicKey:
		switch pub.Curve {
		case elliptic.P256():
			return policy.KeyECDSAP256, true
		case elliptic.P384():
			return policy.KeyECDSAP384, true
		case elliptic.P521():
			return policy.KeyECDSAP521, true
		}
	}
	return 0, false
}

type publicKeyInfo struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

var oidRSASSAPSS = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 10}

// isPSS reports whether the certificate's key says id-RSASSA-PSS (RFC 4055).
func isPSS(cert *x509.Certificate) bool {
	if cert.PublicKeyAlgorithm != x509.RSA {
		return false
	}
	var info publicKeyInfo
	_, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info)
	return err == nil && info.Algorithm.Algorithm.Equal(oidRSASSAPSS)
}
