package pkcs11

import (
	"context"
	"errors"
)

// Metrics is what a Token has been doing. The first group are gauges, the rest counts since
// Open.
type Metrics struct {
	Up       bool // the token is there
	Queued   int  // operations that wait for a worker
	InFlight int  // operations that the token works at, the stuck ones included
	Workers  int  // goroutines that work or wait for work
	Stuck    int  // workers whose call takes longer than Config.Timeout
	Open     int  // sessions of workers

	Done      uint64 // operations that ended well
	Failed    uint64 // operations that ended with an error of the token, or of their own
	Abandoned uint64 // operations whose connection was gone
	TimedOut  uint64 // operations that ended with ErrTimeout
	Refused   uint64 // operations that got ErrBusy
	Retried   uint64 // operations that were done again after an error

	Sessions          uint64 // sessions that were opened
	Logins            uint64 // times that the token was reached
	Losses            uint64 // times that it was looked at after an error
	Reinitializations uint64 // times that the module was set up anew
}

// Metrics returns what the Token has been doing.
func (t *Token) Metrics() Metrics {
	t.mu.Lock()
	defer t.mu.Unlock()
	m := t.counts
	m.Up = t.link != nil
	m.Queued, m.InFlight, m.Workers, m.Stuck, m.Open = len(t.queue), len(t.running), t.workers, t.stuck, t.open
	return m
}

// count counts one operation.
func (m *Metrics) count(err error) {
	switch {
	case err == nil:
		m.Done++
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		m.Abandoned++
	default:
		m.Failed++
	}
}
