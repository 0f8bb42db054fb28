//go:build unix && cgo

package faults

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// soakTime is how long TestSoak takes without S2NGO_SOAK, and with the race detector.
const soakTime, soakTimeRace = 8 * time.Second, 4 * time.Second

// TestSoak breaks a token at random under load, for as long as S2NGO_SOAK says ("60s").
func TestSoak(t *testing.T) {
	lasts := soakTime
	if interop.Race() {
		lasts = soakTimeRace
	}
	if text := os.Getenv("S2NGO_SOAK"); text != "" {
		var err error
		if lasts, err = time.ParseDuration(text); err != nil {
			t.Fatalf("S2NGO_SOAK: %v", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("%v with seed %d", lasts, seed)
	random := rand.New(rand.NewPCG(seed, 0))
	// pause sleeps for up to so long.
	pause := func(most time.Duration) { time.Sleep(time.Duration(random.Int64N(int64(most)))) }

	const timeout = 400 * time.Millisecond
	behind := interop.SoftHSM(t, "p256", "rsa2048")
	files, away := behind.TokenFiles(t), filepath.Join(t.TempDir(), "token")
	p := startP11Kit(t, behind)
	s := newStand(t, p.Token, timeout, "p256", "rsa2048")
	s.allGood()
	goroutines := runtime.NumGoroutine()
	stop := s.load(8)
	defer stop()
	faults := []struct {
		name string
		do   func()
	}{
		{"the server dies and is started", func() { p.Kill(); pause(timeout); p.Start(t) }},
		{"the server dies and is started at once", func() { p.Kill(); p.Start(t) }},
		{"the server hangs", func() { p.Halt(); pause(3 * timeout); p.Go() }},
		{"the server hangs and dies", func() { p.Halt(); pause(2 * timeout); p.Kill(); p.Start(t) }},
		{"the token is taken away", func() { rename(t, files, away); pause(timeout); rename(t, away, files) }},
		{"the token is taken away and the server dies", func() {
			rename(t, files, away)
			p.Kill()
			p.Start(t)
			pause(timeout)
			rename(t, away, files)
			p.Kill() // SoftHSM looks for tokens when it is initialized
			p.Start(t)
		}},
		{"the token is closed and opened", func() {
			s.until("the token to be itself again", func() bool {
				m := s.token.Load().Metrics()
				return m.Up && m.Stuck == 0 && s.judge(kinds[0]) == nil
			})
			if err := s.token.Load().Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			s.reopen()
		}},
	}
	counts := map[string]int{}
	for end := time.Now().Add(lasts); time.Now().Before(end) && !t.Failed(); {
		fault := faults[random.IntN(len(faults))]
		counts[fault.name]++
		fault.do()
		if random.IntN(4) > 0 { // otherwise what is not over yet meets the next one
			s.more("handshakes after "+fault.name, &s.good, 3)
		}
	}
	s.until("a handshake after all", func() bool { return s.judge(kinds[0]) == nil })
	stop()
	s.allGood()
	t.Logf("%d handshakes were completed and %d failed; %v", s.good.Load(), s.bad.Load(), counts)
	s.until("goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines+2*len(kinds) })
}
