package redisstore

import (
	"bytes"
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
		_, entry, err := s.openSession(name, sealed)
		return entry, err
	}, done)
}

// stampLen is the length in bytes of the stamp in front of an entry: the epoch it was stored in.
const stampLen = 16

// openSession returns what Put sealed.
func (s *Store) openSession(name string, sealed []byte) (stamp, entry []byte, err error) {
	plaintext, err := s.vault.open(name, sealed)
	if err == nil && len(plaintext) < stampLen {
		err = errForeign
	}
	if err != nil {
		return nil, nil, err
	}
	return plaintext[:stampLen], plaintext[stampLen:], nil
}

// Put is conn.SessionStore's. A lifetime below a millisecond stores nothing.
func (s *Store) Put(ctx context.Context, id, entry []byte, lifetime time.Duration, done func(err error)) {
	name := s.vault.name(kindSession, id)
	var stamp [stampLen]byte // zero: of no epoch
	if e := s.fleet.epoch.Load(); e != nil {
		stamp = e.stamp()
	}
	plaintext := append(stamp[:], entry...)
	sealed, err := s.vault.seal(name, plaintext)
	clear(plaintext)
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

// Delete is conn.SessionStore's: Redis tells one of many callers that the entry existed. An entry that Redis may
// have brought back after it was deleted, being of another epoch, is deleted too, and counts as none.
func (s *Store) Delete(ctx context.Context, id []byte, done func(existed bool, err error)) {
	e := s.fleet.epoch.Load()
	name := s.vault.name(kindSession, id)
	call(ctx, s, func(ctx context.Context) (bool, error) {
		node, err := s.nodeOf(ctx, name)
		if err != nil || e == nil {
			err := s.client.Del(ctx, name).Err()
			return false, err
		}
		var taken, server *redis.StringCmd
		if _, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
			taken = p.GetDel(ctx, name)
			server = p.Info(ctx, "server")
			return nil
		}); errors.Is(err, redis.Nil) {
			return false, nil
		} else if err != nil {
			return false, err
		}
		sealed, err := taken.Bytes()
		if err != nil {
			return false, err
		}
		stamp, entry, err := s.openSession(name, sealed)
		clear(entry)
		if now := e.stamp(); err != nil || !bytes.Equal(stamp, now[:]) {
			return false, err
		}
		return s.inForce(ctx, e, server.Val())
	}, done)
}
