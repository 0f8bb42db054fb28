package conn

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/record"
)

// RecvFunc reads bytes from the peer into p and returns how many: io.Reader's contract,
// with ErrWouldBlock where it would block. It may return any number of bytes up to
// len(p). io.EOF is the end of the peer's bytes. It must not keep p.
type RecvFunc func(p []byte) (int, error)

// SendFunc writes bytes to the peer and returns how many of p it took: all of them, or
// fewer with or without an error, which is ErrWouldBlock where it would block. It must
// not keep or change p.
type SendFunc func(p []byte) (int, error)

// Conn is one TLS connection. It comes from NewClient or NewServer; the package's
// comment says which methods may be called at once.
type Conn struct {
	cfg      *Config
	base     *Config           // what cfg was before OnClientHello chose another
	hs       *handshake.Config // what cfg means, with the connection's own settings
	prepared *prepared         // what hs is a part of
	recv     RecvFunc
	send     SendFunc
	client   bool
	started  bool // Negotiate was called: settings are closed
	own      *settings
	machine  *handshake.Machine
	use      use
	value    atomic.Pointer[any]
	kept     keptSession

	// What a hook was asked and has not answered.
	choice  *configChoice
	refusal error // of a decryption; the peer never hears of it
	keyOp   atomic.Pointer[asyncpkey.Op]
	pending atomic.Pointer[async.Pending]
	blocked [blockedCounts]uint32

	// The read half: of Recv, or of what stands for both.
	rd         record.Reader
	rest       []byte // of a record, decrypted and not yet taken; lent by rd
	readErr    error  // what ended reading
	userCancel uint8
	warnings   uint8         // ignored since application data came
	facts      atomic.Uint32 // of both halves

	// The write half, under its mutex: of whoever sends.
	wmu      sync.Mutex
	wr       record.Writer
	writeErr error            // what ended writing
	secret   handshake.Secret // application traffic, for KeyUpdate
	suite    iana.CipherSuite
	asked    atomic.Uint32 // KeyUpdates that the Machine is not told of yet
	control  control

	early         earlyData
	tickets       moreTickets
	exporter      exporter
	appIn, appOut atomic.Uint64
}

// Format keeps every verb of package fmt from printing the secrets in c.
func (c *Conn) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "conn.Conn") }

const blockedCounts = 4

// facts that any goroutine may look at.
const (
	factDone           = 1 << iota // the handshake is complete
	factPeerClosed                 // close_notify came
	factSentClose                  // close_notify was sent, or a fatal alert
	factHandshakeError             // the handshake has failed
	factTLS12                      // the negotiated version
	factHelloRequest               // the server wants to renegotiate, and may
	factRenegotiating              // Renegotiate is under way
	factNegotiated                 // Negotiate has said that it is done
	factUnproved                   // the peer's key of TLS 1.2 is new, and its Finished has not come
	factNameUsed                   // ServerNameUsed was called
	factWarned                     // a warning, which TLS 1.3 has not, ends the connection
)

// is reports whether one of the facts holds.
func (c *Conn) is(facts uint32) bool { return c.facts.Load()&facts != 0 }

func (c *Conn) set(fact uint32) { c.facts.Or(fact) }

// use says which halves of a Conn are in use. Its one word decides between a call and a
// Close on another goroutine: whoever comes last wipes.
type use struct{ word atomic.Uint32 }

const (
	reading = 1 << iota
	writing
	closing
	wiped

	both = reading | writing
)

// enter claims halves for a call.
func (c *Conn) enter(halves uint32, method string) error {
	for {
		w := c.use.word.Load()
		switch {
		case w&closing != 0:
			return closedError("%s after Close", method)
		case w&halves != 0:
			return usage("%s while another goroutine, or the hook's own Negotiate, uses the same half of the connection", method)
		}
		if c.use.word.CompareAndSwap(w, w|halves) {
			return nil
		}
	}
}

// leave gives halves back; the last call out of a closed Conn wipes it.
func (c *Conn) leave(halves uint32) {
	for {
		w := c.use.word.Load()
		next := w &^ halves
		last := w&closing != 0 && next&both == 0
		if c.use.word.CompareAndSwap(w, next) {
			if last {
				c.wipe()
			}
			return
		}
	}
}

func (c *Conn) closed() bool { return c.use.word.Load()&closing != 0 }

// Close ends the connection at once: no input or output, no close_notify (Shutdown sends
// it). Operations of hooks are ended: their contexts are done and late answers are
// refused. Secrets are wiped and buffers given back, by the call that is under way on
// another goroutine if there is one. Close may be called on any goroutine, any number of
// times, and inside hooks and callbacks.
func (c *Conn) Close() {
	for {
		w := c.use.word.Load()
		if w&closing != 0 {
			return
		}
		if !c.use.word.CompareAndSwap(w, w|closing) {
			continue
		}
		if p := c.pending.Load(); p != nil {
			p.Close()
		}
		if w&both == 0 {
			c.wipe()
		}
		return
	}
}

// wipe clears and gives back what the connection has. Nobody uses it any more, until it
// is done: then Reset may.
func (c *Conn) wipe() {
	defer c.use.word.Or(wiped)
	c.wmu.Lock()
	defer c.wmu.Unlock()
	c.dropOperation()
	if c.machine != nil {
		c.machine.Close()
	}
	c.rd.Close()
	c.wr.Close()
	c.rest = nil
	c.secret.Clear()
	c.exporter.drop()
	c.tickets.drop()
	c.kept.keep(nil)
	c.own.wipe()
}

// setPending notes the operation that Close ends.
func (c *Conn) setPending(p *async.Pending) {
	c.pending.Store(p)
	if c.closed() { // Close may have looked before
		p.Close()
	}
}

// dropOperation forgets the operation that was waited for.
func (c *Conn) dropOperation() {
	if p := c.pending.Swap(nil); p != nil {
		p.Close()
	}
	c.keyOp.Store(nil)
	c.choice = nil
}
