package conn

import (
	"sync"
	"sync/atomic"

	"github.com/s2ngo/s2ngo/iana"
)

// control is what Recv wants to be written: it never waits for the write half. Whoever
// holds that half seals it first; if nobody does, Recv takes it.
type control struct {
	waiting atomic.Bool // something is here
	mu      sync.Mutex
	update  bool // a KeyUpdate in answer to the peer's: one answers any number
	alert   iana.Alert
	alerted bool
	err     error // what ends the write half with the alert
}

func (q *control) wantKeyUpdate() {
	q.mu.Lock()
	q.update = true
	q.mu.Unlock()
	q.waiting.Store(true)
}

// wantEnd asks for the end of the write half: with an alert, if there is one to send.
func (q *control) wantEnd(err error, alert iana.Alert, send bool) {
	q.mu.Lock()
	if q.err == nil {
		q.err, q.alert, q.alerted = err, alert, send
	}
	q.mu.Unlock()
	q.waiting.Store(true)
}

func (q *control) take() (update bool, err error, alert iana.Alert, alerted bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting.Store(false)
	update, err, alert, alerted = q.update, q.err, q.alert, q.alerted
	q.update, q.err, q.alerted = false, nil, false
	return update, err, alert, alerted
}

func (q *control) reset() {
	q.take()
}

// sealControl seals what waits. The write half is locked.
func (c *Conn) sealControl() {
	if !c.control.waiting.Load() {
		return
	}
	update, err, alert, alerted := c.control.take()
	if c.writeErr != nil {
		return
	}
	if update && !c.is(factSentClose) {
		if c.rekey(false) != nil {
			return
		}
	}
	if err != nil {
		if alerted {
			c.sealAlert(levelFatal, alert)
		}
		c.writeErr = err
	}
}

// serveControl is Recv's: it writes what waits unless somebody else holds the write half,
// who will do it then.
func (c *Conn) serveControl() {
	for c.control.waiting.Load() {
		if !c.wmu.TryLock() {
			return
		}
		c.sealControl()
		c.flushQuietly()
		c.wmu.Unlock()
	}
}

// unlockWrite gives the write half back, and looks once more for what came meanwhile.
func (c *Conn) unlockWrite() {
	c.wmu.Unlock()
	c.serveControl()
}

// flushQuietly writes what it can; what it cannot is left to the next call that sends.
func (c *Conn) flushQuietly() {
	if err := c.flush(); err != nil && err != ErrWouldBlock && c.writeErr == nil {
		c.writeErr = ioError("writing", err)
	}
}
