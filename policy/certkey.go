package policy

import "strconv"

// CertificateKey is a type and size of public key that a policy allows in a certificate.
type CertificateKey uint8

// Certificate keys. RSA keys are named by the bits of their modulus; the RSAPSS keys are
// those whose certificate says id-RSASSA-PSS (RFC 4055), which sign with PSS only.
const (
	KeyRSA1024 CertificateKey = iota + 1
	KeyRSA2048
	KeyRSA3072
	KeyRSA4096
	KeyRSAPSS1024
	KeyRSAPSS2048
	KeyRSAPSS3072
	KeyRSAPSS4096
	KeyECDSAP256
	KeyECDSAP384
	KeyECDSAP521
	KeyMLDSA87
)

// String returns the name of k in s2n's words, as "rsa_pss_3072".
func (k CertificateKey) String() string {
	switch k {
	case KeyRSA1024:
		return "rsa_1024"
	case KeyRSA2048:
		return "rsa_2048"
	case KeyRSA3072:
		return "rsa_3072"
	case KeyRSA4096:
		return "rsa_4096"
	case KeyRSAPSS1024:
		return "rsa_pss_1024"
	case KeyRSAPSS2048:
		return "rsa_pss_2048"
	case KeyRSAPSS3072:
		return "rsa_pss_3072"
	case KeyRSAPSS4096:
		return "rsa_pss_4096"
	case KeyECDSAP256:
		return "ecdsa_p256"
	case KeyECDSAP384:
		return "ecdsa_p384"
	case KeyECDSAP521:
		return "ecdsa_p521"
	case KeyMLDSA87:
		return "mldsa_87"
	}
	return "CertificateKey(" + strconv.Itoa(int(k)) + ")"
}
