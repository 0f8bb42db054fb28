package pkcs11

import (
	"crypto"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
)

// Random faults for a while, under load: nothing crashes, hangs or hands out a wrong signature,
// every operation ends once, and all is well afterwards. The seeds fix the faults, not their times.
func TestRandomFaults(t *testing.T) {
	length := time.Second
	if testing.Short() {
		length /= 4
	}
	for _, seed := range []uint64{1, 2} {
		f := newFake(testP256(), testP384())
		var calm atomic.Bool
		var mu sync.Mutex
		dice := rand.New(rand.NewPCG(seed, 0))
		roll := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return dice.IntN(n)
		}
		codes := []Error{HostMemory, GeneralError, DeviceError, DeviceRemoved, TokenNotPresent, SessionHandleInvalid,
			ObjectHandleInvalid, OperationActive, UserNotLoggedIn, SessionCount, MechanismInvalid, FunctionFailed}
		f.fault = func(call string, _ uint) error {
			switch {
			case calm.Load() || call == "Initialize" && f.called(call) < 2:
				return nil
			case roll(40) == 0:
				return codes[roll(len(codes))]
			case roll(60) == 0:
				time.Sleep(time.Duration(roll(40)) * time.Millisecond) // longer than Timeout, at times
			}
			return nil
		}
		var token *Token
		for token == nil { // Open meets faults as well
			token, _ = f.tryOpen(t, func(c *Config) { c.Timeout, c.RetryMax = 25*time.Millisecond, 3*time.Millisecond })
		}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		var good, bad, twice atomic.Int64
		for range 8 {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					op, err := asyncpkey.NewOp(asyncpkey.Request{
						Kind: asyncpkey.Sign, Scheme: iana.ECDSASecp256r1SHA256, Message: []byte("m"),
						PublicKey: testP256().Public(), Mode: asyncpkey.Strict,
					})
					if err != nil {
						t.Error(err)
						return
					}
					var ends atomic.Int64
					if err := token.Handle(op, func(op *asyncpkey.Op) error {
						if ends.Add(1) > 1 {
							twice.Add(1)
						}
						err := asyncpkey.Apply(op, true)
						if errors.Is(err, asyncpkey.ErrVerifySignature) {
							t.Error("a wrong signature was handed out")
						}
						return err
					}); err != nil {
						t.Errorf("handing an operation over: %v", err)
						return
					}
					select {
					case <-op.Context().Done():
					case <-time.After(10 * time.Second):
						t.Error("an operation did not end")
						return
					}
					if _, err, _ := op.Result(); err == nil {
						good.Add(1)
					} else {
						bad.Add(1)
					}
				}
			})
		}
		for end := time.Now().Add(length); time.Now().Before(end); time.Sleep(time.Duration(roll(5)) * time.Millisecond) {
			f.change(func() {
				switch token := f.tokens[0]; roll(8) {
				case 0:
					f.closeAll()
				case 1:
					token.in = false
				case 2:
					token.shift = uint(roll(3))
				case 3:
					token.gone = !token.gone
				case 4:
					clear(f.sessions)
				case 5:
					for _, s := range f.sessions {
						s.poison = true
					}
				}
			})
		}
		close(stop)
		wg.Wait()
		calm.Store(true)
		f.change(func() { f.tokens[0].gone = false })
		k, err := (*Key)(nil), error(nil)
		eventually(t, "finding the key after all of it", func() bool {
			k, err = token.KeyOf(testP256().Public())
			return err == nil
		})
		eventually(t, "signing after all of it", func() bool {
			_, err := k.Sign(nil, make([]byte, 32), crypto.SHA256)
			return err == nil
		})
		eventually(t, "the return of all calls", func() bool { return token.Metrics().Stuck == 0 })
		t.Logf("seed %d: %d operations ended well, %d with an error; %+v", seed, good.Load(), bad.Load(), token.Metrics())
		if good.Load() == 0 || bad.Load() == 0 || twice.Load() > 0 {
			t.Errorf("seed %d: %d ended well, %d with an error, %d twice", seed, good.Load(), bad.Load(), twice.Load())
		}
		if err := token.Close(); err != nil {
			t.Errorf("seed %d: closing: %v", seed, err)
		}
	}
}
