package redisstore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/s2ngo/s2ngo/conn"
)

// fleet is what a server knows of the others.
type fleet struct {
	keys  *conn.TicketKeys
	epoch atomic.Pointer[epoch]
	kick  chan struct{} // asks for another look, now

	mu     sync.Mutex // of one look at a time
	known  []fleetKey // those that are in keys, the oldest introduction first
	err    atomic.Pointer[error]
	looked chan struct{} // closed when the keys are here for the first time
	once   sync.Once
}

func (f *fleet) init(cfg conn.TicketKeysConfig) {
	f.keys = conn.NewTicketKeys(cfg)
	f.kick = make(chan struct{}, 1)
	f.looked = make(chan struct{})
}

// forget clears what is known of the ticket keys, outside of their set.
func (f *fleet) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.known)
	f.known = nil
}

// hurry asks for another look without waiting for it.
func (f *fleet) hurry() {
	select {
	case f.kick <- struct{}{}:
	default:
	}
}

// TicketKeys returns the fleet's ticket keys, for conn.Config. They are kept up to date until Close; without
// Redis they serve until their time is over, and then there are no tickets.
func (s *Store) TicketKeys() *conn.TicketKeys { return s.fleet.keys }

// Sync waits until the fleet's ticket keys are here, or ctx is done. A server may as well start
// without: it seals no tickets until they come.
func (s *Store) Sync(ctx context.Context) error {
	select {
	case <-s.fleet.looked:
		return nil
	case <-ctx.Done():
		if err := s.Err(); err != nil {
			return err
		}
		return fmt.Errorf("redisstore: %w", context.Cause(ctx))
	case <-s.ctx.Done():
		return ErrClosed
	}
}

// Err returns why the latest look for the fleet's keys failed, nil if it went well.
func (s *Store) Err() error {
	if err := s.fleet.err.Load(); err != nil {
		return *err
	}
	return nil
}

// keepInStep looks for the fleet's keys and epoch until the Store is closed.
func (s *Store) keepInStep() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-timer.C:
		case <-s.fleet.kick:
		}
		err := s.look()
		wait := s.opts.Interval
		if err != nil {
			wait = min(wait, retryAfter)
		}
		timer.Reset(wait)
	}
}

const (
	// lookTimeout bounds one look, which no handshake waits for.
	lookTimeout = 2 * time.Second
	// retryAfter is how soon a look that failed is followed by another.
	retryAfter = 250 * time.Millisecond
)

// look brings this server in step with the fleet.
func (s *Store) look() error {
	ctx, cancel := context.WithTimeout(s.ctx, lookTimeout)
	defer cancel()
	s.fleet.mu.Lock()
	defer s.fleet.mu.Unlock()
	err := s.findKeys(ctx)
	e := s.findEpoch(ctx) // before Sync returns: what is stored without it brings no early data
	if err == nil {
		s.fleet.once.Do(func() { close(s.fleet.looked) })
		err = e
	}
	if err != nil {
		err = fmt.Errorf("redisstore: in step with the fleet: %w", err)
		s.fleet.err.Store(&err)
		return err
	}
	s.fleet.err.Store(nil)
	s.restart.Store(0)
	return nil
}

// findKeys takes over what others have published, and publishes a key when it is time.
func (s *Store) findKeys(ctx context.Context) error {
	name := s.vault.name(kindKeys, nil)
	published, sealed, err := s.readKeys(ctx, name)
	if err != nil {
		return err
	}
	defer clear(published)
	s.adopt(published)
	if !s.due(published) {
		return nil
	}
	leads, err := s.client.SetNX(ctx, s.vault.name(kindLeader, nil), 1, max(s.opts.Interval, 50*time.Millisecond)).Result()
	if err != nil || !leads {
		return err
	}
	next, err := s.nextKeys(published)
	if err != nil {
		return err
	}
	defer clear(next)
	if err := s.replace(ctx, name, sealed, next, s.life()); err != nil {
		return err
	}
	// What is used is what stands in Redis, whoever wrote it.
	now, _, err := s.readKeys(ctx, name)
	defer clear(now)
	if err == nil {
		s.adopt(now)
	}
	return err
}

// readKeys returns the published keys, none if there are none, and the bytes that hold them.
func (s *Store) readKeys(ctx context.Context, name string) ([]fleetKey, []byte, error) {
	sealed, err := s.client.Get(ctx, name).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	plaintext, err := s.vault.open(name, sealed)
	if err != nil {
		return nil, nil, fmt.Errorf("the ticket keys: %w", err)
	}
	defer clear(plaintext)
	keys, err := parseKeys(plaintext)
	return keys, sealed, err
}

// life is how long a key serves.
func (s *Store) life() time.Duration {
	return s.opts.TicketKeys.EncryptLifetime + s.opts.TicketKeys.DecryptLifetime
}

// notice is how long a key is known before it is used: the others look twice in that time.
func (s *Store) notice() time.Duration { return 2 * s.opts.Interval }

// due reports whether a new key is wanted: the latest will be half through when a new one is in use, or
// is missing in Redis.
func (s *Store) due(published []fleetKey) bool {
	if len(published) == 0 {
		return true
	}
	latest := published[len(published)-1]
	return !s.now().Add(s.notice()).Before(latest.intro.Add(s.opts.TicketKeys.EncryptLifetime / 2))
}

// nextKeys returns the keys to publish: what there is, what this server still knows though Redis lost
// it, and a new one.
func (s *Store) nextKeys(published []fleetKey) ([]byte, error) {
	now := s.now()
	keys := slices.Clone(published)
	for _, k := range s.fleet.known {
		if !slices.ContainsFunc(keys, func(o fleetKey) bool { return o.name == k.name }) {
			keys = append(keys, k)
		}
	}
	keys = slices.DeleteFunc(keys, func(k fleetKey) bool { return !now.Before(k.intro.Add(s.life())) })
	slices.SortFunc(keys, func(a, b fleetKey) int { return a.intro.Compare(b.intro) })
	if s.due(keys) {
		k := fleetKey{intro: now.Truncate(time.Millisecond)}
		if len(keys) > 0 {
			k.intro = k.intro.Add(s.notice())
		}
		_, _ = rand.Read(k.name[:]) // never fails: it would end the program
		_, _ = rand.Read(k.secret[:])
		keys = append(keys, k)
	}
	defer clear(keys)
	return appendKeys(make([]byte, 0, 1+len(keys)*fleetKeyLen), keys[max(len(keys)-conn.MaxTicketKeys, 0):]), nil
}

// adopt adds published keys that are new here.
func (s *Store) adopt(published []fleetKey) {
	now := s.now()
	s.fleet.known = slices.DeleteFunc(s.fleet.known, func(k fleetKey) bool { return !now.Before(k.intro.Add(s.life())) })
	for _, k := range published {
		if slices.ContainsFunc(s.fleet.known, func(o fleetKey) bool { return o.name == k.name }) {
			continue
		}
		if s.fleet.keys.Add(k.name[:], k.secret[:], k.intro, now) == nil {
			s.fleet.known = append(s.fleet.known, k)
		}
	}
}
