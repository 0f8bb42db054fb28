package pkcs11

import (
	"context"
	"errors"
	"time"
)

// request is one thing that a worker does with a session.
type request struct {
	ctx    context.Context
	run    func(*session) (any, error) // up to twice
	finish func(any, error)            // once
	over   chan struct{}               // closed when it is finished

	// Guarded by Token.mu.
	timer *time.Timer
	began time.Time // zero while it waits
	w     *worker   // while it runs
	done  bool
}

// worker is one goroutine with one session.
type worker struct {
	t     *Token
	s     *session // nil after an error
	tried uint64   // Token.dropped when it began to open a session
	stuck bool     // guarded by Token.mu
}

// submit queues r. Errors: ErrClosed, ErrBusy; then r is not finished.
func (t *Token) submit(r *request) error {
	r.over = make(chan struct{})
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return ErrClosed
	}
	if len(t.queue) >= t.cfg.Queue {
		t.sweep()
		if len(t.queue) >= t.cfg.Queue {
			t.counts.Refused++
			return ErrBusy
		}
	}
	t.queue = append(t.queue, r)
	r.timer = time.AfterFunc(t.cfg.Timeout, func() { t.expire(r) })
	t.staff()
	return nil
}

// sweep forgets requests whose connection is gone. t.mu is held.
func (t *Token) sweep() {
	kept := t.queue[:0]
	for _, r := range t.queue {
		if r.ctx.Err() == nil {
			kept = append(kept, r)
			continue
		}
		t.counts.Abandoned++
		r.timer.Stop()
		t.settle(r)
		go r.finish(nil, r.ctx.Err())
	}
	clear(t.queue[len(kept):])
	t.queue = kept
}

// staff sees to it that somebody takes what waits. t.mu is held.
func (t *Token) staff() {
	if t.limit < t.cfg.Workers && time.Since(t.shrunk) > t.cfg.RetryMax {
		t.limit++ // the token may have sessions again
		t.shrunk = time.Now()
	}
	if len(t.queue) > 0 && t.idle > 0 {
		t.work.Signal()
	}
	// An idle worker counts until it runs, however many requests have woken it.
	if len(t.queue) > t.idle && t.workers < t.limit && t.workers+t.stuck < t.cfg.MaxWorkers {
		t.workers++
		t.alive++
		go (&worker{t: t}).loop()
	}
}

// settle marks r as finished and reports whether it was not. Whoever gets true calls r.finish.
// t.mu is held.
func (t *Token) settle(r *request) bool {
	if r.done {
		return false
	}
	r.done = true
	close(r.over)
	return true
}

// expire ends a request that takes too long. If it is inside of the module for all of that
// time, its worker is written off.
func (t *Token) expire(r *request) {
	t.mu.Lock()
	mine := t.settle(r)
	if mine {
		t.counts.TimedOut++
	}
	if r.w == nil {
		for i, q := range t.queue {
			if q == r {
				t.queue = append(t.queue[:i], t.queue[i+1:]...)
				break
			}
		}
	} else if left := t.cfg.Timeout - time.Since(r.began); left > 0 {
		r.timer.Reset(left)
	} else if !r.w.stuck {
		r.w.stuck = true
		t.workers--
		t.stuck++
		t.staff()
	}
	t.mu.Unlock()
	if mine {
		r.finish(nil, ErrTimeout)
	}
}

// loop does requests until the Token is closed or has too many workers.
func (w *worker) loop() {
	t := w.t
	for {
		r := w.next()
		if r == nil {
			break
		}
		out, err := w.perform(r)
		if err != nil {
			back, leaves := w.hand(r, err)
			if leaves {
				break
			}
			if back {
				continue
			}
		}
		t.mu.Lock()
		mine := t.settle(r)
		if mine {
			t.counts.count(err)
		}
		t.mu.Unlock()
		if mine {
			r.finish(out, err)
		} else if b, ok := out.([]byte); ok {
			clear(b)
		}
		if w.s != nil && w.s.spent {
			w.drop()
		}
		if !w.release(r) {
			break
		}
	}
	w.drop()
	t.mu.Lock()
	t.depart()
	t.mu.Unlock()
}

// next waits for a request; nil tells the worker to leave.
func (w *worker) next() *request {
	t := w.t
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		for len(t.queue) > 0 && t.workers <= t.limit {
			r := t.queue[0]
			t.queue[0] = nil
			t.queue = t.queue[1:]
			if r.done {
				continue
			}
			if err := r.ctx.Err(); err != nil {
				t.counts.Abandoned++
				r.timer.Stop()
				t.settle(r)
				t.mu.Unlock()
				r.finish(nil, err)
				t.mu.Lock()
				continue
			}
			r.w, r.began = w, time.Now()
			t.running[r] = true
			return r
		}
		if t.closed || t.workers > t.limit {
			if w.s != nil { // before others count on it
				t.mu.Unlock()
				w.drop()
				t.mu.Lock()
				continue
			}
			t.workers--
			t.staff()
			return nil
		}
		t.idle++
		t.work.Wait()
		t.idle--
	}
}

// hand puts r back if the token has no session for this worker, which then leaves r to another one
// that has a session or is about to have it. It tries again itself if one has been given back meanwhile.
func (w *worker) hand(r *request, err error) (back, leaves bool) {
	t := w.t
	t.mu.Lock()
	defer t.mu.Unlock()
	if !errors.Is(err, SessionCount) || w.stuck || r.done {
		return false, false
	}
	sessions := t.open + t.opening
	switch {
	case t.dropped != w.tried:
	case sessions > 0 && t.workers > 1:
		t.limit, t.shrunk = max(1, min(sessions, t.workers-1)), time.Now()
		t.workers--
		leaves = true
	default:
		return false, false
	}
	r.w, r.began = nil, time.Time{}
	delete(t.running, r)
	t.queue = append([]*request{r}, t.queue...)
	t.staff()
	return true, leaves
}

// release ends w's part in r. A worker that was written off stays only if it is needed.
func (w *worker) release(r *request) (stays bool) {
	t := w.t
	t.mu.Lock()
	defer t.mu.Unlock()
	r.timer.Stop()
	r.w = nil
	delete(t.running, r)
	if !w.stuck {
		return true
	}
	w.stuck = false
	t.stuck--
	if t.workers >= t.limit {
		return false
	}
	t.workers++
	return true
}

// depart counts a goroutine out. t.mu is held.
func (t *Token) depart() {
	t.alive--
	if t.alive == 0 && t.closed {
		close(t.gone)
	}
}

// perform does r, twice if what failed may be gone with a new session or a new login.
func (w *worker) perform(r *request) (any, error) {
	for again := false; ; again = true {
		l, err := w.t.current(r)
		if err != nil {
			return nil, err
		}
		var out any
		if err = w.session(l); err == nil {
			if out, err = r.run(w.s); err == nil {
				return out, nil
			}
		}
		w.drop()
		var missing *missingKey
		w.t.mu.Lock()
		if again && errors.As(err, &missing) {
			w.t.miss(missing.absence, l)
		}
		if again || !passing(err) || r.ctx.Err() != nil {
			w.t.mu.Unlock()
			return nil, err
		}
		w.t.counts.Retried++
		w.t.relink(l, false)
		w.t.mu.Unlock()
	}
}

// session opens w's session within l, unless it has one.
func (w *worker) session(l *link) error {
	if w.s != nil && w.s.link == l {
		return nil
	}
	w.drop()
	t := w.t
	t.mu.Lock()
	t.opening++
	w.tried = t.dropped
	t.mu.Unlock()
	s, err := openSession(t.m, l.gen, l.slot)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.opening--
	if err != nil {
		return err
	}
	s.link, s.keys = l, map[*Key]uint{}
	w.s = s
	t.open++
	t.counts.Sessions++
	return nil
}

// drop throws w's session away.
func (w *worker) drop() {
	if w.s == nil {
		return
	}
	w.s.close()
	w.s = nil
	w.t.mu.Lock()
	w.t.open--
	w.t.dropped++
	w.t.mu.Unlock()
}

// do runs f with a session and waits for its result. f may run after do has returned, and
// twice, so that it keeps its hands off the caller's variables.
func do[T any](t *Token, ctx context.Context, f func(*session) (T, error)) (T, error) {
	type result struct {
		value any
		err   error
	}
	answer := make(chan result, 1)
	r := &request{
		ctx:    ctx,
		run:    func(s *session) (any, error) { return f(s) },
		finish: func(v any, err error) { answer <- result{v, err} },
	}
	var none T
	if err := t.submit(r); err != nil {
		return none, err
	}
	select {
	case got := <-answer:
		if got.err != nil {
			return none, got.err
		}
		return got.value.(T), nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
