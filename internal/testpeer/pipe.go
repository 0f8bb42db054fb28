package testpeer

import (
	"io"
	"sync"

	"github.com/s2ngo/s2ngo/record"
)

// Pipe is an in-memory wire between two ends, non-blocking on both: an empty direction
// gives record.ErrWouldBlock. It may be used by a goroutine at each end.
type Pipe struct {
	Client, Server *End
}

// NewPipe returns a wire without limits.
func NewPipe() *Pipe {
	up, down := new(direction), new(direction)
	return &Pipe{Client: &End{in: down, out: up}, Server: &End{in: up, out: down}}
}

// End is one end of a Pipe. Its methods are what conn wants for callbacks.
type End struct {
	in, out *direction

	// ReadLimit and WriteLimit bound the bytes of one call; 0 = no limit. Stutter makes
	// every other call of each return record.ErrWouldBlock first.
	ReadLimit, WriteLimit int
	Stutter               bool
	readTurn, writeTurn   bool

	mu   sync.Mutex
	sent []byte // all that was written, if recorded
	rec  bool
}

type direction struct {
	mu     sync.Mutex
	bytes  []byte
	closed error
}

// Recv reads what has arrived.
func (e *End) Recv(p []byte) (int, error) {
	if e.Stutter {
		if e.readTurn = !e.readTurn; e.readTurn {
			return 0, record.ErrWouldBlock
		}
	}
	if e.ReadLimit > 0 && len(p) > e.ReadLimit {
		p = p[:e.ReadLimit]
	}
	d := e.in
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.bytes) == 0 {
		if d.closed != nil {
			return 0, d.closed
		}
		return 0, record.ErrWouldBlock
	}
	n := copy(p, d.bytes)
	if d.bytes = d.bytes[n:]; len(d.bytes) == 0 {
		d.bytes = nil
	}
	return n, nil
}

// Send writes to the other end.
func (e *End) Send(p []byte) (int, error) {
	if e.Stutter {
		if e.writeTurn = !e.writeTurn; e.writeTurn {
			return 0, record.ErrWouldBlock
		}
	}
	if e.WriteLimit > 0 && len(p) > e.WriteLimit {
		p = p[:e.WriteLimit]
	}
	if e.rec {
		e.mu.Lock()
		e.sent = append(e.sent, p...)
		e.mu.Unlock()
	}
	d := e.out
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed != nil {
		return 0, io.ErrClosedPipe
	}
	d.bytes = append(d.bytes, p...)
	return len(p), nil
}

// CloseWrite ends this end's direction: the other reads io.EOF after what was sent.
func (e *End) CloseWrite() { e.out.close(io.EOF) }

// Break makes the other end's reads fail with err once it has read what was sent.
func (e *End) Break(err error) { e.out.close(err) }

func (d *direction) close(err error) {
	d.mu.Lock()
	d.closed = err
	d.mu.Unlock()
}

// Record keeps a copy of all that is sent from now on.
func (e *End) Record() { e.rec = true }

// Sent returns what was sent since Record.
func (e *End) Sent() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]byte(nil), e.sent...)
}

// Pending returns how many bytes wait to be read at this end.
func (e *End) Pending() int {
	e.in.mu.Lock()
	defer e.in.mu.Unlock()
	return len(e.in.bytes)
}
