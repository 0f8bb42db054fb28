package redisstore

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
)

// The kinds of keys in Redis.
const (
	kindSession = "session"
	kindReplay  = "replay"
	kindKeys    = "keys"
	kindLeader  = "leader"
	kindEpoch   = "epoch"
)

// Get is conn.SessionStore's. An entry that does not open is an error.
func (s *Store) Get(ctx context.Context, id []byte, done func(entry []byte, err error)) {
	name := s.vault.name(kindSession, id)
	call(ctx, s, func(ctx context.Context) ([]byte, error) {
		sealed, err := s.client.Get(ctx, name).Bytes()
		if errors.Is(err, redis.Nil) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		return s.vault.open(name, sealed)
	}, done)
}

// Put is conn.SessionStore's. A lifetime below a millisecond stores nothing.
func (s *Store) Put(ctx context.Context, id, entry []byte, lifetime time.Duration, done func(err error)) {
	name := s.vault.name(kindSession, id)
	sealed, err := s.vault.seal(name, entry)
	clear(entry)
	if err == nil && lifetime < time.Millisecond {
		err = errors.New("redisstore: a session without lifetime")
	}
	if err != nil {
		done(err)
		return
	}
	call(ctx, s, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, s.client.Set(ctx, name, sealed, lifetime).Err()
	}, func(_ struct{}, err error) { done(err) })
}

// Delete is conn.SessionStore's: Redis tells one of many callers that the entry existed.
func (s *Store) Delete(ctx context.Context, id []byte, done func(existed bool, err error)) {
	name := s.vault.name(kindSession, id)
	call(ctx, s, func(ctx context.Context) (bool, error) {
		n, err := s.client.Del(ctx, name).Result()
		return n == 1, err
	}, done)
}
