package conn

import (
	"math"
	"sync/atomic"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
)

// moreTickets are those that a server of TLS 1.3 sends after the handshake.
type moreTickets struct {
	wanted atomic.Int32
	sent   atomic.Int32
	asked  *handshake.Event // what the one under way waits for; the write half's
	apart  bool             // data has been sent since the handshake; the write half's
	hint   atomic.Uint32    // client: lifetime of the latest, in seconds

	stored atomic.Pointer[storedID] // the sessions in the store that this connection has made
}

// storedID names a session in the store, in a list that begins with the latest.
type storedID struct {
	id     []byte
	before *storedID
}

// store notes a session that goes into the store. Any goroutine.
func (t *moreTickets) store(id []byte) {
	for s := (&storedID{id: id}); ; {
		if s.before = t.stored.Load(); t.stored.CompareAndSwap(s.before, s) {
			return
		}
	}
}

// forget returns what was noted, once.
func (t *moreTickets) forget() (ids [][]byte) {
	for s := t.stored.Swap(nil); s != nil; s = s.before {
		ids = append(ids, s.id)
	}
	return ids
}

// drop ends the one under way. The caller holds the write half.
func (t *moreTickets) drop() {
	if t.asked != nil {
		t.asked.Op.Pending().Close()
		t.asked = nil
	}
}

func (t *moreTickets) reset() {
	t.drop()
	t.apart = false
	t.wanted.Store(0)
	t.sent.Store(0)
	t.hint.Store(0)
	t.forget()
}

// AddTickets has a server of TLS 1.3 send n more tickets (s2n_connection_add_new_tickets_to_send), in front of the
// data of the next Send after the handshake; one that has to be sealed or stored by an application that answers
// later comes with a later Send, as do those beyond 256, which is what a client of this library takes without data in
// between. A ticket that cannot be had is left out: State.TicketsSent counts those
// sent. Any goroutine, once the handshake is complete; before, the one that calls Negotiate. Errors: ErrUsage on a client, without SessionTickets, and for more than 65535
// tickets on a connection.
func (c *Conn) AddTickets(n int) error {
	switch total := int64(c.tickets.wanted.Load()) + int64(c.tickets.sent.Load()) + int64(n); {
	case c.client:
		return usage("AddTickets on a client")
	case !c.cfg.SessionTickets:
		return usage("AddTickets without Config.SessionTickets")
	case n < 0 || total > math.MaxUint16:
		return usage("AddTickets for %d tickets of a connection, which are 0 to 65535", total)
	}
	c.tickets.wanted.Add(int32(n))
	return nil
}

// sealTickets seals the tickets that are wanted, up to one that waits for the application, and as many as a client
// takes without data in between, which follows them. The write half is locked.
func (c *Conn) sealTickets() error {
	if c.client || !c.is(factDone) || c.is(factTLS12) {
		return nil
	}
	room := handshake.MaxIdleTickets
	if !c.tickets.apart {
		room -= c.machine.Result.TicketsSent
		c.tickets.apart = true
	}
	if c.tickets.wanted.Load() <= 0 {
		return nil
	}
	issuer := c.machine.Issuer()
	for ; room > 0 && issuer != nil && c.tickets.wanted.Load() > 0; room-- {
		if c.tickets.asked == nil {
			asked, err := issuer.Begin()
			if err != nil {
				c.tickets.wanted.Store(0)
				return nil
			}
			if c.tickets.asked = asked; asked != nil {
				c.askTicket(asked)
			}
		}
		asked := c.tickets.asked
		if asked != nil && !asked.Op.Pending().Answered() {
			return nil
		}
		c.tickets.asked = nil
		c.tickets.wanted.Add(-1)
		msg := issuer.Append(nil, asked)
		if len(msg) == 0 {
			continue
		}
		if _, err := c.wr.Seal(iana.RecordHandshake, msg); err != nil {
			return c.broken(err)
		}
		c.traceWrite(msg)
		c.tickets.sent.Add(1)
	}
	return nil
}

// askTicket asks the application for what a ticket needs. Nobody is woken by the answer: it waits for
// the next Send.
func (c *Conn) askTicket(e *handshake.Event) {
	pending := e.Op.Pending()
	pending.Enter(nil, c.cfg.AfterFunc)
	if d := c.cfg.OperationTimeout; d > 0 {
		pending.SetTimeout(d)
	}
	if e.Question == handshake.AskSealTicket {
		c.cfg.OnSealTicket(c, e.Detail.([]byte), e.Op.(*async.Op[[]byte]))
	} else {
		c.askStore(e)
	}
	pending.Leave()
}
