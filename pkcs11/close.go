package pkcs11

import (
	"fmt"
	"time"
)

// Close takes no more operations, lets those that were begun or queued end for at most
// Config.CloseTimeout, and finalizes the module if this was its last token. Operations that are
// left get ErrClosed. A second Close does nothing.
//
// A call that does not come back keeps the module initialized, and its thread: to finalize a
// module under a call ends the process. Then Close returns ErrInUse.
func (t *Token) Close() error {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil
	}
	t.closed = true
	close(t.closing)
	if t.alive == 0 {
		close(t.gone)
	}
	t.work.Broadcast()
	t.mu.Unlock()

	begin := time.Now()
	timer := time.NewTimer(t.cfg.CloseTimeout)
	defer timer.Stop()
	select {
	case <-t.gone:
	case <-timer.C:
	}
	t.abandon()

	done := make(chan error, 1)
	go func() { done <- t.end() }() // the module may hang here too
	grace := time.NewTimer(max(t.cfg.CloseTimeout-time.Since(begin), minGrace))
	defer grace.Stop()
	select {
	case err := <-done:
		return err
	case <-grace.C:
		return fmt.Errorf("%w: %s is left as it is", ErrInUse, t.m.path)
	}
}

// minGrace is what closing the login's session and finalizing get at least.
const minGrace = 200 * time.Millisecond

// end gives the link and the module back.
func (t *Token) end() error {
	t.mu.Lock()
	l, searching := t.link, t.attempt != nil
	t.link = nil
	t.mu.Unlock()
	if l != nil {
		t.m.fall()
		if !searching {
			l.anchor.close()
		}
	}
	return t.m.leaves(minGrace / 2)
}

// abandon ends all requests that are left.
func (t *Token) abandon() {
	t.mu.Lock()
	close(t.ended)
	var left []*request
	for _, r := range t.queue {
		r.timer.Stop()
		if t.settle(r) {
			left = append(left, r)
		}
	}
	t.queue = nil
	for r := range t.running {
		if t.settle(r) {
			left = append(left, r)
		}
	}
	t.mu.Unlock()
	for _, r := range left {
		r.finish(nil, ErrClosed)
	}
}
