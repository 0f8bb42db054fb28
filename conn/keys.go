package conn

import (
	"crypto/cipher"
	"fmt"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/record"
)

// protection makes the cipher of one traffic secret, which it consumes (RFC 8446, Section 7.3).
// The IV is lent until the secret is cleared.
func protection(s *suite.Suite, secret *handshake.Secret) (aead cipher.AEAD, iv []byte, err error) {
	key, iv := secret.KeyIV(s.KeyLen, suite.NonceLen)
	aead, err = s.NewAEAD(key)
	return aead, iv, err
}

// openWith has records opened by secret, which it consumes. What the peer sends is bounded by its
// sequence number alone, since many peers never change keys.
func (c *Conn) openWith(id iana.CipherSuite, secret *handshake.Secret) error {
	defer secret.Clear()
	aead, iv, err := protection(suite.Lookup(id), secret)
	if err == nil {
		c.rd.SetOpener13(aead, iv, 0)
	}
	return err
}

// sealWith has records sealed by secret, which it consumes. Those under one key are bounded, and
// we change keys before (RFC 8446, Section 5.5).
func (c *Conn) sealWith(id iana.CipherSuite, secret *handshake.Secret) error {
	defer secret.Clear()
	s := suite.Lookup(id)
	aead, iv, err := protection(s, secret)
	if err == nil {
		c.wr.SetSealer13(aead, iv, s.RecordLimit)
	}
	return err
}

// keys12 cuts one direction's part of the key block (RFC 5246, Section 6.3).
func keys12(e *handshake.Event) (s *suite.Suite, macKey, key, iv []byte) {
	s = suite.Lookup(e.Suite)
	macKey, rest := e.Data[:s.MACKeyLen], e.Data[s.MACKeyLen:]
	return s, macKey, rest[:s.KeyLen], rest[s.KeyLen:]
}

func (c *Conn) setReadKey(e *handshake.Event) error {
	c.trace(TraceEvent{Kind: TraceKey, Text: e.Epoch.String()})
	if e.Version == iana.TLS12 {
		s, macKey, key, iv := keys12(e)
		p, err := record.NewOpener12(s, macKey, key, iv)
		if err != nil {
			return err
		}
		c.rd.SetOpener(p)
		c.rd.SetCCS(record.CCSRefuse)
		c.rd.SetVersion(iana.TLS12)
		c.set(factUnproved)
		return nil
	}
	if err := c.openWith(e.Suite, &e.Secret); err != nil {
		return err
	}
	if e.Epoch == handshake.Application {
		c.rd.SetCCS(record.CCSRefuse)
		c.rd.SetVersion(iana.TLS12) // of headers, as in s2n; before, a plain alert may have another
	} else if !c.client {
		c.rd.AllowPlaintextAlert(true)
	}
	return nil
}

func (c *Conn) setWriteKey(e *handshake.Event) error {
	c.trace(TraceEvent{Kind: TraceKey, Sent: true, Text: e.Epoch.String()})
	if e.Version == iana.TLS12 {
		s, macKey, key, iv := keys12(e)
		p, err := record.NewSealer12(s, macKey, key, iv, c.cfg.rand)
		if err != nil {
			return err
		}
		c.wr.SetSealer(p)
		return nil
	}
	if e.Epoch == handshake.Initial { // early data was in vain
		c.wr.SetSealer(nil)
		return nil
	}
	if e.Epoch == handshake.Application {
		c.secret, c.suite = e.Secret, e.Suite
	}
	return c.sealWith(e.Suite, &e.Secret)
}

// UpdateKeys changes the key that we send with, and if requestPeer is set asks the peer
// to change its own (s2n_connection_request_key_update, which cannot ask; RFC 8446,
// Section 4.6.3). With BlockedOnWrite the message waits for Flush; it is taken all the
// same. Keys change by themselves before the limits of their AEAD.
func (c *Conn) UpdateKeys(requestPeer bool) (Blocked, error) {
	if err := c.enter(writing, "UpdateKeys"); err != nil {
		return NotBlocked, err
	}
	defer c.leave(writing)
	if !c.is(factDone) {
		return NotBlocked, usage("UpdateKeys before the handshake is complete")
	}
	if c.is(factTLS12) {
		return NotBlocked, usage("UpdateKeys on a connection of %v", iana.TLS12)
	}
	c.wmu.Lock()
	defer c.unlockWrite()
	if err := c.canWrite(); err != nil {
		return NotBlocked, err
	}
	if err := c.rekey(requestPeer); err != nil {
		return NotBlocked, err
	}
	return c.flushWrite()
}

// rekey seals a KeyUpdate and moves the write key on. The write half is locked.
func (c *Conn) rekey(requestPeer bool) error {
	if c.is(factTLS12) {
		return c.broken(fmt.Errorf("the key has sealed all the records it may, and %v cannot change it", iana.TLS12))
	}
	var w wire.Writer
	wire.AppendKeyUpdate(&w, requestPeer)
	if requestPeer {
		c.asked.Add(1) // before the peer can answer
	}
	if _, err := c.wr.Seal(iana.RecordHandshake, w.B); err != nil {
		return c.broken(err)
	}
	c.control.last = true
	next := c.secret.Next()
	c.secret.Clear()
	c.secret = next
	if err := c.sealWith(c.suite, &next); err != nil {
		return c.broken(err)
	}
	c.trace(TraceEvent{Kind: TraceMessage, Sent: true, Size: 1, Text: iana.KeyUpdate.String()})
	c.trace(TraceEvent{Kind: TraceKey, Sent: true, Text: handshake.Application.String()})
	return nil
}

// broken ends the write half for a reason of ours.
func (c *Conn) broken(err error) error {
	c.writeErr, _ = fatal(err)
	return c.writeErr
}
