package verify

import (
	"crypto/x509"
	"encoding/asn1"
	"net"
	"net/netip"
)

// Names judges the names of a leaf whose chain was judged before, as Server and Client do: a server's, which was
// reached by name, or a client's. Every error is an *Error.
func (s *Settings) Names(leaf *x509.Certificate, server bool, name string) error {
	switch {
	case server:
		return s.checkServerName(leaf, name)
	case s.VerifyHost != nil:
		return s.askHost(leaf)
	}
	return nil
}

// checkServerName holds the leaf against the name that the server was reached by.
func (s *Settings) checkServerName(leaf *x509.Certificate, name string) error {
	if s.VerifyHost != nil {
		return s.askHost(leaf)
	}
	if name == "" {
		return refuse(wrongName, x509.HostnameError{Certificate: leaf},
			"there is no server name to compare the certificate of %s with", subject(leaf))
	}
	if err := leaf.VerifyHostname(name); err != nil {
		return refuse(wrongName, err, "certificate of %s is not for %s: %v", subject(leaf), quote(name), err)
	}
	return nil
}

// askHost asks VerifyHost about the leaf's names, in their order in the certificate.
func (s *Settings) askHost(leaf *x509.Certificate) error {
	names := hostNames(leaf)
	for _, name := range names {
		if s.VerifyHost(name) {
			return nil
		}
	}
	if len(names) == 0 {
		cn := leaf.Subject.CommonName
		// An IP address is never looked for in a common name (RFC 6125, Section 6.2.1).
		if net.ParseIP(cn) == nil && s.VerifyHost(cn) {
			return nil
		}
	}
	return refuse(wrongName, x509.HostnameError{Certificate: leaf}, "none of the names of the certificate of %s was accepted", subject(leaf))
}

var oidSubjectAltName = asn1.ObjectIdentifier{2, 5, 29, 17}

// hostNames returns the DNS names, URIs and IP addresses of the leaf's subjectAltName (RFC
// 5280, Section 4.2.1.6). crypto/x509 has read and checked them, but sorts them by type.
func hostNames(leaf *x509.Certificate) []string {
	var names []string
	for _, extension := range leaf.Extensions {
		if !extension.Id.Equal(oidSubjectAltName) {
			continue
		}
		var list []asn1.RawValue
		if _, err := asn1.Unmarshal(extension.Value, &list); err != nil {
			continue
		}
		for _, name := range list {
			if name.Class != asn1.ClassContextSpecific {
				continue
			}
			switch name.Tag {
			case 2, 6: // dNSName, uniformResourceIdentifier
				names = append(names, string(name.Bytes))
			case 7: // iPAddress
				if ip, ok := netip.AddrFromSlice(name.Bytes); ok {
					names = append(names, ip.String())
				}
			}
		}
	}
	return names
}
