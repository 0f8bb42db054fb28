package asyncpkey

import (
	"context"
	"crypto"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// waiting is a connection that waits for whatever operation it gets.
type waiting struct{}

func (waiting) Apply(op *Op) error { return Apply(op, true) }

// slow is a key whose calls tell when they begin and go on until they are let.
type slow struct {
	crypto.Signer
	begun chan struct{}
	let   chan struct{}
}

func newSlow(t testing.TB) *slow {
	return &slow{keyOf(t, testpeer.KeyP256), make(chan struct{}, 1000), make(chan struct{})}
}

func (s *slow) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	s.begun <- struct{}{}
	<-s.let
	return s.Signer.Sign(rand, digest, opts)
}

// newPool returns a Pool that is closed with the test.
func newPool(t testing.TB, o PoolOptions) *Pool {
	t.Helper()
	p := NewPool(o)
	t.Cleanup(func() {
		if err := p.Close(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		eventually(t, "the workers are gone", func() bool { return p.Metrics().Workers == 0 })
	})
	return p
}

// eventually waits for what other goroutines are about to do.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(50 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatalf("it never happens that %s", what)
		}
	}
}

func submit(t testing.TB, p *Pool, key crypto.PrivateKey) *Op {
	t.Helper()
	op := signOp(t)
	if err := p.Submit(waiting{}, op, key); err != nil {
		t.Fatal(err)
	}
	return op
}

// ends waits for op and holds what it ended with against want.
func ends(t testing.TB, op *Op, want error) {
	t.Helper()
	select {
	case <-op.Context().Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the operation never ends")
	}
	out, err, _ := op.Result()
	if !errors.Is(err, want) || (want == nil) != (err == nil) || err == nil && len(out) == 0 {
		t.Fatalf("the operation ends with %d bytes, %v, want %v", len(out), err, want)
	}
}

func TestPoolPerformsAndApplies(t *testing.T) {
	p := newPool(t, PoolOptions{Workers: 3})
	if n := p.Metrics().Workers; n != 0 {
		t.Errorf("%d workers before there is work", n)
	}
	key := keyOf(t, testpeer.KeyP256)
	var ops []*Op
	for range 50 {
		ops = append(ops, submit(t, p, key))
	}
	for _, op := range ops {
		ends(t, op, nil)
	}
	eventually(t, "all is counted", func() bool { return p.Metrics().Done == 50 })
	m := p.Metrics()
	if m.Workers < 1 || m.Workers > 3 || m.Queued+m.InFlight+m.Stuck != 0 || m.Failed+m.Useless+m.Late+m.Refused+m.Skipped != 0 {
		t.Errorf("%+v", m)
	}
	if m.Call.Count != 50 || m.Wait.Count != 50 || m.Call.Sum <= 0 || m.Call.Max > m.Call.Sum || m.Call.Mean() > m.Call.Max {
		t.Errorf("%+v", m.Call)
	}
}

// Every way in which an operation that a worker has taken can end.
func TestPoolOutcomes(t *testing.T) {
	key, reason := keyOf(t, testpeer.KeyP256), errors.New("the token is gone")
	for name, c := range map[string]struct {
		key   crypto.PrivateKey
		apply Applier
		first func(op *Op) // before it is submitted
		want  error
		count func(m PoolMetrics) uint64
	}{
		"a signature":                         {key: key, count: func(m PoolMetrics) uint64 { return m.Done }},
		"an error of the key":                 {key: failing{key, reason}, want: reason, count: func(m PoolMetrics) uint64 { return m.Failed }},
		"a key that ends its goroutine":       {key: exiting{key}, want: errVanished, count: func(m PoolMetrics) uint64 { return m.Failed }},
		"Strict, and the key of another one":  {key: otherKey(t), first: func(op *Op) { op.SetValidation(Strict) }, want: ErrVerifySignature, count: func(m PoolMetrics) uint64 { return m.Failed }},
		"canceled before":                     {key: key, first: func(op *Op) { _ = op.Cancel() }, want: async.ErrCanceled, count: func(m PoolMetrics) uint64 { return m.Skipped }},
		"performed by somebody else before":   {key: key, first: func(op *Op) { _ = op.Perform(key) }, count: func(m PoolMetrics) uint64 { return m.Useless }},
		"a connection that waits for another": {key: key, apply: elsewhere{}, want: ErrWrongConnection, count: func(m PoolMetrics) uint64 { return m.Useless }},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPool(t, PoolOptions{Workers: 1})
			op := signOp(t)
			if c.first != nil {
				c.first(op)
			}
			if c.apply == nil {
				c.apply = waiting{}
			}
			if err := p.Submit(c.apply, op, c.key); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it is counted", func() bool { return c.count(p.Metrics()) == 1 })
			m := p.Metrics()
			if sum := m.Done + m.Failed + m.Useless + m.Late + m.Refused + m.Skipped; sum != 1 {
				t.Errorf("one operation is counted %d times: %+v", sum, m)
			}
			if c.want != nil || name == "a signature" {
				ends(t, op, c.want)
			}
			ends(t, submit(t, p, key), nil) // and the pool goes on
		})
	}
}

// exiting is a key that ends the goroutine it is called on, as t.FailNow does.
type exiting struct{ crypto.Signer }

func (exiting) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	runtime.Goexit()
	return nil, nil
}

// elsewhere is a connection that waits for nothing of ours.
type elsewhere struct{}

func (elsewhere) Apply(op *Op) error { return Apply(op, false) }

func otherKey(t testing.TB) crypto.Signer {
	t.Helper()
	other, err := testpeer.SelfSigned([]byte("somebody else"), testpeer.Template{})
	if err != nil {
		t.Fatal(err)
	}
	return other.Key
}

func TestPoolIsFull(t *testing.T) {
	for name, c := range map[string]struct {
		full WhenFull
		want error
	}{
		"Refuse": {Refuse, ErrPoolFull},
		"Wait":   {Wait, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p, key := newPool(t, PoolOptions{Workers: 1, Queue: 2, Full: c.full}), newSlow(t)
			ops := []*Op{submit(t, p, key)}
			<-key.begun
			ops = append(ops, submit(t, p, key), submit(t, p, key))
			goroutines := runtime.NumGoroutine()
			var more []*Op
			for range 100 {
				op := signOp(t)
				if err := p.Submit(waiting{}, op, key); !errors.Is(err, c.want) {
					t.Fatalf("an operation too many: %v, want %v", err, c.want)
				}
				if c.want == nil {
					more = append(more, op)
				} else if err := op.Perform(key.Signer); err != nil {
					t.Errorf("a refused operation cannot be performed: %v", err)
				}
			}
			if n := runtime.NumGoroutine() - goroutines; n > 0 {
				t.Errorf("%d goroutines wait", n)
			}
			if m := p.Metrics(); m.Queued != 2+len(more) || m.InFlight != 1 || m.Refused != uint64(100-len(more)) {
				t.Errorf("%+v", m)
			}
			close(key.let)
			for _, op := range append(ops, more...) {
				ends(t, op, nil)
			}
		})
	}
}

// However an operation ends while it waits for a worker, it leaves the queue at once,
// makes room, and its key is never called.
func TestPoolNeverStartsWhatIsOver(t *testing.T) {
	for name, end := range map[string]func(op *Op){
		"its connection is closed": func(op *Op) { op.Pending().Close() },
		"its deadline passes":      func(op *Op) { op.SetTimeout(time.Microsecond) },
		"Fail":                     func(op *Op) { _ = op.Fail(io.EOF) },
		"Cancel":                   func(op *Op) { _ = op.Cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			p, key := newPool(t, PoolOptions{Workers: 1, Queue: 3}), newSlow(t)
			first := submit(t, p, key)
			<-key.begun
			var dead []*Op
			for range 3 {
				dead = append(dead, submit(t, p, key))
			}
			for _, op := range []*Op{dead[1], dead[2], dead[0]} { // from the middle, the end, the beginning
				end(op)
			}
			eventually(t, "the queue is empty", func() bool { return p.Metrics().Queued == 0 })
			last := submit(t, p, key) // there is room again
			close(key.let)
			ends(t, first, nil)
			ends(t, last, nil)
			<-key.begun
			eventually(t, "all is counted", func() bool { return p.Metrics().Done == 2 })
			if len(key.begun) != 0 || p.Metrics().Skipped != 3 {
				t.Errorf("%d calls of the key for operations that were over; %+v", len(key.begun), p.Metrics())
			}
		})
	}
}

// A call that outlives its operation costs its worker; others take its place as far as
// they may.
func TestPoolReplacesStuckWorkers(t *testing.T) {
	for name, c := range map[string]struct {
		most int
		next []bool // whether the key is called for the operations that come then
	}{
		"one at most in its place":  {2, []bool{true, false}},
		"two at most in its place":  {3, []bool{true, true, false}},
		"nobody":                    {0, []bool{false}},
		"fewer than there are said": {-1, []bool{false}},
	} {
		t.Run(name, func(t *testing.T) {
			p, key := newPool(t, PoolOptions{Workers: 1, MaxWorkers: c.most}), newSlow(t)
			op := submit(t, p, key)
			<-key.begun
			late := 0
			var waits *Op
			for _, called := range c.next {
				next := submit(t, p, key)
				op.Pending().Close()
				late++
				eventually(t, "the call is stuck", func() bool { return p.Metrics().Stuck == late })
				if op = next; called {
					<-key.begun
				} else {
					waits = next
				}
			}
			m := p.Metrics()
			if len(key.begun) != 0 || m.Queued != 1 || m.InFlight != late || m.Workers != late || m.Late != uint64(late) {
				t.Errorf("%d calls more, %+v", len(key.begun), m)
			}
			close(key.let)
			ends(t, waits, nil)
			eventually(t, "the workers are as many as usual", func() bool {
				m := p.Metrics()
				return m.Workers == 1 && m.Stuck == 0 && m.InFlight == 0
			})
			ends(t, submit(t, p, key), nil)
			eventually(t, "it is counted", func() bool { return p.Metrics().Done == 2 })
			if m := p.Metrics(); m.Call.Count != m.Wait.Count-uint64(late) {
				t.Errorf("late calls are in the histogram: %+v", m)
			}
		})
	}
}

func TestPoolClose(t *testing.T) {
	t.Run("without work", func(t *testing.T) {
		p := NewPool(PoolOptions{})
		if err := errors.Join(p.Close(t.Context()), p.Close(t.Context())); err != nil {
			t.Error(err)
		}
		if err := p.Submit(waiting{}, signOp(t), nil); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("Submit: %v", err)
		}
		if err := Answer(p, new(async.Op[int]), nil); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("Answer: %v", err)
		}
		if n := p.Metrics().Refused; n != 2 {
			t.Errorf("%d were refused", n)
		}
	})
	t.Run("drains", func(t *testing.T) {
		p, key := NewPool(PoolOptions{Workers: 2}), newSlow(t)
		var ops []*Op
		for range 10 {
			ops = append(ops, submit(t, p, key))
		}
		closed := make(chan error, 2)
		for range 2 {
			go func() { closed <- p.Close(t.Context()) }()
		}
		<-key.begun
		close(key.let)
		if err := errors.Join(<-closed, <-closed); err != nil {
			t.Error(err)
		}
		for _, op := range ops {
			ends(t, op, nil)
		}
		if n := p.Metrics().Workers; n != 0 {
			t.Errorf("%d workers are left", n)
		}
	})
	t.Run("gives up", func(t *testing.T) {
		p, key := NewPool(PoolOptions{Workers: 1}), newSlow(t)
		called, waits := submit(t, p, key), submit(t, p, key)
		<-key.begun
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("the shift is over")
		cancel(reason)
		err := p.Close(ctx)
		if !errors.Is(err, reason) || err.Error() != "asyncpkey: the pool is closed with 1 calls of keys under way: the shift is over" {
			t.Errorf("Close: %v", err)
		}
		ends(t, waits, ErrPoolClosed)
		close(key.let)
		ends(t, called, nil) // its answer still counts
		if err := p.Close(t.Context()); err != nil {
			t.Errorf("Close again: %v", err)
		}
		if m := p.Metrics(); m.Workers != 0 || m.Done != 1 || m.Skipped != 1 {
			t.Errorf("%+v", m)
		}
	})
	t.Run("gives a decryption up", func(t *testing.T) {
		p, key := NewPool(PoolOptions{Workers: 1}), newSlow(t)
		submit(t, p, key)
		<-key.begun
		rsa := keyOf(t, testpeer.KeyRSA2048)
		op := mustOp(t, Request{Kind: Decrypt, Ciphertext: make([]byte, 256), PublicKey: rsa.Public(), Role: Server})
		if err := p.Submit(waiting{}, op, rsa); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Close(ctx); err == nil {
			t.Error("Close did not wait")
		}
		out, err, ok := op.Result()
		if len(out) != 0 || err != nil || !ok || !errors.Is(op.Refusal(), ErrPoolClosed) {
			t.Errorf("the handshake sees %d bytes, %v, %v; the reason is %v", len(out), err, ok, op.Refusal())
		}
		close(key.let)
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestPoolAnswersQuestions(t *testing.T) {
	p := newPool(t, PoolOptions{Workers: 1})
	reason := errors.New("no such session")
	var calls atomic.Int32
	ask := func(work func(context.Context) (int, error)) *async.Op[int] {
		op := new(async.Op[int])
		if err := Answer(p, op, func(ctx context.Context) (int, error) { calls.Add(1); return work(ctx) }); err != nil {
			t.Fatal(err)
		}
		return op
	}
	op := ask(func(context.Context) (int, error) { return 7, nil })
	<-op.Context().Done()
	if v, err, _ := op.Result(); v != 7 || err != nil {
		t.Errorf("the answer is %d, %v", v, err)
	}
	op = ask(func(context.Context) (int, error) { return 7, reason })
	<-op.Context().Done()
	if v, err, _ := op.Result(); v != 0 || err != reason {
		t.Errorf("the answer is %d, %v", v, err)
	}
	op = ask(func(ctx context.Context) (int, error) { <-ctx.Done(); return 7, nil })
	after := ask(func(context.Context) (int, error) { return 8, nil })
	after.Pending().Close()
	op.Pending().Close()
	eventually(t, "both are counted", func() bool {
		m := p.Metrics()
		return m.Done == 1 && m.Failed == 1 && m.Late+m.Useless+m.Skipped == 2 && m.InFlight == 0
	})
	if n := calls.Load(); n > 3 {
		t.Errorf("%d calls; one was for a question that was over", n)
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	if h.Mean() != 0 || h.Quantile(0.5) != 0 {
		t.Error("there is something in nothing")
	}
	for _, d := range []time.Duration{0, 10 * time.Microsecond, 11 * time.Microsecond, 3 * time.Millisecond, time.Minute} {
		h.add(d)
	}
	want := Histogram{Count: 5, Sum: time.Minute + 3*time.Millisecond + 21*time.Microsecond, Max: time.Minute}
	want.Buckets[0], want.Buckets[1], want.Buckets[8], want.Buckets[19] = 2, 1, 1, 1
	if h != want {
		t.Errorf("%+v", h)
	}
	for q, want := range map[float64]time.Duration{0: 10 * time.Microsecond, 0.4: 10 * time.Microsecond, 0.5: 20 * time.Microsecond, 0.8: 5 * time.Millisecond, 0.99: time.Minute, 1: time.Minute} {
		if got := h.Quantile(q); got != want {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if got := (&Histogram{Count: 1, Max: time.Microsecond, Buckets: [HistogramBuckets]uint64{1}}).Quantile(1); got != time.Microsecond {
		t.Errorf("a quantile above the maximum: %v", got)
	}
	if HistogramBound(0) != 10*time.Microsecond || HistogramBound(HistogramBuckets-2) != 10*time.Second || HistogramBound(HistogramBuckets-1) != 0 || HistogramBound(-1) != 0 {
		t.Error("the bounds are not as documented")
	}
}
