package handshake

import (
	"math"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/session"
)

// Resumption is the part of a Config that says which sessions and pre-shared keys are used,
// and which are handed out.
type Resumption struct {
	// SessionTickets lets a server hand sessions out and take them back, and a client ask
	// for them (s2n_config_set_session_tickets_onoff).
	SessionTickets bool

	TicketKeys  *session.Keys // server: nil = no tickets sealed by them
	Store       bool          // server: AskSession, AskStoreSession and AskTakeSession have a taker
	TicketCount int           // server: TLS 1.3 tickets at the end of a handshake

	SessionLifetime        time.Duration // of a ticket
	KeyingMaterialLifetime time.Duration // of what is derived, ticket after ticket, from one full handshake

	// SessionBinding is a digest of how peers are authenticated. A session with another one is
	// not resumed.
	SessionBinding [32]byte

	// VerifyResumed asks AskRevocationLists and AskVerdict of the peer's chain on a resumption too.
	VerifyResumed bool

	// RequireTicketForwardSecrecy keeps tickets from TLS 1.2, where a stolen ticket key lays
	// connections open.
	RequireTicketForwardSecrecy bool

	Session *session.Session // client: to offer, see Machine.Session; nil = none. Read only.
	PSKs    []*PSK           // external ones, the most wanted first

	// MaxEarlyData is how much early data a server takes, in bytes; 0 = none. With a ticket
	// the lesser of this and what the ticket says counts, with an external PSK what the PSK says.
	MaxEarlyData     uint32
	EarlyDataContext []byte // server: goes into tickets

	// ReplayProtection lets a server take early data only if AskTakeSession or AskReplay says
	// that it comes for the first time.
	ReplayProtection bool
}

// minSkipLimit is how many bytes of unwanted early data are passed over at least, whatever
// the Config says now, since a ticket may be older than the Config: what a protected record of 2^14
// bytes holds, as much as BoringSSL passes over.
const minSkipLimit = 1<<14 - 17

// skipLimit bounds the early data, in bytes, of a client whose offer was refused (RFC 8446,
// Section 4.2.10). The PSK, which may be nil, tells what the client was allowed.
func (m *Machine) skipLimit(psk *chosenPSK) int {
	limit := max(m.cfg.MaxEarlyData, minSkipLimit)
	if psk != nil {
		limit = max(limit, psk.promised)
	}
	return int(min(limit, math.MaxInt32))
}

// peerOf returns what a session kept of the peer, and whether it is still welcome: a server's
// leaf is judged again by the current clock, a client's chain, and a server's before it is looked up in
// revocation lists, by all that a full handshake judges it by.
func (m *Machine) peerOf(s *session.Session) (peer PeerChain, ok bool) {
	peer.OCSPResponse, peer.SCTList = s.OCSPResponse, s.SCTList
	if len(s.PeerChain) == 0 {
		return peer, !m.client // without a certificate a server has not been authenticated
	}
	var err error
	if peer.Certificates, err = certs.ParseChain(s.PeerChain, m.maxChain()); err != nil {
		return peer, false
	}
	switch v := m.cfg.Verify; {
	case s.PeerTruncated && m.checksRevocation(): // without its issuer no list can tell
		return peer, false
	case v == nil:
	case m.client && m.checksRevocation(): // a list is of the issuer, which may not have been sent
		peer.Verified, err = v.Server(peer.Certificates, m.serverName)
	case m.client || s.PeerTruncated:
		leaf, now := peer.Certificates[0], m.now()
		if !v.SkipTime && (now.Before(leaf.NotBefore) || now.After(leaf.NotAfter)) {
			return peer, false
		}
		err = v.Names(leaf, m.client, m.serverName)
	default:
		peer.Verified, err = v.Client(peer.Certificates)
	}
	return peer, err == nil
}

// checksRevocation reports whether the peer of a resumed session is looked up in revocation lists.
func (m *Machine) checksRevocation() bool {
	return m.cfg.VerifyResumed && m.cfg.Asks.Has(AskRevocationLists)
}

// judgeAgain lets revocation lists and the application judge the peer of a resumed session before then,
// which may look at bytes that are lent.
func (m *Machine) judgeAgain(lent bool, then func(*Machine) (state, error)) (state, error) {
	if !m.cfg.VerifyResumed || m.Result.Leaf() == nil {
		return then(m)
	}
	return (&peerCertificate{then: then, lent: lent}).notRevoked(m)
}

// SessionLookup is a session that a client asks for by its ID: that of TLS 1.2, or a
// stateful ticket of TLS 1.3.
type SessionLookup struct {
	ID      []byte
	Version iana.Version
}

// SessionEntry is a session to be stored for Lifetime. Entry holds secrets.
type SessionEntry struct {
	ID, Entry []byte
	Lifetime  time.Duration
}

// ReplayEntry is early data by the key that makes it unique. Nobody needs to remember it
// after Until, when the ticket is too old for early data; Issued is when the ticket was made.
type ReplayEntry struct {
	Key           [32]byte
	Issued, Until time.Time
}

// OfferedPSKs are the PSKs of a ClientHello while the application chooses one. All of it is
// lent until it has answered.
type OfferedPSKs struct {
	Identities [][]byte // in the client's order, 64 at most; tickets are among them
	ServerName string
}

// OfferedEarlyData is early data that could be accepted, while the application decides
// (s2n_early_data_cb).
type OfferedEarlyData struct {
	Context     []byte // of the ticket or of the external PSK: Config.EarlyDataContext when it was made
	PSKIdentity []byte // of the external PSK, also where a session of it is resumed, or else the ticket
	ServerName  string
	ALPN        string
	TicketAge   time.Duration // 0 with an external PSK
}
