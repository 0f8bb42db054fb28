package handshake

import (
	"bytes"

	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// certificate_authorities guides the choice among certificates that the peer can verify
// otherwise; it rules none out (RFC 8446, Section 4.2.4).

// candidates are the certificates to choose from: a server's for a name, or all of a client's.
type candidates struct {
	store  *certs.Store
	name   string
	client bool
}

func (from candidates) first(fits func(*certs.Certificate) bool) (*certs.Certificate, certs.Match) {
	if from.client {
		return from.store.First(fits), certs.MatchNone
	}
	return from.store.Select(from.name, fits)
}

// choose returns the first certificate whose key fits, and of these rather one whose chain fits
// too, and of these rather one that leads to an authority that the peer names, if it names any.
func (from candidates) choose(authorities wire.DistinguishedNames, key, chain func(*certs.Certificate) bool) (cert *certs.Certificate, match certs.Match) {
	for _, chainFits := range [...]bool{true, false} {
		for _, named := range [...]bool{true, false} {
			if named && len(authorities) == 0 {
				continue
			}
			cert, match = from.first(func(c *certs.Certificate) bool {
				return key(c) && (!chainFits || chain(c)) && (!named || leadsTo(c, authorities))
			})
			if cert != nil {
				return cert, match
			}
		}
	}
	return nil, match
}

// leadsTo reports whether a certificate of c's chain was issued by one of the authorities.
func leadsTo(c *certs.Certificate, authorities wire.DistinguishedNames) bool {
	for name := range authorities.All() {
		for _, cert := range c.X509() {
			if bytes.Equal(cert.RawIssuer, name) {
				return true
			}
		}
	}
	return false
}
