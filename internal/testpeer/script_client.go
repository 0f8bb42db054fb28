package testpeer

import (
	"fmt"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// ScriptClient is a client played by hand: ClientHello and ReadServerHello, again after a
// HelloRetryRequest; ReadServer for what follows and ReadFinished; then what the test
// wants of Certificate, CertificateVerify and Finished.
type ScriptClient struct {
	Script
	Suites     []iana.CipherSuite
	Groups     []iana.Group
	Shares     []iana.Group // for which there are shares; replaced by a HelloRetryRequest
	Schemes    []iana.SignatureScheme
	ServerName string   // "" = none
	ALPN       []string // nil = none
	SessionID  []byte
	PSKs       []PSK
	Modes      []uint8 // of psk_key_exchange_modes; nil = not sent
	EarlyData  bool    // the first hello offers it

	// EditBound changes a ClientHello that has its binders; nil = not at all.
	EditBound Edit

	// EarlyTraffic is the secret of the early data that is offered.
	EarlyTraffic schedule.Secret

	// EditSecond changes the second ClientHello, after Edit; nil = not at all.
	EditSecond Edit

	Retry   bool             // the last ServerHello was a HelloRetryRequest
	Hello   wire.ServerHello // the last one; lends what ReadServerHello was given
	cookie  []byte
	private map[iana.Group]kex.Key
}

// ClientHello writes the first hello, or the second after a HelloRetryRequest.
func (c *ScriptClient) ClientHello() []byte {
	var w wire.Writer
	m := wire.BeginClientHello(&w, iana.TLS12, []byte("this is the random of the client"), c.SessionID, c.Suites)
	x := w.Begin16()
	if c.ServerName != "" {
		wire.PutServerName(&w, c.ServerName)
	}
	wire.PutSupportedVersions(&w, iana.TLS13)
	wire.PutSupportedGroups(&w, c.Groups)
	wire.PutSignatureAlgorithms(&w, c.Schemes)
	if c.ALPN != nil {
		wire.PutALPN(&w, c.ALPN)
	}
	c.putShares(&w)
	if c.cookie != nil {
		wire.PutCookie(&w, c.cookie)
	}
	c.putPSKs(&w)
	w.End(x)
	w.End(m)
	if c.Retry && c.EditSecond != nil {
		first := c.Edit
		c.Edit = func(msg []byte) []byte {
			if first != nil {
				msg = first(msg)
			}
			return c.EditSecond(msg)
		}
		defer func() { c.Edit = first }()
	}
	c.complete = c.bind
	defer func() { c.complete = nil }()
	return c.send(&w)
}

func (c *ScriptClient) putShares(w *wire.Writer) {
	if c.private == nil {
		c.private = map[iana.Group]kex.Key{}
	}
	shares := wire.BeginKeyShares(w)
	for _, g := range c.Shares {
		if c.private[g] == nil {
			scheme := kex.Lookup(g)
			if scheme == nil {
				c.fail(fmt.Errorf("no group %v", g))
				continue
			}
			key, err := scheme.Generate(c.Rand)
			if err != nil {
				c.fail(err)
				continue
			}
			c.private[g] = key
		}
		m := wire.BeginKeyShare(w, g)
		w.B = c.private[g].AppendPublic(w.B)
		w.End(m)
	}
	wire.EndKeyShares(w, shares)
}

// ReadServerHello reads a ServerHello and derives the secrets of the handshake, or a
// HelloRetryRequest, to which another ClientHello is the answer.
func (c *ScriptClient) ReadServerHello(msg []byte) {
	if len(msg) < 4 || iana.Message(msg[0]) != iana.ServerHello {
		c.fail(fmt.Errorf("%x is no server_hello", msg))
		return
	}
	c.fail(c.Hello.Parse(msg[4:], ^wire.Set(0)))
	if c.err != nil {
		return
	}
	if c.choose(c.Hello.CipherSuite); c.err != nil {
		return
	}
	if c.Hello.IsHelloRetryRequest() {
		c.Retry = true
		c.cookie = c.Hello.Cookie
		if c.Hello.Has.Has(iana.KeyShare) {
			c.Shares = []iana.Group{c.Hello.KeyShareGroup}
		}
		c.transcript.HelloRetry()
		c.transcript.Add(msg)
		return
	}
	c.transcript.Add(msg)
	c.psk = c.selected()
	key := c.private[c.Hello.KeyShareGroup]
	if key == nil {
		c.fail(fmt.Errorf("the server chose %v", c.Hello.KeyShareGroup))
		return
	}
	shared, err := key.Shared(nil, c.Hello.KeyShare)
	c.fail(err)
	c.agree(shared)
}

// ReadServer takes a message of the server between its hello and its Finished for what it
// is.
func (c *ScriptClient) ReadServer(msg []byte) { c.transcript.Add(msg) }

// ReadFinished checks the server's Finished and derives the secrets of the application.
func (c *ScriptClient) ReadFinished(msg []byte) {
	c.readFinished(&c.HandshakeServer, msg)
	c.serverFinished()
}

// CertificateVerify signs with the key of Identity.
func (c *ScriptClient) CertificateVerify() []byte { return c.certificateVerify(false) }

// Finished ends the handshake.
func (c *ScriptClient) Finished() []byte { return c.finished(&c.HandshakeClient) }
