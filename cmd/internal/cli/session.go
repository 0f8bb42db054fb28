package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

// Bounds of a connection's end. They add up to less than the time that a program has
// after SIGTERM.
const (
	// closeLimit is how long the peer's close_notify is waited for, and how long an alert, or
	// after SIGTERM our own close_notify, may take to be written. Otherwise that is behind
	// data that a slow peer has yet to take, and may take flushLimit.
	closeLimit = 2 * time.Second
	flushLimit = 30 * time.Second
	// lingerLimit and lingerBytes are how long and how much is read after an alert: closing a
	// socket with unread bytes resets the connection, and the peer loses the alert.
	lingerLimit = time.Second
	lingerBytes = 1 << 20
)

// App is what a connection is for once its handshake is done.
type App interface {
	// Run moves data as far as it goes without waiting, for a bounded time, and returns what
	// it waits for; 0 means that it is done.
	Run(c *conn.Conn) (Events, error)
}

// Limits are the longest times that a handshake may take and that a connection may be
// idle after it; 0 is no limit.
type Limits struct{ Handshake, Idle time.Duration }

// phase is where a Session is on its way.
type phase uint8

const (
	negotiating   phase = iota
	serving             // the App runs
	renegotiating       // a server of TLS 1.2 has asked for it
	closing             // close_notify goes out, and the peer's is waited for
	failing             // an alert goes out
	lingering           // the peer gets the time to read it
	gone
)

// Session takes one connection over one socket from its handshake to its end, on its
// loop's goroutine.
type Session struct {
	Conn   *conn.Conn
	Number int // of the connection, from 1 on

	// Fixed when the session has ended.
	State     conn.State
	Handshake time.Duration // until it was done or had failed
	Err       error
	Resume    []byte // what a later connection of the client resumes; nil = nothing

	sessions  *Sessions
	socket    *Socket
	source    *Source
	app       App
	trace     *Recorder // nil if nobody looks
	phase     phase
	started   time.Time
	done      bool // the handshake is
	suspended bool // in a handshake, until the application answers
	said      bool // that we close
	moved     uint64
	drained   int
	early     early
}

// Peer returns the other end's address.
func (s *Session) Peer() string { return s.socket.Peer.String() }

// Done reports whether the handshake was completed.
func (s *Session) Done() bool { return s.done }

// Drive moves the session on. It waits for its socket by itself; Drive is for whatever
// else its App waits for.
func (s *Session) Drive() { s.ready(0) }

// Stop ends the session with close_notify.
func (s *Session) Stop() {
	if s.phase < closing {
		var err error
		if !s.done {
			err = &conn.Error{Kind: conn.ErrClosed, Err: errors.New("the program was stopped during the handshake")}
		}
		s.end(closing, err)
		s.ready(0)
	}
}

// Abandon ends the session at once.
func (s *Session) Abandon() {
	if s.phase != gone {
		s.finish()
	}
}

// ready is told what happened to the socket, and moves on until there is something to
// wait for.
func (s *Session) ready(e Events) {
	switch {
	case s.phase == gone:
		return
	case e&TimedOut != 0:
		s.expire()
	case e&HungUp != 0 && s.suspended:
		// Closing the connection ends the operation that the application works on.
		s.end(gone, &conn.Error{Kind: conn.ErrClosed, Err: fmt.Errorf(
			"peer hung up while the handshake waited for an answer (%s)", s.Conn.State().Waiting)})
	}
	for s.phase != gone {
		if want := s.step(); want != 0 {
			s.source.Want(want)
			return
		}
	}
	s.finish()
}

// step does what its phase is for, and returns what to wait for; 0 is for nothing.
func (s *Session) step() Events {
	switch s.phase {
	case negotiating:
		return s.negotiate()
	case serving:
		return s.serve()
	case renegotiating:
		return s.renegotiate()
	case closing, failing:
		return s.shutdown()
	case lingering:
		return s.linger()
	}
	return 0
}

func (s *Session) negotiate() Events {
	early, b, err := s.earlyData()
	if early {
		b, err = s.Conn.Negotiate()
	}
	if keys := s.sessions.keys; keys != nil {
		keys.handOver()
	}
	s.suspended = b == conn.BlockedOnApplicationInput
	if err != nil {
		s.end(failing, err)
		return 0
	}
	switch b {
	case conn.BlockedOnRead:
		return Readable
	case conn.BlockedOnWrite:
		return Writable
	case conn.BlockedOnApplicationInput:
		return HungUp
	}
	s.done = true
	s.Handshake = time.Since(s.started)
	s.phase = serving
	s.handOver()
	s.sessions.established(s)
	s.rest()
	return 0
}

func (s *Session) serve() Events {
	want, err := s.app.Run(s.Conn)
	switch {
	case err != nil:
		s.end(failing, err)
		return 0
	case want == 0:
		s.end(closing, nil)
		s.source.Deadline(time.Now().Add(flushLimit))
		return 0
	}
	s.rest()
	if s.Conn.WantsRenegotiate() {
		s.phase = renegotiating
		return 0
	}
	return want
}

// renegotiate does the other handshake that a server of TLS 1.2 has asked for, and lets
// the App take what data comes meanwhile.
func (s *Session) renegotiate() Events {
	b, err := s.Conn.Renegotiate()
	if keys := s.sessions.keys; keys != nil {
		keys.handOver()
	}
	s.suspended = b == conn.BlockedOnApplicationInput
	switch {
	case err != nil:
		s.end(failing, err)
		return 0
	case b == conn.BlockedOnRead:
		return Readable
	case b == conn.BlockedOnWrite:
		return Writable
	case b == conn.BlockedOnApplicationInput:
		return HungUp
	case b == conn.BlockedOnApplicationData:
		return s.serve()
	}
	s.phase = serving
	return 0
}

// rest starts the idle time anew if anything has moved since.
func (s *Session) rest() {
	if s.sessions.Limits.Idle == 0 {
		s.source.Deadline(time.Time{})
		return
	}
	state := s.Conn.State()
	if moved := state.WireIn + state.WireOut; moved != s.moved {
		s.moved = moved
		s.source.Deadline(time.Now().Add(s.sessions.Limits.Idle))
	}
}

func (s *Session) shutdown() Events {
	b, err := s.Conn.Shutdown()
	switch {
	case err == nil && b == conn.BlockedOnWrite:
		return Writable
	case err == nil && b == conn.BlockedOnRead:
		if !s.said {
			s.said = true
			s.socket.CloseWrite()
			s.source.Deadline(time.Now().Add(closeLimit))
		}
		return Readable
	case s.phase == failing:
		s.phase = gone
		if s.alerted() {
			s.phase = lingering
			s.socket.CloseWrite()
			s.source.Deadline(time.Now().Add(lingerLimit))
		}
		return 0
	}
	s.phase = gone
	s.judge(err)
	return 0
}

// judge looks at how the peer took our close_notify. That it did not answer with its own
// is no failure of a connection that is over; that it refused our certificate is, and
// with TLS 1.3 a client hears of it only here.
func (s *Session) judge(err error) {
	if !s.done {
		return
	}
	if err == nil {
		if _, _, err = s.Conn.Recv(make([]byte, 1)); err == io.EOF {
			return
		}
	}
	state := s.Conn.State()
	wentAway := errors.Is(err, conn.ErrClosed) || errors.Is(err, conn.ErrIO)
	if wentAway && !(s.sessions.Role == "client" && state.ClientAuth) {
		return
	}
	s.fail(err)
}

// alerted reports whether the peer was sent a fatal alert.
func (s *Session) alerted() bool {
	var alert *conn.AlertError
	return errors.As(s.Err, &alert) && alert.Sent
}

// linger reads what the peer has sent before it saw the alert.
func (s *Session) linger() Events {
	var b [4096]byte
	for s.drained < lingerBytes {
		n, err := s.socket.Recv(b[:])
		if err == conn.ErrWouldBlock {
			return Readable
		}
		if err != nil {
			break
		}
		s.drained += n
	}
	s.phase = gone
	return 0
}

// expire is for a time limit that has passed.
func (s *Session) expire() {
	late := func(format string, d time.Duration) error {
		return &conn.Error{Kind: conn.ErrIO, Err: fmt.Errorf(format+": %w", d, os.ErrDeadlineExceeded)}
	}
	switch s.phase {
	case negotiating:
		s.end(failing, late("the handshake took longer than %v", s.sessions.Limits.Handshake))
	case serving, renegotiating:
		s.end(failing, late("nothing came or went for %v", s.sessions.Limits.Idle))
	default:
		s.phase = gone
	}
}

// end goes to a phase of the end, with the error that led to it, if any.
func (s *Session) end(p phase, err error) {
	s.fail(err)
	s.phase = p
	s.suspended = false
	s.source.Deadline(time.Now().Add(closeLimit))
}

func (s *Session) fail(err error) {
	if s.Err == nil {
		s.Err = err
	}
	if !s.done && s.Handshake == 0 {
		s.Handshake = time.Since(s.started)
	}
}

// finish gives everything back.
func (s *Session) finish() {
	s.phase = gone
	s.State = s.Conn.State()
	s.Resume = s.Conn.Session()
	s.Conn.Close()
	s.source.Remove()
	s.sessions.ended(s)
	s.socket.Close()
}
