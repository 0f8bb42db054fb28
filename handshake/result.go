package handshake

import (
	"crypto/x509"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
)

// Result is what a handshake has settled, filled in as it becomes known.
type Result struct {
	Version              iana.Version
	CipherSuite          iana.CipherSuite
	Group                iana.Group
	Scheme               iana.SignatureScheme // of our signature; 0 = none made
	PeerScheme           iana.SignatureScheme // of the peer's; 0 = none seen
	ServerName           string
	ALPN                 string
	Retried              bool               // by a HelloRetryRequest
	ClientAuth           bool               // the client proved a certificate
	Certificate          *certs.Certificate // ours, as sent
	Match                certs.Match
	Peer                 PeerChain
	ExtendedMasterSecret bool // TLS 1.2
	Exporter             Secret
	HalfRTT              bool // server: application data may be sent before Done
}

// Leaf returns the peer's own certificate, or nil.
func (r *Result) Leaf() *x509.Certificate {
	if len(r.Peer.Certificates) == 0 {
		return nil
	}
	return r.Peer.Certificates[0]
}
