package cli

import (
	"context"
	"crypto"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
)

const (
	// queueLength bounds the operations that wait for a worker.
	queueLength = 1 << 14
	// drainLimit is how long calls of keys are waited for when the program ends.
	drainLimit = time.Second
)

// Keys does the private-key operations of connections: on a pool's workers, so that every
// handshake suspends, or at once.
type Keys struct {
	delay time.Duration
	pool  *asyncpkey.Pool // nil: at once
	asked []task          // while Negotiate is under way
}

type task struct {
	conn *conn.Conn
	op   *asyncpkey.Op
	key  crypto.PrivateKey
}

// NewKeys returns Keys whose operations take delay longer and are done by so many
// workers. It is nil for 0 and 0: the library signs by itself then.
func NewKeys(workers int, delay time.Duration) *Keys {
	if workers == 0 && delay == 0 {
		return nil
	}
	k := &Keys{delay: delay}
	if workers > 0 {
		// A token that hangs keeps workers; as many may take their places.
		k.pool = asyncpkey.NewPool(asyncpkey.PoolOptions{Workers: workers, Queue: queueLength, MaxWorkers: 2 * workers})
	}
	return k
}

// take is the hook. What is for the workers waits for handOver: a quick one could answer
// before Negotiate has come back, and some handshakes would not suspend.
func (k *Keys) take(c *conn.Conn, op *asyncpkey.Op) error {
	key := c.State().Certificate.PrivateKey
	if k.delay > 0 {
		key = delayed{key, k.delay}
	}
	if k.pool != nil {
		k.asked = append(k.asked, task{c, op, key})
		return nil
	}
	if err := op.Perform(key); err != nil {
		return err
	}
	return c.Apply(op)
}

// handOver gives the workers what was asked for.
func (k *Keys) handOver() {
	for i, t := range k.asked {
		k.asked[i] = task{}
		if err := k.pool.Submit(t.conn, t.op, t.key); err != nil {
			_ = t.op.Fail(err) // nobody else has answered
		}
	}
	k.asked = k.asked[:0]
}

// Close ends the workers when the connections have ended. What a key is doing then is
// waited for, a little.
func (k *Keys) Close() {
	if k == nil || k.pool == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainLimit)
	defer cancel()
	_ = k.pool.Close(ctx) // a key that hangs ends with the program
}

// delayed is a key that takes its time.
type delayed struct {
	key   crypto.PrivateKey
	delay time.Duration
}

func (d delayed) Public() crypto.PublicKey {
	if k, ok := d.key.(interface{ Public() crypto.PublicKey }); ok {
		return k.Public()
	}
	return nil
}

func (d delayed) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if err := d.wait(ctx); err != nil {
		return nil, err
	}
	switch k := d.key.(type) {
	case asyncpkey.ContextSigner:
		return k.SignContext(ctx, digest, opts)
	case crypto.Signer:
		return k.Sign(rand.Reader, digest, opts)
	}
	return nil, fmt.Errorf("a key of type %T does not sign", d.key)
}

func (d delayed) DecryptContext(ctx context.Context, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	if err := d.wait(ctx); err != nil {
		return nil, err
	}
	switch k := d.key.(type) {
	case asyncpkey.ContextDecrypter:
		return k.DecryptContext(ctx, ciphertext, opts)
	case crypto.Decrypter:
		return k.Decrypt(rand.Reader, ciphertext, opts)
	}
	return nil, fmt.Errorf("a key of type %T does not decrypt", d.key)
}

func (d delayed) wait(ctx context.Context) error {
	timer := time.NewTimer(d.delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
