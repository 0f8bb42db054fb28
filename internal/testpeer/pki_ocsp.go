package testpeer

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"golang.org/x/crypto/ocsp"
)

// Status describes an OCSP response. Its zero value calls the certificate good, as of an hour
// ago and for a day.
type Status struct {
	Status                 int       // ocsp.Good, ocsp.Revoked or ocsp.Unknown
	ThisUpdate, NextUpdate time.Time // zero = see above, both
	Endless                bool      // name no NextUpdate
	Responder              *Issued   // who signs in the authority's place; nil = nobody
	Hash                   crypto.Hash
	Signature              x509.SignatureAlgorithm // 0 = what fits the key
}

// OCSP makes the response, in DER, of a's responder about cert, which a has issued.
func (a *Authority) OCSP(cert *x509.Certificate, s Status) ([]byte, error) {
	if s.ThisUpdate.IsZero() && s.NextUpdate.IsZero() {
		s.ThisUpdate = time.Now().Add(-time.Hour)
		s.NextUpdate = s.ThisUpdate.Add(24 * time.Hour)
	}
	template := ocsp.Response{
		Status: s.Status, SerialNumber: cert.SerialNumber, ThisUpdate: s.ThisUpdate, NextUpdate: s.NextUpdate,
		RevokedAt: s.ThisUpdate, IssuerHash: s.Hash, SignatureAlgorithm: s.Signature,
	}
	if s.Endless {
		template.NextUpdate = time.Time{}
	}
	signer, responder := a.key, a.cert
	if s.Responder != nil {
		signer, responder = s.Responder.Key, s.Responder.Leaf
		template.Certificate = responder
	}
	der, err := ocsp.CreateResponse(a.cert, responder, template, signer)
	if err != nil {
		return nil, fmt.Errorf("testpeer: OCSP response of %q: %w", a.cert.Subject.CommonName, err)
	}
	return der, nil
}
