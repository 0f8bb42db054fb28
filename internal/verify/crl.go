package verify

import (
	"bytes"
	"crypto/x509"
	"errors"
	"time"
)

// CheckRevocation looks each certificate of a valid chain up in the revocation lists that
// the application gave, what is trusted at its end excepted. Each needs a list of its issuer
// that covers it and bears the issuer's signature; a list that does not is passed over. As
// in s2n, the lists' own dates are checked only if now is not zero. The error is an *Error:
// certificate_revoked, or certificate_unknown where no list can tell.
func CheckRevocation(chain []*x509.Certificate, lists []*x509.RevocationList, now time.Time) error {
	for i := range max(len(chain)-1, 0) {
		if e := checkRevocation(chain[i], chain[i+1], lists, now); e != nil {
			return e
		}
	}
	return nil
}

func checkRevocation(cert, issuer *x509.Certificate, lists []*x509.RevocationList, now time.Time) *Error {
	var unfit []error
	covered := false
	for _, list := range lists {
		if list == nil || !bytes.Equal(list.RawIssuer, issuer.RawSubject) {
			continue
		}
		if err := checkList(cert, issuer, list, now); err != nil {
			unfit = append(unfit, err)
			continue
		}
		covered = true
		for i := range list.RevokedCertificateEntries {
			entry := &list.RevokedCertificateEntries[i]
			if entry.SerialNumber.Cmp(cert.SerialNumber) == 0 {
				return refuse(revoked, nil, "certificate of %s was revoked on %s", subject(cert),
					entry.RevocationTime.UTC().Format(time.RFC3339))
			}
		}
	}
	if covered {
		return nil
	}
	if len(unfit) > 0 {
		err := errors.Join(unfit...)
		return refuse(statusUnknown, err, "no usable revocation list covers the certificate of %s: %v", subject(cert), unfit[0])
	}
	return refuse(statusUnknown, nil, "no revocation list of %s covers the certificate of %s", subject(issuer), subject(cert))
}

// checkList returns why list cannot tell whether cert is revoked.
func checkList(cert, issuer *x509.Certificate, list *x509.RevocationList, now time.Time) error {
	if err := checkScope(cert, list); err != nil {
		return err
	}
	if isPSS(issuer) && !isPSSSignature(list.SignatureAlgorithm) {
		return errors.New("the list is not signed with RSA-PSS by a key that is for RSA-PSS only")
	}
	if err := list.CheckSignatureFrom(issuer); err != nil {
		return errors.Join(errors.New("the list is not signed by its issuer"), err)
	}
	if now.IsZero() {
		return nil
	}
	if err := ListActive(list, now); err != nil {
		return err
	}
	return ListNotExpired(list, now)
}

// ListActive returns an error if list is not in force yet at now.
func ListActive(list *x509.RevocationList, now time.Time) error {
	if now.Before(list.ThisUpdate) {
		return errors.New("verify: revocation list of " + quote(list.Issuer.String()) +
			" is not in force before " + list.ThisUpdate.UTC().Format(time.RFC3339))
	}
	return nil
}

// ListNotExpired returns an error if list should have been replaced by now. One that names no
// date for the next never expires.
func ListNotExpired(list *x509.RevocationList, now time.Time) error {
	if !list.NextUpdate.IsZero() && now.After(list.NextUpdate) {
		return errors.New("verify: revocation list of " + quote(list.Issuer.String()) +
			" expired on " + list.NextUpdate.UTC().Format(time.RFC3339))
	}
	return nil
}
