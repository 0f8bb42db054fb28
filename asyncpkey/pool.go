package asyncpkey

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/s2ngo/s2ngo/async"
)

// Errors of a Pool, for errors.Is. Returned by a hook, they end its handshake.
var (
	// ErrPoolFull is returned by Submit and Answer of a Pool that refuses when as many
	// operations as PoolOptions.Queue says wait for a worker.
	ErrPoolFull = errors.New("asyncpkey: too many operations wait for the pool's workers")
	// ErrPoolClosed is returned by Submit and Answer after Close has begun, and ends the
	// operations that Close gave up.
	ErrPoolClosed = errors.New("asyncpkey: the pool is closed")
)

// WhenFull says what a Pool does with an operation for which its queue has no room.
type WhenFull uint8

const (
	// Refuse ends its handshake with ErrPoolFull at once. It is the default: what the keys
	// cannot keep up with is told to clients while they still listen.
	Refuse WhenFull = iota
	// Wait lets it wait all the same, suspended like the others, at the price of its entry
	// in a list, until a worker is free, its deadline passes or its connection is closed. Set
	// Config.OperationTimeout, or the list is bounded by the number of connections alone.
	Wait
)

// PoolOptions are the sizes of a Pool. The zero value is good for keys in memory.
type PoolOptions struct {
	// Workers is how many calls of keys are under way at most: for a token its number of
	// sessions. 0 = GOMAXPROCS.
	Workers int

	// Queue is how many operations may wait for a worker; 0 = 4096.
	Queue int

	// Full is what becomes of one more.
	Full WhenFull

	// MaxWorkers lets the Pool replace workers that are stuck: inside a call of a key that
	// goes on though its operation is over, by its deadline or because its connection has
	// gone. A goroutine cannot be taken out of such a call, so it costs its worker until it
	// returns; up to MaxWorkers goroutines there may be in all. Less than Workers, as 0, stands
	// for Workers: nobody is replaced.
	MaxWorkers int
}

const defaultQueue = 4096

// Pool does private-key operations on a fixed number of goroutines, in the order in which
// they were asked for. It never calls a key for an operation that is over, because its
// connection was closed or reset or its deadline has passed: such a one leaves the queue
// at once, so that clients who have gone cost the keys nothing.
//
// Workers start when there is work, and stay until Close. All methods are safe on any
// goroutine.
type Pool struct {
	o    PoolOptions
	work sync.Cond // of mu

	mu       sync.Mutex
	queue    list
	workers  int // goroutines, stuck ones included
	idle     int // of these, who wait and have not been called
	inFlight int
	stuck    int
	closed   bool
	empty    chan struct{} // closed when the last worker has gone
	counts   PoolMetrics   // the counters of it
}

// NewPool returns a Pool without workers yet.
func NewPool(o PoolOptions) *Pool {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	o.MaxWorkers = max(o.MaxWorkers, o.Workers)
	p := &Pool{o: o}
	p.work.L = &p.mu
	return p
}

// Submit lets a worker perform op with key, as Op.Perform does, and apply it to c. An
// error of the key fails the operation. It does not wait: call it inside the hook.
//
// Errors: ErrPoolFull, ErrPoolClosed. They leave op as it was.
func (p *Pool) Submit(c Applier, op *Op, key crypto.PrivateKey) error {
	return p.add(&job{question: op, op: op, conn: c, key: key})
}

// Answer lets a worker of p find the answer to a question of any kind, as the verification
// of a signature:
//
//	cfg.OnVerifySignature = func(_ *conn.Conn, check *conn.SignatureCheck, op *async.Op[conn.Verdict]) {
//		err := asyncpkey.Answer(pool, op, func(context.Context) (conn.Verdict, error) {
//			return check.Verdict(), nil
//		})
//		if err != nil {
//			op.Fail(err)
//		}
//	}
//
// work is not called if the question is over by then. Its error fails op. Errors:
// ErrPoolFull, ErrPoolClosed. They leave op as it was.
func Answer[T any](p *Pool, op *async.Op[T], work func(ctx context.Context) (T, error)) error {
	return p.add(&job{question: op, work: func(j *job) outcome {
		v, err := work(j.ctx)
		j.forget()
		if err != nil {
			return outcomeOf(op.Fail(err), failed)
		}
		return outcomeOf(op.Answer(v), done)
	}})
}

func (p *Pool) add(j *job) error {
	j.ctx = j.question.Context()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case j.ctx.Err() != nil:
		p.counts.Skipped++
		return nil
	case p.closed:
		p.counts.Refused++
		return ErrPoolClosed
	case p.queue.n >= p.o.Queue && p.o.Full == Refuse:
		p.counts.Refused++
		return ErrPoolFull
	}
	j.since = time.Now()
	j.forget = context.AfterFunc(j.ctx, func() { p.ended(j) })
	p.queue.push(j)
	switch {
	case p.idle > 0:
		p.idle--
		p.work.Signal()
	default:
		p.hire()
	}
	return nil
}

// hire starts a worker if there may be one more. The lock is held.
func (p *Pool) hire() {
	if p.workers-p.stuck < p.o.Workers && p.workers < p.o.MaxWorkers {
		p.workers++
		go p.run()
	}
}

// ended is called when an operation is over that is still in the Pool.
func (p *Pool) ended(j *job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch j.stage {
	case queued:
		p.queue.remove(j)
		j.stage = over
		p.counts.Skipped++
	case called:
		j.stage = stuck
		p.stuck++
		p.counts.Late++
		if p.queue.n > 0 && p.idle == 0 {
			p.hire()
		}
	}
}

// run is a worker's life. A key that ends its goroutine ends the worker, not the Pool.
func (p *Pool) run() {
	p.mu.Lock()
	defer p.leave()
	for {
		for p.queue.n == 0 && !p.closed && p.workers-p.stuck <= p.o.Workers {
			p.idle++
			p.work.Wait()
		}
		if p.queue.n == 0 || p.workers-p.stuck > p.o.Workers {
			return // closed, or who was replaced is back
		}
		j := p.queue.pop()
		if j.ctx.Err() != nil { // and ended is on its way
			j.stage = over
			p.counts.Skipped++
			continue
		}
		p.call(j)
	}
}

// leave is a worker's end. The lock is held, and is given up.
func (p *Pool) leave() {
	p.workers--
	if p.workers == 0 && p.empty != nil {
		close(p.empty)
		p.empty = nil
	} else if p.queue.n > 0 {
		p.hire()
	}
	p.mu.Unlock()
}

// call does one operation. The lock is held before and after, not meanwhile.
func (p *Pool) call(j *job) {
	now := time.Now()
	p.counts.Wait.add(now.Sub(j.since))
	j.since, j.stage = now, called
	p.inFlight++
	p.mu.Unlock()
	result := vanished
	defer func() {
		if result == vanished {
			j.forget()
			result = outcomeOf(j.question.Fail(errVanished), failed)
		}
		p.mu.Lock()
		p.inFlight--
		if j.stage == stuck {
			p.stuck--
		} else {
			p.counts.Call.add(time.Since(j.since))
			p.counts.note(result)
		}
		j.stage = over
	}()
	result = j.do()
}

// Close lets the operations that wait and those under way be done, takes no more, and
// returns when all workers have gone. When ctx ends before, the operations that still
// wait are failed with ErrPoolClosed and Close returns an error that wraps ctx's cause
// and says how many calls of keys are under way; their workers leave when they return. Close
// may be called again, to wait on.
func (p *Pool) Close(ctx context.Context) error {
	p.mu.Lock()
	p.closed, p.idle = true, 0
	p.work.Broadcast()
	if p.workers == 0 {
		p.mu.Unlock()
		return nil
	}
	if p.empty == nil {
		p.empty = make(chan struct{})
	}
	empty := p.empty
	p.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
	}
	p.mu.Lock()
	var given []*job
	for p.queue.n > 0 {
		j := p.queue.pop()
		j.stage = over
		p.counts.Skipped++
		given = append(given, j)
	}
	left := p.inFlight
	p.mu.Unlock()
	for _, j := range given {
		_ = j.question.Fail(ErrPoolClosed)
	}
	return fmt.Errorf("asyncpkey: the pool is closed with %d calls of keys under way: %w", left, context.Cause(ctx))
}
