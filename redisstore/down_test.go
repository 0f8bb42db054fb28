package redisstore

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// slack is what a busy machine may add to a deadline.
const slack = 400 * time.Millisecond

// TestDeadServer asks servers that are gone, frozen, or were never there, with a client of the
// caller's own that would try for long. The first calls cost the deadline at most, the next nothing.
func TestDeadServer(t *testing.T) {
	for name, end := range map[string]func(r *interop.Redis){
		"killed": (*interop.Redis).Kill,
		"frozen": (*interop.Redis).Freeze,
	} {
		t.Run(name, func(t *testing.T) {
			r := interop.StartRedis(t)
			client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{r.Address}, ReadTimeout: time.Second, DialTimeout: time.Second, MaxRetries: 2})
			t.Cleanup(func() { client.Close() })
			s, err := New(client, fleetSecret, Options{Deadline: 100 * time.Millisecond, Interval: 50 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			eventually(t, "the store to be well", func() bool { return s.Began() != never && put(t, s, "id", "entry", time.Minute) == nil })
			end(r)
			start := time.Now()
			if _, err := get(t, s, "id"); err == nil {
				t.Error("an entry of a dead server")
			}
			if d := time.Since(start); d > 100*time.Millisecond+slack {
				t.Errorf("the first call took %v", d)
			}
			start = time.Now()
			for range 100 {
				if fresh, err := record(t, s, 1); fresh || err == nil {
					t.Fatalf("early data is fresh: %v, %v", fresh, err)
				}
			}
			if d := time.Since(start); d > 300*time.Millisecond+slack {
				t.Errorf("100 more calls took %v", d)
			}
			if name == "frozen" {
				r.Thaw()
			} else {
				r.Start()
			}
			eventually(t, "the store to be well again", func() bool { return put(t, s, "id", "entry", time.Minute) == nil })
			eventually(t, "the epoch", func() bool { return s.Began() != never })
			if e, err := get(t, s, "id"); e != "entry" || err != nil {
				t.Errorf("%q, %v", e, err)
			}
		})
	}
}

// TestCallsAreBounded makes more calls of a frozen server than there may be.
func TestCallsAreBounded(t *testing.T) {
	r := interop.StartRedis(t)
	s := open(t, r.Address, Options{Deadline: 200 * time.Millisecond, MaxCalls: 4})
	r.Freeze()
	defer r.Thaw()
	var mu sync.Mutex
	outcomes := map[error]int{}
	var all sync.WaitGroup
	for range 50 {
		all.Add(1)
		s.Get(context.Background(), []byte("id"), func(_ []byte, err error) {
			mu.Lock()
			defer mu.Unlock()
			for _, e := range []error{ErrBusy, ErrDown, ErrDeadline} {
				if errors.Is(err, e) {
					outcomes[e]++
				}
			}
			all.Done()
		})
	}
	all.Wait()
	if n := outcomes[ErrDeadline]; n < 1 || n > 4 || outcomes[ErrBusy]+outcomes[ErrDown] != 50-n {
		t.Errorf("outcomes %v", outcomes)
	}
}

// TestAskerGone ends a call whose connection is closed, and holds nothing against Redis.
func TestAskerGone(t *testing.T) {
	r := interop.StartRedis(t)
	s := open(t, r.Address, patient)
	r.Freeze()
	gone := errors.New("the connection is gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	_, err := wait(t, func(done func([]byte, error)) {
		s.Get(ctx, []byte("id"), done)
		cancel(gone)
	})
	if !errors.Is(err, gone) {
		t.Errorf("the call ended with %v", err)
	}
	r.Thaw()
	if err := put(t, s, "id", "entry", time.Minute); err != nil {
		t.Errorf("the next call: %v", err)
	}
}

func TestClosedStore(t *testing.T) {
	r := interop.StartRedis(t)
	s := open(t, r.Address, patient)
	r.Freeze()
	answers := make(chan error, 1)
	s.Get(context.Background(), []byte("id"), func(_ []byte, err error) { answers <- err })
	s.Close()
	r.Thaw()
	if err := <-answers; !errors.Is(err, ErrClosed) {
		t.Errorf("the call under way: %v", err)
	}
	if _, err := get(t, s, "id"); !errors.Is(err, ErrClosed) {
		t.Errorf("a call after Close: %v", err)
	}
	s.Close()
}

func TestOptions(t *testing.T) {
	client := dial(t, "127.0.0.1:1")
	for name, f := range map[string]func() (*Store, error){
		"no client":            func() (*Store, error) { return New(nil, fleetSecret, Options{}) },
		"a secret of 31 bytes": func() (*Store, error) { return New(client, fleetSecret[1:], Options{}) },
		"a secret of zeros":    func() (*Store, error) { return New(client, make([]byte, 32), Options{}) },
		"a negative deadline":  func() (*Store, error) { return New(client, fleetSecret, Options{Deadline: -1}) },
		"more keys than may be": func() (*Store, error) {
			o := Options{}
			o.TicketKeys.EncryptLifetime = time.Minute
			return New(client, fleetSecret, o)
		},
	} {
		if s, err := f(); err == nil {
			s.Close()
			t.Errorf("%s: taken", name)
		}
	}
	for _, url := range []string{"", "http://127.0.0.1", "redis://127.0.0.1/x"} {
		if c, err := Dial(url); err == nil {
			c.Close()
			t.Errorf("URL %q: taken", url)
		}
	}
}
