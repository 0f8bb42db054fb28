package conn

import (
	"errors"
	"net"

	"github.com/s2ngo/s2ngo/iana"
)

// Send sends application data (s2n_send). It returns how many bytes of p it has taken:
// they are sealed, belong to the connection, and must not be passed again. NotBlocked
// means that all of them have been written. BlockedOnWrite means that sealed bytes are
// waiting, no more than one record or Config.SendBufferSize: with n == len(p) call Flush
// when there is room, else Send with the rest. An empty p does nothing.
//
// A server may Send as soon as its own Finished is sent, before Negotiate is done, unless
// it waits for the client's certificate: the client is not confirmed then (half-RTT data;
// State.HandshakeDone is false).
func (c *Conn) Send(p []byte) (n int, b Blocked, err error) {
	one := [1][]byte{p}
	return c.sendv(one[:], "Send")
}

// Sendv is Send for the concatenation of buffers, which are put together into full
// records (s2n_sendv). buffers is not changed.
func (c *Conn) Sendv(buffers net.Buffers) (n int, b Blocked, err error) {
	return c.sendv(buffers, "Sendv")
}

func (c *Conn) sendv(buffers [][]byte, method string) (n int, b Blocked, err error) {
	if err := c.enter(writing, method); err != nil {
		return 0, NotBlocked, err
	}
	defer c.leave(writing)
	if !c.is(factDone|factHandshakeError) && !c.halfRTT() {
		return 0, NotBlocked, usage("%s before the handshake is complete", method)
	}
	if c.is(factRenegotiating) {
		return 0, BlockedOnApplicationInput, nil // it is Renegotiate's turn
	}
	c.wmu.Lock()
	defer c.unlockWrite()
	if err := c.canWrite(); err != nil {
		return 0, NotBlocked, err
	}
	total := 0
	for _, p := range buffers {
		total += len(p)
	}
	if total == 0 {
		return 0, NotBlocked, nil
	}
	if b, err = c.flushWrite(); b != NotBlocked || err != nil {
		return 0, b, err
	}
	if err := c.sealTickets(); err != nil {
		return 0, NotBlocked, err
	}
	for n < total {
		if c.control.waiting.Load() { // Recv has come upon something meanwhile
			if err := c.canWrite(); err != nil {
				return n, NotBlocked, err
			}
		}
		if c.control.held { // a KeyUpdate that was asked for goes before the next data (RFC 8446, Section 4.6.3)
			if b, err := c.flushWrite(); b != NotBlocked || err != nil {
				return n, b, err
			}
		}
		k, err := c.sealData(&buffers, total-n)
		n += k
		c.appOut.Add(uint64(k))
		if err != nil {
			return n, NotBlocked, err
		}
		if n < total && c.wr.Pending()+min(total-n, c.wr.MaxFragment())+c.wr.Overhead() <= c.cfg.SendBufferSize {
			continue // there is room for another record
		}
		if b, err := c.flushWrite(); b != NotBlocked || err != nil {
			return n, b, err
		}
	}
	return n, NotBlocked, nil
}

// sealData seals one record of what buffers hold, and moves them on. It is written so
// that one buffer costs no copy of the list.
func (c *Conn) sealData(buffers *[][]byte, left int) (int, error) {
	if c.wr.Exhausted() {
		if err := c.rekey(false); err != nil {
			return 0, err
		}
	}
	k, err := c.wr.SealRecordv(iana.RecordApplicationData, *buffers)
	c.control.last = false
	if err != nil {
		return k, c.broken(err)
	}
	if k < left {
		*buffers = advance(*buffers, k)
	}
	return k, nil
}

// advance returns buffers without their first n bytes, without changing what the caller
// passed.
func advance(buffers [][]byte, n int) [][]byte {
	for len(buffers) > 0 && n >= len(buffers[0]) {
		n -= len(buffers[0])
		buffers = buffers[1:]
	}
	if n == 0 {
		return buffers
	}
	rest := make([][]byte, len(buffers))
	copy(rest, buffers)
	rest[0] = rest[0][n:]
	return rest
}

// halfRTT reports whether a server may send before the client is confirmed.
func (c *Conn) halfRTT() bool {
	return !c.client && c.machine != nil && c.machine.Result.HalfRTT && !c.is(factHandshakeError)
}

// canWrite says why nothing can be sent, if so. The write half is locked.
func (c *Conn) canWrite() error {
	c.sealControl()
	switch {
	case c.writeErr != nil:
		return c.writeErr
	case c.is(factSentClose) && c.is(factTLS12) && c.is(factPeerClosed):
		return closedError("sending after close_notify, which in %v closes both directions", iana.TLS12)
	case c.is(factSentClose):
		return closedError("sending after Shutdown")
	}
	return nil
}

// flushWrite writes what is pending, for the caller to return.
func (c *Conn) flushWrite() (Blocked, error) {
	if errors.Is(c.writeErr, ErrIO) {
		return NotBlocked, c.writeErr // final, whatever the callback would say now
	}
	switch err := c.flush(); err {
	case nil:
		return NotBlocked, nil
	case ErrWouldBlock:
		return BlockedOnWrite, nil
	default:
		c.writeErr = ioError("writing", err)
		return NotBlocked, c.writeErr
	}
}

// Flush writes sealed bytes that are waiting. NotBlocked means that none are left.
func (c *Conn) Flush() (Blocked, error) {
	if err := c.enter(writing, "Flush"); err != nil {
		return NotBlocked, err
	}
	defer c.leave(writing)
	c.wmu.Lock()
	defer c.unlockWrite()
	c.sealControl()
	if c.writeErr != nil && c.wr.Pending() == 0 {
		return NotBlocked, c.writeErr
	}
	return c.flushWrite()
}
