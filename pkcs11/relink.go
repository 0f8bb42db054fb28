package pkcs11

import (
	"errors"
	"fmt"
	"time"
)

// maxDrain bounds how long setting a module up anew waits for calls of other tokens.
const maxDrain = time.Second

// relink begins to look for the token, on a goroutine of its own, since a module may hang. bad
// is the link that failed; if there is a newer one by now, nothing happens. t.mu is held.
//
// Whoever needs the token waits for the first attempt, which often is all it takes. After it
// failed, operations fail at once until an attempt succeeds. anew says that a login is not
// enough.
func (t *Token) relink(bad *link, anew bool) {
	if t.closed || t.attempt != nil || t.link != bad || bad == nil && t.lost != nil {
		return
	}
	if bad != nil {
		t.m.fall()
		t.counts.Losses++
	}
	t.link = nil
	t.attempt = make(chan struct{})
	t.alive++
	go func() {
		t.search(bad, anew)
		t.mu.Lock()
		t.depart()
		t.mu.Unlock()
	}()
}

// search looks for the token until it is there, or the Token is closed.
func (t *Token) search(bad *link, anew bool) {
	pause := t.cfg.RetryMin
	for {
		l, err := t.reach(bad, anew)
		t.mu.Lock()
		first := t.attempt != nil
		if t.lost = err; err != nil && t.counts.Logins > 0 {
			t.lost = fmt.Errorf("%w: %w", ErrLost, err)
		}
		hopeless := err != nil && (t.counts.Logins == 0 || t.refused != nil)
		late := t.over() // Close has not waited: nobody else will close l
		if l != nil && !late {
			if l != bad {
				t.limit = t.cfg.Workers
				t.counts.Logins++
			}
			t.link = l
			t.m.rise()
		}
		bad, anew = nil, false
		if first {
			close(t.attempt)
			t.attempt = nil
		}
		closed := t.closed
		t.mu.Unlock()
		if l != nil && late {
			l.anchor.close()
		}
		if l != nil || closed || hopeless {
			return
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-t.closing:
			timer.Stop()
			return
		}
		pause = min(2*pause, t.cfg.RetryMax)
	}
}

// over reports whether Close waits no longer.
func (t *Token) over() bool {
	select {
	case <-t.ended:
		return true
	default:
		return false
	}
}

// reach gets a working link by the least that does it: the one that was, when only a session
// was broken; a new login; the module set up anew.
func (t *Token) reach(was *link, anew bool) (*link, error) {
	if was != nil {
		in, err := was.anchor.loggedIn()
		if !anew && err == nil && (in || was.info.flags&ckfLoginRequired == 0) {
			return was, nil
		}
		was.anchor.close()
	}
	gen := t.m.generation(min(maxDrain, t.cfg.Timeout))
	if anew && t.m.lonely() {
		if err := t.setUpAnew(gen); err != nil {
			return nil, err
		}
		return t.connect()
	}
	l, err := t.connect()
	if err == nil || t.refusal() != nil {
		return l, err
	}
	if t.firstTime() {
		return nil, err // nothing was lost: the configuration is wrong
	}
	if !t.m.lonely() && !wholeModule(err) {
		return nil, err // other tokens work
	}
	if again := t.setUpAnew(gen); again != nil {
		return nil, fmt.Errorf("%w; %w", err, again)
	}
	return t.connect()
}

// setUpAnew finalizes and initializes the module.
func (t *Token) setUpAnew(gen uint64) error {
	if err := t.m.reinitialize(gen, min(maxDrain, t.cfg.Timeout)); err != nil {
		return err
	}
	t.mu.Lock()
	t.counts.Reinitializations++
	t.mu.Unlock()
	return nil
}

// absence is what becomes of the suspicion that a key is missing only because the module has not
// looked. It is guarded by Token.mu.
type absence struct {
	until time.Time // nothing is done about it
	pause time.Duration
}

// maxAbsence is the longest pause between two times that the module is set up anew for one absence.
const maxAbsence = 5 * time.Minute

// miss is called when a key that was there, or any key at all, is not found in a new session, with
// the user logged in. SoftHSM, whose files were away for a moment, does not read them again before
// its next C_Initialize; but they may also have been deleted, so that the pauses grow. t.mu is held.
func (t *Token) miss(a *absence, l *link) {
	now := time.Now()
	if now.Before(a.until) {
		return
	}
	a.pause = min(max(2*a.pause, t.cfg.RetryMax), maxAbsence)
	a.until = now.Add(a.pause)
	t.relink(l, true)
}

func (t *Token) firstTime() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts.Logins == 0
}

// wholeModule reports whether err speaks for all tokens of the module.
func wholeModule(err error) bool {
	return errors.Is(err, errNoSlots) || errors.Is(err, DeviceError) || errors.Is(err, CryptokiNotInitialized)
}

// current returns the link to work with, after waiting for an attempt that is under way.
// Errors: ErrLost, ErrClosed, and ErrTimeout or the context's own while it waits.
func (t *Token) current(r *request) (*link, error) {
	for {
		t.mu.Lock()
		l, attempt, lost := t.link, t.attempt, t.lost
		t.mu.Unlock()
		switch {
		case l != nil:
			return l, nil
		case attempt == nil && lost != nil:
			return nil, lost
		case attempt == nil:
			return nil, ErrClosed
		}
		select {
		case <-attempt:
		case <-r.ctx.Done():
			return nil, r.ctx.Err()
		case <-r.over:
			return nil, ErrTimeout
		case <-t.ended:
			return nil, ErrClosed
		}
	}
}
