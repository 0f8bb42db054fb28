package cli

import (
	"crypto"
	"fmt"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
)

// queueLength bounds the operations that wait for a worker.
const queueLength = 1 << 14

// Keys does the private-key operations of connections: on workers, so that every
// handshake suspends, or at once.
type Keys struct {
	delay time.Duration
	queue chan task // nil: at once
	asked []task    // while Negotiate is under way
}

type task struct {
	conn *conn.Conn
	op   *asyncpkey.Op
	key  crypto.PrivateKey
}

var errQueueFull = fmt.Errorf("more than %d private-key operations would wait", queueLength)

// NewKeys returns Keys whose operations take delay longer and are done by so many
// goroutines, which live as long as the program. It is nil for 0 and 0: the library signs
// by itself then.
func NewKeys(workers int, delay time.Duration) *Keys {
	if workers == 0 && delay == 0 {
		return nil
	}
	k := &Keys{delay: delay}
	if workers > 0 {
		k.queue = make(chan task, queueLength)
		for range workers {
			go k.work()
		}
	}
	return k
}

// take is the hook. What is for the workers waits for handOver: a quick one could answer
// before Negotiate has come back, and some handshakes would not suspend.
func (k *Keys) take(c *conn.Conn, op *asyncpkey.Op) error {
	t := task{c, op, c.State().Certificate.PrivateKey}
	if k.queue == nil {
		return k.perform(t)
	}
	k.asked = append(k.asked, t)
	return nil
}

// handOver gives the workers what was asked for.
func (k *Keys) handOver() {
	for i, t := range k.asked {
		k.asked[i] = task{}
		select {
		case k.queue <- t:
		default:
			_ = t.op.Fail(errQueueFull) // nobody else has answered
		}
	}
	k.asked = k.asked[:0]
}

func (k *Keys) work() {
	for t := range k.queue {
		if t.op.Context().Err() != nil {
			continue // the connection is gone
		}
		if err := k.perform(t); err != nil {
			_ = t.op.Fail(err) // the one error is that the connection is gone
		}
	}
}

func (k *Keys) perform(t task) error {
	if k.delay > 0 {
		wait := time.NewTimer(k.delay)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-t.op.Context().Done():
			return t.op.Context().Err()
		}
	}
	if err := t.op.Perform(t.key); err != nil {
		return err
	}
	return t.conn.Apply(t.op)
}
