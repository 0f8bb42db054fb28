package conn

import (
	"fmt"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
)

// Alert levels (RFC 8446, Section 6). The description decides which of the two it is; there are no
// others.
const (
	levelWarning = 1
	levelFatal   = 2
)

// maxWarnings bounds the warnings that a peer may send without application data in
// between.
const maxWarnings = 4

// maxUserCanceled bounds the one alert that does not end a connection by itself.
const maxUserCanceled = 4

// sealAlert puts an alert behind what is pending, once: nothing follows it. The caller
// holds the write half.
func (c *Conn) sealAlert(level uint8, a iana.Alert) {
	if c.is(factSentClose) {
		return
	}
	c.set(factSentClose)
	if _, err := c.wr.Seal(iana.RecordAlert, []byte{level, uint8(a)}); err == nil {
		c.trace(TraceEvent{Kind: TraceAlert, Sent: true, Text: a.String()})
	}
}

// alert takes an alert of the peer: nil means that the connection goes on.
func (c *Conn) alert(payload []byte) error {
	if len(payload) != 2 {
		return &handshake.Error{Description: iana.DecodeError, Text: c.peer() + " sent an alert that is not 2 bytes long"}
	}
	level, a := payload[0], iana.Alert(payload[1])
	if level != levelWarning && level != levelFatal && a != iana.CloseNotify { // which means the same at any level
		return &handshake.Error{Description: iana.IllegalParameter, Text: fmt.Sprintf("%s sent alert %v of unknown level %d", c.peer(), a, level)}
	}
	c.trace(TraceEvent{Kind: TraceAlert, Text: a.String()})
	leveled := c.is(factTLS12) || c.machine.Result.Version == 0 // TLS 1.3 ignores the level
	switch {
	case a == iana.CloseNotify:
		c.set(factPeerClosed)
		if !c.is(factDone) {
			return closedError("%s closed the connection during the handshake", c.peer())
		}
		return errPeerClosed
	case a == iana.UserCanceled && !(leveled && level == levelFatal): // which ends all (RFC 5246, Section 7.2)
		if c.userCancel++; c.userCancel <= maxUserCanceled {
			return nil // close_notify follows (RFC 8446, Section 6.1)
		}
		return &handshake.Error{Description: iana.UnexpectedMessage, Text: c.peer() + " sent user_canceled again and again"}
	}
	if level == levelWarning && c.cfg.IgnoreWarnings && leveled {
		if c.warnings++; c.warnings <= maxWarnings {
			return nil
		}
		return &handshake.Error{Description: iana.UnexpectedMessage, Text: c.peer() + " sent one warning after the other"}
	}
	if level == levelWarning && leveled {
		c.set(factWarned)
	}
	return &Error{ErrAlert, &AlertError{Alert: a}}
}
