package conn

import (
	"errors"

	"github.com/s2ngo/s2ngo/iana"
)

var errAborted = errors.New("the application ended the connection")

// Abort ends the connection with a fatal alert of the application's choice, during the
// handshake or after it: what it knows of the peer may have become wrong. Data that was
// sealed before goes out before the alert; every other call but Flush, Shutdown and Close
// returns an AlertError from then on, unless the connection had ended before, which Abort
// leaves as it is. Call Flush after BlockedOnWrite. The alert is none of close_notify and
// user_canceled, which end nothing: ErrUsage.
func (c *Conn) Abort(alert iana.Alert) (Blocked, error) {
	if alert == iana.CloseNotify || alert == iana.UserCanceled {
		return NotBlocked, usage("Abort with alert %v", alert)
	}
	if err := c.enter(both, "Abort"); err != nil {
		return NotBlocked, err
	}
	defer c.leave(both)
	c.wmu.Lock()
	defer c.unlockWrite()
	c.sealControl()
	e := &Error{ErrInternal, &AlertError{Alert: alert, Sent: true, Err: errAborted}}
	if c.started && c.writeErr == nil {
		c.sealAlert(levelFatal, alert)
	}
	switch {
	case c.is(factHandshakeError):
	case !c.is(factDone) || c.is(factRenegotiating):
		c.fail(e)
	default:
		c.rest = nil
		if c.readErr == nil {
			c.readErr = e
		}
		if c.writeErr == nil {
			c.writeErr = e
		}
		c.forgetSession(e)
	}
	if c.wr.Pending() == 0 {
		return NotBlocked, nil
	}
	return c.flushWrite()
}
