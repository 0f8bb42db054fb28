package verify

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/s2ngo/s2ngo/iana"
)

// Error says why a peer's chain is refused. What crypto/x509 said, if it was asked, is
// reachable with errors.As: x509.UnknownAuthorityError, x509.CertificateInvalidError,
// x509.HostnameError and the like.
type Error struct {
	Description iana.Alert // what the peer is told
	Reason      string     // one sentence
	Err         error      // the cause below, or nil
}

// Error returns the sentence of e.
func (e *Error) Error() string { return "verify: " + e.Reason }

// Unwrap returns the cause below, or nil.
func (e *Error) Unwrap() error { return e.Err }

// Alert returns what the peer is told.
func (e *Error) Alert() iana.Alert { return e.Description }

// A fault is what can be wrong with a chain. Its alert is in one table, below.
type fault uint8

const (
	untrusted fault = iota
	expired
	wrongName
	wrongUsage
	unsupportedKey
	weak
	malformed
	constrained
	unknownExtension
	tooDeep
	revoked
	statusUnknown
	badStaple
)

// alert returns what RFC 8446, Section 6.2, has for f. Where it leaves a choice, the alert
// is the one that most stacks send:
//
//	no way to a trust anchor                        unknown_ca
//	not yet valid, or no longer                     certificate_expired
//	not for the name that was asked for             bad_certificate
//	not for this use (key usage, extended or not)   unsupported_certificate
//	leaf's key of a type that is not implemented    unsupported_certificate
//	key or signature that the policy, the limits
//	or RFC 8446, Section 4.4.2.4, refuse            bad_certificate
//	unreadable, or no certificate at all            bad_certificate
//	signature by a certificate of the chain wrong   bad_certificate
//	name constraints, path length, CA policies      bad_certificate
//	critical extension that is not known            certificate_unknown
//	more certificates than allowed                  bad_certificate
//	revoked                                         certificate_revoked
//	revocation cannot be told                       certificate_unknown
//	stapled OCSP response that does not satisfy     bad_certificate_status_response
func (f fault) alert() iana.Alert {
	switch f {
	case untrusted:
		return iana.UnknownCA
	case expired:
		return iana.CertificateExpired
	case wrongUsage, unsupportedKey:
		return iana.UnsupportedCertificate
	case revoked:
		return iana.CertificateRevoked
	case badStaple:
		return iana.BadCertificateStatusResponse
	case statusUnknown, unknownExtension:
		return iana.CertificateUnknown
	}
	return iana.BadCertificate
}

// refuse makes the Error of f; cause may be nil.
func refuse(f fault, cause error, format string, args ...any) *Error {
	return &Error{f.alert(), fmt.Sprintf(format, args...), cause}
}

// explain turns what crypto/x509 says of the certificates sent, as of now, into an Error.
func (s *Settings) explain(err error, sent []*x509.Certificate, now time.Time) *Error {
	var (
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		extension x509.UnhandledCriticalExtension
		roots     x509.SystemRootsError
	)
	switch {
	case errors.As(err, &authority) && authority.Cert != nil:
		return explainAuthority(authority.Cert, sent, err)
	case errors.As(err, &invalid) && invalid.Cert != nil:
		return explainInvalid(invalid, err, now)
	case errors.As(err, &extension):
		for _, cert := range sent {
			if unknown := s.unknownExtensions(cert); len(unknown) > 0 {
				return refuse(unknownExtension, err, "certificate of %s has a critical extension that is not known: %v",
					subject(cert), unknown[0])
			}
		}
		return refuse(unknownExtension, err, "a trusted certificate has a critical extension that is not known")
	case errors.As(err, &roots):
		e := refuse(untrusted, err, "the system's trusted roots cannot be loaded: %v", roots.Err)
		e.Description = iana.InternalError // which is not the peer's fault
		return e
	}
	return refuse(untrusted, err, "the chain cannot be verified: %v", err)
}

// explainAuthority is for a certificate that no trusted issuer was found to have signed.
// crypto/x509 keeps to itself why a candidate was passed over, so the one that was sent is
// looked at again.
func explainAuthority(cert *x509.Certificate, sent []*x509.Certificate, err error) *Error {
	switch {
	case selfIssued(cert):
		return refuse(untrusted, err, "certificate of %s is signed by itself and not trusted", subject(cert))
	case isWeakHash(cert.SignatureAlgorithm):
		// RFC 8446, Section 4.4.2.4.
		return refuse(weak, err, "certificate of %s is signed with %v", subject(cert), cert.SignatureAlgorithm)
	}
	name, issuer := subject(cert), quote(cert.Issuer.String())
	for _, candidate := range sent {
		if !bytes.Equal(candidate.RawSubject, cert.RawIssuer) || !bytes.Equal(candidate.SubjectKeyId, cert.AuthorityKeyId) {
			continue
		}
		why := cert.CheckSignatureFrom(candidate)
		switch {
		case why == nil: // what is missing is further up
		case errors.Is(why, x509.ConstraintViolationError{}):
			return refuse(untrusted, err, "certificate of %s was issued by %s, which may not issue certificates", name, issuer)
		case errors.Is(why, x509.ErrUnsupportedAlgorithm):
			return refuse(untrusted, err, "certificate of %s was issued by %s with an algorithm that is not supported", name, issuer)
		default:
			return refuse(malformed, err, "signature of %s on the certificate of %s does not verify", issuer, name)
		}
	}
	return refuse(untrusted, err, "certificate of %s was issued by %s, which is not trusted", name, issuer)
}

func explainInvalid(invalid x509.CertificateInvalidError, err error, now time.Time) *Error {
	name := subject(invalid.Cert)
	switch invalid.Reason {
	case x509.Expired:
		if e := checkDates(invalid.Cert, now); e != nil {
			e.Err = err
			return e
		}
	case x509.CANotAuthorizedForThisName, x509.UnconstrainedName, x509.TooManyConstraints:
		return refuse(constrained, err, "certificate of %s has a name that its issuer may not certify: %s",
			name, quote(invalid.Detail))
	case x509.TooManyIntermediates:
		return refuse(constrained, err, "certificate of %s has more certificates below it than it allows", name)
	}
	return refuse(constrained, err, "certificate of %s is not valid: %v", name, invalid)
}

func isWeakHash(a x509.SignatureAlgorithm) bool {
	switch a {
	case x509.MD2WithRSA, x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return true
	}
	return false
}

// subject names a certificate in a sentence.
func subject(cert *x509.Certificate) string { return quote(cert.Subject.String()) }

// quote makes a peer's text fit for a sentence.
func quote(text string) string {
	const most = 80
	if len(text) > most {
		text = text[:most] + "..."
	}
	return strconv.Quote(text)
}
