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
}

var errQueueFull = fmt.Errorf("more than %d private-key operations would wait", queueLength)

type task struct {
	conn *conn.Conn
	op   *asyncpkey.Op
	key  crypto.PrivateKey
}

// Install lets cfg's private-key operations take delay longer and, if workers is not 0,
// be done by so many goroutines, which live as long as the program.
func Install(cfg *conn.Config, workers int, delay time.Duration) {
	if workers == 0 && delay == 0 {
		return // the library signs by itself
	}
	k := &Keys{delay: delay}
	if workers > 0 {
		k.queue = make(chan task, queueLength)
		for range workers {
			go k.work()
		}
	}
	cfg.OnPrivateKey = k.take
}

// take is the hook.
func (k *Keys) take(c *conn.Conn, op *asyncpkey.Op) error {
	t := task{c, op, c.State().Certificate.PrivateKey}
	if k.queue == nil {
		return k.perform(t)
	}
	return k.enqueue(t)
}

func (k *Keys) enqueue(t task) error {
	select {
	case k.queue <- t:
		return nil
	default:
		return errQueueFull
	}
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
