package conn

import (
	"fmt"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
)

// TraceKind is what a TraceEvent tells of.
type TraceKind uint8

// The kinds, with the fields of TraceEvent that each uses.
const (
	TraceMessage TraceKind = iota + 1 // Sent, Text (the message), Size
	TraceCCS                          // Sent
	TraceKey                          // Sent (the direction), Text (the epoch)
	TraceAsk                          // Text (the question)
	TraceAnswer                       // Text (the question)
	TraceAlert                        // Sent, Text (the alert)
	TraceBlocked                      // Text (the status)
	TraceDone                         // the handshake is complete
)

// TraceEvent is one step of a connection, for people to look at. It holds no secrets.
type TraceEvent struct {
	Kind TraceKind
	Sent bool   // by us, or in our direction
	Size int    // bytes, without the 4-byte header
	Text string // see TraceKind
}

// String returns the step in words.
func (e TraceEvent) String() string {
	direction := "received"
	if e.Sent {
		direction = "sent"
	}
	switch e.Kind {
	case TraceMessage:
		return fmt.Sprintf("%s %s (%d bytes)", direction, e.Text, e.Size)
	case TraceCCS:
		return direction + " change_cipher_spec"
	case TraceKey:
		if e.Sent {
			return "write key: " + e.Text
		}
		return "read key: " + e.Text
	case TraceAsk:
		return "asked the application: " + e.Text
	case TraceAnswer:
		return "the application answered: " + e.Text
	case TraceAlert:
		return direction + " alert " + e.Text
	case TraceBlocked:
		return e.Text
	case TraceDone:
		return "the handshake is complete"
	}
	return fmt.Sprintf("TraceKind(%d)", uint8(e.Kind))
}

func (c *Conn) trace(e TraceEvent) {
	if f := c.cfg.Trace; f != nil {
		f(c, e)
	}
}

// observer returns what the Machine tells of received messages, or nil.
func (c *Conn) observer() func(sent bool, t iana.Message, length int) {
	if c.cfg.Trace == nil {
		return nil
	}
	return func(sent bool, t iana.Message, length int) {
		if !sent { // those are told by traceWrite
			c.trace(TraceEvent{Kind: TraceMessage, Size: length, Text: t.String()})
		}
	}
}

// traceWrite tells of the messages that a record is made of, in their place among the
// keys.
func (c *Conn) traceWrite(messages []byte) {
	for c.cfg.Trace != nil && len(messages) >= 4 {
		n := int(messages[1])<<16 | int(messages[2])<<8 | int(messages[3])
		c.trace(TraceEvent{Kind: TraceMessage, Sent: true, Size: n, Text: iana.Message(messages[0]).String()})
		messages = messages[min(4+n, len(messages)):]
	}
}

func (c *Conn) keyLog(e *handshake.Event) {
	w := c.cfg.KeyLog
	if w == nil {
		return
	}
	secret := e.Master
	if secret == nil {
		secret = e.Secret.Bytes()
	}
	line := fmt.Appendf(nil, "%s %x %x\n", e.Label, e.Data, secret)
	_, _ = w.Write(line) // a log that fails does not end connections
	clear(line)
}
