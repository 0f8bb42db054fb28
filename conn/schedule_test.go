package conn

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
)

// firstFlight returns what a client of cfg sends first, for servers that need no more.
func firstFlight(t testing.TB, cfg *Config) []byte {
	t.Helper()
	out := &lane{}
	end := &callbacks{in: &lane{}, out: out, read: everything, write: everything}
	c := mustClient(t, end.recv, end.send, cfg)
	if b, err := c.Negotiate(); b != BlockedOnRead || err != nil {
		t.Fatal(b, err)
	}
	return out.log
}

// spin passes a short time without giving the processor away.
func spin(n int) {
	var x atomic.Int32
	for range n {
		x.Add(1)
	}
}

// TestApplyRacesTheHooksReturn: a signature that is applied by another goroutine around
// the moment at which the hook returns is never lost; it wakes once if it comes later,
// and never if it was there before.
func TestApplyRacesTheHooksReturn(t *testing.T) {
	type job struct {
		c    *Conn
		op   *asyncpkey.Op
		spin int
	}
	jobs, applied := make(chan job), make(chan error, 1)
	var ready atomic.Bool // both goroutines are at the start
	go func() {
		for j := range jobs {
			ready.Store(true)
			spin(j.spin)
			applied <- j.c.Apply(j.op)
		}
	}()
	defer close(jobs)
	var wakes atomic.Int32
	woken := make(chan struct{}, 8)
	answered := false // when the hook returned
	server := quick(serverConfig(t))
	key := server.Certificates[0].PrivateKey
	rng := rand.New(rand.NewPCG(1, 2))
	bias := 0 // keeps the race close: whoever wins starts later next time
	server.Wake = func(*Conn) { wakes.Add(1); woken <- struct{}{} }
	server.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
		if err := op.Perform(key); err != nil {
			return err
		}
		ready.Store(false)
		jobs <- job{c, op, rng.IntN(50) + max(bias, 0)}
		for i := 1; !ready.Load(); i++ {
			if i%100_000 == 0 {
				runtime.Gosched() // there may be one processor only
			}
		}
		spin(rng.IntN(50) - min(bias, 0))
		if answered = op.Pending().Answered(); answered {
			bias += 10
		} else {
			bias -= 10
		}
		return nil
	}
	hello := firstFlight(t, quick(clientConfig()))
	var before, after, waited int
	for range rounds(5000) {
		wakes.Store(0)
		end := &callbacks{in: &lane{log: hello}, out: &lane{}, read: everything, write: everything}
		c, err := NewServer(end.recv, end.send, server)
		if err != nil {
			t.Fatal(err)
		}
		b, err := c.Negotiate()
		if err != nil {
			t.Fatal(err)
		}
		wantMost := int32(1)
		if answered {
			wantMost = 0
			before++
		} else {
			after++
		}
		if b == BlockedOnApplicationInput {
			waited++
			select {
			case <-woken:
			case <-time.After(20 * time.Second):
				t.Fatal("an answer was lost")
			}
			if b, err = c.Negotiate(); err != nil {
				t.Fatal(err)
			}
		}
		if err := <-applied; err != nil { // and whatever it wakes is awake
			t.Fatal(err)
		}
		if b != BlockedOnRead || !c.machine.Result.HalfRTT {
			t.Fatalf("the handshake does not go on: %v", b)
		}
		if n := wakes.Load(); n > wantMost {
			t.Fatalf("woken %d times, answered in the hook: %v", n, answered)
		}
		for len(woken) > 0 {
			<-woken
		}
		c.Close()
	}
	t.Logf("%d answers before the hook's return, %d around it or later, of which %d suspended the handshake", before, after, waited)
	if before == 0 || after == 0 {
		t.Error("the race was never close")
	}
}

// TestRandomConnSchedules lets goroutines do anything to a server that waits for its
// signature and to the operation it waits for, in any order.
func TestRandomConnSchedules(t *testing.T) {
	hello := firstFlight(t, quick(clientConfig()))
	server := quick(serverConfig(t))
	server.OperationTimeout = time.Hour
	key := server.Certificates[0].PrivateKey
	type run struct {
		op    atomic.Pointer[asyncpkey.Op]
		wakes atomic.Int32
		fire  atomic.Pointer[func()]
		hook  func(c *Conn, op *asyncpkey.Op)
	}
	var current *run
	server.Wake = func(c *Conn) { current.wakes.Add(1) }
	server.AfterFunc = func(_ time.Duration, f func()) func() bool {
		current.fire.Store(&f)
		return func() bool { return true }
	}
	server.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
		r := current
		r.op.Store(op)
		if r.hook != nil {
			r.hook(c, op)
		}
		return nil
	}
	recv, send := func([]byte) (int, error) { return 0, ErrWouldBlock }, func(p []byte) (int, error) { return len(p), nil }

	ends := map[string]int{}
	for seed := range uint64(rounds(10_000)) {
		rng := rand.New(rand.NewPCG(seed, 3))
		r := new(run)
		current = r
		var taken atomic.Bool
		c, err := NewServer(func(p []byte) (int, error) {
			if taken.Swap(true) {
				return 0, ErrWouldBlock
			}
			return copy(p, hello), nil
		}, send, server)
		if err != nil {
			t.Fatal(err)
		}
		c.SetValue(r)
		var gone, shut atomic.Bool
		op := func() *asyncpkey.Op {
			if op := r.op.Load(); op != nil {
				return op
			}
			return strayOp(t)
		}
		actions := []struct {
			name string
			do   func() error
		}{
			{"Perform", func() error { return op().Perform(key) }},
			{"Perform", func() error { return op().Perform(key) }},
			{"SetOutput", func() error { return op().SetOutput([]byte("no signature")) }},
			{"Apply", func() error { return c.Apply(op()) }},
			{"Apply", func() error { return c.Apply(op()) }},
			{"Apply", func() error { return c.Apply(op()) }},
			{"Fail", func() error { return op().Fail(errToken) }},
			{"Cancel", func() error { return op().Cancel() }},
			{"Close", func() error { gone.Store(true); c.Close(); return nil }},
			{"Reset", func() error {
				err := c.Reset(recv, send, nil)
				if err == nil {
					gone.Store(true)
				}
				return err
			}},
			{"Negotiate", func() error { _, err := c.Negotiate(); return err }},
			{"Negotiate", func() error { _, err := c.Negotiate(); return err }},
			{"Send", func() error { _, _, err := c.Send([]byte("x")); return err }},
			{"Recv", func() error { _, _, err := c.Recv(make([]byte, 10)); return err }},
			{"Shutdown", func() error {
				_, err := c.Shutdown()
				if err == nil {
					shut.Store(true)
				}
				return err
			}},
			{"deadline", func() error {
				if f := r.fire.Load(); f != nil {
					(*f)()
				}
				return nil
			}},
		}
		anything := func(rng *rand.Rand, n int) {
			for range n {
				// Nothing but errors that are documented, and of one kind each.
				a := &actions[rng.IntN(len(actions))]
				if err := a.do(); err != nil && !isOperationError(err) {
					kindOf(t, err)
				}
			}
		}
		if rng.IntN(3) == 0 {
			r.hook = func(*Conn, *asyncpkey.Op) { anything(rng, 1+rng.IntN(3)) }
		}
		_, _ = c.Negotiate()
		r.hook = nil
		var work sync.WaitGroup
		for range 3 {
			own := rand.New(rand.NewPCG(seed, rng.Uint64()))
			work.Go(func() { anything(own, 1+own.IntN(4)) })
		}
		work.Wait()
		if n := r.wakes.Load(); n > 1 {
			t.Fatalf("schedule %d: woken %d times", seed, n)
		}
		switch asked := r.op.Load(); {
		case gone.Load():
			ends["closed or reset"]++
			if asked != nil && asked.Context().Err() == nil {
				t.Fatalf("schedule %d: the connection is gone and the operation's context is not done", seed)
			}
		case shut.Load():
			ends["shut down"]++
			if _, err := c.Negotiate(); err == nil && !c.halfRTT() || asked != nil && asked.Context().Err() == nil {
				t.Fatalf("schedule %d: the handshake goes on after Shutdown, before the server has said all it has to say", seed)
			}
		case asked == nil:
			t.Fatalf("schedule %d: nothing was asked", seed)
		default:
			b, err := c.Negotiate()
			answered := asked.Pending().Answered()
			if waits := b == BlockedOnApplicationInput; waits == answered {
				t.Fatalf("schedule %d: the operation is answered: %v, and Negotiate says %v, %v", seed, answered, b, err)
			}
			switch {
			case err != nil:
				ends["failed"]++
			case answered:
				ends["went on"]++
			default:
				ends["waits"]++
			}
		}
		if t.Failed() {
			t.Fatalf("in schedule %d", seed)
		}
		c.Close()
	}
	t.Log(ends)
	if len(ends) != 5 && !underRace {
		t.Errorf("the schedules end in %v only", ends)
	}
}

// strayOp belongs to no connection.
func strayOp(t testing.TB) *asyncpkey.Op {
	op, err := asyncpkey.NewOp(asyncpkey.Request{Kind: asyncpkey.Decrypt, Ciphertext: []byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// isOperationError reports whether err is what an operation's own methods may return.
func isOperationError(err error) bool {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return false
		}
	}
	return true
}
