package testpeer

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// ScriptClient12 is a client of TLS 1.2 played by hand: ClientHello, ReadServer for what the
// server answers; then what the test wants of Certificate, ClientKeyExchange, CertificateVerify
// and Finished; then ReadFinished. It resumes a session by ClientHello and Finished alone, after
// Resume.
type ScriptClient12 struct {
	Script12
	Suites     []iana.CipherSuite
	Groups     []iana.Group
	Schemes    []iana.SignatureScheme
	ServerName string   // "" = none
	ALPN       []string // nil = none
	SessionID  []byte
	Ticket     []byte // contents of session_ticket; nil = not sent
	Premaster  []byte // of RSA key exchange; nil = a good one
	Random     []byte // nil = a fixed one

	Requested bool             // the server has sent a CertificateRequest
	Given     []byte           // the ticket of the server's NewSessionTicket
	Hint      uint32           // its ticket_lifetime_hint
	Hello     wire.ServerHello // lends what ReadServer was given
	leaf      *x509.Certificate
	share     []byte
	dh        *kex.DHParams
}

// ClientHello begins the handshake. What was before is forgotten.
func (c *ScriptClient12) ClientHello() []byte {
	c.messages = nil
	if c.Random == nil {
		c.Random = []byte("this is the random of the client")
	}
	var w wire.Writer
	m := wire.BeginClientHello(&w, iana.TLS12, c.Random, c.SessionID, c.Suites)
	x := w.Begin16()
	if c.ServerName != "" {
		wire.PutServerName(&w, c.ServerName)
	}
	wire.PutSupportedGroups(&w, c.Groups)
	wire.PutSignatureAlgorithms(&w, c.Schemes)
	wire.PutECPointFormats(&w, 0)
	if c.ALPN != nil {
		wire.PutALPN(&w, c.ALPN)
	}
	if c.Extended {
		wire.PutExtendedMasterSecret(&w)
	}
	if c.Before != nil {
		wire.PutRenegotiationInfo(&w, c.Before)
	}
	if c.Ticket != nil {
		wire.PutSessionTicket(&w, c.Ticket)
	}
	w.End(x)
	w.End(m)
	msg := c.send(&w)
	if len(msg) >= 38 {
		c.ClientRandom = slices.Clone(msg[6:38])
	}
	return msg
}

// ReadServer reads a message of the server's flight.
func (c *ScriptClient12) ReadServer(msg []byte) {
	c.Read(msg)
	body := slices.Clone(msg[4:])
	switch iana.Message(msg[0]) {
	case iana.ServerHello:
		c.fail(c.Hello.Parse(body, ^wire.Set(0)))
		c.fail(c.Hello.Parse12(^wire.Set(0)))
		if c.err != nil {
			return
		}
		c.Suite, c.ServerRandom = c.Hello.CipherSuite, slices.Clone(c.Hello.Random)
		c.Extended = c.Hello.ExtendedMasterSecret
	case iana.Certificate:
		var chain wire.Certificate12
		c.fail(chain.Parse(body, 10))
		for der := range chain.All() {
			var err error
			c.leaf, err = x509.ParseCertificate(der)
			c.fail(err)
			break
		}
	case iana.ServerKeyExchange:
		if c.row().KeyExchange == suite.KeyExchangeDHE {
			p, err := wire.ParseServerDHE(body)
			c.fail(err)
			c.dh, err = kex.NewDHParams(p.P, p.G)
			c.fail(err)
			c.share = p.Ys
			return
		}
		p, err := wire.ParseServerECDHE(body)
		c.fail(err)
		c.Group, c.share = p.Group, p.Point
	case iana.CertificateRequest:
		c.Requested = true
	case iana.NewSessionTicket:
		var t wire.NewSessionTicket12
		c.fail(t.Parse(body))
		c.Given, c.Hint = t.Ticket, t.LifetimeHint
	}
}

// ClientKeyExchange is the client's half of the key exchange, which gives the keys.
func (c *ScriptClient12) ClientKeyExchange() []byte {
	var w wire.Writer
	var premaster []byte
	var err error
	switch c.row().KeyExchange {
	case suite.KeyExchangeECDHE:
		key, share := c.ecdhe()
		premaster, err = key.Shared(nil, c.share)
		wire.AppendClientECDHE(&w, share)
	case suite.KeyExchangeDHE:
		key, public := c.dhe(c.dh)
		premaster, err = key.Shared(nil, c.share)
		wire.AppendClientDHE(&w, public)
	default:
		var ciphertext []byte
		premaster, ciphertext, err = c.encrypt()
		wire.AppendClientRSA(&w, ciphertext)
	}
	c.fail(err)
	msg := c.send(&w)
	c.agree(premaster)
	return msg
}

func (c *ScriptClient12) encrypt() (premaster, ciphertext []byte, err error) {
	if c.Premaster == nil {
		c.Premaster = append([]byte{3, 3}, make([]byte, 46)...)
	}
	pub, ok := c.leaf.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, nil, fmt.Errorf("nothing can be encrypted to a %T", c.leaf.PublicKey)
	}
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	ciphertext, err = rsa.EncryptPKCS1v15(rand.Reader, pub, c.Premaster)
	return slices.Clone(c.Premaster), ciphertext, err
}

// Finished ends the client's side.
func (c *ScriptClient12) Finished() []byte { return c.finished(true) }

// ReadFinished checks the server's Finished.
func (c *ScriptClient12) ReadFinished(msg []byte) { c.readFinished(false, msg) }
