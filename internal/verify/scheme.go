package verify

import (
	"crypto/fips140"
	"crypto/x509"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// Acceptable reports whether each signature on our own chain, leaf first, is of a scheme in
// the peer's signature_algorithms_cert, or in its signature_algorithms if it sent no such
// extension. A self-signed certificate at the end is taken as it is (RFC 8446, Section
// 4.4.2.2), and an ECDSA scheme stands for its hash with any curve. A chain that is not
// acceptable may still be sent if there is no better one.
func Acceptable(chain []*x509.Certificate, schemes iana.List[iana.SignatureScheme]) bool {
	for i, cert := range chain {
		var issuer *x509.Certificate
		if i+1 < len(chain) {
			issuer = chain[i+1]
		} else if selfIssued(cert) {
			continue
		}
		a, b := schemesOf(cert, issuer)
		if (a == 0 || !schemes.Has(a)) && (b == 0 || !schemes.Has(b)) {
			return false
		}
	}
	return true
}

// CheckOwn holds our own chain, leaf first, against the policy if the policy asks for that
// (CertificatePreferencesApplyLocally): its keys and the signatures on it, a self-signed root
// excepted. In FIPS mode keys are not too short, whatever the policy. The error is an *Error,
// whose alert is of no account.
func CheckOwn(chain []*x509.Certificate, p *policy.Policy) error {
	var s Settings
	switch {
	case p.CertificatePreferencesApplyLocally:
		s.SignatureSchemes, s.Keys = p.CertificateSignatureSchemes, p.CertificateKeys
	case !fips140.Enabled():
		return nil
	}
	if e := s.checkStrength(chain); e != nil {
		return e
	}
	return nil
}

// signedWith reports whether the signature on cert is of one of schemes.
func signedWith(cert, issuer *x509.Certificate, schemes []iana.SignatureScheme) bool {
	a, b := schemesOf(cert, issuer)
	return a != 0 && slices.Contains(schemes, a) || b != 0 && slices.Contains(schemes, b)
}

// schemesOf returns the scheme of the signature on cert, or 0. RSA-PSS has two, by the key
// of the issuer; where that is not known it may be either.
func schemesOf(cert, issuer *x509.Certificate) (a, b iana.SignatureScheme) {
	switch cert.SignatureAlgorithm {
	case x509.SHA1WithRSA:
		return iana.RSAPKCS1SHA1, 0
	case x509.SHA256WithRSA:
		return iana.RSAPKCS1SHA256, 0
	case x509.SHA384WithRSA:
		return iana.RSAPKCS1SHA384, 0
	case x509.SHA512WithRSA:
		return iana.RSAPKCS1SHA512, 0
	case x509.ECDSAWithSHA1:
		return iana.ECDSASHA1, 0
	case x509.ECDSAWithSHA256:
		return iana.ECDSASecp256r1SHA256, 0
	case x509.ECDSAWithSHA384:
		return iana.ECDSASecp384r1SHA384, 0
	case x509.ECDSAWithSHA512:
		return iana.ECDSASecp521r1SHA512, 0
	case x509.PureEd25519:
		return iana.Ed25519, 0
	case x509.SHA256WithRSAPSS:
		a, b = iana.RSAPSSRSAESHA256, iana.RSAPSSPSSSHA256
	case x509.SHA384WithRSAPSS:
		a, b = iana.RSAPSSRSAESHA384, iana.RSAPSSPSSSHA384
	case x509.SHA512WithRSAPSS:
		a, b = iana.RSAPSSRSAESHA512, iana.RSAPSSPSSSHA512
	}
	if a == 0 || issuer == nil {
		return a, b
	}
	if isPSS(issuer) {
		return b, 0
	}
	return a, 0
}

func isPSSSignature(a x509.SignatureAlgorithm) bool {
	return a == x509.SHA256WithRSAPSS || a == x509.SHA384WithRSAPSS || a == x509.SHA512WithRSAPSS
}
