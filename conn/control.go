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
	wanted
	held bool // an update that waits until all that is sealed is written; the write half's
	last bool // what was sealed last is a KeyUpdate; the write half's
}

func (q *control) wantKeyUpdate() {
	q.mu.Lock()
	q.update = true
	q.mu.Unlock()
	q.waiting.Store(true)
}

// wantRefusal asks for the warning no_renegotiation: one answers any number of requests.
func (q *control) wantRefusal() {
	q.mu.Lock()
	q.warning = true
	q.mu.Unlock()
	q.waiting.Store(true)
}

// wantClose asks for the answer to the peer's close_notify in TLS 1.2.
func (q *control) wantClose() {
	q.mu.Lock()
	q.closing = true
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

// wanted is what waits in the queue.
type wanted struct {
	update  bool  // a KeyUpdate in answer to the peer's: one answers any number
	warning bool  // the warning no_renegotiation
	closing bool  // close_notify
	err     error // what ends the write half, with an alert if alerted
	alert   iana.Alert
	alerted bool
}

func (q *control) take() (w wanted) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting.Store(false)
	w, q.wanted = q.wanted, w
	return w
}

func (q *control) reset() {
	q.take()
	q.held, q.last = false, false
}

// sealControl seals what waits. The write half is locked.
func (c *Conn) sealControl() {
	if !c.control.waiting.Load() {
		return
	}
	w := c.control.take()
	if c.writeErr != nil {
		return
	}
	if w.warning && !c.is(factSentClose) {
		if _, err := c.wr.Seal(iana.RecordAlert, []byte{levelWarning, uint8(iana.NoRenegotiation)}); err == nil {
			c.trace(TraceEvent{Kind: TraceAlert, Sent: true, Text: iana.NoRenegotiation.String()})
		}
	}
	if w.update && !c.is(factSentClose) {
		// A peer that asks and does not read makes us queue no more than one. What waits behind
		// all data is an answer to every request that has come meanwhile.
		pending := c.wr.Pending() > 0
		c.control.held = pending && !c.control.last
		if !pending && c.rekey(false) != nil {
			return
		}
	}
	if w.closing {
		c.sealAlert(levelWarning, iana.CloseNotify)
	}
	if w.err != nil {
		if w.alerted {
			c.sealAlert(levelFatal, w.alert)
		}
		c.writeErr = w.err
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
