package conn

import (
	"fmt"
	"io"
	"math/rand/v2"
)

// lane is one direction of a wire in memory, for one goroutine. It keeps all that ever
// went through it.
type lane struct {
	log   []byte
	taken int // of log, by the reader
}

func (l *lane) waiting() []byte { return l.log[l.taken:] }

// shape is how callbacks cut what goes through them: it says how many of the bytes that
// could be moved one call moves, at least one.
type shape func(p []byte) int

func oneByte([]byte) int      { return 1 }
func everything(p []byte) int { return len(p) }

// aRecord ends at the borders of records; one belongs to one direction.
func aRecord() shape {
	left := 0 // of the record that was begun
	return func(p []byte) int {
		if left == 0 {
			if len(p) < 5 {
				return len(p)
			}
			left = 5 + int(p[3])<<8 + int(p[4])
		}
		n := min(left, len(p))
		left -= n
		return n
	}
}

// short takes a few bytes, never twice the same.
func short(rng *rand.Rand) shape {
	return func(p []byte) int { return 1 + rng.IntN(min(len(p), 300)) }
}

// callbacks are the two of one Conn over two lanes.
type callbacks struct {
	in, out     *lane
	read, write shape
	stutter     bool // every other call of each says that it would block
	reads       int
	writes      int
}

func (s *callbacks) block(calls *int) error {
	*calls++
	switch {
	case !s.stutter || *calls%2 == 0:
		return nil
	case *calls%4 == 1:
		return fmt.Errorf("not now: %w", ErrWouldBlock)
	}
	return ErrWouldBlock
}

func (s *callbacks) recv(p []byte) (int, error) {
	if err := s.block(&s.reads); err != nil {
		return 0, err
	}
	have := s.in.waiting()
	if len(have) == 0 {
		return 0, ErrWouldBlock
	}
	if len(p) == 0 {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, have[:min(s.read(have), len(have))])
	s.in.taken += n
	return n, nil
}

func (s *callbacks) send(p []byte) (int, error) {
	if err := s.block(&s.writes); err != nil {
		return 0, err
	}
	n := min(s.write(p), len(p))
	s.out.log = append(s.out.log, p[:n]...)
	return n, nil
}
