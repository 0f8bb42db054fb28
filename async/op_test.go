package async

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestOpIsAnsweredOnce(t *testing.T) {
	reason := errors.New("the token is gone")
	for name, settle := range map[string]struct {
		do   func(*Op[int]) error
		want error
	}{
		"an answer":      {func(op *Op[int]) error { return op.Answer(7) }, nil},
		"a failure":      {func(op *Op[int]) error { return op.Fail(reason) }, reason},
		"a cancellation": {func(op *Op[int]) error { return op.Cancel() }, ErrCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			op := new(Op[int])
			if _, _, ok := op.Result(); ok || op.Answered() {
				t.Fatal("a new question is settled")
			}
			if err := settle.do(op); err != nil {
				t.Fatal(err)
			}
			v, err, ok := op.Result()
			if !ok || !errors.Is(err, settle.want) || (settle.want == nil && (v != 7 || err != nil)) {
				t.Fatalf("result is %v, %v, %v", v, err, ok)
			}
			for _, again := range []error{op.Answer(8), op.Fail(reason), op.Cancel()} {
				if !errors.Is(again, ErrAnswered) {
					t.Errorf("a second answer gave %v", again)
				}
			}
			if v2, _, _ := op.Result(); v2 != v {
				t.Errorf("a second answer changed the result to %v", v2)
			}
		})
	}
}

func TestWakeIsForLaterAnswersOnly(t *testing.T) {
	var woken int
	wake := func() { woken++ }

	op := new(Op[int])
	op.Pending().Enter(wake, nil)
	op.Answer(1)
	if !op.Pending().Leave() || woken != 0 {
		t.Errorf("answered inside the hook: woken %d times", woken)
	}

	op = new(Op[int])
	op.Pending().Enter(wake, nil)
	if op.Pending().Leave() {
		t.Error("an open question is settled")
	}
	op.Answer(1)
	op.Answer(2)
	if woken != 1 {
		t.Errorf("answered later: woken %d times", woken)
	}
}

// An answer that races the hook's return is either seen by the return or wakes: a
// million times, never both and never neither.
func TestAnswerRacesHookReturn(t *testing.T) {
	const races = 1_000_000
	var late atomic.Int64
	ops := make(chan *Op[int], 64)
	var answering sync.WaitGroup
	answering.Go(func() {
		for op := range ops {
			op.Answer(1)
		}
	})
	wake := func() { late.Add(1) }
	var seen int64
	for i := range races {
		op := new(Op[int])
		op.Pending().Enter(wake, nil)
		ops <- op
		if i%7 == 0 {
			runtime.Gosched()
		}
		if op.Pending().Leave() {
			seen++
		}
	}
	close(ops)
	answering.Wait()
	if seen+late.Load() != races {
		t.Fatalf("%d answers were seen and %d woke, of %d", seen, late.Load(), races)
	}
	t.Logf("%d answers inside the hook, %d later", seen, late.Load())
}

func TestContextEndsWithTheQuestion(t *testing.T) {
	reason := errors.New("no such key")
	for name, c := range map[string]struct {
		end  func(*Op[int])
		want error
	}{
		"when it is answered":          {func(op *Op[int]) { op.Answer(1) }, context.Canceled},
		"when it fails":                {func(op *Op[int]) { op.Fail(reason) }, reason},
		"when it is canceled":          {func(op *Op[int]) { op.Cancel() }, ErrCanceled},
		"when the connection is gone":  {func(op *Op[int]) { op.Pending().Close() }, ErrClosed},
		"when the deadline has passed": {func(op *Op[int]) { op.SetTimeout(time.Microsecond) }, ErrDeadline},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := new(Op[int]), new(Op[int])
			ctx := before.Context()
			if ctx.Err() != nil {
				t.Fatal("done too early")
			}
			c.end(before)
			<-ctx.Done()
			if !errors.Is(context.Cause(ctx), c.want) {
				t.Errorf("cause is %v", context.Cause(ctx))
			}
			c.end(after)
			<-after.Context().Done() // asked for only afterwards
			if !errors.Is(context.Cause(after.Context()), c.want) {
				t.Errorf("cause asked for later is %v", context.Cause(after.Context()))
			}
		})
	}
}

func TestAnswerAfterClose(t *testing.T) {
	woken := false
	op := new(Op[int])
	op.Pending().Enter(func() { woken = true }, nil)
	op.Pending().Leave()
	op.Pending().Close()
	if err := op.Answer(1); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if woken {
		t.Error("a closed connection was woken")
	}
}

func TestDeadline(t *testing.T) {
	var fire []func()
	clock := func(d time.Duration, f func()) func() bool {
		fire = append(fire, f)
		return func() bool { return true }
	}
	woken := 0
	op := new(Op[int])
	op.Pending().Enter(func() { woken++ }, clock)
	op.Pending().Leave()
	op.SetTimeout(time.Second)
	op.SetTimeout(time.Hour)
	fire[0]() // replaced: must do nothing
	if op.Answered() {
		t.Fatal("a replaced timer ended the question")
	}
	fire[1]()
	_, err, ok := op.Result()
	if !ok || !errors.Is(err, ErrDeadline) || !errors.Is(err, context.DeadlineExceeded) || woken != 1 {
		t.Fatalf("err %v, settled %v, woken %d", err, ok, woken)
	}
	op.SetTimeout(time.Second)
	if len(fire) != 2 {
		t.Error("a settled question started a timer")
	}
}
