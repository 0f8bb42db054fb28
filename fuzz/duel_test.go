package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/policy"
)

// duel is two Machines and what is on the way between them.
type duel struct {
	t              *testing.T
	client, server *side
	toClient       []unit
	toServer       []unit
	hopeless       bool // the configurations do not fit
	tampered       bool
	posted         int // messages after the handshake
	updates        map[*side][]handshake.Secret
}

// unit is what one record holds.
type unit struct {
	epoch handshake.Epoch
	ccs   bool // a change_cipher_spec
	data  []byte
}

func newDuel(t *testing.T, setup bits, answers *script) *duel {
	client, server := machineConfigs(t, &setup)
	d := &duel{
		t: t, client: newSide(t, client, true, answers), server: newSide(t, server, false, answers),
		updates: map[*side][]handshake.Secret{},
	}
	d.hopeless = server.ClientAuth == handshake.RequireClientAuth && client.Certificates == nil
	d.client.other, d.server.other = d.server, d.client
	d.client.emit = func(e *handshake.Event) { d.emit(d.client, e) }
	d.server.emit = func(e *handshake.Event) { d.emit(d.server, e) }
	return d
}

var (
	suites13 = []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384, iana.TLS_CHACHA20_POLY1305_SHA256}
	suites12 = []iana.CipherSuite{
		iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
		iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, iana.TLS_RSA_WITH_AES_256_GCM_SHA384,
	}
	schemes12 = []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256, iana.RSAPKCS1SHA256}
)

// machineConfigs returns configurations that fit together, but for a client's certificate.
func machineConfigs(t *testing.T, setup *bits) (client, server *handshake.Config) {
	id := theIdentities(t)
	first := setup.take(2)
	base := handshake.Config{
		MinVersion: iana.TLS13, MaxVersion: iana.TLS13,
		Suites:     slices.Concat(suites13[first%3:], suites12[first:]),
		Groups:     policy.LocalGroups{Curves: []iana.Group{iana.X25519, iana.Secp256r1}},
		GroupOrder: []iana.Group{iana.X25519, iana.Secp256r1}, KeyShares: []iana.Group{iana.X25519},
		Groups12: []iana.Group{iana.X25519, iana.Secp256r1},
		Schemes:  []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256}, Schemes12: schemes12,
		OfferedSchemes: schemes12, Now: today, KeyLog: setup.flag(),
	}
	versions := setup.take(2)
	if versions > 0 {
		base.MinVersion = iana.TLS12
	}
	if setup.flag() {
		base.ALPN = []string{"one", "two"}
	}
	if setup.flag() {
		base.Validation = asyncpkey.Strict
	}
	if setup.flag() {
		base.CertificateSchemes = base.OfferedSchemes
	}
	c, s := base, base
	switch versions {
	case 2:
		s.MaxVersion = iana.TLS12
	case 3:
		c.MaxVersion = iana.TLS12
	}
	if setup.flag() { // a HelloRetryRequest
		s.Groups.Curves, s.GroupOrder, s.KeyShares = s.Groups.Curves[1:], s.GroupOrder[1:], s.GroupOrder[1:]
	}
	s.Certificates = id.serverStore
	s.ClientAuth = handshake.ClientAuth(1 + setup.take(2)%3)
	c.ClientAuth = handshake.OptionalClientAuth
	if setup.flag() {
		c.Certificates = id.clientStore
	}
	c.NoCompatibility = setup.flag()
	if setup.flag() {
		c.RequestOCSP, c.RequestSCT = true, true
	}
	if setup.flag() {
		c.Verify = &verify.Settings{Roots: id.roots, Now: today, SkipStaple: true} // staples are any bytes
		s.Verify = c.Verify
	}
	s.Asks = handshake.Questions(setup.take(7))
	c.Asks = handshake.Questions(setup.take(7)) // but for those of a server, which it never asks
	if setup.flag() {
		s.RequestOCSP, s.RequestSCT = true, true
	}
	if setup.flag() {
		s.Authorities = [][]byte{[]byte("nobody"), id.client.Leaf.RawIssuer}
		c.Authorities = s.Authorities[1:]
	}
	return &c, &s
}

// way returns what is on the way to s.
func (d *duel) way(s *side) *[]unit {
	if s.client {
		return &d.toClient
	}
	return &d.toServer
}

func (d *duel) post(to *side, u unit) {
	way := d.way(to)
	*way = append(*way, u)
}

func (d *duel) emit(from *side, e *handshake.Event) {
	switch e.Kind {
	case handshake.Write:
		d.post(from.other, unit{epoch: e.Epoch, data: bytes.Clone(e.Data)})
	case handshake.WriteChangeCipherSpec:
		d.post(from.other, unit{ccs: true})
	case handshake.SetReadKey:
		if !from.done || d.tampered {
			return
		}
		// The answer to a KeyUpdate.
		next := d.updates[from.other]
		if len(next) == 0 || next[0] != e.Secret {
			d.t.Fatalf("%s has another key than its peer after a KeyUpdate", from.name())
		}
		d.updates[from.other] = next[1:]
	}
}

func (d *duel) start() {
	d.client.advance()
	d.server.advance()
}

// deliver gives s the next record, or at most n bytes of it. While s waits for its
// application nothing is read, as package conn does it.
func (d *duel) deliver(s *side, n int) {
	if way := d.way(s); s.open() || len(*way) == 0 {
		s.advance()
		return
	}
	d.push(s, n)
}

// push is deliver whether s waits or not.
func (d *duel) push(s *side, n int) {
	way := d.way(s)
	if s.closed || s.err != nil {
		*way = nil
		return
	}
	u := (*way)[0]
	if n >= 0 && n < len(u.data) {
		(*way)[0].data = u.data[n:]
		u.data = u.data[:n]
	} else {
		*way = (*way)[1:]
	}
	switch {
	case !u.ccs:
		s.feed(u.epoch, u.data)
	case s.version == iana.TLS12:
		s.m.ChangeCipherSpec()
		s.advance()
	}
}

// keyUpdate lets s change its write key, as package conn does.
func (d *duel) keyUpdate(s *side, request bool) {
	if !s.done || s.err != nil || s.version == iana.TLS12 || d.posted >= 30 {
		return
	}
	d.posted++
	var w wire.Writer
	wire.AppendKeyUpdate(&w, request)
	s.secret = s.secret.Next()
	d.updates[s] = append(d.updates[s], s.secret)
	d.post(s.other, unit{epoch: handshake.Application, data: w.B})
}

// unasked lets s send what a server may send at any time: a ticket, or in TLS 1.2 a
// HelloRequest.
func (d *duel) unasked(s *side) {
	if !s.done || s.err != nil || d.posted >= 30 {
		return
	}
	d.posted++
	d.tampered = d.tampered || s.client
	d.post(s.other, unit{epoch: handshake.Application, data: unasked(s.version)})
}

// unasked returns a ticket, or in TLS 1.2 a HelloRequest.
func unasked(v iana.Version) []byte {
	var w wire.Writer
	if v == iana.TLS12 {
		w.End(w.BeginMessage(iana.HelloRequest))
		return w.B
	}
	mark := wire.BeginNewSessionTicket(&w, 3600, 1, []byte{1}, []byte("a ticket"))
	block := w.Begin16()
	wire.PutMaxEarlyData(&w, 100)
	w.End(block)
	w.End(mark)
	return w.B
}

// settle has everything delivered and answered that there is, and looks at the end.
func (d *duel) settle() {
	for range 2*maxInstructions + 100 {
		if len(d.toClient)+len(d.toServer) == 0 && !d.client.open() && !d.server.open() {
			break
		}
		for _, s := range [2]*side{d.client, d.server} {
			if s.open() {
				s.reply(answerWell)
				s.advance()
			}
			if s.mute {
				*d.way(s) = nil
			}
			d.deliver(s, -1)
		}
	}
	if len(d.toClient)+len(d.toServer) > 0 {
		d.t.Fatal("the handshake does not end")
	}
	c, s := d.client, d.server
	switch {
	case d.tampered || c.willful || s.willful:
	case d.hopeless:
		if a := handshake.AlertOf(s.err); s.done || a != iana.CertificateRequired && a != iana.HandshakeFailure {
			d.t.Fatalf("without a certificate: %v", s.err)
		}
	default:
		if !c.done || !s.done || c.err != nil || s.err != nil {
			d.t.Fatalf("client done: %v, %v; server done: %v, %v", c.done, c.err, s.done, s.err)
		}
		if c.m.InMessage() || s.m.InMessage() {
			d.t.Fatal("half a message is left")
		}
		d.compare()
	}
}

// exported is what e exports, "" if there is nothing to export from.
func exported(e *handshake.Exporter) string {
	out := make([]byte, 32)
	if e.Export(out, "label", []byte("context")) != nil {
		return ""
	}
	return string(out)
}

// compare holds that both sides have settled the same.
func (d *duel) compare() {
	c, s := &d.client.m.Result, &d.server.m.Result
	if c.Version != s.Version || c.CipherSuite != s.CipherSuite || c.Group != s.Group || c.ALPN != s.ALPN ||
		c.Retried != s.Retried || c.ClientAuth != s.ClientAuth || c.ServerName != s.ServerName ||
		c.PeerScheme != s.Scheme || c.Scheme != s.PeerScheme || exported(c.Exporter) != exported(s.Exporter) ||
		c.ExtendedMasterSecret != s.ExtendedMasterSecret {
		d.t.Fatalf("client and server have settled different things: %v %v %v %q %v %v %v %v, %v %v %v %q %v %v %v %v",
			c.Version, c.CipherSuite, c.Group, c.ALPN, c.Retried, c.ClientAuth, c.Scheme, c.PeerScheme,
			s.Version, s.CipherSuite, s.Group, s.ALPN, s.Retried, s.ClientAuth, s.PeerScheme, s.Scheme)
	}
	if d.client.readKeys != d.server.writeKeys || d.client.writeKeys != d.server.readKeys {
		d.t.Fatal("client and server have different keys")
	}
	if want := min(d.client.cfg.MaxVersion, d.server.cfg.MaxVersion); c.Version != want {
		d.t.Fatalf("version %v although both have %v", c.Version, want)
	}
}
