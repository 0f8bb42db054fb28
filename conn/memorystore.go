package conn

import (
	"context"
	"time"

	"github.com/s2ngo/s2ngo/internal/session"
)

// NewMemoryStore returns a store for the sessions of this process in about maxBytes bytes of memory;
// the session that was used longest ago gives way. It answers at once.
func NewMemoryStore(maxBytes int) SessionStore {
	return &memoryStore{session.NewMemory(maxBytes), time.Now}
}

type memoryStore struct {
	memory *session.Memory
	now    func() time.Time
}

func (s *memoryStore) Get(_ context.Context, id []byte, done func([]byte, error)) {
	done(s.memory.Get(id, s.now()), nil)
}

func (s *memoryStore) Put(_ context.Context, id, entry []byte, lifetime time.Duration, done func(error)) {
	now := s.now()
	kept := s.memory.Put(id, entry, now.Add(lifetime), now)
	clear(entry)
	if !kept {
		done(errNotKept)
		return
	}
	done(nil)
}

func (s *memoryStore) Delete(_ context.Context, id []byte, done func(bool, error)) {
	done(s.memory.Delete(id, s.now()), nil)
}

// NewReplayRecorder returns a recorder for this process that remembers maxEntries keys, of some 150
// bytes each. While it is full, early data is refused.
func NewReplayRecorder(maxEntries int) ReplayRecorder {
	return &memoryRecorder{session.NewRecorder(maxEntries, time.Now()), time.Now}
}

type memoryRecorder struct {
	recorder *session.Recorder
	now      func() time.Time
}

func (r *memoryRecorder) Record(_ context.Context, key [32]byte, until time.Time, done func(bool, error)) {
	done(r.recorder.Record(key, until, r.now()), nil)
}

func (r *memoryRecorder) Began() time.Time { return r.recorder.Began() }

// defaultReplayEntries bounds the recorder of a Config that names none: two thousand connections
// with early data in each second of the window.
const defaultReplayEntries = 1 << 18
