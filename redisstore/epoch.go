package redisstore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis may lose what was recorded: by a restart, with a dump that is minutes old or without any, by a
// failover to a replica that lags, by FLUSHALL. So it holds an epoch as well: since when, and in which
// processes of Redis, nothing has been lost. A restart has another run_id, and FLUSHALL takes the epoch
// away: then another one begins, and older tickets bring no early data.
type epoch struct {
	sealed string // as it stands in Redis
	began  time.Time
	nodes  []string // run_id of each master, in order
}

// stamp stands for the epoch; no two are alike, since each is sealed with random bytes of its own.
func (e *epoch) stamp() [stampLen]byte {
	sum := sha256.Sum256([]byte(e.sealed))
	return [stampLen]byte(sum[:])
}

func (e *epoch) has(runID string) bool { return runID != "" && slices.Contains(e.nodes, runID) }

// skew is how far the clocks of a fleet may be apart: tickets that were issued before the epoch began
// must not seem younger.
const skew = time.Second

// findEpoch learns which epoch it is, and begins one if there is none or it is over.
func (s *Store) findEpoch(ctx context.Context) error {
	e, err := s.readEpoch(ctx)
	if err != nil {
		s.fleet.epoch.Store(nil)
		return fmt.Errorf("the epoch: %w", err)
	}
	if known := s.fleet.epoch.Load(); known == nil || known.sealed != e.sealed {
		s.fleet.epoch.Store(e)
	}
	return nil
}

func (s *Store) readEpoch(ctx context.Context) (*epoch, error) {
	nodes, err := s.runIDs(ctx)
	if err != nil {
		return nil, err
	}
	name := s.vault.name(kindEpoch, nil)
	for range 3 {
		sealed, err := s.client.Get(ctx, name).Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return nil, err
		}
		if err == nil {
			plaintext, err := s.vault.open(name, sealed)
			if err != nil {
				return nil, err
			}
			e, err := parseEpoch(plaintext)
			if err != nil {
				return nil, err
			}
			if e.sealed = string(sealed); slices.Equal(e.nodes, nodes) {
				return e, nil
			}
		}
		next := epoch{began: s.now().Add(skew), nodes: nodes}
		if err := s.replace(ctx, name, sealed, next.append(nil), 0); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("servers of the fleet do not see the same Redis")
}

const epochFormat = 1

func (e *epoch) append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, epochFormat), uint64(e.began.UnixMilli()))
	return append(dst, strings.Join(e.nodes, " ")...)
}

func parseEpoch(b []byte) (*epoch, error) {
	if len(b) < 9 || b[0] != epochFormat {
		return nil, errors.New("it is of another version of this library")
	}
	return &epoch{began: time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:]))), nodes: strings.Fields(string(b[9:]))}, nil
}

// replace seals plaintext under name if what is there is still old, nil standing for nothing. That
// another server was faster is no error.
func (s *Store) replace(ctx context.Context, name string, old, plaintext []byte, life time.Duration) error {
	sealed, err := s.vault.seal(name, plaintext)
	if err != nil {
		return err
	}
	err = s.client.Watch(ctx, func(tx *redis.Tx) error {
		now, err := tx.Get(ctx, name).Bytes()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		if !bytes.Equal(now, old) {
			return redis.TxFailedErr
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			return p.Set(ctx, name, sealed, life).Err()
		})
		return err
	}, name)
	if errors.Is(err, redis.TxFailedErr) {
		return nil
	}
	return err
}

// nodeOf returns the client of the one Redis that holds name.
func (s *Store) nodeOf(ctx context.Context, name string) (redis.Cmdable, error) {
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		return c.MasterForKey(ctx, name)
	case *redis.Ring:
		return nil, errRing
	}
	return s.client, nil
}

var errRing = errors.New("redisstore: a Ring spreads keys over servers that know nothing of each other: no early data")

// runIDs returns the run_id of each master, in order, and an error if one of them may evict keys.
func (s *Store) runIDs(ctx context.Context) (ids []string, err error) {
	var mu sync.Mutex
	visit := func(ctx context.Context, node redis.Cmdable) error {
		server, err := node.Info(ctx, "server").Result()
		if err != nil {
			return err
		}
		memory, err := node.Info(ctx, "memory").Result()
		if err != nil {
			return err
		}
		id, policy := field(server, "run_id"), field(memory, "maxmemory_policy")
		switch {
		case id == "":
			return errors.New("the server does not say its run_id, so that its restarts cannot be told")
		case policy != "noeviction" && field(memory, "maxmemory") != "0":
			return fmt.Errorf("the server may evict keys: its maxmemory-policy is %s, not noeviction", policy)
		}
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, id)
		return nil
	}
	switch c := s.client.(type) {
	case *redis.ClusterClient:
		err = c.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return visit(ctx, node) })
	case *redis.Ring:
		err = errRing
	default:
		err = visit(ctx, c)
	}
	slices.Sort(ids)
	return ids, err
}

// field returns a field of what INFO says.
func field(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
