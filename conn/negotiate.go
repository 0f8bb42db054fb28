package conn

import (
	"errors"
	"fmt"
	"io"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/record"
)

// Negotiate moves the handshake as far as it can (s2n_negotiate). With a nil error and
// NotBlocked the handshake is complete; otherwise call it again when what Blocked names is
// there. Output always goes out before it waits for the application or for the peer.
// Called again after completion it returns NotBlocked at once.
//
// An error is final and is returned again by every later call. The peer is told by an
// alert; if that could not be written yet, Blocked is BlockedOnWrite, and Shutdown or
// Flush gets it out.
func (c *Conn) Negotiate() (Blocked, error) {
	if err := c.enter(both, "Negotiate"); err != nil {
		return NotBlocked, err
	}
	defer c.leave(both)
	if c.is(factNegotiated) && !c.is(factHandshakeError) {
		return NotBlocked, nil // what is pending is Flush's, or Renegotiate's
	}
	b, err := c.negotiate(nil)
	if b != NotBlocked {
		c.trace(TraceEvent{Kind: TraceBlocked, Text: b.String()})
		if int(b) < len(c.blocked) {
			c.blocked[b]++
		}
	}
	c.rested()
	return b, err
}

// rested gives back what is not needed while nothing moves.
func (c *Conn) rested() {
	if c.machine != nil {
		c.machine.Idle()
	}
	if len(c.rest) == 0 {
		c.rd.Release()
	}
}

// negotiate moves the handshake to its end, or until over, which may be nil, says that it is
// enough.
func (c *Conn) negotiate(over func() bool) (Blocked, error) {
	if !c.started {
		if err := c.start(); err != nil {
			return NotBlocked, err
		}
	}
	for {
		if c.is(factHandshakeError) {
			return c.flushAlert(), c.readErr
		}
		if err := c.flush(); err != nil {
			if err == ErrWouldBlock {
				return BlockedOnWrite, nil
			}
			return NotBlocked, c.writeFailed(err)
		}
		if c.machine.Done() {
			c.set(factNegotiated)
			return NotBlocked, nil
		}
		if over != nil && over() {
			return NotBlocked, nil
		}
		if len(c.rest) > 0 && c.machine.ReadEpoch() == handshake.Early {
			return BlockedOnEarlyData, nil
		}
		if c.is(factSentClose) && !c.halfRTT() { // nothing follows close_notify
			c.fail(closedError("the handshake was ended by Shutdown"))
			continue
		}
		moved, err := c.advance()
		if c.closed() {
			return NotBlocked, closedError("the connection was closed during the handshake")
		}
		if err != nil {
			c.fail(err)
			continue
		}
		if moved {
			continue
		}
		if _, answered, waiting := c.machine.Waiting(); waiting {
			if answered || c.choice != nil && c.choice.user.Answered() {
				continue
			}
			return BlockedOnApplicationInput, nil
		}
		if err := c.readHandshake(); err != nil {
			switch err {
			case ErrWouldBlock:
				return BlockedOnRead, nil
			case errApplicationData:
				if len(c.rest) > 0 && c.machine.ReadEpoch() != handshake.Early {
					return BlockedOnApplicationData, nil
				}
				continue
			}
			c.fail(err)
		}
	}
}

// advance lets the Machine move and does what it says.
func (c *Conn) advance() (moved bool, err error) {
	c.resolveChoice()
	q, answered, waited := c.machine.Waiting()
	if answered {
		c.trace(TraceEvent{Kind: TraceAnswer, Text: q.String()})
	}
	c.refusal = c.machine.Refusal()
	events, err := c.machine.Advance()
	if _, _, waits := c.machine.Waiting(); waited && (!waits || len(events) > 0) {
		c.dropOperation()
		if !answered { // it came just now
			c.trace(TraceEvent{Kind: TraceAnswer, Text: q.String()})
		}
	}
	for i := range events {
		if failed := c.do(&events[i]); failed != nil && err == nil {
			err = c.machine.Abort(failed)
		}
		if c.closed() {
			return true, err
		}
	}
	if r := &c.machine.Result; err == nil && !c.client && r.HalfRTT && r.Exporter != nil {
		c.exporter.replace(&r.Exporter)
	}
	return len(events) > 0, err
}

// do does one event. An error is the application's.
func (c *Conn) do(e *handshake.Event) error {
	switch e.Kind {
	case handshake.Write:
		c.traceWrite(e.Data)
		_, err := c.wr.Seal(iana.RecordHandshake, e.Data)
		c.wr.SetVersion(iana.TLS12)
		return err
	case handshake.WriteChangeCipherSpec:
		c.trace(TraceEvent{Kind: TraceCCS, Sent: true})
		_, err := c.wr.Seal(iana.RecordChangeCipherSpec, []byte{1})
		return err
	case handshake.SetVersion:
		if e.Version == iana.TLS12 {
			c.set(factTLS12)
			c.rd.SetCCS(record.CCSDeliver)
		} else {
			c.rd.SetCCS(record.CCSDrop) // the first ClientHello is here (RFC 8446, Section 5)
		}
	case handshake.HelloRequested:
		c.helloRequested()
	case handshake.SetWriteKey:
		return c.setWriteKey(e)
	case handshake.SetReadKey:
		return c.setReadKey(e)
	case handshake.SkipEarlyData:
		if e.Epoch == handshake.Initial {
			c.rd.SkipApplicationData(e.Limit)
		} else {
			c.rd.SkipUndecryptable(e.Limit)
		}
	case handshake.Ticket:
		return c.gotTicket(e.Detail.(*session.Session))
	case handshake.Ask:
		return c.dispatch(e)
	case handshake.KeyLog:
		c.keyLog(e)
	case handshake.UpdateWriteKey:
		c.control.wantKeyUpdate()
	case handshake.Done:
		if c.client { // a server had it earlier
			c.exporter.replace(&c.machine.Result.Exporter)
		}
		c.set(factDone)
		c.facts.And(^uint32(factRenegotiating | factUnproved))
		c.rd.AllowPlaintextAlert(false)
		c.keepResumed()
		c.trace(TraceEvent{Kind: TraceDone})
	}
	return nil
}

// readHandshake takes one record, or reads for one.
func (c *Conn) readHandshake() error {
	rec, err := c.rd.Next()
	if err == record.ErrNeedMore {
		return c.fill("during the handshake")
	}
	if err != nil {
		return err
	}
	switch rec.Type {
	case iana.RecordHandshake:
		return c.machine.Feed(c.machine.ReadEpoch(), rec.Payload)
	case record.SSLv2Hello:
		return c.machine.FeedSSLv2(rec.Payload)
	case iana.RecordChangeCipherSpec:
		c.trace(TraceEvent{Kind: TraceCCS})
		c.machine.ChangeCipherSpec()
		return nil
	case iana.RecordAlert:
		if c.machine.InMessage() {
			return &handshake.Error{Description: iana.UnexpectedMessage, Text: c.peer() + " sent an alert in the middle of a handshake message"}
		}
		return c.alertMeanwhile(rec.Payload)
	case iana.RecordApplicationData:
		if c.machine.InMessage() {
			return &handshake.Error{Description: iana.UnexpectedMessage, Text: c.peer() + " sent application data in the middle of a handshake message"}
		}
		if c.machine.ReadEpoch() == handshake.Early {
			return c.gotEarlyData(rec.Payload)
		}
		if c.is(factRenegotiating) && !c.is(factUnproved) {
			c.rest = rec.Payload
			return errApplicationData
		}
		return &handshake.Error{Description: iana.UnexpectedMessage, Text: c.peer() + " sent application data during the handshake"}
	}
	return &handshake.Error{Description: iana.UnexpectedMessage, Text: c.peer() + " sent a record of type " + rec.Type.String() + " during the handshake"}
}

// alertMeanwhile takes an alert of the peer before Negotiate or Renegotiate is done.
func (c *Conn) alertMeanwhile(payload []byte) error {
	err := c.alert(payload)
	if err == errPeerClosed {
		what := "handshake" // whose end is not written yet
		if c.is(factRenegotiating) {
			what = "renegotiation"
		}
		err = closedError("%s closed the connection during the %s", c.peer(), what)
	}
	return err
}

// fill reads once.
func (c *Conn) fill(when string) error {
	_, err := c.rd.Fill(c.recv)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrWouldBlock):
		return ErrWouldBlock
	case errors.Is(err, io.EOF):
		return errEOF(when)
	}
	return ioError("reading "+when, err)
}

// flush writes what is pending: nil when nothing is left, ErrWouldBlock, or the
// callback's error. The caller holds the write half.
func (c *Conn) flush() error {
	if c.wr.Pending() == 0 {
		return nil
	}
	err := c.wr.Flush(c.send)
	if errors.Is(err, ErrWouldBlock) {
		return ErrWouldBlock
	}
	if held := c.control.held; err == nil && held {
		if c.control.held = false; !c.is(factSentClose) {
			if err = c.rekey(false); err == nil {
				return c.flush()
			}
		}
	}
	return err
}

// flushAlert tries to get a pending alert out; what the callback says of it no longer
// matters.
func (c *Conn) flushAlert() Blocked {
	if c.flush() == ErrWouldBlock {
		return BlockedOnWrite
	}
	return NotBlocked
}

// writeFailed ends the handshake when a write fails: a peer that closed may have said
// why, and its alert tells more than our broken pipe.
func (c *Conn) writeFailed(err error) error {
	failure := ioError("writing during the handshake", err)
	for range 16 {
		rec, err := c.rd.Next()
		if err == record.ErrNeedMore {
			if _, err = c.rd.Fill(c.recv); err == nil {
				continue
			}
		}
		if err != nil {
			break
		}
		if rec.Type == iana.RecordAlert {
			if told := c.alertMeanwhile(rec.Payload); told != nil {
				failure = told
			}
			break
		}
	}
	c.fail(failure)
	return c.readErr
}

// fail ends the connection during the handshake: err stays, and the peer is told if it
// is to blame or we are, not if it has gone or has said so itself.
func (c *Conn) fail(err error) {
	c.readErr = c.complain(err)
	c.forgetSession(c.readErr)
	c.writeErr = c.readErr
	c.set(factHandshakeError)
	c.facts.And(^uint32(factRenegotiating | factHelloRequest)) // neither Send nor Recv waits for it
	c.dropOperation()
	c.exporter.drop()
	if c.machine != nil {
		c.machine.Close()
	}
}

// complain makes the Error for err and seals its alert. The caller holds both halves.
func (c *Conn) complain(err error) error {
	if known, ok := err.(*Error); ok { // not As: a hook may fail with another connection's
		if c.is(factPeerClosed) { // it is owed ours (RFC 5246, Section 7.2.1; RFC 8446, Section 6.1)
			c.sealAlert(levelWarning, iana.CloseNotify)
		}
		if c.is(factWarned) { // whose sender may have meant to go on (RFC 5246, Section 7.2.2)
			c.sealAlert(levelFatal, iana.UnexpectedMessage)
		}
		return known // io, closed, alert: nothing else to tell
	}
	if c.refusal != nil {
		err = fmt.Errorf("%w (the private key did not decrypt: %w)", err, c.refusal)
	}
	e, alert := fatal(err)
	c.sealAlert(levelFatal, alert)
	return e
}

func (c *Conn) peer() string {
	if c.client {
		return "server"
	}
	return "client"
}
