package testpeer

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"time"
)

// CRL makes a revocation list of a's certificates with these serial numbers, all revoked on
// thisUpdate. The extensions are added as they are.
func (a *Authority) CRL(thisUpdate, nextUpdate time.Time, extensions []pkix.Extension, serials ...*big.Int) (*x509.RevocationList, error) {
	l := &x509.RevocationList{ThisUpdate: thisUpdate, NextUpdate: nextUpdate, ExtraExtensions: extensions}
	for _, serial := range serials {
		l.RevokedCertificateEntries = append(l.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: serial, RevocationTime: thisUpdate})
	}
	if isPSS(a.kind) {
		l.SignatureAlgorithm = x509.SHA256WithRSAPSS
	}
	return a.SignCRL(l)
}

// SignCRL signs the list that template describes, and numbers it 1 if it has no number. The
// issuer's certificate need not allow that.
func (a *Authority) SignCRL(template *x509.RevocationList) (*x509.RevocationList, error) {
	if template.Number == nil {
		template.Number = big.NewInt(1)
	}
	issuer := *a.cert
	issuer.KeyUsage |= x509.KeyUsageCRLSign
	der, err := x509.CreateRevocationList(rand.Reader, template, &issuer, a.key)
	if err != nil {
		return nil, fmt.Errorf("testpeer: revocation list of %q: %w", a.cert.Subject.CommonName, err)
	}
	return x509.ParseRevocationList(der)
}
