package pkcs11

import (
	"context"
	"crypto"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
)

// hang makes a function's calls wait until release is called. entered counts them.
func (f *fake) hang(call string) (entered *atomic.Int64, release func()) {
	entered = new(atomic.Int64)
	gate := make(chan struct{})
	f.change(func() {
		f.fault = func(c string, _ uint) error {
			if c == call {
				entered.Add(1)
				<-gate
			}
			return nil
		}
	})
	return entered, sync.OnceFunc(func() { close(gate) })
}

// Close while 16 operations are in flight and as many wait: all of them end well, and only then
// the module is finalized.
func TestCloseWaitsForWhatWasBegun(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t, func(c *Config) { c.Workers = 16 })
	k := keyOf(t, token, testP256())
	entered, release := f.hang("Sign")
	defer release()
	results := make(chan error, 32)
	for range cap(results) {
		go func() { results <- signs(t, k) }()
	}
	eventually(t, "16 calls", func() bool { return entered.Load() == 16 && token.Metrics().Queued == 16 })
	closed := make(chan error)
	go func() { closed <- token.Close() }()
	<-token.closing
	if err := signs(t, k); !errors.Is(err, ErrClosed) {
		t.Errorf("signing while the token is being closed: %v", err)
	}
	if f.called("Finalize") != 0 {
		t.Error("the module was finalized under 16 calls")
	}
	release()
	if err := <-closed; err != nil {
		t.Errorf("closing: %v", err)
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Errorf("an operation ended with %v", err)
		}
	}
	if f.called("Finalize") != 1 {
		t.Errorf("the module was finalized %d times", f.called("Finalize"))
	}
}

// A call that never comes back keeps the module initialized: Close says so, in time, and ends the
// operations.
func TestCloseNeverFinalizesUnderACall(t *testing.T) {
	f := newFake(testP256())
	token, err := f.tryOpen(t, func(c *Config) { c.CloseTimeout = 20 * time.Millisecond; c.Workers = 2 })
	if err != nil {
		t.Fatal(err)
	}
	k := keyOf(t, token, testP256())
	entered, release := f.hang("Sign")
	defer release()
	results := make(chan error, 5)
	for range cap(results) {
		go func() { results <- signs(t, k) }()
	}
	eventually(t, "2 calls", func() bool { return entered.Load() == 2 && token.Metrics().Queued == 3 })
	if err := token.Close(); !errors.Is(err, ErrInUse) {
		t.Errorf("closing: %v, want ErrInUse", err)
	}
	for range cap(results) {
		if err := <-results; !errors.Is(err, ErrClosed) {
			t.Errorf("an operation ended with %v, want ErrClosed", err)
		}
	}
	if f.called("Finalize") != 0 {
		t.Error("the module was finalized under a call")
	}
	release()
	eventually(t, "the calls' return", func() bool {
		token.mu.Lock()
		defer token.mu.Unlock()
		return token.alive == 0
	})
	f.change(func() { f.fault = nil })
	again := f.open(t) // the module is still good
	if err := signs(t, keyOf(t, again, testP256())); err != nil {
		t.Errorf("signing after opening again: %v", err)
	}
}

// A call that hangs costs its worker and is counted; its operation ends; others go on, until
// MaxWorkers hang. When the calls come back, the workers do.
func TestStuckCalls(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t, func(c *Config) { c.Workers = 2; c.MaxWorkers = 5; c.Timeout = 50 * time.Millisecond })
	k := keyOf(t, token, testP256())
	entered, release := f.hang("Sign")
	defer release()
	results := make(chan error, 9)
	for range cap(results) {
		go func() { results <- signs(t, k) }()
		time.Sleep(20 * time.Millisecond)
	}
	for range cap(results) {
		if err := <-results; !errors.Is(err, ErrTimeout) {
			t.Errorf("an operation ended with %v, want ErrTimeout", err)
		}
	}
	eventually(t, "counting all workers as stuck", func() bool { return token.Metrics().Stuck == int(entered.Load()) })
	if n := entered.Load(); n < 3 || n > 5 {
		t.Errorf("%d calls are stuck, want more than Workers and no more than MaxWorkers", n)
	}
	release()
	f.change(func() { f.fault = nil })
	eventually(t, "the calls' return", func() bool { return token.Metrics().Stuck == 0 })
	if err := signs(t, k); err != nil {
		t.Errorf("signing after it: %v", err)
	}
	if m := token.Metrics(); m.Workers > 2 || m.TimedOut != 9 {
		t.Errorf("%d workers are left, and %d operations timed out", m.Workers, m.TimedOut)
	}
}

// Looking for a lost token may hang as well: it costs no worker, and operations end.
func TestStuckSearch(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t, func(c *Config) { c.Timeout = 30 * time.Millisecond })
	k := keyOf(t, token, testP256())
	entered, release := f.hang("GetSlotList")
	defer release()
	f.change(func() { f.closeAll() })
	for range 3 {
		if err := signs(t, k); !errors.Is(err, ErrTimeout) && !errors.Is(err, ErrLost) {
			t.Errorf("signing: %v", err)
		}
	}
	if entered.Load() != 1 {
		t.Errorf("%d searches hang", entered.Load())
	}
	release()
	eventually(t, "signing after it", func() bool { return signs(t, k) == nil })
}

// An operation whose connection is gone before its turn costs the token nothing, and does not
// keep others out of a full queue.
func TestAbandonedOperations(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t, func(c *Config) { c.Workers = 1; c.Queue = 2 })
	k := keyOf(t, token, testP256())
	_ = signs(t, k)
	entered, release := f.hang("Sign")
	defer release()
	first := make(chan error)
	go func() { first <- signs(t, k) }()
	eventually(t, "a call", func() bool { return entered.Load() == 1 })

	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := k.SignContext(ctx, make([]byte, 32), crypto.SHA256)
			gone <- err
		}()
	}
	eventually(t, "a full queue", func() bool { return token.Metrics().Queued == 2 })
	if err := signs(t, k); !errors.Is(err, ErrBusy) {
		t.Errorf("signing with a full queue: %v", err)
	}
	cancel()
	for range 2 {
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("an abandoned operation ended with %v", err)
		}
	}
	last := make(chan error)
	go func() { last <- signs(t, k) }()
	eventually(t, "room in the queue", func() bool { return token.Metrics().Queued == 1 })
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		_, err := k.SignContext(ctx, make([]byte, 32), crypto.SHA256)
		gone <- err
	}()
	eventually(t, "one that is not swept", func() bool { return token.Metrics().Queued == 2 })
	cancel()
	<-gone
	release()
	if err := errors.Join(<-first, <-last); err != nil {
		t.Error(err)
	}
	if n := entered.Load(); n != 2 {
		t.Errorf("the token signed %d times, want 2", n)
	}
}

// An op that hangs ends at its own deadline, and what the token answers later changes nothing.
func TestOpEndsAtItsDeadline(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t)
	_, release := f.hang("Sign")
	defer release()
	op, err := asyncpkey.NewOp(asyncpkey.Request{
		Kind: asyncpkey.Sign, Scheme: iana.ECDSASecp256r1SHA256, PublicKey: testP256().Public(),
	})
	if err != nil {
		t.Fatal(err)
	}
	var applied atomic.Int64
	op.SetTimeout(20 * time.Millisecond)
	if err := token.Handle(op, func(op *asyncpkey.Op) error { applied.Add(1); return asyncpkey.Apply(op, true) }); err != nil {
		t.Fatal(err)
	}
	<-op.Context().Done()
	if _, err, ok := op.Result(); !ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the operation ended with %v", err)
	}
	release()
	eventually(t, "the call's return", func() bool { return token.Metrics().InFlight == 0 })
	if _, err, _ := op.Result(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the late answer made it %v", err)
	}
}

// A module is initialized once for all its tokens, and finalized with the last of them.
func TestModuleIsShared(t *testing.T) {
	f := newFake(testP256())
	one := must(f.tryOpen(t))
	two := must(f.tryOpen(t))
	if n := f.called("Initialize"); n != 1 {
		t.Errorf("the module was initialized %d times", n)
	}
	if err := one.Close(); err != nil {
		t.Error(err)
	}
	if err := errors.Join(one.Close(), signs(t, keyOf(t, two, testP256()))); err != nil {
		t.Errorf("after the first was closed, the second: %v", err)
	}
	if n := f.called("Finalize"); n != 0 {
		t.Error("the module was finalized with a token open")
	}
	if err := two.Close(); err != nil {
		t.Error(err)
	}
	if n := f.called("Finalize"); n != 1 {
		t.Errorf("the module was finalized %d times", n)
	}
	if err := signs(t, keyOf(t, two, testP256())); !errors.Is(err, ErrClosed) {
		t.Errorf("using a closed token: %v", err)
	}
	f.open(t, func(c *Config) { c.InitArgs = "configdir='sql:/x'" }) // all were closed
	if _, err := f.tryOpen(t); err == nil {
		t.Error("opening with other arguments while a token is open: no error")
	}
	m := modules.byPath
	for _, m := range m {
		if m.lib == library(f) && m.users != 1 {
			t.Errorf("the module has %d users, want 1", m.users)
		}
	}
}

// A module that other code of the process initialized is not ours to finalize.
func TestForeignModuleIsNotFinalized(t *testing.T) {
	f := newFake(testP256())
	f.foreign, f.ready = true, true
	token := must(f.tryOpen(t))
	k := keyOf(t, token, testP256())
	f.change(func() { f.tokens[0].gone = true; f.closeAll() })
	if err := signs(t, k); !errors.Is(err, ErrLost) {
		t.Errorf("signing: %v", err)
	}
	if err := token.Close(); err != nil {
		t.Error(err)
	}
	if n := f.called("Finalize"); n != 0 {
		t.Errorf("the module was finalized %d times", n)
	}
}

// One idle worker and several operations at once: the others get workers of their own.
func TestOneIdleWorkerIsNotEnough(t *testing.T) {
	f := newFake(testP256())
	token := f.open(t, func(c *Config) { c.Workers = 3 })
	k := keyOf(t, token, testP256())
	eventually(t, "an idle worker", func() bool {
		token.mu.Lock()
		defer token.mu.Unlock()
		return token.idle == 1
	})
	entered, release := f.hang("Sign")
	defer release()
	var requests []*request
	done := make(chan error, 3)
	for range cap(done) {
		requests = append(requests, &request{
			ctx: t.Context(),
			run: func(s *session) (any, error) {
				return k.sign(s, must(newSigning(k.public, make([]byte, 32), crypto.SHA256)))
			},
			finish: func(_ any, err error) { done <- err },
		})
	}
	token.mu.Lock() // no worker runs before all are queued
	for _, r := range requests {
		r.over, r.timer = make(chan struct{}), time.NewTimer(time.Hour)
		token.queue = append(token.queue, r)
		token.staff()
	}
	token.mu.Unlock()
	eventually(t, "a call for each", func() bool { return entered.Load() == 3 })
	release()
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Whatever hangs, Open, Handle, Metrics and Close come back in time.
func TestNothingWaitsForAModuleThatHangs(t *testing.T) {
	for _, call := range []string{"Initialize", "GetSlotList", "OpenSession", "Login", "GetMechanismList"} {
		f := newFake(testP256())
		_, release := f.hang(call)
		begin := time.Now()
		_, err := f.tryOpen(t, func(c *Config) { c.Timeout = 20 * time.Millisecond })
		if took := time.Since(begin); !errors.Is(err, ErrTimeout) || took > 2*time.Second {
			t.Errorf("%s hangs: opening took %v and ended with %v", call, took, err)
		}
		release()
	}
	for _, call := range []string{"Initialize", "Finalize", "CloseSession", "GetSessionInfo"} {
		f := newFake(testP256())
		token, err := f.tryOpen(t, func(c *Config) { c.Timeout, c.CloseTimeout = 20*time.Millisecond, 20*time.Millisecond })
		if err != nil {
			t.Fatal(err)
		}
		k := keyOf(t, token, testP256())
		_, release := f.hang(call)
		f.change(func() { f.tokens[0].gone = true; f.closeAll() })
		begin := time.Now()
		for range 3 {
			if err := signs(t, k); err == nil {
				t.Errorf("%s hangs: signed without a token", call)
			}
		}
		token.Metrics()
		err = token.Close()
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("%s hangs: signing and closing took %v and ended with %v", call, took, err)
		}
		release()
		eventually(t, "the end", func() bool {
			token.mu.Lock()
			defer token.mu.Unlock()
			return token.alive == 0
		})
	}
}

// A module that was left initialized under a call is not used with other arguments than it was
// initialized with: it is refused until the call has come back, and then set up anew.
func TestOtherArgumentsAfterAHang(t *testing.T) {
	f := newFake(testP256())
	token, err := f.tryOpen(t, func(c *Config) { c.InitArgs, c.CloseTimeout = "one", 10*time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	k := keyOf(t, token, testP256())
	inside, hold := make(chan struct{}), make(chan struct{})
	f.change(func() {
		f.fault = func(call string, _ uint) error {
			if call == "Sign" {
				close(inside)
				<-hold
			}
			return nil
		}
	})
	go func() { _, _ = k.Sign(nil, make([]byte, 32), crypto.SHA256) }()
	<-inside
	if err := token.Close(); !errors.Is(err, ErrInUse) {
		t.Fatalf("closing: %v, want ErrInUse", err)
	}
	other := func(c *Config) { c.InitArgs = "other" }
	if second, err := f.tryOpen(t, other); err == nil || !strings.Contains(err.Error(), `initialized with "one" instead of "other"`) {
		t.Errorf("opening with other arguments: %v", err)
		if err == nil {
			defer second.Close()
		}
	}
	close(hold)
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		second, err := f.tryOpen(t, other)
		if err == nil {
			if n := f.called("Finalize"); n != 1 {
				t.Errorf("it was finalized %d times before", n)
			}
			defer second.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatalf("opening after the call has come back: %v", err)
		}
	}
}
