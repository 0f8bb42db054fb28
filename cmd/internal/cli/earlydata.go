package cli

import (
	"github.com/s2ngo/s2ngo/conn"
)

// EarlyTaker is an App of a server that goes on with a client's early data as if it had received it
// by itself.
type EarlyTaker interface{ TakeEarly(data []byte) }

// early is what one connection sends or receives before its handshake is done.
type early struct {
	over bool

	out   []byte // a client's
	taken int    // of it, by the connection

	receive bool // a server's
	in      []byte
}

// earlyData moves early data, and says what to wait for; done is set if it is the handshake's turn.
func (s *Session) earlyData() (done bool, b conn.Blocked, err error) {
	e := &s.early
	switch {
	case e.over:
		return true, conn.NotBlocked, nil
	case e.receive:
		b, err = e.receiveSome(s.Conn)
	case len(e.out) > 0:
		var n int
		n, b, err = s.Conn.SendEarlyData(e.out[e.taken:])
		e.taken += n
	}
	e.over = b == conn.NotBlocked && err == nil
	return e.over, b, err
}

func (e *early) receiveSome(c *conn.Conn) (conn.Blocked, error) {
	var buf [4096]byte
	for {
		n, b, err := c.RecvEarlyData(buf[:])
		e.in = append(e.in, buf[:n]...)
		if b != conn.BlockedOnEarlyData || err != nil {
			return b, err
		}
	}
}

// handOver gives early data to the App of a connection whose handshake is done: to a server's what
// came, to a client's what the server has not read, which is sent again.
func (s *Session) handOver() {
	e := &s.early
	if t, ok := s.app.(EarlyTaker); ok && len(e.in) > 0 {
		t.TakeEarly(e.in)
	}
	if s.Conn.State().EarlyData == conn.EarlyDataRejected {
		e.taken = 0
	}
	if left := e.out[e.taken:]; len(left) > 0 {
		s.app = &sendFirst{App: s.app, left: left}
	}
	e.in, e.out = nil, nil
}

// sendFirst is an App that has something to send before anything else.
type sendFirst struct {
	App
	left []byte
}

// Run is the App's, once all is sent.
func (f *sendFirst) Run(c *conn.Conn) (Events, error) {
	for len(f.left) > 0 {
		n, b, err := c.Send(f.left)
		f.left = f.left[n:]
		if b == conn.BlockedOnWrite || err != nil {
			return Writable, err
		}
	}
	return f.App.Run(c)
}
