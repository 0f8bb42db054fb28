package conn

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
)

// CertificateMatch says how a server found its certificate by the client's name
// (s2n_cert_sni_match).
type CertificateMatch = certs.Match

// How a server found its certificate.
const (
	MatchNone     = certs.MatchNone     // the client named no server
	MatchExact    = certs.MatchExact    // by the very name
	MatchWildcard = certs.MatchWildcard // by a wildcard of one label
	NoMatch       = certs.NoMatch       // by no name: a default
)

// State is what a connection has settled, as far as it is known. It holds no buffers of
// the connection; certificates in it are shared: read only.
type State struct {
	HandshakeDone bool // the peer is confirmed
	PeerClosed    bool // close_notify was received

	Policy      string // the security policy in use
	Version     iana.Version
	CipherSuite iana.CipherSuite
	Group       iana.Group
	Scheme      iana.SignatureScheme // of our signature; 0 = none
	PeerScheme  iana.SignatureScheme // of the peer's signature; 0 = none
	ServerName  string               // asked for by the client
	ALPN        string               // agreed, or ""
	HelloRetry  bool                 // a HelloRetryRequest was needed
	ClientAuth  bool                 // the client proved a certificate

	ExtendedMasterSecret bool // TLS 1.2: RFC 7627; true in TLS 1.3, which has no other kind
	SecureRenegotiation  bool // TLS 1.2: the peer knows RFC 5746; false in TLS 1.3, which has none

	Certificate      *Certificate // ours, as selected
	CertificateMatch CertificateMatch
	PeerCertificates []*x509.Certificate // as sent, leaf first
	VerifiedChain    []*x509.Certificate // from the peer's leaf to a root; nil if not verified
	OCSPResponse     []byte              // stapled by the peer, DER
	SCTList          []byte              // of the peer's leaf

	Resumed       bool            // a session was resumed; an external PSK resumes nothing
	SessionID     []byte          // of the session, TLS 1.2 only; nil = none
	PSKIdentity   []byte          // of the external PSK that is used, server: or was when the session was made; else the ticket; nil = none
	PeerTruncated bool            // of a resumed session's peer only the leaf is known
	EarlyData     EarlyDataStatus // what has become of the client's early data

	// TicketAgeSkew is how much older, by its client, the ticket is that a server of TLS 1.3 has
	// resumed than the server knows. Above a minute, to either side, there is no early data.
	TicketAgeSkew time.Duration

	TicketsSent int // by a server, in TLS 1.3

	// TicketLifetimeHint is how long the server wants to resume the session of its latest
	// ticket; 0 = it did not say, or sent none (s2n_connection_get_session_ticket_lifetime_hint).
	TicketLifetimeHint time.Duration

	// Waiting is what the handshake waits for its application to answer, or "".
	Waiting string

	WireIn, WireOut           uint64 // bytes on the wire
	AppIn, AppOut             uint64 // bytes of application data
	ReadBlocked, WriteBlocked int    // returns of BlockedOnRead and BlockedOnWrite by Negotiate
	ApplicationBlocked        int    // returns of BlockedOnApplicationInput
}

// State returns a snapshot. During the handshake it is for the goroutine that calls
// Negotiate, hooks included; afterwards for any.
func (c *Conn) State() State {
	s := State{
		HandshakeDone: c.is(factDone), PeerClosed: c.is(factPeerClosed), Policy: c.prepared.policy.Name,
		WireIn: c.rd.BytesIn(), WireOut: c.wr.BytesOut(), AppIn: c.appIn.Load(), AppOut: c.appOut.Load(),
		ReadBlocked: int(c.blocked[BlockedOnRead]), WriteBlocked: int(c.blocked[BlockedOnWrite]),
		ApplicationBlocked: int(c.blocked[BlockedOnApplicationInput]),
	}
	m := c.machine
	if m == nil {
		return s
	}
	r := &m.Result
	s.Version, s.CipherSuite, s.Group = r.Version, r.CipherSuite, r.Group
	s.Scheme, s.PeerScheme = r.Scheme, r.PeerScheme
	s.ServerName, s.ALPN = r.ServerName, r.ALPN
	s.HelloRetry, s.ClientAuth = r.Retried, r.ClientAuth
	s.ExtendedMasterSecret = r.ExtendedMasterSecret || r.Version == iana.TLS13
	s.Certificate, s.CertificateMatch = r.Certificate, r.Match
	s.PeerCertificates, s.VerifiedChain = r.Peer.Certificates, r.Peer.Verified
	s.OCSPResponse, s.SCTList = r.Peer.OCSPResponse, r.Peer.SCTList
	s.Resumed, s.SessionID, s.PeerTruncated = r.Resumed, r.SessionID, r.PeerTruncated
	s.PSKIdentity = slices.Clone(r.PSKIdentity) // which can be the Config's own
	s.TicketAgeSkew = r.TicketAgeSkew
	s.SecureRenegotiation = r.SecureRenegotiation
	s.EarlyData, s.TicketsSent = r.EarlyData, r.TicketsSent+int(c.tickets.sent.Load())
	s.TicketLifetimeHint = time.Duration(c.tickets.hint.Load()) * time.Second
	if !s.HandshakeDone {
		if q, _, ok := m.Waiting(); ok {
			s.Waiting = q.String()
		}
	}
	return s
}
