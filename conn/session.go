package conn

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/s2ngo/s2ngo/internal/session"
)

// SessionTicket is a session that a server has just given a client. It is valid inside OnSessionTicket
// only.
type SessionTicket struct {
	// Lifetime is how long the server wants to resume it; 0 = it does not say (TLS 1.2).
	Lifetime time.Duration

	// MaxEarlyData is how much early data, in bytes, may go with the ClientHello that resumes it; 0 =
	// none.
	MaxEarlyData uint32

	session *session.Session
}

// Session returns the serialized session, for SetSession of a later connection, in a new slice that
// is the caller's. Who has it can be the peer: keep it as a private key is kept.
func (t *SessionTicket) Session() []byte {
	if t.session == nil {
		return nil
	}
	return t.session.Append(nil)
}

// keptSession is the latest session of a client, for Session on any goroutine.
type keptSession struct {
	mu sync.Mutex
	s  *session.Session
}

// keep takes s over, which may be nil, and wipes what was there.
func (k *keptSession) keep(s *session.Session) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.s != nil {
		k.s.Clear()
	}
	k.s = s
}

// Session returns the serialized session that a client can resume by SetSession of a later connection
// (s2n_connection_get_session), or nil if there is none (yet): in TLS 1.3 it comes with the
// server's tickets, inside Recv, and the latest counts. There is none after a fatal alert or
// error. The slice is the caller's, and as secret as a private key. Any goroutine, before Close.
func (c *Conn) Session() []byte {
	c.kept.mu.Lock()
	defer c.kept.mu.Unlock()
	if c.kept.s == nil {
		return nil
	}
	return c.kept.s.Append(nil)
}

// SetSession makes a client offer to resume the session that Session, or OnSessionTicket, gave for an
// earlier connection to the same server (s2n_connection_set_session). A blob that cannot be
// used, because it is damaged or too old or comes from another version of this library, is no error: the handshake is a
// full one. An empty blob withdraws an earlier one. Before Negotiate. Errors: ErrUsage.
func (c *Conn) SetSession(blob []byte) error {
	if !c.client {
		return usage("SetSession on a server")
	}
	s, err := session.Parse(blob)
	if err != nil {
		s = nil
	}
	err = c.change("SetSession", func(own *settings) { own.session = s })
	if err != nil && s != nil {
		s.Clear()
	}
	return err
}

// AppendPSK adds an external PSK behind those of the Config (s2n_connection_append_psk). It is copied.
// Before Negotiate; a server's OnPSK may bring one later. Errors are ErrUsage, and one of
// ErrPSKIdentity, ErrPSKSecret, ErrPSKHash, ErrPSKEarlyData, ErrPSKDuplicate, ErrPSKsTooLong.
func (c *Conn) AppendPSK(p *PSK) error {
	if p == nil {
		return usage("AppendPSK without a PSK")
	}
	own := *p
	own.Identity, own.Secret, own.EarlyDataContext = slices.Clone(p.Identity), slices.Clone(p.Secret), slices.Clone(p.EarlyDataContext)
	err := c.change("AppendPSK", func(s *settings) { s.psks = append(slices.Clip(s.psks), &own) })
	if err != nil {
		clear(own.Secret)
	}
	return err
}

// SetMaxEarlyData says how much early data a server takes, in bytes, in place of
// Config.MaxEarlyData (s2n_connection_set_server_max_early_data_size). Before Negotiate.
func (c *Conn) SetMaxEarlyData(n uint32) error {
	if c.client {
		return usage("SetMaxEarlyData on a client, which sends what the server allows")
	}
	return c.change("SetMaxEarlyData", func(s *settings) { s.maxEarlyData, s.maxEarlyDataSet = n, true })
}

// SetEarlyDataContext replaces Config.EarlyDataContext (s2n_connection_set_server_early_data_context).
// It is copied. Before Negotiate; at most 65535 bytes.
func (c *Conn) SetEarlyDataContext(context []byte) error {
	switch {
	case c.client:
		return usage("SetEarlyDataContext on a client")
	case len(context) > math.MaxUint16:
		return usage("early data context of %d bytes is longer than 65535", len(context))
	}
	return c.change("SetEarlyDataContext", func(s *settings) { s.context = append([]byte{}, context...) })
}

// gotTicket takes a session that the server gave.
func (c *Conn) gotTicket(s *session.Session) error {
	c.kept.keep(s)
	c.tickets.hint.Store(s.Lifetime)
	if c.cfg.OnSessionTicket == nil {
		return nil
	}
	t := &SessionTicket{time.Duration(s.Lifetime) * time.Second, s.MaxEarlyData, s}
	err := c.cfg.OnSessionTicket(c, t)
	t.session = nil
	return err
}

// keepResumed lets a client of TLS 1.2 that resumed a session, and got no other, resume it again.
func (c *Conn) keepResumed() {
	if !c.client || !c.machine.Result.Resumed || !c.is(factTLS12) || c.machine.Session == nil || c.Session() != nil {
		return
	}
	if again, err := session.Parse(c.machine.Session.Append(nil)); err == nil {
		c.kept.keep(again)
	}
}

// forgetSession keeps a session from being resumed after a fatal alert or error (RFC 5246, Section
// 7.2.2; RFC 8446, Section 6.2): a client gives it out no more, and a server's store drops those that this
// connection made, and the one that it resumed, unless the client has yet to prove that it is its own.
func (c *Conn) forgetSession(err error) {
	if err == io.EOF || errors.Is(err, ErrClosed) || errors.Is(err, ErrIO) {
		return
	}
	c.kept.keep(nil)
	if c.client || c.machine == nil || c.cfg.SessionStore == nil {
		return
	}
	ids := c.tickets.forget()
	if r := &c.machine.Result; r.StoredID != nil && c.is(factDone) {
		ids = append(ids, slices.Clone(r.StoredID))
	}
	for _, id := range ids {
		c.cfg.SessionStore.Delete(context.Background(), id, func(bool, error) {})
	}
}
