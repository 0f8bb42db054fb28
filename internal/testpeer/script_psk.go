package testpeer

import (
	"crypto"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// PSK is a pre-shared key of a Script: that of a ticket, or an external one.
type PSK struct {
	Identity, Secret []byte
	Age              uint32      // obfuscated
	Hash             crypto.Hash // 0 = crypto.SHA256
	External         bool
}

func (p *PSK) hash() crypto.Hash {
	if p.Hash == 0 {
		return crypto.SHA256
	}
	return p.Hash
}

func (p *PSK) binderKey() schedule.Secret {
	early := schedule.New(p.hash(), p.Secret)
	if p.External {
		return early.ExternalBinderKey()
	}
	return early.ResumptionBinderKey()
}

// early begins the key schedule.
func (s *Script) early() schedule.Early {
	if s.psk != nil {
		return schedule.New(s.psk.hash(), s.psk.Secret)
	}
	return schedule.New(s.suite.Hash, nil)
}

// putPSKs writes the extensions of PSKs, pre_shared_key last and with room for the binders.
func (c *ScriptClient) putPSKs(w *wire.Writer) {
	if c.Modes != nil {
		wire.PutPSKKeyExchangeModes(w, c.Modes...)
	}
	if c.EarlyData && !c.Retry {
		wire.PutEarlyData(w)
	}
	if len(c.PSKs) == 0 {
		return
	}
	m := wire.BeginPreSharedKey(w)
	for i := range c.PSKs {
		wire.PutPSKIdentity(w, c.PSKs[i].Identity, c.PSKs[i].Age)
	}
	m = wire.BeginPSKBinders(w, m)
	for i := range c.PSKs {
		wire.PutPSKBinder(w, make([]byte, c.PSKs[i].hash().Size()))
	}
	wire.EndPreSharedKey(w, m)
}

// bind puts the binders into a ClientHello that ends with room for them, whatever has been edited.
func (c *ScriptClient) bind(msg []byte) []byte {
	length := 2
	for i := range c.PSKs {
		length += 1 + c.PSKs[i].hash().Size()
	}
	if len(c.PSKs) == 0 || len(msg) < length {
		return msg
	}
	truncated, binders := msg[:len(msg)-length], msg[len(msg)-length+2:]
	for i := range c.PSKs {
		p := &c.PSKs[i]
		var th []byte
		if c.Retry {
			th = c.transcript.SumWith(truncated)
		} else {
			h := p.hash().New()
			h.Write(truncated)
			th = h.Sum(nil)
		}
		key := p.binderKey()
		binders = binders[1+copy(binders[1:], key.Finished(nil, th)):]
	}
	if c.EditBound != nil {
		msg = c.EditBound(msg)
	}
	if c.EarlyData && !c.Retry {
		h := c.PSKs[0].hash().New()
		h.Write(msg)
		early := schedule.New(c.PSKs[0].hash(), c.PSKs[0].Secret)
		c.EarlyTraffic = early.ClientTraffic(h.Sum(nil))
	}
	return msg
}

// EndOfEarlyData ends the early data.
func (c *ScriptClient) EndOfEarlyData() []byte {
	var w wire.Writer
	wire.AppendEndOfEarlyData(&w)
	return c.send(&w)
}

// NewSessionTicket writes a ticket of 12 bytes that lasts lifetime seconds.
func NewSessionTicket(lifetime uint32, nonce ...byte) []byte {
	var w wire.Writer
	m := wire.BeginNewSessionTicket(&w, lifetime, 1, nonce, []byte("the ticket.."))
	w.End(w.Begin16())
	w.End(m)
	return w.B
}

// selected returns the PSK that the server chose, if any.
func (c *ScriptClient) selected() *PSK {
	if n := int(c.Hello.SelectedIdentity); c.Hello.Has.Has(iana.PreSharedKey) && n < len(c.PSKs) {
		return &c.PSKs[n]
	}
	return nil
}
