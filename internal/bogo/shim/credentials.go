package main

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// credential is one certificate of a test: flags of one follow -new-x509-credential, those of the
// default one do not.
type credential struct {
	certFile, keyFile string
	signingPrefs      []iana.SignatureScheme
	ocspResponse      []byte
	scts              []byte
	mustMatchIssuer   bool // of the authorities that the peer names
}

// credential returns the one that flags are for now.
func (o *options) credential() *credential {
	if n := len(o.credentials); n > 0 {
		return o.credentials[n-1]
	}
	return &o.byDefault
}

// certificates are the certificates of cfg in the order of preference, the default one last.
func (o *options) certificates() (list []*conn.Certificate, err error) {
	for _, c := range append(o.credentials[:len(o.credentials):len(o.credentials)], &o.byDefault) {
		if c.certFile == "" {
			continue
		}
		cert, err := conn.LoadCertificate(c.certFile, c.keyFile)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errUnimplemented, err) // the runner's certificates have no faults
		}
		cert.Schemes = c.signingPrefs // not the one that may be added for TLS 1.3
		cert.SCTList = c.scts
		if c != &o.byDefault {
			cert.OCSPStaple = c.ocspResponse
		}
		list = append(list, cert)
	}
	return list, nil
}

// signingPrefs are those of the default certificate and of all others.
func (o *options) signingPrefs() (list []iana.SignatureScheme) {
	for _, c := range append(o.credentials[:len(o.credentials):len(o.credentials)], &o.byDefault) {
		if c.signingPrefs == nil && c.certFile != "" {
			return append(list, signSchemes...)
		}
		list = append(list, c.signingPrefs...)
	}
	return list
}

// keyOf returns the private key of a leaf among certs.
func keyOf(certs []*conn.Certificate, leaf []byte) any {
	for _, c := range certs {
		if bytes.Equal(c.Leaf.Raw, leaf) {
			return c.PrivateKey
		}
	}
	return nil
}

// issued returns the certificates that the peer may be shown: those with a flag to that end
// need an issuer among the authorities that the peer names.
func (s *session) issued(authorities [][]byte) (list []*conn.Certificate, err error) {
	for i, cert := range s.certs {
		if i >= len(s.options.credentials) || !s.options.credentials[i].mustMatchIssuer || isIssuedBy(cert, authorities) {
			list = append(list, cert)
		}
	}
	if len(list) == 0 && len(s.certs) > 0 {
		return nil, &rejection{"no certificate is of an authority that the peer names", iana.HandshakeFailure}
	}
	return list, nil
}

// isIssuedBy reports whether one of the authorities is an issuer in the chain.
func isIssuedBy(cert *conn.Certificate, authorities [][]byte) bool {
	for _, der := range cert.Chain {
		c, err := x509.ParseCertificate(der)
		if err == nil && slices.ContainsFunc(authorities, func(name []byte) bool { return bytes.Equal(name, c.RawIssuer) }) {
			return true
		}
	}
	return false
}

// mustMatchIssuer reports whether a certificate has that flag.
func (o *options) mustMatchIssuer() bool {
	return slices.ContainsFunc(o.credentials, func(c *credential) bool { return c.mustMatchIssuer })
}

// checkSelected compares the certificate that was selected with the expected one.
func (x *exchange) checkSelected(s *conn.State) error {
	if x.options.expectSelectedCredential == "" || s.Resumed {
		return nil
	}
	for i, c := range x.certs {
		n := i
		if i >= len(x.options.credentials) {
			n = -1 // the default
		}
		if c == s.Certificate {
			if fmt.Sprint(n) != x.options.expectSelectedCredential {
				return fmt.Errorf("certificate %d was selected, expected %s", n, x.options.expectSelectedCredential)
			}
			return nil
		}
	}
	if x.options.expectSelectedCredential != "-1" {
		return errors.New("no certificate was selected")
	}
	return nil
}
