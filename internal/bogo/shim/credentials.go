package main

import (
	"bytes"
	"errors"
	"fmt"

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
