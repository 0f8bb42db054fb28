package asyncpkey

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestRandomSchedules lets several goroutines do anything to one operation, in any order:
// one of them settles it, all the others are refused, and the connection is woken once.
func TestRandomSchedules(t *testing.T) {
	schedules := 10_000
	if os.Getenv("S2NGO_RACE") != "" {
		schedules = 3_000
	}
	key := keyOf(t, testpeer.KeyP256)
	signed := signature(t, signOp(t), key) // the same for all
	reason := errors.New("the token is gone")
	settlers := 0
	for seed := range uint64(schedules) {
		rng := rand.New(rand.NewPCG(seed, 1))
		op := signOp(t)
		var wakes, settled atomic.Int32
		var fire func()
		clock := func(_ time.Duration, f func()) func() bool { fire = f; return func() bool { return true } }
		op.Pending().Enter(func() { wakes.Add(1) }, clock)
		op.SetTimeout(time.Hour)
		inside := rng.IntN(4) == 0 // all of it happens before the hook returns
		if !inside {
			op.Pending().Leave()
		}
		closed := false
		actions := []struct {
			name    string
			do      func() error
			allowed []error
			settles bool
		}{
			{"Perform", func() error { return op.Perform(key) }, []error{ErrAlreadyPerformed, ErrAlreadyApplied}, false},
			{"SetOutput", func() error { return op.SetOutput(signed) }, []error{ErrAlreadyPerformed, ErrAlreadyApplied}, false},
			{"SetOutput", func() error { return op.SetOutput(signed) }, []error{ErrAlreadyPerformed, ErrAlreadyApplied}, false},
			{"Output", func() error { _, err := op.Output(); return err }, []error{ErrNotPerformed, ErrAlreadyApplied}, false},
			{"Apply", func() error { return Apply(op, true) }, []error{ErrNotPerformed, ErrAlreadyApplied, async.ErrClosed}, true},
			{"Apply", func() error { return Apply(op, true) }, []error{ErrNotPerformed, ErrAlreadyApplied, async.ErrClosed}, true},
			{"Apply elsewhere", func() error { return Apply(op, false) }, []error{ErrNotPerformed, ErrAlreadyApplied, ErrWrongConnection}, true},
			{"Fail", func() error { return op.Fail(reason) }, []error{ErrAlreadyApplied, async.ErrClosed}, true},
			{"Cancel", func() error { return op.Cancel() }, []error{ErrAlreadyApplied, async.ErrClosed}, true},
			{"the deadline", func() error { fire(); return nil }, nil, false},
			{"Close", func() error { op.Pending().Close(); return nil }, nil, false},
			{"reading", func() error { op.Input(); op.Context(); op.SetValidation(Strict); return nil }, nil, false},
		}
		var work sync.WaitGroup
		for range 3 {
			var plan []int
			for range 2 + rng.IntN(4) {
				plan = append(plan, rng.IntN(len(actions)))
				closed = closed || actions[plan[len(plan)-1]].name == "Close"
			}
			work.Go(func() {
				for _, i := range plan {
					a := &actions[i]
					err := a.do()
					if a.settles && err == nil {
						settled.Add(1)
					}
					if err != nil && !isOneOf(err, a.allowed) {
						t.Errorf("schedule %d: %s returned %v", seed, a.name, err)
					}
				}
			})
		}
		work.Wait()
		out, err, ok := op.Result()
		if errors.Is(err, async.ErrDeadline) {
			settled.Add(1)
		}
		want := int32(0)
		if ok {
			want = 1
			settlers++
		}
		if settled.Load() != want {
			t.Fatalf("schedule %d: %d goroutines were told that they settled the operation, settled: %v", seed, settled.Load(), ok)
		}
		if inside {
			want = 0
		}
		if wakes.Load() != want {
			t.Fatalf("schedule %d: settled %v, in the hook %v, woken %d times", seed, ok, inside, wakes.Load())
		}
		if ok && err == nil && !bytes.Equal(out, signed) && len(out) == 0 {
			t.Fatalf("schedule %d: the handshake sees %d bytes", seed, len(out))
		}
		if !ok && !closed && op.state == applied {
			t.Fatalf("schedule %d: the operation is applied, and nobody knows of it", seed)
		}
	}
	if settlers < schedules/2 {
		t.Errorf("only %d of %d schedules settled their operation", settlers, schedules)
	}
}

func isOneOf(err error, list []error) bool {
	for _, want := range list {
		if errors.Is(err, want) {
			return true
		}
	}
	return false
}
