package conn

import (
	"fmt"
	"sync/atomic"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
)

// Early data goes out with a client's first flight, under the PSK that it offers first (RFC 8446,
// Section 2.3). An attacker can send it again: see Config.ReplayRecorder. It is not forward secret either.

// earlyData counts a connection's early data, in bytes.
type earlyData struct{ used atomic.Uint64 }

// SendEarlyData sends application data before the handshake, with the ClientHello, which the
// first call sends too (s2n_send_early_data). It reads nothing. Call it until all is sent, then Negotiate.
//
// It returns how many bytes of p it has taken, as Send does: they must not be passed again, unless the
// server rejects them. Fewer than len(p) with NotBlocked means that no more can be sent as early
// data: there is no session or PSK that permits any, its limit is reached, or the server has rejected it.
// What was not taken goes by Send once Negotiate is done, and so does what was taken if State.EarlyData is
// EarlyDataRejected then: the server has read none of it. BlockedOnWrite means that sealed bytes are
// waiting, as in Send. Errors are ErrUsage on a server and where TLS 1.3 is not offered, or what
// Negotiate returns.
func (c *Conn) SendEarlyData(p []byte) (n int, b Blocked, err error) {
	if !c.client {
		return 0, NotBlocked, usage("SendEarlyData on a server")
	}
	if c.hs.MaxVersion < iana.TLS13 {
		return 0, NotBlocked, usage("SendEarlyData without %v", iana.TLS13)
	}
	if err := c.enter(both, "SendEarlyData"); err != nil {
		return 0, NotBlocked, err
	}
	defer c.leave(both)
	if c.is(factDone) && !c.is(factHandshakeError) {
		return 0, NotBlocked, nil
	}
	if !c.started {
		if err := c.start(); err != nil {
			return 0, NotBlocked, err
		}
	}
	if c.is(factHandshakeError) {
		return 0, c.flushAlert(), c.readErr
	}
	if b, err := c.flushHandshake(); b != NotBlocked || err != nil {
		return 0, b, err
	}
	if !c.machine.Began() {
		c.machine.WantEarlyData = true
		if _, err := c.advance(); err != nil {
			c.fail(err)
			return 0, c.flushAlert(), c.readErr
		}
	}
	for !c.is(factSentClose) && c.machine.WriteEpoch() == handshake.Early && n < len(p) {
		most := int(min(uint64(len(p)-n), c.earlyLeft()))
		if most == 0 {
			break
		}
		k, err := c.wr.SealRecord(iana.RecordApplicationData, p[n:n+most])
		n += k
		c.early.used.Add(uint64(k))
		c.appOut.Add(uint64(k))
		if err != nil {
			c.fail(err)
			return n, NotBlocked, c.readErr
		}
		if b, err := c.flushHandshake(); b != NotBlocked || err != nil {
			return n, b, err
		}
	}
	b, err = c.flushHandshake()
	return n, b, err
}

// flushHandshake writes what is pending before the handshake is done.
func (c *Conn) flushHandshake() (Blocked, error) {
	switch err := c.flush(); err {
	case nil:
		return NotBlocked, nil
	case ErrWouldBlock:
		return BlockedOnWrite, nil
	default:
		return NotBlocked, c.writeFailed(err)
	}
}

// RecvEarlyData receives a client's early data (s2n_recv_early_data). A server that wants early data calls
// it before Negotiate, which rejects all early data otherwise; it moves the handshake as Negotiate does. n
// bytes of p are received.
//
// NotBlocked, with a nil error, means that there is no (more) early data: State.EarlyData tells whether there
// was any, and Negotiate is next. BlockedOnEarlyData means that there may be more than these n bytes: call
// again at once. Whatever else Blocked names is as in Negotiate: call again when it is there.
//
// What it returns may be a replay, unless a session store or a replay recorder saw to it, which they
// do by default. The client is confirmed when Negotiate is done. Meanwhile the server may Send.
func (c *Conn) RecvEarlyData(p []byte) (n int, b Blocked, err error) {
	if c.client {
		return 0, NotBlocked, usage("RecvEarlyData on a client")
	}
	if err := c.enter(both, "RecvEarlyData"); err != nil {
		return 0, NotBlocked, err
	}
	defer c.leave(both)
	if c.is(factNegotiated) && !c.is(factHandshakeError) {
		return 0, NotBlocked, nil // what there is now is Recv's
	}
	if !c.started {
		if err := c.start(); err != nil {
			return 0, NotBlocked, err
		}
	}
	defer c.rested()
	c.machine.WantEarlyData = true // in vain if the ClientHello was answered
	for {
		k := copy(p[n:], c.rest)
		n, c.rest = n+k, c.rest[k:]
		if len(c.rest) > 0 || n > 0 && (n == len(p) || !c.rd.Ready()) && !c.earlyDataOver() {
			return n, BlockedOnEarlyData, nil // what there is goes out before another read
		}
		if b, err := c.negotiate(c.earlyDataOver); b != BlockedOnEarlyData {
			return n, b, err
		}
	}
}

// earlyDataOver reports whether a server knows that no (more) early data comes.
func (c *Conn) earlyDataOver() bool {
	r := &c.machine.Result
	return r.EarlyData == EarlyDataRejected || r.EarlyData == EarlyDataEnd || r.Version == iana.TLS12 ||
		r.EarlyData == EarlyDataNotRequested && c.machine.WriteEpoch() != handshake.Initial
}

// gotEarlyData takes a record of early data.
func (c *Conn) gotEarlyData(payload []byte) error {
	if left := c.earlyLeft(); uint64(len(payload)) > left {
		return &handshake.Error{Description: iana.UnexpectedMessage,
			Text: fmt.Sprintf("client sent more than %d bytes of early data", c.machine.Result.MaxEarlyData)}
	}
	c.early.used.Add(uint64(len(payload)))
	c.appIn.Add(uint64(len(payload)))
	c.rest = payload
	return errApplicationData
}

// earlyLeft is how many more bytes of early data there may be.
func (c *Conn) earlyLeft() uint64 {
	return uint64(c.machine.Result.MaxEarlyData) - min(c.early.used.Load(), uint64(c.machine.Result.MaxEarlyData))
}

// RemainingEarlyData returns how many bytes of early data may still be sent, or received
// (s2n_connection_get_remaining_early_data_size); 0 before it is offered, and once it is rejected or over. It is for the
// goroutine that calls SendEarlyData or RecvEarlyData.
func (c *Conn) RemainingEarlyData() uint32 {
	if c.machine == nil || c.machine.Result.EarlyData != EarlyDataOK {
		return 0
	}
	return uint32(c.earlyLeft())
}
