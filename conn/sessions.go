package conn

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/internal/session"
)

var (
	errNotKept     = errors.New("conn: the session does not fit into the memory store")
	errTicketOlder = errors.New("conn: the ticket is older than the replay recorder's memory")
)

// madeResumption is what a Config makes for itself when it is first wanted. Its clones share it:
// they take each other's tickets, and must not take each other's early data twice.
type madeResumption struct {
	once     sync.Once
	keys     *session.Keys
	recorder *session.Recorder
}

// shared returns the place of what cfg and its clones make for themselves.
func (cfg *Config) shared() *madeResumption {
	if made := cfg.made.Load(); made != nil {
		return made
	}
	cfg.made.CompareAndSwap(nil, new(madeResumption))
	return cfg.made.Load()
}

func (cfg *Config) resumption() *madeResumption {
	made := cfg.shared()
	made.once.Do(func() {
		made.keys = session.NewKeys(session.KeysConfig{})
		made.recorder = session.NewRecorder(defaultReplayEntries, cfg.now())
	})
	return made
}

func (cfg *Config) now() time.Time {
	if cfg.Now != nil {
		return cfg.Now()
	}
	return time.Now()
}

// useResumption takes over what handshakes resume, and hand out to be resumed.
func (p *prepared) useResumption(cfg *Config, client bool) {
	r := &p.hs.Resumption
	r.SessionTickets = cfg.SessionTickets
	r.SessionLifetime, r.KeyingMaterialLifetime = cfg.SessionLifetime, cfg.KeyingMaterialLifetime
	if r.SessionLifetime == 0 {
		r.SessionLifetime = DefaultSessionLifetime
	}
	if r.KeyingMaterialLifetime == 0 {
		r.KeyingMaterialLifetime = DefaultKeyingMaterialLifetime
	}
	p.verify = cfg.verifyDigest(client, p.policy)
	p.onPSK = functionName(cfg.OnPSK)
	r.VerifyResumed, r.RequireTicketForwardSecrecy = cfg.VerifyResumed, cfg.RequireTicketForwardSecrecy
	r.PSKs = cfg.PSKs
	asks := &p.hs.Asks
	if client {
		*asks &^= serverQuestions
		return
	}
	r.TicketCount = max(cfg.TicketCount, 0)
	if cfg.TicketCount == 0 {
		r.TicketCount = 1
	}
	r.MaxEarlyData, r.EarlyDataContext = cfg.MaxEarlyData, cfg.EarlyDataContext
	r.ReplayProtection = !cfg.DangerouslyAllowEarlyDataReplay
	r.Store = cfg.SessionStore != nil
	if r.Store {
		*asks = asks.With(handshake.AskSession).With(handshake.AskStoreSession).With(handshake.AskTakeSession)
	}
	*asks = asks.With(handshake.AskReplay)
	switch {
	case !cfg.SessionTickets:
	case cfg.TicketKeys != nil:
		r.TicketKeys = cfg.TicketKeys
	case !r.Store:
		r.TicketKeys = cfg.resumption().keys
	}
	switch {
	case cfg.ReplayRecorder != nil:
		p.recorder = cfg.ReplayRecorder
	case cfg.TicketKeys != nil: // who accepts the same tickets remembers the same replays
		p.recorder = &memoryRecorder{cfg.TicketKeys.Recorder(defaultReplayEntries, cfg.now()), cfg.now}
	default:
		p.recorder = &memoryRecorder{cfg.resumption().recorder, cfg.now}
	}
}

// serverQuestions are those that a Config may have a taker for and a client does not ask.
var serverQuestions = handshake.Questions(0).With(handshake.AskTicket).With(handshake.AskSealTicket).
	With(handshake.AskPSK).With(handshake.AskEarlyData)

// checkResumption looks for what cannot be, or would have no effect.
func (cfg *Config) checkResumption() error {
	switch {
	case cfg.SessionLifetime < 0:
		return fmt.Errorf("SessionLifetime %v is negative", cfg.SessionLifetime)
	case cfg.KeyingMaterialLifetime < 0:
		return fmt.Errorf("KeyingMaterialLifetime %v is negative", cfg.KeyingMaterialLifetime)
	case cfg.TicketCount > handshake.MaxIdleTickets:
		return fmt.Errorf("TicketCount %d is more than %d", cfg.TicketCount, handshake.MaxIdleTickets)
	case len(cfg.EarlyDataContext) > math.MaxUint16:
		return fmt.Errorf("EarlyDataContext is %d bytes long, more than 65535", len(cfg.EarlyDataContext))
	case (cfg.OnOpenTicket == nil) != (cfg.OnSealTicket == nil):
		return errors.New("OnOpenTicket and OnSealTicket go together, and one of them is not set")
	case !cfg.SessionTickets && cfg.TicketKeys != nil:
		return errors.New("TicketKeys is set, but not SessionTickets")
	case !cfg.SessionTickets && cfg.OnSealTicket != nil:
		return errors.New("OnSealTicket is set, but not SessionTickets")
	}
	return checkPSKs(cfg.PSKs)
}

// maxOffer is how many bytes of identities and binders one ClientHello has room for, as a bound for all
// PSKs: the extension's two lengths and a ticket, too, need some of its 65535. RFC 8446, Section 4.2.11.
const maxOffer = 1<<16 - 1 - 4

// checkPSKs looks at external PSKs one by one and beside each other.
func checkPSKs(psks []*PSK) error {
	seen := make(map[string]bool, len(psks))
	room := maxOffer
	for i, p := range psks {
		if p == nil {
			return fmt.Errorf("PSK %d is nil", i)
		}
		if err := p.Check(); err != nil {
			return fmt.Errorf("PSK %d: %w", i, err)
		}
		if seen[string(p.Identity)] {
			return fmt.Errorf("PSK %d: %w", i, ErrPSKDuplicate)
		}
		seen[string(p.Identity)] = true
		binder := crypto.SHA256.Size()
		if p.Hash == crypto.SHA384 {
			binder = crypto.SHA384.Size()
		}
		room -= 2 + len(p.Identity) + 4 + 1 + binder
	}
	if room < 0 {
		return fmt.Errorf("%w: they are %d bytes too long", ErrPSKsTooLong, -room)
	}
	return nil
}

// askStore passes a handshake's question on to the store or the recorder. What they answer with is
// given to the operation, which refuses it if nobody waits any more.
func (c *Conn) askStore(e *handshake.Event) {
	store := c.cfg.SessionStore
	switch e.Question {
	case handshake.AskSession:
		op, id := e.Op.(*async.Op[[]byte]), e.Detail.(*handshake.SessionLookup).ID
		store.Get(op.Context(), bytes.Clone(id), func(entry []byte, err error) {
			if settle(op, entry, err) == async.ErrClosed {
				clear(entry) // nobody takes it any more
			}
		})
	case handshake.AskStoreSession:
		op, s := e.Op.(*async.Op[struct{}]), e.Detail.(*handshake.SessionEntry)
		c.tickets.store(bytes.Clone(s.ID))
		store.Put(op.Context(), bytes.Clone(s.ID), bytes.Clone(s.Entry), s.Lifetime, func(err error) { _ = settle(op, struct{}{}, err) })
	case handshake.AskTakeSession:
		op, id := e.Op.(*async.Op[bool]), e.Detail.(*handshake.SessionLookup).ID
		store.Delete(op.Context(), bytes.Clone(id), func(existed bool, err error) { _ = settle(op, existed, err) })
	case handshake.AskReplay:
		op, r := e.Op.(*async.Op[bool]), e.Detail.(*handshake.ReplayEntry)
		recorder := c.prepared.recorder
		if tooOld(r.Issued, recorder) {
			_ = settle(op, false, errTicketOlder)
			return
		}
		recorder.Record(op.Context(), r.Key, r.Until, func(fresh bool, err error) {
			// It may have lost its memory meanwhile.
			_ = settle(op, fresh && !tooOld(r.Issued, recorder), err)
		})
	}
}

// tooOld reports whether the recorder may have forgotten early data of a ticket issued then, in
// milliseconds, the grain of tickets.
func tooOld(issued time.Time, recorder ReplayRecorder) bool {
	return issued.Before(recorder.Began().Truncate(time.Millisecond))
}

func settle[T any](op *async.Op[T], v T, err error) error {
	if err != nil {
		return op.Fail(err)
	}
	return op.Answer(v)
}
