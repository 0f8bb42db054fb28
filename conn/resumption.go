package conn

import (
	"context"
	"errors"
	"time"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/internal/session"
)

// TicketKeys is a set of session ticket keys. See Config.TicketKeys.
type TicketKeys = session.Keys

// TicketKeysConfig says how long the keys of a set live; its zero value is s2n's.
type TicketKeysConfig = session.KeysConfig

// NewTicketKeys returns a set of ticket keys. Add adds one; a set that none was added to makes its
// own, unless AddedOnly is set.
func NewTicketKeys(cfg TicketKeysConfig) *TicketKeys { return session.NewKeys(cfg) }

// MaxTicketKeys is the greatest number of keys in a set, expired ones apart.
const MaxTicketKeys = session.MaxKeys

// Errors of TicketKeys.Add, for errors.Is.
var (
	ErrTicketKeyName      = session.ErrKeyName      // not 1 to 16 bytes long
	ErrTicketKeySecret    = session.ErrKeySecret    // empty
	ErrTicketKeyNotUnique = session.ErrKeyNotUnique // by name or by secret
	ErrTicketKeyLimit     = session.ErrKeyLimit     // MaxTicketKeys are there
	ErrTicketKeyExpired   = session.ErrKeyExpired   // its time is over already
)

// SessionStore keeps a server's sessions by their ID, for this process or for a fleet
// (s2n_config_set_cache_store_callback and its kin). Entries are secrets: a store that sends them
// away has to encrypt and authenticate them.
//
// Each method begins its work and answers by calling done once, on any goroutine, also before it returns. It
// must not block: handshakes wait, but not the goroutines they run on. ctx is done when nobody waits for the answer any
// more. An error means that the store could not do it, and never ends a handshake: it is a full one
// then, or its session is not resumed later. Methods are called on all goroutines.
type SessionStore interface {
	// Get answers with the entry of id, nil if there is none. The entry is the connection's then,
	// which wipes it.
	Get(ctx context.Context, id []byte, done func(entry []byte, err error))

	// Put stores entry under id for lifetime, in place of what is there. Both are the store's then.
	Put(ctx context.Context, id, entry []byte, lifetime time.Duration, done func(err error))

	// Delete deletes the entry of id and answers whether there was one. It is atomic: of any number
	// of calls for one entry, one is told true. Early data counts on it.
	Delete(ctx context.Context, id []byte, done func(existed bool, err error))
}

// ReplayRecorder remembers early data, so that none is accepted twice (RFC 8446, Section 8). Servers
// that accept the same tickets have to share one, which answers as a SessionStore does. An error
// means that the early data is refused.
type ReplayRecorder interface {
	// Record remembers key until the given time and answers whether it is new. Of any number of
	// calls for one key, one is told true.
	Record(ctx context.Context, key [32]byte, until time.Time, done func(fresh bool, err error))

	// Began returns the time from which on nothing has been forgotten. Early data of older tickets
	// is refused.
	Began() time.Time
}

// PSK is a pre-shared key that both sides were given outside of TLS (s2n_psk). See Config.PSKs.
type PSK = handshake.PSK

// Errors of PSK.Check, for errors.Is.
var (
	ErrPSKIdentity  = handshake.ErrPSKIdentity  // not 1 to 65535 bytes long
	ErrPSKSecret    = handshake.ErrPSKSecret    // not 1 to 65535 bytes long, or all zero
	ErrPSKHash      = handshake.ErrPSKHash      // neither SHA-256 nor SHA-384
	ErrPSKEarlyData = handshake.ErrPSKEarlyData // its cipher suite, protocol or context
)

// Errors of Config.PSKs and AppendPSK, for errors.Is.
var (
	ErrPSKDuplicate = errors.New("another PSK has the same identity")
	ErrPSKsTooLong  = errors.New("the PSKs do not fit into one ClientHello")
)

// OfferedPSKs are the pre-shared keys of a ClientHello, while OnPSK chooses one.
type OfferedPSKs = handshake.OfferedPSKs

// OfferedEarlyData is early data that could be accepted, while OnEarlyData decides.
type OfferedEarlyData = handshake.OfferedEarlyData

// EarlyDataStatus is what has become of a client's early data (s2n_early_data_status_t).
type EarlyDataStatus = handshake.EarlyDataStatus

// What may become of early data.
const (
	EarlyDataNotRequested = handshake.EarlyDataNotRequested // the client offers none
	EarlyDataOK           = handshake.EarlyDataOK           // it may flow: offered and not yet answered, or accepted
	EarlyDataRejected     = handshake.EarlyDataRejected     // by the server: what was sent is lost
	EarlyDataEnd          = handshake.EarlyDataEnd          // it was accepted, and is over
)

// DefaultSessionLifetime and DefaultKeyingMaterialLifetime are what 0 stands for in
// Config.SessionLifetime and Config.KeyingMaterialLifetime.
const (
	DefaultSessionLifetime        = session.DefaultSessionLifetime
	DefaultKeyingMaterialLifetime = session.DefaultKeyingMaterialLifetime
)
