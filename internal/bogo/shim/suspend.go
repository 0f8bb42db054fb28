package main

import (
	"sync/atomic"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
)

// suspension keeps hooks waiting.
type suspension struct {
	on      bool
	keys    int    // private-key operations that were suspended
	hooks   int    // other questions that were
	waited  int    // calls that waited for an answer
	left    int    // how often Negotiate has yet to be told that there is no answer
	answer  func() // gives it
	answers int64  // that came after their hooks had returned
	woken   atomic.Int64
}

// later gives an answer at once, or after Negotiate has been suspended for so many times.
func (s *suspension) later(times int, answer func()) {
	if !s.on {
		answer()
		return
	}
	s.left, s.answer = times, answer
}

// resume is called each time that the handshake waits for an answer.
func (s *suspension) resume() error {
	s.waited++
	if s.answer == nil {
		return mustFail("the handshake waits for an answer that nobody owes")
	}
	if s.left--; s.left > 0 {
		return nil
	}
	answer := s.answer
	s.answer = nil
	s.answers++
	answer()
	if s.woken.Load() != s.answers {
		return mustFail("Config.Wake was not called once for an answer")
	}
	return nil
}

// store lets a store or a recorder answer as late as a hook.
func (s *suspension) store(answer func()) {
	if s.on {
		s.hooks++
	}
	s.later(1, answer)
}

// ask answers the question of a hook with what answer returns, or fails it.
func ask[T any](s *suspension, op *async.Op[T], answer func() (T, error)) {
	if s.on {
		s.hooks++
	}
	s.later(1, func() {
		v, err := answer()
		if err != nil {
			op.Fail(err)
			return
		}
		op.Answer(v)
	})
}

// sign does a private-key operation: it suspends twice.
func (s *suspension) sign(c *conn.Conn, op *asyncpkey.Op, key any) {
	if s.on {
		s.keys++
	}
	s.later(2, func() {
		if err := op.Perform(key); err != nil {
			op.Fail(err)
			return
		}
		c.Apply(op)
	})
}
