package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// Record is conn.ReplayRecorder's. The recording counts only if it was made by a Redis of the epoch that
// this server knows, and that epoch was in force after it. A clock that is set back lets nothing count as new
// until it is where it was.
func (s *Store) Record(ctx context.Context, key [32]byte, until time.Time, done func(fresh bool, err error)) {
	e := s.fleet.epoch.Load()
	window := until.Sub(s.latest.at(s.clock()))
	switch {
	case e == nil:
		done(false, ErrNotReady)
		return
	case window <= 0:
		done(false, nil)
		return
	}
	name := s.vault.name(kindReplay, key[:])
	call(ctx, s, func(ctx context.Context) (bool, error) {
		node, err := s.nodeOf(ctx, name)
		if err != nil {
			return false, err
		}
		var set *redis.BoolCmd
		var server *redis.StringCmd
		if _, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
			set = p.SetNX(ctx, name, 1, window+skew)
			server = p.Info(ctx, "server")
			return nil
		}); err != nil {
			return false, err
		}
		if !set.Val() {
			return false, nil
		}
		return s.inForce(ctx, e, server.Val())
	}, done)
}

// inForce reports whether the epoch is in force, after something was done by the server that info is of.
func (s *Store) inForce(ctx context.Context, e *epoch, info string) (bool, error) {
	now, err := s.client.Get(ctx, s.vault.name(kindEpoch, nil)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return false, err
	}
	if now != e.sealed || !e.has(field(info, "run_id")) {
		s.fleet.epoch.CompareAndSwap(e, nil)
		s.fleet.hurry()
		return false, ErrNotReady
	}
	return true, nil
}

// Began is conn.ReplayRecorder's: the beginning of the epoch, and a time that never comes while it is not
// known.
func (s *Store) Began() time.Time {
	if e := s.fleet.epoch.Load(); e != nil {
		return e.began
	}
	return never
}

// never is when no ticket was issued, nor will be.
var never = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
