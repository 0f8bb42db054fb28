package main

import (
	"errors"
	"fmt"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// helloRequested is what becomes of the server's wish to renegotiate: once there was one where one
// alone is wanted, renegotiate ends the connection.
func (s *session) helloRequested(*conn.Conn) conn.Renegotiation {
	o := s.options
	switch {
	case o.renegotiateIgnore:
		return conn.RenegotiationIgnore
	case o.renegotiateOnce && s.renegotiations > 0:
		s.refuse = true
	}
	return conn.RenegotiationAccept
}

// renegotiate does what the server has asked for.
func (x *exchange) renegotiate() error {
	if x.refuse {
		x.conn.Abort(iana.NoRenegotiation)
		return errors.New("renegotiation is refused")
	}
	x.renegotiations++
	x.renegotiating, x.verified = true, false
	defer func() { x.renegotiating = false }()
	for {
		b, err := x.conn.Renegotiate()
		switch {
		case err != nil:
			return x.repeat(x.conn.Renegotiate, err)
		case b == conn.NotBlocked:
			owed := x.owed
			x.owed = nil
			return x.write(owed)
		case b == conn.BlockedOnApplicationData:
			if err := x.echoSome(); err != nil {
				return err
			}
		default:
			if err := x.unblock(b); err != nil {
				return err
			}
		}
	}
}

// echoSome keeps what came during a renegotiation, to send it back when sending is possible.
func (x *exchange) echoSome() error {
	buf := make([]byte, x.readSize())
	n, _, err := x.conn.Recv(buf)
	flip(buf[:n])
	x.owed = append(x.owed, buf[:n]...)
	return err
}

// checkRenegotiations compares the number of renegotiations with what the flags expect.
func (x *exchange) checkRenegotiations() error {
	if x.renegotiations != x.options.expectTotalRenegotiations {
		return fmt.Errorf("%d renegotiations, expected %d", x.renegotiations, x.options.expectTotalRenegotiations)
	}
	return nil
}
