package session

import (
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kdf"
)

// IDLen is the length in bytes of the IDs that servers give sessions. A TLS 1.3 ticket of exactly
// this length is stateful: it is the ID of a session in a store. Sealed tickets are longer.
const IDLen = 32

// redacted keeps what embeds it from being printed. The name is the field's, which stays ours.
type redacted = kdf.Redacted

// Session is what a later handshake resumes, on both sides: a server seals it into a ticket or puts
// it into a store, a client keeps it. It prints and logs as "secret". It is not safe for more than
// one goroutine.
type Session struct {
	redacted

	Version     iana.Version
	CipherSuite iana.CipherSuite

	// Secret is the PSK of the ticket in TLS 1.3, as long as the suite's hash (RFC 8446,
	// Section 4.6.1); in TLS 1.2 it is the master secret, 48 bytes.
	Secret               []byte
	ExtendedMasterSecret bool // TLS 1.2: RFC 7627

	ServerName string
	ALPN       string

	// Established is the time of the full handshake, Issued that of this ticket: when a server
	// made it, when a client received it.
	Established time.Time
	Issued      time.Time

	// KeyingMaterialExpires ends what was derived, ticket after ticket, from one full handshake
	// (s2n_connection_set_server_keying_material_lifetime). Zero is no limit.
	KeyingMaterialExpires time.Time

	// Lifetime is how many seconds the ticket lasts from Issued on, as it was sent; a server
	// seals it without regard to the ticket key's own life, which the key looks after.
	Lifetime     uint32
	AgeAdd       uint32 // TLS 1.3: ticket_age_add
	MaxEarlyData uint32 // TLS 1.3: bytes of early data, 0 = none

	// EarlyDataContext is the server's own note in the ticket, at most 65535 bytes
	// (s2n_connection_set_server_early_data_context).
	EarlyDataContext []byte

	// Group and PeerScheme are what the full handshake used; a resumption reports them again.
	Group      iana.Group
	PeerScheme iana.SignatureScheme

	// PeerChain is the peer's certificates in DER, leaf first; nil = it showed none.
	// PeerTruncated says that only the leaf was kept.
	PeerChain     [][]byte
	PeerTruncated bool

	OCSPResponse []byte // client: what was stapled to the server's leaf
	SCTList      []byte // client: of the server's leaf

	ClientAuth bool // the client proved a certificate

	// Binding is a digest of the settings by which the peer was authenticated. A handshake with
	// other settings does not resume the session.
	Binding [32]byte

	// PSKIdentity is that of the external PSK which the client proved in the full handshake, in TLS
	// 1.3; nil = it was none. PSKDigest, keyed by the PSK's secret, tells whether a server still has that PSK.
	PSKIdentity []byte
	PSKDigest   [32]byte

	// ID is the session ID of TLS 1.2, or the ticket of a stateful session in TLS 1.3; at most
	// IDLen bytes. What comes from a store has to bear the ID that was asked for.
	ID []byte

	// Ticket is what a client received, at most 65535 bytes; nil = there is the ID alone.
	Ticket []byte
}

// Clear wipes the secret and forgets everything else.
func (s *Session) Clear() {
	clear(s.Secret)
	*s = Session{}
}
