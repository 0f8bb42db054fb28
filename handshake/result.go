package handshake

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/schedule"
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
	ExtendedMasterSecret bool      // TLS 1.2
	SecureRenegotiation  bool      // TLS 1.2: the peer knows RFC 5746
	Exporter             *Exporter // there once our side may export; in TLS 1.2 only with ExtendedMasterSecret
	HalfRTT              bool      // server: application data may be sent before Done

	Resumed       bool   // a session; an external PSK resumes nothing
	SessionID     []byte // of the session, TLS 1.2 only; nil = none
	StoredID      []byte // server: of the stored session that was resumed; nil = none
	PSKIdentity   []byte // of the external PSK that is used, server: or was in the full handshake; else the ticket; nil = none
	PeerTruncated bool   // of a resumed session's peer only the leaf is known
	EarlyData     EarlyDataStatus
	TicketAgeSkew time.Duration // server: the age of the resumed ticket as the client says it, less as we know it
	MaxEarlyData  uint32        // most bytes of early data; 0 = none
	TicketsSent   int           // by a server
	TicketHint    uint32        // client: lifetime of the last ticket, in seconds
}

// EarlyDataStatus is what has become of a client's early data (s2n_early_data_status_t).
type EarlyDataStatus uint8

// What may become of early data.
const (
	EarlyDataNotRequested EarlyDataStatus = iota // the client offers none
	EarlyDataOK                                  // it may flow: offered and not yet answered, or accepted
	EarlyDataRejected                            // by the server: what was sent is lost
	EarlyDataEnd                                 // it was accepted, and is over
)

// String returns the status in lower case.
func (s EarlyDataStatus) String() string {
	switch s {
	case EarlyDataNotRequested:
		return "not requested"
	case EarlyDataOK:
		return "ok"
	case EarlyDataRejected:
		return "rejected"
	case EarlyDataEnd:
		return "end"
	}
	return fmt.Sprintf("EarlyDataStatus(%d)", uint8(s))
}

// Exporter derives keying material for the application (RFC 5705; RFC 8446, Section 7.5). It
// prints as "secret".
type Exporter = schedule.Exporter

// Leaf returns the peer's own certificate, or nil.
func (r *Result) Leaf() *x509.Certificate {
	if len(r.Peer.Certificates) == 0 {
		return nil
	}
	return r.Peer.Certificates[0]
}
