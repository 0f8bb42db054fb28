package verify

import (
	"crypto/x509"
	"slices"
)

// CheckKeyUsage returns an *Error unless the leaf's key may do all of usage. A certificate
// without the extension allows everything (RFC 5280, Section 4.2.1.3).
func CheckKeyUsage(leaf *x509.Certificate, usage x509.KeyUsage) error {
	if e := checkKeyUsage(leaf, usage); e != nil {
		return e
	}
	return nil
}

func checkKeyUsage(leaf *x509.Certificate, usage x509.KeyUsage) *Error {
	if leaf.KeyUsage == 0 || leaf.KeyUsage&usage == usage {
		return nil
	}
	return refuse(wrongUsage, x509.CertificateInvalidError{Cert: leaf, Reason: x509.IncompatibleUsage},
		"certificate of %s does not allow its key to be used for %s", subject(leaf), usageName(usage))
}

// checkUsage checks what the certificates of a valid chain are for. The last one is trusted
// as it is, and its extended key usage is of no account.
func (s *Settings) checkUsage(chain []*x509.Certificate, usage x509.ExtKeyUsage) *Error {
	if s.SkipIntent {
		return nil
	}
	keyUsage := s.KeyUsage
	if keyUsage == 0 {
		keyUsage = x509.KeyUsageDigitalSignature
	}
	if err := checkKeyUsage(chain[0], keyUsage); err != nil {
		return err
	}
	for _, cert := range chain[:len(chain)-1] {
		if !allows(cert, usage) {
			peer := "a server"
			if usage == x509.ExtKeyUsageClientAuth {
				peer = "a client"
			}
			return refuse(wrongUsage, x509.CertificateInvalidError{Cert: cert, Reason: x509.IncompatibleUsage},
				"certificate of %s is not for %s of TLS", subject(cert), peer)
		}
	}
	return nil
}

// allows reports whether cert has no extended key usage, or one that includes usage.
func allows(cert *x509.Certificate, usage x509.ExtKeyUsage) bool {
	return len(cert.ExtKeyUsage) == 0 && len(cert.UnknownExtKeyUsage) == 0 ||
		slices.Contains(cert.ExtKeyUsage, usage) || slices.Contains(cert.ExtKeyUsage, x509.ExtKeyUsageAny)
}

func usageName(usage x509.KeyUsage) string {
	switch usage {
	case x509.KeyUsageDigitalSignature:
		return "signatures"
	case x509.KeyUsageKeyEncipherment:
		return "key encipherment"
	case x509.KeyUsageKeyAgreement:
		return "key agreement"
	}
	return "what this connection does with it"
}
