package asyncpkey

import (
	"context"
	"crypto"
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestPoolSchedules lets goroutines submit operations and end them in every way while
// workers perform them: each operation ends once, no key is called for one that was over
// before it was submitted, and the Pool counts each exactly once.
func TestPoolSchedules(t *testing.T) {
	schedules := 2_000
	if os.Getenv("S2NGO_RACE") != "" {
		schedules = 500
	}
	key := keyOf(t, testpeer.KeyP256)
	signed := signature(t, signOp(t), key)
	reason := errors.New("the token is gone")
	var total PoolMetrics
	for seed := range uint64(schedules) {
		rng := rand.New(rand.NewPCG(seed, 5))
		o := PoolOptions{Workers: 1 + rng.IntN(3), Queue: 1 + rng.IntN(6), Full: WhenFull(rng.IntN(2)), MaxWorkers: rng.IntN(6)}
		p := NewPool(o)
		var most atomic.Int32 // calls under way at once
		var under atomic.Int32
		var early atomic.Int32
		var work sync.WaitGroup
		var submitted atomic.Int32
		for range 3 {
			own := rand.New(rand.NewPCG(seed, rng.Uint64()))
			work.Go(func() {
				for range 1 + own.IntN(8) {
					op := signOp(t)
					dead := own.IntN(8) == 0
					if dead {
						op.Pending().Close()
					}
					fails := own.IntN(5) == 0
					k := &Key{PublicKey: key.Public(), SignFunc: func(context.Context, []byte, crypto.SignerOpts) ([]byte, error) {
						most.Store(max(most.Load(), under.Add(1)))
						defer under.Add(-1)
						if dead {
							early.Add(1)
						}
						if fails {
							return nil, reason
						}
						return signed, nil
					}}
					submitted.Add(1)
					err := p.Submit(waiting{}, op, k)
					if err != nil && !errors.Is(err, ErrPoolFull) && !errors.Is(err, ErrPoolClosed) {
						t.Errorf("schedule %d: Submit: %v", seed, err)
					}
					switch own.IntN(12) {
					case 0:
						op.Pending().Close()
					case 1:
						_ = op.Cancel()
					case 2:
						_ = op.SetOutput(signed)
					case 3:
						_ = op.Fail(reason)
					case 4:
						if own.IntN(6) == 0 {
							ctx, cancel := context.WithCancel(t.Context())
							if own.IntN(2) == 0 {
								cancel()
							}
							_ = p.Close(ctx)
							cancel()
						}
					default:
						if err == nil && !dead {
							<-op.Context().Done()
						}
					}
				}
			})
		}
		work.Wait()
		if err := p.Close(t.Context()); err != nil {
			t.Fatalf("schedule %d: Close: %v", seed, err)
		}
		m := p.Metrics()
		if sum := m.Done + m.Failed + m.Useless + m.Late + m.Refused + m.Skipped; sum != uint64(submitted.Load()) {
			t.Fatalf("schedule %d: %d operations were submitted, %d are counted: %+v", seed, submitted.Load(), sum, m)
		}
		if m.Workers+m.Queued+m.InFlight+m.Stuck != 0 {
			t.Fatalf("schedule %d: something is left in a closed pool: %+v", seed, m)
		}
		if early.Load() != 0 || int(most.Load()) > max(o.Workers, o.MaxWorkers) {
			t.Fatalf("schedule %d: %d calls for operations that were over, %d calls at once", seed, early.Load(), most.Load())
		}
		if m.Call.Count != m.Done+m.Failed+m.Useless {
			t.Fatalf("schedule %d: the histogram has %d calls: %+v", seed, m.Call.Count, m)
		}
		total.Done += m.Done
		total.Failed += m.Failed
		total.Useless += m.Useless
		total.Late += m.Late
		total.Refused += m.Refused
		total.Skipped += m.Skipped
	}
	t.Logf("done %d, failed %d, useless %d, late %d, refused %d, skipped %d", total.Done, total.Failed, total.Useless, total.Late, total.Refused, total.Skipped)
	if total.Done == 0 || total.Failed == 0 || total.Useless == 0 || total.Refused == 0 || total.Skipped == 0 {
		t.Error("not everything has happened")
	}
}
