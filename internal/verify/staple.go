package verify

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"time"

	"golang.org/x/crypto/ocsp"
)

// freshWithoutNext is how long a response without nextUpdate is taken, as in s2n: by RFC 6960,
// Section 4.2.2.1, newer information is available all the time.
const freshWithoutNext = time.Hour

// Staple judges the OCSP response, in DER, that came with a chain which Server or Client has
// found valid: it is signed by the issuer of the leaf, or by a responder that the issuer has
// certified for it (RFC 6960, Section 4.2.2.2), it is about the leaf, calls it good, and is in
// force. SkipTime leaves dates out of account here, too. Every error is an *Error with
// bad_certificate_status_response, as RFC 6066, Section 8, wants it.
func (s *Settings) Staple(response []byte, chain []*x509.Certificate) error {
	leaf, issuer := chain[0], chain[0]
	if len(chain) > 1 {
		issuer = chain[1]
	} else if !selfIssued(leaf) {
		return refuse(badStaple, nil, "the issuer of the certificate of %s is not known, who would have to sign its status", subject(leaf))
	}
	r, err := ocsp.ParseResponseForCert(response, leaf, nil)
	if err != nil {
		return refuse(badStaple, err, "the OCSP response for the certificate of %s is no answer: %s", subject(leaf), quote(err.Error()))
	}
	if err := s.checkResponder(r, issuer); err != nil {
		return refuse(badStaple, err, "the OCSP response for the certificate of %s is not its issuer's: %v", subject(leaf), err)
	}
	if err := checkIdentity(r, leaf, issuer); err != nil {
		return refuse(badStaple, err, "the OCSP response is not about the certificate of %s: %v", subject(leaf), err)
	}
	switch r.Status {
	case ocsp.Good:
	case ocsp.Revoked:
		return refuse(badStaple, nil, "the OCSP response says that the certificate of %s was revoked on %s", subject(leaf), date(r.RevokedAt))
	default:
		return refuse(badStaple, nil, "the OCSP response says that the certificate of %s is unknown", subject(leaf))
	}
	if s.SkipTime {
		return nil
	}
	return checkFreshness(r, leaf, s.now())
}

// checkFreshness holds that a response is in force.
func checkFreshness(r *ocsp.Response, leaf *x509.Certificate, now time.Time) error {
	next := r.NextUpdate
	if next.IsZero() {
		next = r.ThisUpdate.Add(freshWithoutNext)
	}
	switch {
	case now.Before(r.ThisUpdate):
		return refuse(badStaple, nil, "the OCSP response for the certificate of %s is not in force before %s", subject(leaf), date(r.ThisUpdate))
	case now.After(next):
		return refuse(badStaple, nil, "the OCSP response for the certificate of %s expired on %s", subject(leaf), date(next))
	}
	return nil
}

func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// checkResponder holds that issuer, or somebody in its place, has signed r.
func (s *Settings) checkResponder(r *ocsp.Response, issuer *x509.Certificate) error {
	responder := r.Certificate
	if isWeakHash(r.SignatureAlgorithm) {
		return errors.New("it is signed with " + r.SignatureAlgorithm.String())
	}
	if responder == nil || bytes.Equal(responder.RawSubjectPublicKeyInfo, issuer.RawSubjectPublicKeyInfo) {
		if isPSS(issuer) && !isPSSSignature(r.SignatureAlgorithm) {
			return errors.New("it is not signed with RSA-PSS by a key that is for RSA-PSS only")
		}
		return r.CheckSignatureFrom(issuer)
	}
	// The response's signature by the responder has been checked as it was parsed.
	switch {
	case isPSS(issuer) && !isPSSSignature(responder.SignatureAlgorithm):
		return errors.New("its responder's certificate is not signed with RSA-PSS by a key that is for RSA-PSS only")
	case isWeakHash(responder.SignatureAlgorithm):
		return errors.New("its responder's certificate is signed with " + responder.SignatureAlgorithm.String())
	case !bytes.Equal(responder.RawIssuer, issuer.RawSubject):
		return errors.New("its responder was certified by " + quote(responder.Issuer.String()))
	case !slices.Contains(responder.ExtKeyUsage, x509.ExtKeyUsageOCSPSigning):
		return errors.New("its responder " + subject(responder) + " is not certified for that")
	case responder.KeyUsage != 0 && responder.KeyUsage&x509.KeyUsageDigitalSignature == 0:
		return errors.New("its responder " + subject(responder) + " may not sign")
	case len(responder.UnhandledCriticalExtensions) > 0:
		return errors.New("its responder's certificate has a critical extension that is not known")
	}
	if err := responder.CheckSignatureFrom(issuer); err != nil {
		return errors.Join(errors.New("its responder's certificate is not signed by the issuer"), err)
	}
	if s.SkipTime {
		return nil
	}
	if e := checkDates(responder, s.now()); e != nil {
		return e
	}
	return nil
}

// responseData is the part of RFC 6960's ResponseData that says whom the statuses are about,
// which package ocsp keeps to itself.
type responseData struct {
	Version     int `asn1:"optional,default:0,explicit,tag:0"`
	ResponderID asn1.RawValue
	ProducedAt  time.Time `asn1:"generalized"`
	Responses   []struct{ CertID certID }
}

type certID struct {
	HashAlgorithm     pkix.AlgorithmIdentifier
	NameHash, KeyHash []byte
	SerialNumber      *big.Int
}

// checkIdentity holds that the status that was taken from r, the first with the leaf's serial
// number, is about a certificate of the issuer.
func checkIdentity(r *ocsp.Response, leaf, issuer *x509.Certificate) error {
	var data responseData
	if _, err := asn1.Unmarshal(r.TBSResponseData, &data); err != nil {
		return err
	}
	var info publicKeyInfo
	if _, err := asn1.Unmarshal(issuer.RawSubjectPublicKeyInfo, &info); err != nil {
		return err
	}
	i := slices.IndexFunc(data.Responses, func(x struct{ CertID certID }) bool {
		return x.CertID.SerialNumber != nil && x.CertID.SerialNumber.Cmp(leaf.SerialNumber) == 0
	})
	if i < 0 || !r.IssuerHash.Available() {
		return errors.New("it names no certificate by a hash that is known")
	}
	sum := func(data []byte) []byte {
		h := r.IssuerHash.New()
		h.Write(data)
		return h.Sum(nil)
	}
	id := &data.Responses[i].CertID
	if !bytes.Equal(id.NameHash, sum(issuer.RawSubject)) || !bytes.Equal(id.KeyHash, sum(info.Key.RightAlign())) {
		return errors.New("it is about one of another issuer")
	}
	return nil
}
