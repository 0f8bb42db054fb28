package conn

import (
	"errors"
	"io"
)

// Renegotiation is what becomes of a server's wish to renegotiate in TLS 1.2
// (s2n_renegotiate_response).
type Renegotiation uint8

// The answers to a HelloRequest.
const (
	RenegotiationIgnore Renegotiation = iota // as if it had not come
	RenegotiationReject                      // the warning no_renegotiation
	RenegotiationAccept                      // call Renegotiate
)

// errApplicationData stands for application data that came during Renegotiate.
var errApplicationData = errors.New("conn: application data during renegotiation")

// helloRequested takes a server's wish to renegotiate.
func (c *Conn) helloRequested() {
	if c.cfg.OnHelloRequest == nil {
		return
	}
	switch c.cfg.OnHelloRequest(c) {
	case RenegotiationReject:
		c.control.wantRefusal()
	case RenegotiationAccept:
		if !c.machine.CanRenegotiate() { // not secure (RFC 5746, Section 4.2)
			c.control.wantRefusal()
			return
		}
		c.set(factHelloRequest)
	}
}

// WantsRenegotiate reports whether Renegotiate is to be called: after
// RenegotiationAccept, until it is done. Any goroutine.
func (c *Conn) WantsRenegotiate() bool { return c.is(factHelloRequest | factRenegotiating) }

// Renegotiate does the other handshake that the server has asked for and OnHelloRequest
// has accepted (s2n_renegotiate): like Negotiate, on the same connection, bound to the
// handshake before (RFC 5746). Application data that comes meanwhile makes it return
// BlockedOnApplicationData: Recv it and go on. Until it is done nothing can be sent: Send
// takes nothing and returns BlockedOnApplicationInput.
func (c *Conn) Renegotiate() (Blocked, error) {
	if err := c.enter(both, "Renegotiate"); err != nil {
		return NotBlocked, err
	}
	defer c.leave(both)
	switch {
	case c.readErr == io.EOF: // which only Recv returns
		return NotBlocked, closedError("Renegotiate after the server has closed the connection")
	case c.readErr != nil:
		return NotBlocked, c.readErr
	}
	if c.is(factHelloRequest) {
		if len(c.rest) > 0 {
			return BlockedOnApplicationData, nil
		}
		c.sealControl()
		c.facts.And(^uint32(factHelloRequest))
		c.set(factRenegotiating)
		c.machine = c.machine.Renegotiate()
	}
	if !c.is(factRenegotiating) {
		return NotBlocked, usage("Renegotiate without a HelloRequest of the server that OnHelloRequest accepted")
	}
	if len(c.rest) > 0 {
		return BlockedOnApplicationData, nil
	}
	b, err := c.negotiate(nil)
	c.machine.Idle()
	if len(c.rest) == 0 {
		c.rd.Release()
	}
	return b, err
}
