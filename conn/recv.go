package conn

import (
	"errors"
	"fmt"
	"io"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/record"
)

// errPeerClosed stands for close_notify until Recv returns io.EOF.
var errPeerClosed = errors.New("conn: close_notify received")

// Recv receives application data (s2n_recv): up to len(p) bytes of what has arrived. n
// is 0 only with an error, with BlockedOnRead, or if p is empty, which says nothing else.
// io.EOF comes after the peer's close_notify and nothing else; bytes that end without it
// are ErrClosed and io.ErrUnexpectedEOF. What was received before an error is returned
// before it. Errors are final.
//
// After RenegotiationAccept it returns BlockedOnApplicationInput until Renegotiate is done,
// but for data that Renegotiate has left.
//
// KeyUpdates, tickets and alerts are dealt with inside; what they need to be answered is
// written at once, or, if a Send is under way or would block, by the next call that sends.
func (c *Conn) Recv(p []byte) (n int, b Blocked, err error) {
	if err := c.enter(reading, "Recv"); err != nil {
		return 0, NotBlocked, err
	}
	defer c.leave(reading)
	if c.is(factHandshakeError) {
		return 0, NotBlocked, c.readErr
	}
	if !c.is(factDone) {
		return 0, NotBlocked, usage("Recv before the handshake is complete")
	}
	n, b, err = c.receive(p)
	c.appIn.Add(uint64(n))
	if len(c.rest) == 0 {
		c.machine.Idle()
		c.rd.Release()
	}
	c.serveControl()
	return n, b, err
}

func (c *Conn) receive(p []byte) (n int, b Blocked, err error) {
	for n < len(p) {
		if len(c.rest) > 0 {
			k := copy(p[n:], c.rest)
			c.rest = c.rest[k:]
			n += k
			continue
		}
		if n > 0 && !c.rd.Ready() {
			break // what there is goes out before another read
		}
		if c.is(factHelloRequest|factRenegotiating) && c.readErr == nil {
			if n > 0 {
				break
			}
			return 0, BlockedOnApplicationInput, nil // it is Renegotiate's turn
		}
		if c.readErr != nil {
			if n > 0 {
				break
			}
			return 0, NotBlocked, c.readErr
		}
		k, err := c.receiveRecord(p[n:])
		n += k
		if err == ErrWouldBlock {
			if n > 0 {
				break
			}
			return 0, BlockedOnRead, nil
		}
		if err != nil {
			c.endReading(err)
		}
	}
	return n, NotBlocked, nil
}

// receiveRecord takes one record, or reads for one. Application data that fits goes
// into p without a copy, the rest to c.rest.
func (c *Conn) receiveRecord(p []byte) (int, error) {
	rec, err := c.rd.NextInto(p)
	if err == record.ErrNeedMore {
		return 0, c.fill("without close_notify")
	}
	if err != nil {
		return 0, err
	}
	if rec.Type != iana.RecordHandshake && c.machine.InMessage() {
		return 0, &handshake.Error{Description: iana.UnexpectedMessage, Text: fmt.Sprintf("%s sent a record of type %v in the middle of a handshake message", c.peer(), rec.Type)}
	}
	switch rec.Type {
	case iana.RecordApplicationData:
		if len(rec.Payload) > 0 {
			c.machine.GotApplicationData()
			c.warnings = 0
		}
		if rec.Direct {
			return len(rec.Payload), nil
		}
		c.rest = rec.Payload
		return 0, nil
	case iana.RecordAlert:
		return 0, c.alert(rec.Payload)
	case iana.RecordHandshake:
		return 0, c.postHandshake(rec.Payload)
	}
	return 0, &handshake.Error{Description: iana.UnexpectedMessage, Text: fmt.Sprintf("%s sent a record of type %v after the handshake", c.peer(), rec.Type)}
}

// postHandshake takes messages after the handshake.
func (c *Conn) postHandshake(payload []byte) error {
	if n := c.asked.Swap(0); n > 0 {
		c.machine.AskedForKeyUpdates(int(n))
	}
	if err := c.machine.Feed(handshake.Application, payload); err != nil {
		return err
	}
	events, err := c.machine.Advance()
	for i := range events {
		if failed := c.do(&events[i]); failed != nil && err == nil {
			err = c.machine.Abort(failed)
		}
	}
	return err
}

// endReading ends the read half. What the peer has to be told, and the end of the write
// half with it, is left to the write half.
func (c *Conn) endReading(err error) {
	defer func() { c.forgetSession(c.readErr) }()
	if err == errPeerClosed {
		c.readErr = io.EOF
		if c.is(factTLS12) { // one side closes both (RFC 5246, Section 7.2.1)
			c.control.wantClose()
		}
		return
	}
	if known, ok := err.(*Error); ok {
		c.readErr = known
		if known.Kind == ErrAlert {
			c.control.wantEnd(known, iana.UnexpectedMessage, c.is(factWarned)) // as in complain
		}
		return
	}
	e, alert := fatal(err)
	c.readErr = e
	c.control.wantEnd(e, alert, true)
}

// Peek returns how many bytes the next Recv can return without reading (s2n_peek): those
// of a record that is decrypted. Raw bytes of further records may be buffered all the
// same, so call Recv until it says BlockedOnRead before waiting for the socket.
func (c *Conn) Peek() int {
	if err := c.enter(reading, "Peek"); err != nil {
		return 0
	}
	defer c.leave(reading)
	return len(c.rest)
}
