package conn

import (
	"errors"
	"io"

	"github.com/s2ngo/s2ngo/iana"
)

// ShutdownSend ends our side: close_notify is sent after what is pending, and sending is
// over, even if this call blocks (s2n_shutdown_send). The peer may go on sending. Call
// again after BlockedOnWrite.
func (c *Conn) ShutdownSend() (Blocked, error) {
	if err := c.enter(writing, "ShutdownSend"); err != nil {
		return NotBlocked, err
	}
	defer c.leave(writing)
	return c.shutdownSend()
}

func (c *Conn) shutdownSend() (Blocked, error) {
	c.wmu.Lock()
	defer c.unlockWrite()
	c.sealControl()
	if !c.started {
		c.set(factSentClose) // nobody was spoken to
		return NotBlocked, nil
	}
	if c.writeErr == nil {
		c.sealAlert(levelWarning, iana.CloseNotify)
	}
	if c.wr.Pending() == 0 && !errors.Is(c.writeErr, ErrIO) {
		return NotBlocked, nil
	}
	return c.flushWrite()
}

// Shutdown sends close_notify and waits for the peer's, dropping the application data
// that comes before it (s2n_shutdown). It does not wait after a failure, an alert, or an
// incomplete handshake, since there is nothing to wait for. Call again after
// BlockedOnWrite or BlockedOnRead; Close ends the connection then. A peer that closes
// without close_notify gives ErrClosed, a callback that fails ErrIO, always; any other
// failure is returned by the call that meets it.
func (c *Conn) Shutdown() (Blocked, error) {
	if err := c.enter(both, "Shutdown"); err != nil {
		return NotBlocked, err
	}
	defer c.leave(both)
	if b, err := c.shutdownSend(); b != NotBlocked || err != nil {
		return b, err
	}
	if !c.is(factDone) || c.is(factHandshakeError) {
		return NotBlocked, nil
	}
	c.rest = nil
	known := c.readErr != nil && !errors.Is(c.readErr, ErrClosed) && !errors.Is(c.readErr, ErrIO)
	defer c.rd.Release()
	defer c.machine.Idle()
	for c.readErr == nil {
		_, err := c.receiveRecord(nil)
		c.rest = nil
		if err == ErrWouldBlock {
			return BlockedOnRead, nil
		}
		if err != nil {
			c.endReading(err)
		}
	}
	if c.readErr == io.EOF || known {
		return NotBlocked, nil // told, or beyond telling
	}
	return NotBlocked, c.readErr
}
