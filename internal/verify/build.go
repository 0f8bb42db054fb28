package verify

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"slices"
	"time"
)

// build has crypto/x509 find the chains from the leaf to something trusted.
func (s *Settings) build(sent []*x509.Certificate) ([][]*x509.Certificate, error) {
	now := s.now()
	if s.SkipTime {
		return s.buildAtAnyTime(sent, now)
	}
	if err := checkDates(sent[0], now); err != nil {
		return nil, err
	}
	chains, err := s.x509Verify(sent, now, false)
	if err != nil {
		return nil, s.explain(err, sent, now)
	}
	return chains, nil
}

// buildAtAnyTime leaves the dates out of account. Those of the certificates sent are taken
// away; those of the roots cannot be, so the moments are tried at which a root must have been
// valid if it ever was of use: the ends of the validity of what it issued. They are few,
// because the chain is short.
func (s *Settings) buildAtAnyTime(sent []*x509.Certificate, now time.Time) ([][]*x509.Certificate, error) {
	moments := []time.Time{now}
	for _, cert := range sent {
		moments = append(moments, cert.NotBefore, cert.NotAfter)
	}
	var first error
	for _, at := range moments {
		chains, err := s.x509Verify(sent, at, true)
		if err == nil {
			return chains, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, s.explain(first, sent, now)
}

// x509Verify runs crypto/x509 as of now. With anyTime it is given copies of the sent
// certificates that are always valid, in place of which the chains hold the originals.
func (s *Settings) x509Verify(sent []*x509.Certificate, now time.Time, anyTime bool) ([][]*x509.Certificate, error) {
	given := make([]*x509.Certificate, len(sent))
	var pool *x509.CertPool // nil is an empty one
	if len(sent) > 1 {
		pool = x509.NewCertPool()
	}
	for i, cert := range sent {
		given[i] = s.prepare(cert, anyTime)
		if i > 0 {
			pool.AddCert(given[i])
		}
	}
	chains, err := given[0].Verify(x509.VerifyOptions{
		Roots:         s.Roots,
		Intermediates: pool,
		CurrentTime:   now,
		// Usage is checked here, where the sentence can say which certificate it is.
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		return nil, err
	}
	for _, chain := range chains {
		for i, cert := range chain {
			if k := slices.Index(given, cert); k >= 0 {
				chain[i] = sent[k]
			}
		}
	}
	return chains, nil
}

// prepare returns cert, or a changed copy of it where the settings are more tolerant than
// crypto/x509.
func (s *Settings) prepare(cert *x509.Certificate, anyTime bool) *x509.Certificate {
	if !anyTime && len(s.CriticalExtensions) == 0 {
		return cert
	}
	c := *cert
	if anyTime {
		c.NotBefore = time.Unix(0, 0)
		c.NotAfter = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	c.UnhandledCriticalExtensions = s.unknownExtensions(cert)
	return &c
}

// unknownExtensions returns the critical extensions of cert that neither crypto/x509 nor the
// application knows.
func (s *Settings) unknownExtensions(cert *x509.Certificate) []asn1.ObjectIdentifier {
	return slices.DeleteFunc(slices.Clone(cert.UnhandledCriticalExtensions), func(oid asn1.ObjectIdentifier) bool {
		return slices.ContainsFunc(s.CriticalExtensions, oid.Equal)
	})
}

// checkDates returns an Error unless cert is valid at now.
func checkDates(cert *x509.Certificate, now time.Time) *Error {
	said := func(detail string) error {
		return x509.CertificateInvalidError{Cert: cert, Reason: x509.Expired, Detail: detail}
	}
	date := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case now.Before(cert.NotBefore):
		return refuse(expired, said("not yet valid"), "certificate of %s is not valid before %s, and it is %s",
			subject(cert), date(cert.NotBefore), date(now))
	case now.After(cert.NotAfter):
		return refuse(expired, said("expired"), "certificate of %s expired on %s, and it is %s",
			subject(cert), date(cert.NotAfter), date(now))
	}
	return nil
}

// selfIssued reports whether cert names itself as its issuer.
func selfIssued(cert *x509.Certificate) bool {
	return bytes.Equal(cert.RawIssuer, cert.RawSubject)
}
