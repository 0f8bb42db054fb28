package redisstore

import (
	"sync"
	"time"
)

// latest is the latest time that it has been. Redis forgets early data as time goes by, also while nobody looks
// at this server's clock; when the clock is set back, what was forgotten must not count as new.
type latest struct {
	mu   sync.Mutex
	wall time.Time     // when it was last looked at,
	run  time.Duration // by a clock that nobody sets
	high time.Time
}

// at returns the latest time, which it is at least now; run is how long the process runs.
func (l *latest) at(now time.Time, run time.Duration) time.Time {
	now = now.Round(0) // as it was set
	l.mu.Lock()
	defer l.mu.Unlock()
	passed := l.wall.Add(run - l.run) // had it not been set
	if l.wall.IsZero() {
		passed = now
	}
	l.wall, l.run = now, run
	for _, t := range [...]time.Time{passed, now} {
		if t.After(l.high) {
			l.high = t
		}
	}
	return l.high
}
