package cli

import (
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Bounds of the way out after a signal, which together take less than 5 s: what is open
// then is closed without further words, and a program that does not even get there ends.
const (
	abandonAfter = 3500 * time.Millisecond
	exitAfter    = 4500 * time.Millisecond
	briefly      = 250 * time.Millisecond
)

// Briefly calls f and waits for it, but not long: it may be about a token that hangs.
func Briefly(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(briefly):
	}
}

// OnSignal calls stop on the loop when SIGINT or SIGTERM comes, and abandon if the loop
// still runs a while later. exit is for a loop that does not move any more: it is called
// on another goroutine and ends the process. A second signal does so at once.
func OnSignal(l *Loop, stop func(os.Signal), abandon func(), exit func(os.Signal)) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		got := <-signals
		signal.Stop(signals)
		l.Post(func() {
			l.Add(-1, func(Events) { abandon() }).Deadline(time.Now().Add(abandonAfter))
			stop(got)
		})
		time.Sleep(exitAfter)
		exit(got)
	}()
}
