package conn

import (
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// crowd is some connections whose operations meet on several goroutines.
type crowd struct {
	t      *testing.T
	hello  []byte
	server *Config

	mu     sync.Mutex
	conns  []*member
	ops    []*asked
	timers []func()
}

// member is a connection, through its resets.
type member struct {
	c      *Conn
	peer   *Conn // of a client
	wakes  atomic.Int32
	gone   atomic.Bool // closed, or reset to something that nobody drives
	client bool
}

// asked is an operation with the connection that asked for it.
type asked struct {
	op       *asyncpkey.Op
	of       *member
	settlers atomic.Int32 // calls that were told that they settled it
	key      any
}

// recv returns a server's callback that gets one ClientHello.
func (w *crowd) recv() RecvFunc {
	var taken atomic.Bool
	return func(p []byte) (int, error) {
		if taken.Swap(true) {
			return 0, ErrWouldBlock
		}
		return copy(p, w.hello), nil
	}
}

// of finds a connection, whose value is gone after a Reset.
func (w *crowd) of(c *Conn) *member {
	for _, m := range w.conns {
		if m.c == c {
			return m
		}
	}
	return nil
}

func (w *crowd) hook(c *Conn, op *asyncpkey.Op) *asked {
	a := &asked{op: op, of: w.of(c), key: c.State().Certificate.PrivateKey}
	w.mu.Lock()
	w.ops = append(w.ops, a)
	w.mu.Unlock()
	return a
}

func (w *crowd) anyOp(rng *rand.Rand) *asked {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.ops) == 0 {
		return nil
	}
	return w.ops[rng.IntN(len(w.ops))]
}

// act does something to a connection or to an operation.
func (w *crowd) act(rng *rand.Rand) {
	m := w.conns[rng.IntN(len(w.conns))]
	a := w.anyOp(rng)
	settles := func(err error) {
		if err == nil {
			a.settlers.Add(1)
		} else if !isOperationError(err) {
			kindOf(w.t, err)
		}
	}
	what := rng.IntN(16)
	if a == nil {
		what = rng.IntN(4)
	}
	switch what {
	case 0, 1:
		_, err := m.c.Negotiate()
		if err != nil {
			kindOf(w.t, err)
		}
	case 2:
		m.gone.Store(true)
		m.c.Close()
	case 3:
		if m.client {
			return
		}
		// The operation of before is still about; the next Negotiate asks for another one.
		if err := m.c.Reset(w.recv(), discard, nil); err != nil {
			kindOf(w.t, err)
		} else {
			m.gone.Store(false)
		}
	case 4, 5, 6:
		_ = a.op.Perform(a.key)
	case 7, 8, 9, 10:
		settles(a.of.c.Apply(a.op))
	case 11:
		if err := m.c.Apply(a.op); m == a.of {
			settles(err)
		} else if err == nil || !isOneOf(err, asyncpkey.ErrWrongConnection, asyncpkey.ErrNotPerformed, asyncpkey.ErrAlreadyApplied) {
			w.t.Errorf("Apply to another connection: %v", err)
		}
	case 12:
		settles(a.op.Fail(errToken))
	case 13:
		settles(a.op.Cancel())
	case 14:
		w.mu.Lock()
		fire := w.timers[rng.IntN(len(w.timers))]
		w.mu.Unlock()
		fire()
	case 15:
		_, _ = a.op.Input(), a.op.Context()
		_, _ = a.op.Output()
		a.op.SetValidation(asyncpkey.Strict)
	}
}

func isOneOf(err error, list ...error) bool {
	for _, e := range list {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func discard(p []byte) (int, error) { return len(p), nil }

// TestManyConnSchedules lets goroutines do anything to several servers, to a client now and
// then, and to the operations that they wait for: perform, apply here and elsewhere, fail,
// cancel, close, reset and begin anew, in any order.
func TestManyConnSchedules(t *testing.T) {
	ends := map[string]int{}
	hello := firstFlight(t, quick(clientConfig()))
	for seed := range uint64(rounds(10_000)) {
		rng := rand.New(rand.NewPCG(seed, 7))
		w := &crowd{t: t, hello: hello}
		configure := func(cfg *Config) *Config {
			cfg.OperationTimeout = time.Hour
			cfg.AfterFunc = func(_ time.Duration, f func()) func() bool {
				w.mu.Lock()
				w.timers = append(w.timers, f)
				w.mu.Unlock()
				return func() bool { return true }
			}
			cfg.Wake = func(c *Conn) { w.of(c).wakes.Add(1) }
			var hooks atomic.Int32
			cfg.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
				a := w.hook(c, op)
				switch (seed + uint64(hooks.Add(1))) % 5 {
				case 0: // at once
					if op.Perform(a.key) == nil && c.Apply(op) == nil {
						a.settlers.Add(1)
					}
				case 1:
					if seed%4 == 0 {
						a.of.gone.Store(true)
						c.Close()
					}
				}
				return nil
			}
			return cfg
		}
		w.server = configure(quick(serverConfig(t)))
		for range 2 + rng.IntN(2) {
			c, err := NewServer(w.recv(), discard, w.server)
			if err != nil {
				t.Fatal(err)
			}
			m := &member{c: c}
			w.conns = append(w.conns, m)
		}
		if rng.IntN(10) == 0 {
			w.addClient(configure)
		}
		for _, m := range w.conns {
			if rng.IntN(3) > 0 {
				_, _ = m.c.Negotiate()
			}
		}
		var work sync.WaitGroup
		for range 4 {
			own := rand.New(rand.NewPCG(seed, rng.Uint64()))
			work.Go(func() {
				for range 2 + own.IntN(7) {
					w.act(own)
				}
			})
		}
		work.Wait()

		last := map[*member]*asked{}
		for _, a := range w.ops {
			if before := last[a.of]; before != nil && before.op.Context().Err() == nil {
				t.Fatalf("schedule %d: a connection has asked again, and its first operation is not over", seed)
			}
			last[a.of] = a
			_, err, ok := a.op.Result()
			settled := a.settlers.Load()
			if ok && err != nil && !errors.Is(err, errToken) && settled == 0 {
				settled = 1 // its deadline, or Strict
			}
			if settled > 1 || (settled == 1) != ok {
				t.Fatalf("schedule %d: %d calls have settled an operation; settled: %v, %v", seed, settled, ok, err)
			}
		}
		for _, m := range w.conns {
			a := last[m]
			switch {
			case m.gone.Load():
				ends["gone"]++
			case a == nil || a.op.Context().Err() != nil && !a.op.Pending().Answered():
				ends["not asked"]++ // or reset, and not driven since
			default:
				b, err := m.c.Negotiate()
				answered := a.op.Pending().Answered()
				switch {
				case (b == BlockedOnApplicationInput) == answered && last[m] == a && m.c.keyOp.Load() == a.op:
					t.Fatalf("schedule %d: the operation is answered: %v, and Negotiate says %v, %v", seed, answered, b, err)
				case err != nil:
					ends["failed"]++
				case answered:
					ends["went on"]++
				default:
					ends["waits"]++
				}
			}
		}
		for _, m := range w.conns {
			m.c.Close()
			if m.peer != nil {
				m.peer.Close()
			}
			asked := int32(0)
			for _, a := range w.ops {
				if a.of == m {
					asked++
				}
			}
			if n := m.wakes.Load(); n > asked {
				t.Fatalf("schedule %d: %d wakes for %d operations", seed, n, asked)
			}
		}
		for _, a := range w.ops {
			if a.op.Context().Err() == nil {
				t.Fatalf("schedule %d: every connection is closed, and an operation's context is not done", seed)
			}
			if err := a.of.c.Apply(a.op); err == nil {
				t.Fatalf("schedule %d: a closed connection takes an answer", seed)
			}
		}
		if t.Failed() {
			t.Fatalf("in schedule %d", seed)
		}
	}
	t.Log(ends)
	for _, end := range []string{"gone", "not asked", "failed", "went on", "waits"} {
		if ends[end] == 0 {
			t.Errorf("no connection is %s in the end: %v", end, ends)
		}
	}
}

// addClient adds a client that waits for the signature of its CertificateVerify.
func (w *crowd) addClient(configure func(*Config) *Config) {
	client, server := configure(quick(clientConfig())), serverConfig(w.t)
	client.Certificates = []*Certificate{issue(w.t, testpeer.Template{DNSNames: []string{"client"}})}
	server.ClientAuth = RequireClientAuth
	pipe := testpeer.NewPipe()
	m := &member{client: true}
	m.c = mustClient(w.t, pipe.Client.Recv, pipe.Client.Send, client)
	m.peer = mustServer(w.t, pipe.Server.Recv, pipe.Server.Send, server)
	w.conns = append(w.conns, m)
	for range 3 {
		_, _ = m.c.Negotiate()
		_, _ = m.peer.Negotiate()
	}
}
