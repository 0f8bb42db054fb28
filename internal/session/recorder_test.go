package session

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func key(i int) (k [32]byte) {
	k[0], k[1], k[31] = byte(i), byte(i>>8), 1
	return k
}

func TestRecorder(t *testing.T) {
	r := NewRecorder(2, noon)
	minute := noon.Add(time.Minute)
	for _, c := range []struct {
		name       string
		key        int
		until, now time.Time
		fresh      bool
	}{
		{"the first time", 1, minute, noon, true},
		{"again", 1, minute, noon, false},
		{"again, in the last moment", 1, minute, minute.Add(-1), false},
		{"its window is over already", 2, noon, noon, false},
		{"another", 2, minute.Add(time.Hour), noon, true},
		{"no room left", 3, minute, noon, false},
		{"room again", 3, minute.Add(time.Minute), minute, true},
		{"the longer one still counts", 2, minute.Add(time.Hour), minute, false},
		{"long after", 1, minute.Add(3 * time.Hour), minute.Add(2 * time.Hour), true},
	} {
		if got := r.Record(key(c.key), c.until, c.now); got != c.fresh {
			t.Errorf("%s: fresh %v", c.name, got)
		}
	}
	if !r.Began().Equal(noon) {
		t.Errorf("began at %v", r.Began())
	}
	if NewRecorder(0, noon).Record(key(1), minute, noon) {
		t.Error("fresh though nothing can be remembered")
	}
}

// TestRecorderAndClock sets the clock back after a key was forgotten.
func TestRecorderAndClock(t *testing.T) {
	r := NewRecorder(10, noon)
	minute := noon.Add(time.Minute)
	for _, c := range []struct {
		name       string
		key        int
		until, now time.Time
		fresh      bool
	}{
		{"the first time", 1, minute, noon, true},
		{"another, when the first is over", 2, minute.Add(time.Hour), minute, true},
		{"the first again, by a clock that was set back", 1, minute, noon, false},
		{"a new one whose time that clock has seen already", 3, minute, noon, false},
		{"a new one of later", 4, minute.Add(time.Second), noon, true},
	} {
		if got := r.Record(key(c.key), c.until, c.now); got != c.fresh {
			t.Errorf("%s: fresh %v", c.name, got)
		}
	}
}

// TestRecorderForgets compares with what a plain map would say, times in any order.
func TestRecorderForgets(t *testing.T) {
	r := NewRecorder(1000, noon)
	random := rand.New(rand.NewPCG(1, 2))
	known := map[int]time.Time{}
	now := noon
	for range 20000 {
		now = now.Add(time.Duration(random.IntN(1000)) * time.Millisecond)
		k, until := random.IntN(300), now.Add(time.Duration(1+random.IntN(120_000))*time.Millisecond)
		want := !now.Before(known[k])
		if want {
			known[k] = until
		}
		if got := r.Record(key(k), until, now); got != want {
			t.Fatalf("fresh %v, want %v", got, want)
		}
		if len(r.seen) != len(r.order) || len(r.order) > 300 {
			t.Fatalf("%d keys in %d places", len(r.seen), len(r.order))
		}
	}
}

func TestOneIsFresh(t *testing.T) {
	r := NewRecorder(1000, noon)
	for i := range 50 {
		var wg sync.WaitGroup
		var fresh atomic.Int32
		for range 8 {
			wg.Go(func() {
				if r.Record(key(i), noon.Add(time.Minute), noon) {
					fresh.Add(1)
				}
			})
		}
		wg.Wait()
		if fresh.Load() != 1 {
			t.Fatalf("fresh for %d callers", fresh.Load())
		}
	}
}
