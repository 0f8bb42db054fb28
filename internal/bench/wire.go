package bench

import (
	"io"
	"net"
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

// queue is one direction of a wire between two non-blocking ends on one goroutine.
type queue struct {
	bytes []byte
	off   int
}

func (q *queue) send(p []byte) (int, error) {
	if q.off == len(q.bytes) {
		q.bytes, q.off = q.bytes[:0], 0
	}
	q.bytes = append(q.bytes, p...)
	return len(p), nil
}

func (q *queue) recv(p []byte) (int, error) {
	if q.off == len(q.bytes) {
		return 0, conn.ErrWouldBlock
	}
	n := copy(p, q.bytes[q.off:])
	q.off += n
	return n, nil
}

// Pair is a client and a server of ours over a wire in memory.
type Pair struct {
	Client, Server *conn.Conn
	up, down       queue
}

// NewPair connects two ends.
func NewPair(f *Fixture) (*Pair, error) {
	p := &Pair{}
	var err error
	if p.Client, err = conn.NewClient(p.down.recv, p.up.send, f.Client); err != nil {
		return nil, err
	}
	if f.session != nil {
		if err := p.Client.SetSession(f.session); err != nil {
			return nil, err
		}
	}
	p.Server, err = conn.NewServer(p.up.recv, p.down.send, f.Server)
	return p, err
}

// Forget gives the wire's memory back, so that only the connections' is left.
func (p *Pair) Forget() { p.up, p.down = queue{}, queue{} }

// Handshake runs both ends to completion and returns the time spent in the server.
func (p *Pair) Handshake() (server time.Duration, err error) {
	for {
		c, err := p.Client.Negotiate()
		if err != nil {
			return 0, err
		}
		start := time.Now()
		s, err := p.Server.Negotiate()
		server += time.Since(start)
		if err != nil {
			return 0, err
		}
		if c == conn.NotBlocked && s == conn.NotBlocked {
			return server, nil
		}
	}
}

// stdEnd is a net.Conn over channels of byte slices: with GOMAXPROCS=1 the two ends take
// turns. Busy is the time that its user spends between reads and writes.
type stdEnd struct {
	net.Conn // nil: only what crypto/tls calls is here
	in, out  chan []byte
	rest     []byte
	direct   *queue // instead of the channels, once there is only one goroutine
	Busy     time.Duration
	since    time.Time
}

func newStdWire() (client, server *stdEnd) {
	up, down := make(chan []byte, 64), make(chan []byte, 64)
	return &stdEnd{in: down, out: up}, &stdEnd{in: up, out: down}
}

func (e *stdEnd) begin() { e.since = time.Now() }

func (e *stdEnd) pause() { e.Busy += time.Since(e.since) }

func (e *stdEnd) Read(p []byte) (int, error) {
	if e.direct != nil {
		return e.direct.recv(p)
	}
	if len(e.rest) == 0 {
		e.pause()
		b, ok := <-e.in
		e.begin()
		if !ok {
			return 0, io.EOF
		}
		e.rest = b
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (e *stdEnd) Write(p []byte) (int, error) {
	if e.direct != nil {
		return e.direct.send(p)
	}
	e.out <- append([]byte(nil), p...)
	return len(p), nil
}

func (e *stdEnd) Close() error                     { return nil }
func (e *stdEnd) SetDeadline(time.Time) error      { return nil }
func (e *stdEnd) SetReadDeadline(time.Time) error  { return nil }
func (e *stdEnd) SetWriteDeadline(time.Time) error { return nil }
func (e *stdEnd) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (e *stdEnd) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
