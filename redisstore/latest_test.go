package redisstore

import (
	"context"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// TestLatest sets the clock.
func TestLatest(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	var l latest
	for _, c := range []struct {
		what           string
		now, run, want time.Duration // since noon, since the beginning, since noon
	}{
		{"the beginning", 0, 5 * time.Second, 0},
		{"a minute later", time.Minute, 65 * time.Second, time.Minute},
		{"two minutes later, and set back by an hour", -57 * time.Minute, 185 * time.Second, 3 * time.Minute},
		{"half an hour later", -27 * time.Minute, 1985 * time.Second, 3 * time.Minute},
		{"when the hour is over", 4 * time.Minute, 3845 * time.Second, 4 * time.Minute},
		{"set forward", time.Hour, 3846 * time.Second, time.Hour},
	} {
		if got := l.at(noon.Add(c.now), c.run); !got.Equal(noon.Add(c.want)) {
			t.Errorf("%s: %v, want %v", c.what, got.Sub(noon), c.want)
		}
	}
}

// TestClockSetBack sends early data again when Redis has forgotten it and the server's clock was set back to
// when it was new.
func TestClockSetBack(t *testing.T) {
	s := open(t, interop.StartRedis(t).Address, patient)
	at := time.Now()
	s.clock = func() (time.Time, time.Duration) { return at, 0 }
	until := at.Add(100 * time.Millisecond)
	again := func() (bool, error) {
		return wait(t, func(done func(bool, error)) { s.Record(context.Background(), [32]byte{1}, until, done) })
	}
	if fresh, err := again(); !fresh || err != nil {
		t.Fatalf("new: %v, %v", fresh, err)
	}
	name := s.vault.name(kindReplay, append([]byte{1}, make([]byte, 31)...))
	eventually(t, "Redis to forget", func() bool {
		n, err := s.client.Exists(context.Background(), name).Result()
		return n == 0 && err == nil
	})
	began := time.Now()
	s.clock = func() (time.Time, time.Duration) { return at, time.Second + time.Since(began) }
	if fresh, err := again(); fresh || err != nil {
		t.Errorf("again: %v, %v", fresh, err)
	}
}
