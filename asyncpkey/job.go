package asyncpkey

import (
	"context"
	"crypto"
	"errors"
	"time"
)

// job is one operation in a Pool: in its queue, then at a worker, then nowhere.
type job struct {
	question question
	op       *Op // nil for Answer's
	conn     Applier
	key      crypto.PrivateKey
	work     func(*job) outcome

	ctx        context.Context
	forget     func() bool // that the context is watched
	since      time.Time   // in this stage
	stage      stage
	prev, next *job
}

// question is an *Op, or an *async.Op of any type.
type question interface {
	Context() context.Context
	Fail(err error) error
}

type stage uint8

const (
	queued stage = iota
	called
	stuck
	over
)

// outcome is how a call ended.
type outcome uint8

const (
	vanished outcome = iota
	done
	failed
	useless // its operation was answered by somebody else
)

var errVanished = errors.New("asyncpkey: the private key ended the goroutine that it was called on")

// outcomeOf is o, if the operation took it.
func outcomeOf(err error, o outcome) outcome {
	if err != nil {
		return useless
	}
	return o
}

// do performs and applies. From the end of the key's call on, nothing is stuck any more.
func (j *job) do() outcome {
	if j.op == nil {
		return j.work(j)
	}
	err := j.op.Perform(j.key)
	j.forget()
	switch {
	case errors.Is(err, ErrAlreadyPerformed), errors.Is(err, ErrAlreadyApplied):
		return useless
	case err != nil:
		return outcomeOf(j.op.Fail(err), failed)
	}
	err = j.conn.Apply(j.op)
	switch {
	case errors.Is(err, ErrVerifySignature):
		return failed
	case errors.Is(err, ErrWrongConnection): // the one that does wait for it is told, if there is one
		_ = j.op.Fail(err)
	}
	return outcomeOf(err, done)
}

// list is a queue that lets go of any of its jobs at once.
type list struct {
	first, last *job
	n           int
}

func (l *list) push(j *job) {
	j.prev = l.last
	if l.last == nil {
		l.first = j
	} else {
		l.last.next = j
	}
	l.last = j
	l.n++
}

func (l *list) pop() *job {
	j := l.first
	l.remove(j)
	return j
}

func (l *list) remove(j *job) {
	if j.prev == nil {
		l.first = j.next
	} else {
		j.prev.next = j.next
	}
	if j.next == nil {
		l.last = j.prev
	} else {
		j.next.prev = j.prev
	}
	j.prev, j.next = nil, nil
	l.n--
}
