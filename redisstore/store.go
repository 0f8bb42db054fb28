package redisstore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/s2ngo/s2ngo/conn"
)

// What Options leave out.
const (
	DefaultPrefix   = "s2ngo:"
	DefaultDeadline = 50 * time.Millisecond
	DefaultMaxCalls = 256
	DefaultInterval = 5 * time.Second
)

// Options of New; the zero value is a good one.
type Options struct {
	// Prefix begins every key in Redis; "" stands for "s2ngo:". Servers with the same prefix and secret are
	// one fleet. In a cluster it must not hold braces.
	Prefix string

	// Deadline is the longest that a handshake waits for an answer; 0 stands for 50 ms.
	Deadline time.Duration

	// MaxCalls is how many calls may be under way, each on a goroutine of its own; those beyond fail at
	// once. 0 stands for 256.
	MaxCalls int

	// TicketKeys says how long ticket keys live, the same on all servers. A new one is made in each half
	// of EncryptLifetime, so that both lifetimes together must not be more than 20 times that one.
	TicketKeys conn.TicketKeysConfig

	// Interval is how often a server looks for new ticket keys; 0 stands for 5 s, or for 1/16 of
	// EncryptLifetime if that is less. A new key is used two intervals after it is published.
	Interval time.Duration
}

// Errors of a Store, for errors.Is. Handshakes go on without it whatever it says.
var (
	ErrSecret   = errors.New("redisstore: the fleet's secret has 32 bytes, not all of them zero")
	ErrDeadline = errors.New("redisstore: Redis did not answer in time")
	ErrBusy     = errors.New("redisstore: too many calls are under way")
	ErrDown     = errors.New("redisstore: Redis has just failed, and is left alone for a moment")
	ErrClosed   = errors.New("redisstore: the store is closed")
	ErrNotReady = errors.New("redisstore: the fleet's beginning is not known (yet): no early data")
)

// Store is what a server of a fleet shares with the others. It is a conn.SessionStore and a
// conn.ReplayRecorder, safe on all goroutines.
type Store struct {
	client redis.UniversalClient
	vault  *vault
	opts   Options
	now    func() time.Time
	clock  func() (now time.Time, run time.Duration) // for Record: the time, and how long the process runs
	latest latest

	calls   atomic.Int64 // under way
	work    sync.WaitGroup
	mu      sync.Mutex // of closing beside new calls
	closed  bool
	ctx     context.Context // done when the Store is closed
	cancel  context.CancelFunc
	restart atomic.Int64 // when the server may be asked again after a failure; 0 = it is well

	fleet fleet
}

var (
	_ conn.SessionStore   = (*Store)(nil)
	_ conn.ReplayRecorder = (*Store)(nil)
)

// New returns a Store that uses client, which stays the caller's, and begins to look for the fleet's ticket
// keys; Sync waits for them. secret is the fleet's, 32 bytes that are copied: see LoadSecret. go-redis
// writes to stderr no more, in the whole process. Errors: ErrSecret, and what is wrong with the
// options.
func New(client redis.UniversalClient, secret []byte, opts Options) (*Store, error) {
	switch zero := make([]byte, SecretLen); {
	case client == nil:
		return nil, errors.New("redisstore: there is no client")
	case len(secret) != SecretLen || slices.Equal(secret, zero):
		return nil, ErrSecret
	case opts.Deadline < 0 || opts.MaxCalls < 0 || opts.Interval < 0 || opts.TicketKeys.EncryptLifetime < 0 || opts.TicketKeys.DecryptLifetime < 0:
		return nil, errors.New("redisstore: an option is negative")
	}
	opts.setDefaults()
	if life := opts.TicketKeys.EncryptLifetime + opts.TicketKeys.DecryptLifetime; life > 20*opts.TicketKeys.EncryptLifetime {
		return nil, fmt.Errorf("redisstore: ticket keys that live %v and are made every %v are more than a set holds", life, opts.TicketKeys.EncryptLifetime/2)
	}
	v, err := newVault(secret, opts.Prefix)
	if err != nil {
		return nil, fmt.Errorf("redisstore: %w", err)
	}
	beQuiet()
	s := &Store{client: client, vault: v, opts: opts, now: time.Now}
	began := time.Now()
	s.clock = func() (time.Time, time.Duration) { now := time.Now(); return now, now.Sub(began) }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.fleet.init(opts.TicketKeys)
	s.work.Go(s.keepInStep)
	return s, nil
}

func (o *Options) setDefaults() {
	k := &o.TicketKeys
	if k.EncryptLifetime == 0 {
		k.EncryptLifetime = 2 * time.Hour
	}
	if k.DecryptLifetime == 0 {
		k.DecryptLifetime = 13 * time.Hour
	}
	k.AddedOnly = true
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	if o.Deadline == 0 {
		o.Deadline = DefaultDeadline
	}
	if o.MaxCalls == 0 {
		o.MaxCalls = DefaultMaxCalls
	}
	if o.Interval == 0 {
		o.Interval = min(DefaultInterval, k.EncryptLifetime/16)
	}
}

// Close ends all calls, which answer with an error, and waits for their goroutines. The client is not
// closed. Ticket keys stay as they are.
func (s *Store) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.work.Wait()
	s.fleet.forget()
}

// call does one call of Redis on a goroutine of its own and answers by done, once, after the deadline at the
// latest: go-redis may go on for as long as it likes then.
func call[T any](ctx context.Context, s *Store, do func(ctx context.Context) (T, error), done func(T, error)) {
	var none T
	if err := s.admit(); err != nil {
		done(none, err)
		return
	}
	ctx, end := context.WithCancelCause(ctx)
	unlink := context.AfterFunc(s.ctx, func() { end(ErrClosed) })
	ctx, cancel := context.WithTimeoutCause(ctx, s.opts.Deadline, ErrDeadline)
	var answered atomic.Bool
	answer := func(v T, err error) {
		if !answered.CompareAndSwap(false, true) {
			return
		}
		if timeout := net.Error(nil); err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		} else if errors.As(err, &timeout) && timeout.Timeout() { // of a socket, which has the same deadline
			err = ErrDeadline
		}
		if ctx.Err() == nil || context.Cause(ctx) == ErrDeadline {
			s.note(err)
		}
		done(v, err)
	}
	late := context.AfterFunc(ctx, func() { answer(none, ctx.Err()) })
	go func() {
		defer s.work.Done()
		defer s.calls.Add(-1)
		v, err := do(ctx)
		late()
		answer(v, err)
		unlink()
		cancel()
		end(nil)
	}()
}

// admit says whether another call may begin, and counts it in.
func (s *Store) admit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.calls.Load() >= int64(s.opts.MaxCalls):
		return ErrBusy
	}
	if at := s.restart.Load(); at != 0 {
		// One call tries; the others do not wait with it.
		now := s.now().UnixNano()
		if now < at || !s.restart.CompareAndSwap(at, now+int64(pause)) {
			return ErrDown
		}
	}
	s.calls.Add(1)
	s.work.Add(1)
	return nil
}

// pause is how long a server that failed is left alone, so that handshakes do not wait for it one by one.
const pause = 200 * time.Millisecond

// note remembers whether Redis is well: an answer that it gave is one, whatever it says.
func (s *Store) note(err error) {
	var answer redis.Error
	switch {
	case err == nil || errors.As(err, &answer) || errors.Is(err, errForeign) || errors.Is(err, ErrNotReady):
		s.restart.Store(0)
	default:
		s.restart.Store(s.now().Add(pause).UnixNano())
	}
}
