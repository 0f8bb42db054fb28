package bench

import (
	"crypto/tls"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

// clientLoop is one event loop with its share of the connections: of ours it drives both
// ends, of crypto/tls the clients.
type clientLoop struct {
	f     *Fixture
	std   bool
	ready chan *slot
	stop  chan struct{}
	fresh []*slot // whose next connection is to begin
	done  atomic.Uint64
	err   error
}

// slot is the place of one connection after the other.
type slot struct {
	loop   *clientLoop
	over   bool // its connection is
	client *conn.Conn
	server *conn.Conn // nil for crypto/tls
	up     queue      // to a server of ours
	down   lockedQueue
	in     chan []byte // to a server of crypto/tls
}

func (l *clientLoop) run(share int) {
	var servers sync.WaitGroup
	slots := make([]*slot, share)
	for i := range slots {
		s := &slot{loop: l, in: make(chan []byte, 64)}
		slots[i] = s
		if l.std {
			servers.Go(s.serveStd)
		}
		l.fresh = append(l.fresh, s)
	}
	for l.err == nil && l.next() {
	}
	for _, s := range slots {
		if s.client != nil {
			s.client.Close()
		}
		if s.server != nil {
			s.server.Close()
		}
		close(s.in)
	}
	go func() { // late answers
		for range l.ready {
		}
	}()
	servers.Wait()
}

// next moves one slot on; it waits until there is one, and is false when all is over.
func (l *clientLoop) next() bool {
	if len(l.fresh) > 0 {
		select {
		case s := <-l.ready:
			l.move(s)
		case <-l.stop:
			return false
		default:
			s := l.fresh[0]
			l.fresh = l.fresh[1:]
			l.begin(s)
		}
		return true
	}
	select {
	case s := <-l.ready:
		l.move(s)
		return true
	case <-l.stop:
		return false
	}
}

// begin starts a slot's next connection.
func (l *clientLoop) begin(s *slot) {
	s.down.reset()
	s.over = false
	if s.client, l.err = conn.NewClient(s.down.recv, s.send, l.f.Client); l.err != nil {
		return
	}
	if !l.std {
		s.up = queue{}
		if s.server, l.err = conn.NewServer(s.up.recv, s.down.send, l.f.Server); l.err != nil {
			return
		}
		s.server.SetValue(s)
	}
	l.move(s)
}

func (s *slot) send(p []byte) (int, error) {
	if s.server != nil {
		return s.up.send(p)
	}
	s.in <- append([]byte(nil), p...)
	return len(p), nil
}

// move goes on with a slot as far as it can.
func (l *clientLoop) move(s *slot) {
	for !s.over { // else it was woken late
		c, err := s.client.Negotiate()
		if err != nil {
			l.err = err
			return
		}
		b := conn.NotBlocked
		if s.server != nil {
			if b, err = s.server.Negotiate(); err != nil {
				l.err = err
				return
			}
			if s.down.waits() {
				continue
			}
		}
		if c != conn.NotBlocked || b != conn.NotBlocked {
			return
		}
		s.client.Close()
		if s.server != nil {
			s.server.Close()
		}
		l.done.Add(1)
		s.over = true
		l.fresh = append(l.fresh, s)
		return
	}
}

// serveStd is the server's goroutine of a slot: one connection after the other.
func (s *slot) serveStd() {
	end := &stdServerEnd{slot: s}
	for !end.over {
		if err := tls.Server(end, s.loop.f.StdServer).Handshake(); err != nil && !end.over {
			panic(err) // both ends are ours
		}
	}
}

// stdServerEnd is the server's end of a wire whose other end is a clientLoop's.
type stdServerEnd struct {
	net.Conn // nil: only what crypto/tls calls is here
	slot     *slot
	rest     []byte
	over     bool
}

func (e *stdServerEnd) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		b, ok := <-e.slot.in
		if !ok {
			e.over = true
			return 0, io.EOF
		}
		e.rest = b
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

func (e *stdServerEnd) Write(p []byte) (int, error) {
	n, err := e.slot.down.send(p)
	e.slot.loop.ready <- e.slot
	return n, err
}

func (e *stdServerEnd) Close() error                     { return nil }
func (e *stdServerEnd) SetDeadline(time.Time) error      { return nil }
func (e *stdServerEnd) SetReadDeadline(time.Time) error  { return nil }
func (e *stdServerEnd) SetWriteDeadline(time.Time) error { return nil }
func (e *stdServerEnd) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (e *stdServerEnd) RemoteAddr() net.Addr             { return &net.TCPAddr{} }

// lockedQueue is a queue between two goroutines.
type lockedQueue struct {
	mu sync.Mutex
	q  queue
}

func (l *lockedQueue) send(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.q.send(p)
}

func (l *lockedQueue) recv(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.q.recv(p)
}

func (l *lockedQueue) waits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.q.off < len(l.q.bytes)
}

func (l *lockedQueue) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.q = queue{}
}
