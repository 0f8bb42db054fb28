package testpeer

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"time"
)

// create makes the certificate of key as t describes it, signed by the issuer's key.
// Without a parent it is self-signed.
func create(t Template, seed []byte, parent *x509.Certificate, key, issuer crypto.Signer, issuerKind KeyKind) (*x509.Certificate, error) {
	c := t.certificate(key)
	if seed == nil {
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
		if err != nil {
			return nil, fmt.Errorf("testpeer: serial number: %w", err)
		}
		c.SerialNumber = serial
		c.NotBefore, c.NotAfter = validity(t, time.Now().Add(-time.Hour), 365*24*time.Hour)
	} else {
		start := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		c.NotBefore, c.NotAfter = validity(t, start, time.Date(2049, 12, 31, 0, 0, 0, 0, time.UTC).Sub(start))
		above := ""
		if parent != nil {
			above = parent.Subject.CommonName
		}
		label := fmt.Sprintf("serial %q %q %s %q %q %v %v %v", above, c.Subject.CommonName, t.URIs,
			c.DNSNames, c.IPAddresses, c.NotBefore, c.NotAfter, t.Key)
		c.SerialNumber = new(big.Int).SetBytes(stretch(seed, label, 15))
	}
	if c.SerialNumber.Sign() == 0 {
		c.SerialNumber.SetInt64(1)
	}
	if parent == nil {
		parent = c
	}
	if isPSS(issuerKind) && c.SignatureAlgorithm == 0 {
		c.SignatureAlgorithm = x509.SHA256WithRSAPSS
	}
	md5 := c.SignatureAlgorithm == x509.MD5WithRSA
	if md5 {
		c.SignatureAlgorithm = x509.SHA256WithRSA
	}
	entropy := entropyFor(seed, issuer)
	der, err := x509.CreateCertificate(entropy, c, parent, key.Public(), issuer)
	if err != nil {
		return nil, fmt.Errorf("testpeer: certificate for %q: %w", t.name(), err)
	}
	if isPSS(t.Key) {
		der, err = bindToPSS(der, issuer, entropy)
	}
	if err == nil && md5 {
		der, err = signWithMD5(der, issuer)
	}
	if err != nil {
		return nil, fmt.Errorf("testpeer: certificate for %q: %w", t.name(), err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("testpeer: certificate for %q: %w", t.name(), err)
	}
	if isPSS(t.Key) {
		leaf.PublicKey, leaf.PublicKeyAlgorithm = key.Public(), x509.RSA
	}
	return leaf, nil
}

func (t *Template) certificate(key crypto.Signer) *x509.Certificate {
	c := &x509.Certificate{
		Subject:               pkix.Name{CommonName: t.name()},
		DNSNames:              t.DNSNames,
		IPAddresses:           t.IPs,
		URIs:                  t.URIs,
		KeyUsage:              t.KeyUsage,
		ExtKeyUsage:           t.ExtKeyUsage,
		BasicConstraintsValid: true,
		IsCA:                  t.IsCA,
		MaxPathLen:            -1,
		PermittedDNSDomains:   t.PermittedDNSDomains,
		ExcludedDNSDomains:    t.ExcludedDNSDomains,
		SignatureAlgorithm:    t.Signature,
		CRLDistributionPoints: t.CRLDistributionPoints,
		ExtraExtensions:       t.Extensions,
	}
	c.PermittedDNSDomainsCritical = len(t.PermittedDNSDomains)+len(t.ExcludedDNSDomains) > 0
	if t.IsCA && t.PathLen != 0 {
		c.MaxPathLen, c.MaxPathLenZero = max(t.PathLen, 0), t.PathLen < 0
	}
	_, isRSA := key.Public().(*rsa.PublicKey)
	switch {
	case t.NoKeyUsage:
		c.KeyUsage = 0
	case t.KeyUsage != 0:
	case t.IsCA:
		c.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	case isRSA && !isPSS(t.Key):
		// TLS 1.2 with RSA key exchange encrypts to this key.
		c.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
	default:
		c.KeyUsage = x509.KeyUsageDigitalSignature
	}
	if t.ExtKeyUsage == nil && !t.IsCA {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	return c
}

func validity(t Template, start time.Time, d time.Duration) (notBefore, notAfter time.Time) {
	notBefore, notAfter = t.NotBefore, t.NotAfter
	if notBefore.IsZero() {
		notBefore = start
		if !notAfter.IsZero() && notAfter.Before(start) {
			notBefore = notAfter.Add(-d)
		}
	}
	if notAfter.IsZero() {
		notAfter = notBefore.Add(d)
	}
	return notBefore, notAfter
}

// entropyFor returns what issuer signs with. With a seed that is nothing for ECDSA, which
// then signs by RFC 6979, and a salt of zeros for RSASSA-PSS.
func entropyFor(seed []byte, issuer crypto.Signer) io.Reader {
	_, isRSA := issuer.Public().(*rsa.PublicKey)
	switch {
	case seed == nil:
		return rand.Reader
	case isRSA:
		return zeros{}
	}
	return nil
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func isPSS(k KeyKind) bool { return k == KeyRSAPSS2048 }
