package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/s2ngo/s2ngo/iana"
)

// ParseError says which certificate of a chain cannot be read, and why.
type ParseError struct {
	Index int // 0 = the leaf
	Err   error
}

// Error returns the sentence of e.
func (e *ParseError) Error() string {
	return "certs: certificate " + strconv.Itoa(e.Index) + " of the chain: " + e.Err.Error()
}

// Unwrap returns what is wrong with the certificate.
func (e *ParseError) Unwrap() error { return e.Err }

// Alert returns what tells a peer that its chain cannot be read: decode_error if what is there is
// no certificate at all, bad_certificate if it is a corrupt one (RFC 8446, Section 6.2).
func (e *ParseError) Alert() iana.Alert {
	if errors.Is(e.Err, errNotDER) {
		return iana.DecodeError
	}
	return iana.BadCertificate
}

// errNotDER is wrapped by the error for bytes that do not have the outline of a certificate.
var errNotDER = errors.New("not a certificate")

// ParseChain reads a chain of certificates in DER, of which it keeps nothing, in the order
// given. The certificates are shared with whoever parses the same: read only. Keys that are bound to RSASSA-PSS are put into the certificates; of a key that crypto/x509 does
// not know otherwise, PublicKey is nil. A chain of more than max certificates is refused
// before any is read. The error is a *ParseError.
func ParseChain(chain [][]byte, max int) ([]*x509.Certificate, error) {
	if len(chain) > max {
		return nil, &ParseError{max, fmt.Errorf("the chain has %d certificates, %d at most are read", len(chain), max)}
	}
	parsed := make([]*x509.Certificate, len(chain))
	for i, der := range chain {
		cert, err := cache.parse(der)
		if err != nil {
			return nil, &ParseError{i, err}
		}
		parsed[i] = cert
	}
	return parsed, nil
}

func parse(der []byte) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		if !outlined(der) {
			return nil, fmt.Errorf("%w: %w", errNotDER, err)
		}
		return nil, err
	}
	if err := putKeyBack(cert); err != nil {
		return nil, err
	}
	return cert, nil
}

// outlined reports whether der is one SEQUENCE from its first byte to its last, with another one
// as its first element (RFC 5280, Section 4.1).
func outlined(der []byte) bool {
	var outer, inner cryptobyte.String
	s := cryptobyte.String(der)
	return s.ReadASN1(&outer, cbasn1.SEQUENCE) && s.Empty() && outer.ReadASN1(&inner, cbasn1.SEQUENCE)
}

// subject names a certificate in an error.
func subject(cert *x509.Certificate) string {
	const most = 80
	name := cert.Subject.String()
	if len(name) > most {
		name = name[:most] + "..."
	}
	return strconv.Quote(name)
}

// describeAlgorithm names the algorithm of a key that could not be read.
func describeAlgorithm(cert *x509.Certificate) string {
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Rest      asn1.RawValue
	}
	if _, err := asn1.Unmarshal(cert.RawSubjectPublicKeyInfo, &info); err != nil {
		return "a malformed public key"
	}
	oid := info.Algorithm.Algorithm.String()
	if name := algorithmNames[oid]; name != "" {
		return name
	}
	return "the public key algorithm " + oid
}

var algorithmNames = map[string]string{
	"1.2.840.10040.4.1":       "DSA",
	"1.3.101.110":             "X25519",
	"1.3.101.111":             "X448",
	"1.3.101.113":             "Ed448",
	"2.16.840.1.101.3.4.3.17": "ML-DSA-44",
	"2.16.840.1.101.3.4.3.18": "ML-DSA-65",
	"2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}
