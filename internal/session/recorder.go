package session

import (
	"sync"
	"time"
)

// Recorder remembers the early data it was told of, so that none is accepted twice (RFC 8446, Section
// 8.2). It is safe on all goroutines.
type Recorder struct {
	mu    sync.Mutex
	limit int
	began time.Time
	last  time.Time // the latest that it has been: by it keys were forgotten
	seen  map[[32]byte]struct{}
	order []recorded // a heap: nothing ends before what is at its top
}

type recorded struct {
	until time.Time
	key   [32]byte
}

// NewRecorder returns a Recorder of at most maxEntries keys that begins at now.
func NewRecorder(maxEntries int, now time.Time) *Recorder {
	return &Recorder{limit: maxEntries, began: now, seen: make(map[[32]byte]struct{})}
}

// Began returns the time from which on the Recorder knows: early data of older tickets may have come
// before.
func (r *Recorder) Began() time.Time { return r.began }

// Record remembers key until the given time, and reports whether it is new. When there is no room, or
// until is over, nothing counts as new: replays must not come through then, nor by a clock that is set back.
func (r *Recorder) Record(key [32]byte, until, now time.Time) (fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Before(r.last) {
		now = r.last
	}
	r.last = now
	for len(r.order) > 0 && !now.Before(r.order[0].until) {
		delete(r.seen, r.order[0].key)
		r.pop()
	}
	if _, known := r.seen[key]; known || len(r.order) >= r.limit || !now.Before(until) {
		return false
	}
	r.seen[key] = struct{}{}
	r.push(recorded{until, key})
	return true
}

func (r *Recorder) push(e recorded) {
	r.order = append(r.order, e)
	h := r.order
	for i := len(h) - 1; i > 0; {
		parent := (i - 1) / 2
		if !h[i].until.Before(h[parent].until) {
			break
		}
		h[i], h[parent] = h[parent], h[i]
		i = parent
	}
}

// pop removes the top.
func (r *Recorder) pop() {
	h := r.order
	last := len(h) - 1
	h[0], h[last] = h[last], recorded{}
	h = h[:last]
	r.order = h
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			return
		}
		if child+1 < last && h[child+1].until.Before(h[child].until) {
			child++
		}
		if !h[child].until.Before(h[i].until) {
			return
		}
		h[i], h[child] = h[child], h[i]
		i = child
	}
}
