package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/s2ngo/s2ngo/conn"
)

// connection makes one connection of a test.
func connection(o *options, resumes bool) error {
	s := &session{options: o}
	s.suspend.on = o.suspend || o.async
	cfg, err := s.config()
	if err != nil {
		return err
	}
	sock, err := dial(o)
	if err != nil {
		return err
	}
	defer sock.end()
	make := conn.NewClient
	if o.server {
		make = conn.NewServer
	}
	c, err := make(sock.recv, sock.send, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	x := &exchange{session: s, conn: c, socket: sock, resumes: resumes}
	err = x.run()
	if err != nil {
		x.drain()
	}
	return errors.Join(err, s.wrong, x.checkSuspension())
}

// exchange is a connection under way.
type exchange struct {
	*session
	conn    *conn.Conn
	socket  *socket
	resumes bool
}

// settle repeats a call until it no longer waits, and does what it waits for.
func (x *exchange) settle(call func() (conn.Blocked, error)) error {
	for {
		b, err := call()
		if err != nil {
			return x.repeat(call, err)
		}
		switch b {
		case conn.NotBlocked:
			return nil
		case conn.BlockedOnRead:
			x.socket.read = 1
		case conn.BlockedOnWrite:
			x.socket.write = 1
		case conn.BlockedOnApplicationInput:
			if err := x.suspend.resume(); err != nil {
				return err
			}
		default:
			return mustFail("a call is " + b.String())
		}
	}
}

// repeat makes sure that an error is final.
func (x *exchange) repeat(call func() (conn.Blocked, error), err error) error {
	if _, again := call(); again == nil || again.Error() != err.Error() {
		return mustFail(fmt.Sprintf("the error %q is not final: then came %v", err, again))
	}
	return err
}

// drain gets a pending alert out.
func (x *exchange) drain() {
	for {
		b, err := x.conn.Flush()
		if b != conn.BlockedOnWrite || errors.Is(err, conn.ErrIO) {
			return
		}
		x.socket.write = 1
	}
}

func (x *exchange) run() error {
	o := x.options
	if err := x.settle(x.conn.Negotiate); err != nil {
		return err
	}
	if err := x.check(); err != nil {
		return err
	}
	if o.shimWritesFirst {
		for range o.repeatShimInitialWrite {
			if err := x.write([]byte(o.shimInitialWrite)); err != nil {
				return err
			}
		}
	}
	if !o.shimShutsDown {
		if err := x.echo(); err != nil {
			return err
		}
	}
	return x.shutDown()
}

// write sends all of p.
func (x *exchange) write(p []byte) error {
	for {
		n, b, err := x.conn.Send(p)
		if err != nil {
			return err
		}
		p = p[n:]
		if b == conn.BlockedOnWrite {
			x.socket.write = 1
			if len(p) == 0 {
				return x.settle(x.conn.Flush)
			}
		}
		if len(p) == 0 {
			return nil
		}
	}
}

// read receives up to len(p) bytes.
func (x *exchange) read(p []byte) (n int, err error) {
	err = x.settle(func() (b conn.Blocked, err error) {
		n, b, err = x.conn.Recv(p)
		return b, err
	})
	return n, err
}

// echo sends back what it receives, with each bit flipped, until the runner closes.
func (x *exchange) echo() error {
	o := x.options
	size := 512
	if o.readSize > 0 {
		size = o.readSize
	}
	buf := make([]byte, size)
	for {
		if o.keyUpdateBeforeRead {
			if err := x.updateKeys(); err != nil {
				return err
			}
		}
		n, err := x.read(buf)
		if err == io.EOF || errors.Is(err, conn.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if o.keyUpdate {
			if err := x.updateKeys(); err != nil {
				return err
			}
		}
		for i := range buf[:n] {
			buf[i] ^= 0xff
		}
		if err := x.write(buf[:n]); err != nil {
			return err
		}
	}
}

func (x *exchange) updateKeys() error {
	b, err := x.conn.UpdateKeys(false)
	if b == conn.BlockedOnWrite {
		x.socket.write = 1
		return x.settle(x.conn.Flush)
	}
	return err
}

// shutDown ends a connection: without -check-close-notify quietly.
func (x *exchange) shutDown() error {
	o := x.options
	if !o.checkCloseNotify {
		return nil
	}
	for {
		switch b, err := x.conn.Shutdown(); {
		case err != nil:
			return fmt.Errorf("shutting down: %w", err)
		case b == conn.BlockedOnRead:
			x.socket.read = 1
		case b == conn.BlockedOnWrite:
			x.socket.write = 1
		default:
			return nil
		}
	}
}

// checkSuspension makes sure that what was to suspend did.
func (x *exchange) checkSuspension() error {
	if !x.suspend.on {
		return nil
	}
	state := x.conn.State()
	if state.HandshakeDone && state.Scheme != 0 && x.suspend.keys == 0 {
		return mustFail("a private key was used, and its operation did not suspend")
	}
	if x.suspend.keys+x.suspend.hooks > 0 && state.ApplicationBlocked == 0 {
		return mustFail("hooks were asked to answer later, and nothing waited for them")
	}
	if x.options.server && state.HandshakeDone && x.suspend.hooks == 0 {
		return mustFail("a server's handshake is complete, and no hook of it suspended")
	}
	return nil
}
