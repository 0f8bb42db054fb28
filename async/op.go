package async

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Errors of an Op's methods, for errors.Is. None of them changes anything: the first
// answer stands.
var (
	// ErrAnswered is returned by a second answer, failure or cancellation.
	ErrAnswered = errors.New("async: the question has been answered already")
	// ErrClosed is returned by an answer that comes after the connection was closed or
	// reset, and is the cause of the Op's context then.
	ErrClosed = errors.New("async: the connection that asked is gone")
	// ErrCanceled ends a handshake whose Op was given up by Cancel.
	ErrCanceled = errors.New("async: the application canceled the operation")
	// ErrDeadline ends a handshake whose Op was not answered in time. It is also a
	// context.DeadlineExceeded.
	ErrDeadline error = deadlineError{}
)

type deadlineError struct{}

func (deadlineError) Error() string        { return "async: the operation was not answered in time" }
func (deadlineError) Is(target error) bool { return target == context.DeadlineExceeded }
func (deadlineError) Timeout() bool        { return true }

// AfterFunc calls f on its own goroutine after d, unless stop is called before. It is
// the shape of time.AfterFunc, so that a program with a clock of its own can bring it.
type AfterFunc func(d time.Duration, f func()) (stop func() bool)

// Op is one question to the application. It is answered once: by Answer, Fail, Cancel
// or its deadline, whichever comes first; what comes later gets ErrAnswered. Every
// method is safe on any goroutine, inside the hook, and after the connection is gone.
// The Op needs no freeing; one that is forgotten ends with its deadline or connection.
type Op[T any] struct {
	pending Pending
	value   T
}

// Answer gives v to the handshake. The Op keeps v until the handshake has taken it.
// Errors: ErrAnswered, ErrClosed.
func (op *Op[T]) Answer(v T) error {
	return op.pending.settle(nil, func() { op.value = v })
}

// Fail ends the handshake; err stands in the chain of the error that Negotiate returns.
// Errors: ErrAnswered, ErrClosed.
func (op *Op[T]) Fail(err error) error {
	if err == nil {
		err = errors.New("async: failed without a reason")
	}
	return op.pending.settle(err, nil)
}

// Cancel ends the handshake with ErrCanceled. Errors: ErrAnswered, ErrClosed.
func (op *Op[T]) Cancel() error { return op.pending.settle(ErrCanceled, nil) }

// Context returns a context that is done when the Op is answered or canceled, its
// deadline passes, or its connection is closed or reset; context.Cause tells which. It is
// made by the first call.
func (op *Op[T]) Context() context.Context { return op.pending.Context() }

// SetTimeout gives the Op d to be answered in, from now; then it ends with ErrDeadline
// and wakes its connection. A later call replaces an earlier one; d <= 0 removes it.
func (op *Op[T]) SetTimeout(d time.Duration) { op.pending.SetTimeout(d) }

// Answered reports whether the question is settled, by an answer or otherwise.
func (op *Op[T]) Answered() bool { return op.pending.Answered() }

// Result returns what the question was settled with; ok is false while it is open. It is
// what the handshake reads, and what a test of a hook looks at.
func (op *Op[T]) Result() (v T, err error, ok bool) { //nolint:revive // ok is last, as in a map lookup
	op.pending.mu.Lock()
	defer op.pending.mu.Unlock()
	return op.value, op.pending.err, op.pending.settled
}

// Pending returns the asking side of the Op.
func (op *Op[T]) Pending() *Pending { return &op.pending }

// Pending is the asking side of an Op of any type: what package conn does with a
// question. Applications have no use for it. Its zero value is an open question that
// wakes nobody.
type Pending struct {
	mu      sync.Mutex
	settled bool
	closed  bool
	inHook  bool
	err     error
	wake    func()
	after   AfterFunc
	stop    func() bool
	round   uint32 // of SetTimeout, so that a timer that was replaced does nothing
	ctx     context.Context
	cancel  context.CancelCauseFunc
}

// Enter is called before the hook: wake is called once if the answer comes after the
// hook has returned, never if it comes before. A nil after is time.AfterFunc.
func (p *Pending) Enter(wake func(), after AfterFunc) {
	p.mu.Lock()
	p.inHook, p.wake, p.after = true, wake, after
	p.mu.Unlock()
}

// Leave is called when the hook has returned and reports whether the question is settled.
// An answer on another goroutine falls on one side of it: either Leave sees it, or it
// calls wake. None is lost and none is reported twice.
func (p *Pending) Leave() (settled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inHook = false
	return p.settled
}

// Answered reports whether the question is settled.
func (p *Pending) Answered() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.settled
}

// Close ends the question from the asking side: its context is done with ErrClosed, and
// answers that come later are refused with it. Nobody is woken.
func (p *Pending) Close() {
	p.mu.Lock()
	p.closed = true
	p.wake = nil
	cancel, stop := p.release()
	p.mu.Unlock()
	finish(cancel, stop, ErrClosed)
}

// Context is Op.Context.
func (p *Pending) Context() context.Context {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx == nil {
		p.ctx, p.cancel = context.WithCancelCause(context.Background())
		if cause := p.over(); cause != nil {
			p.cancel(cause)
		}
	}
	return p.ctx
}

// SetTimeout is Op.SetTimeout.
func (p *Pending) SetTimeout(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.round++
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
	if d <= 0 || p.over() != nil {
		return
	}
	after := p.after
	if after == nil {
		after = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	round := p.round
	p.stop = after(d, func() { p.expire(round) })
}

func (p *Pending) expire(round uint32) {
	p.mu.Lock()
	current := p.round == round
	p.mu.Unlock()
	if current {
		p.settle(ErrDeadline, nil)
	}
}

// over says why the question is no longer open, or nil. The lock is held.
func (p *Pending) over() error {
	switch {
	case p.closed:
		return ErrClosed
	case p.settled && p.err != nil:
		return p.err
	case p.settled:
		return context.Canceled
	}
	return nil
}

// settle records the outcome once. set stores the value under the lock.
func (p *Pending) settle(err error, set func()) error {
	p.mu.Lock()
	if p.closed || p.settled {
		defer p.mu.Unlock()
		if p.closed {
			return ErrClosed
		}
		return ErrAnswered
	}
	p.settled, p.err = true, err
	if set != nil {
		set()
	}
	wake := p.wake
	if p.inHook {
		wake = nil // the hook's return will see the answer
	}
	p.wake = nil
	cause := p.over()
	cancel, stop := p.release()
	p.mu.Unlock()
	finish(cancel, stop, cause)
	if wake != nil {
		wake()
	}
	return nil
}

// release hands over what must be stopped outside the lock. The lock is held.
func (p *Pending) release() (context.CancelCauseFunc, func() bool) {
	cancel, stop := p.cancel, p.stop
	p.stop = nil
	p.round++
	return cancel, stop
}

func finish(cancel context.CancelCauseFunc, stop func() bool, cause error) {
	if stop != nil {
		stop()
	}
	if cancel != nil {
		cancel(cause)
	}
}
