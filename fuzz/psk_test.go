package fuzz

import (
	"bytes"
	"crypto"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/policy"
)

// FuzzPSK offers a server whatever PSKs the input says: external ones, sealed tickets and stored
// sessions, known, unknown, damaged and old, with binders that fit or do not, and early data. The
// server may resume only what is its own, with a secret that the client knows, as long as it lasts, and
// take early data only with the first of them and once.
func FuzzPSK(f *testing.F) {
	f.Fuzz(func(t *testing.T, setup uint32, offer []byte) {
		o := newOffer(t, bits(setup), &script{offer})
		for range 2 { // the second is a replay, if the store or the recorder says so
			o.play()
		}
	})
}

// offer is a client's hello and the server that gets it.
type offer struct {
	t        *testing.T
	cfg      *handshake.Config
	later    time.Duration
	group    iana.Group
	psks     []testpeer.PSK
	known    []bool // the server has it, and the client its secret
	modes    []uint8
	early    bool
	binder   int // position of a byte of the hello that is another, 0 = none
	stored   map[string][]byte
	recorded map[[32]byte]bool
	accepted int // early data
}

// pskSuites are of both hashes.
var pskSuites = []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384, iana.TLS_CHACHA20_POLY1305_SHA256}

func newOffer(t *testing.T, setup bits, s *script) *offer {
	o := &offer{t: t, group: iana.X25519, stored: map[string][]byte{}, recorded: map[[32]byte]bool{}}
	id := theIdentities(t)
	o.cfg = &handshake.Config{
		MinVersion: iana.TLS13, MaxVersion: iana.TLS13, Suites: pskSuites,
		Groups:         policy.LocalGroups{Curves: []iana.Group{iana.X25519, iana.Secp256r1}},
		Schemes:        []iana.SignatureScheme{iana.Ed25519},
		OfferedSchemes: []iana.SignatureScheme{iana.Ed25519},
		Certificates:   id.serverStore,
		Now:            func() time.Time { return today().Add(o.later) },
		Rand:           rand.NewChaCha8([32]byte{3}),
	}
	r := &o.cfg.Resumption
	r.SessionTickets, r.TicketKeys, r.TicketCount, r.MaxEarlyData = true, pskKeys(), 1, 1000
	r.PSKs = []*handshake.PSK{
		{Identity: []byte("one"), Secret: []byte("secret one"), MaxEarlyData: 10, CipherSuite: pskSuites[0]},
		{Identity: []byte("two"), Secret: []byte("secret two"), Hash: crypto.SHA384},
	}
	asks := func(q handshake.Question) { o.cfg.Asks = o.cfg.Asks.With(q) }
	if r.ReplayProtection = !setup.flag(); r.ReplayProtection {
		asks(handshake.AskReplay)
	}
	if setup.flag() {
		o.cfg.Certificates = nil
	}
	if r.Store = setup.flag(); r.Store {
		asks(handshake.AskSession)
		asks(handshake.AskStoreSession)
		asks(handshake.AskTakeSession)
	}
	if setup.flag() {
		asks(handshake.AskPSK)
	}
	if setup.flag() {
		asks(handshake.AskTicket)
		asks(handshake.AskSealTicket)
	}
	if setup.flag() {
		o.group = iana.Secp256r1
	}
	o.later = [...]time.Duration{0, time.Second, time.Minute + time.Second, time.Hour, 3 * time.Hour, 14 * time.Hour, 16 * time.Hour, -2 * time.Hour}[setup.take(3)]
	o.early = !setup.flag()
	o.modes = [][]uint8{{wire.PSKWithDHE}, {wire.PSKOnly}, {wire.PSKOnly, wire.PSKWithDHE}, nil}[setup.take(2)]
	for n := setup.take(3); n >= 0; n-- {
		o.add(s)
	}
	if s.more() {
		o.binder = s.uint16()
	}
	return o
}

// pskKeys is a set of one ticket key.
var pskKeys = sync.OnceValue(func() *session.Keys {
	keys := session.NewKeys(session.KeysConfig{})
	if err := keys.Add([]byte("key"), []byte("secret"), today(), today()); err != nil {
		panic(err)
	}
	return keys
})

// add adds a PSK to the hello.
func (o *offer) add(s *script) {
	kind, how := s.byte(), s.byte()
	var p testpeer.PSK
	known := true
	switch kind & 3 {
	case 0, 1:
		psk := o.cfg.PSKs[kind&1]
		p = testpeer.PSK{Identity: psk.Identity, Secret: psk.Secret, Hash: psk.Hash, External: true}
	case 2:
		t := o.session(kind)
		sealed, _, _, err := o.cfg.TicketKeys.Seal(nil, t.Append(nil), today(), rand.NewChaCha8([32]byte{kind}))
		if err != nil {
			o.t.Fatal(err)
		}
		p, known = o.offered(t, sealed)
	case 3:
		t := o.session(kind)
		t.ID = bytes.Repeat([]byte{kind}, session.IDLen)
		o.stored[string(t.ID)] = t.Append(nil)
		p, known = o.offered(t, t.ID)
		known = known && o.cfg.Store
	}
	switch how & 7 {
	case 1: // damaged, or shorter
		if at := s.uint16(); at < len(p.Identity) {
			p.Identity = bytes.Clone(p.Identity)
			p.Identity[at] ^= 1 + s.byte()&0x7f
			known = false
		}
	case 2:
		if at := s.uint16(); at > 0 && at < len(p.Identity) {
			p.Identity, known = p.Identity[:at], false
		}
	case 3:
		p.Secret, known = []byte("another"), false
	case 4:
		p.External, known = !p.External, false
	case 5:
		p.Age += uint32(s.uint16()) << 4
	case 6: // another session's entry under the ID, or garbage
		if kind&3 == 3 {
			o.stored[string(p.Identity)] = s.bytes(s.size())
			known = false
		}
	}
	o.psks, o.known = append(o.psks, p), append(o.known, known)
}

// session is one that the server has made.
func (o *offer) session(kind byte) *session.Session {
	t := &session.Session{
		Version: iana.TLS13, CipherSuite: pskSuites[int(kind>>2)%len(pskSuites)], ServerName: "localhost",
		Established: today(), Issued: today(), Lifetime: 15 * 3600, AgeAdd: uint32(kind), MaxEarlyData: 500, Group: iana.X25519,
	}
	t.Secret = bytes.Repeat([]byte{kind | 1}, hashOf(t.CipherSuite).Size())
	return t
}

func hashOf(id iana.CipherSuite) crypto.Hash {
	if id == iana.TLS_AES_256_GCM_SHA384 {
		return crypto.SHA384
	}
	return crypto.SHA256
}

// offered is the session as a client offers it, and whether it is one to resume now.
func (o *offer) offered(t *session.Session, ticket []byte) (testpeer.PSK, bool) {
	now := today().Add(o.later)
	return testpeer.PSK{Identity: ticket, Secret: t.Secret, Hash: hashOf(t.CipherSuite), Age: t.ObfuscatedAge(now)}, !t.ExpiredAt(now)
}

// play plays one handshake and looks at what the server makes of the offer.
func (o *offer) play() {
	m := handshake.NewServer(o.cfg)
	defer m.Close()
	m.WantEarlyData = true
	c := &testpeer.ScriptClient{
		Suites: pskSuites, Groups: []iana.Group{iana.X25519, iana.Secp256r1}, Shares: []iana.Group{o.group},
		Schemes: []iana.SignatureScheme{iana.Ed25519}, ServerName: "localhost",
		PSKs: o.psks, Modes: o.modes, EarlyData: o.early,
	}
	c.Rand = rand.NewChaCha8([32]byte{4})
	if o.group != iana.X25519 {
		o.cfg.Groups.Curves = []iana.Group{iana.X25519}
	}
	c.EditBound = func(msg []byte) []byte {
		if o.binder > 6 && o.binder < len(msg) {
			msg[o.binder] ^= 1
		}
		return msg
	}
	damaged := false
	var said [][]byte
	feed := func(epoch handshake.Epoch, msg []byte) error {
		damaged = damaged || o.binder > 6 && o.binder < len(msg)
		if err := m.Feed(epoch, msg); err != nil {
			return err
		}
		for {
			events, err := m.Advance()
			asked := false
			for _, e := range events {
				switch e.Kind {
				case handshake.Write:
					for data := e.Data; len(data) >= 4; {
						n := 4 + int(data[1])<<16 + int(data[2])<<8 + int(data[3])
						said = append(said, bytes.Clone(data[:n]))
						data = data[n:]
					}
				case handshake.Ask:
					asked = true
					o.answer(&e)
				}
			}
			if err != nil {
				var own *handshake.Error
				if _, ok := err.(interface{ Alert() iana.Alert }); !ok && !errors.As(err, &own) {
					o.t.Fatalf("an error without an alert: %v", err)
				}
				return err
			}
			if !asked {
				return nil
			}
		}
	}
	for range 2 {
		if feed(handshake.Initial, c.ClientHello()) != nil || c.Err() != nil || len(said) == 0 {
			return
		}
		c.ReadServerHello(said[0])
		if said = said[1:]; c.Err() != nil {
			return // what is damaged is damaged
		}
		if !c.Hello.IsHelloRetryRequest() {
			break
		}
	}
	o.judge(m, c, damaged)
	for _, msg := range said {
		if iana.Message(msg[0]) == iana.Finished {
			c.ReadFinished(msg)
		} else {
			c.ReadServer(msg)
		}
	}
	if m.ReadEpoch() == handshake.Early && feed(handshake.Early, c.EndOfEarlyData()) != nil {
		o.t.Fatal("the end of early data is refused")
	}
	if c.Err() == nil && !damaged {
		if err := feed(handshake.Handshake, c.Finished()); err != nil || !m.Done() {
			o.t.Fatalf("the handshake fails: %v", err)
		}
	}
}

// judge holds what the server has chosen against what it may.
func (o *offer) judge(m *handshake.Machine, c *testpeer.ScriptClient, damaged bool) {
	r := &m.Result
	chosen := c.Hello.Has.Has(iana.PreSharedKey)
	n := int(c.Hello.SelectedIdentity)
	switch {
	case chosen && (n >= len(o.psks) || !bytes.Equal(r.PSKIdentity, o.psks[n].Identity)):
		o.t.Fatalf("the server chose PSK %d of %d", n, len(o.psks))
	case chosen && !o.known[n]:
		o.t.Fatalf("the server takes PSK %d, which it cannot know", n)
	case chosen && damaged && n == 0 && c.Retry:
		return // what is damaged may be what no binder covers
	case chosen && !bytes.Contains(o.modes, []byte{wire.PSKWithDHE}):
		o.t.Fatal("the server takes a PSK without the client's leave")
	case !chosen && (r.Resumed || r.PSKIdentity != nil || o.cfg.Certificates == nil):
		o.t.Fatal("the server goes on without the PSK")
	case chosen && r.Resumed == o.psks[n].External:
		o.t.Fatal("an external PSK is no session")
	}
	if r.EarlyData != handshake.EarlyDataOK {
		return
	}
	o.accepted++
	switch {
	case !chosen || n != 0 || !o.early || r.Retried:
		o.t.Fatal("early data is accepted that is not bound to the PSK")
	case o.cfg.ReplayProtection && (o.accepted > 1 || o.psks[n].External):
		o.t.Fatal("early data is accepted that may be a replay")
	case r.MaxEarlyData > 1000 || r.MaxEarlyData == 0:
		o.t.Fatalf("%d bytes of early data are accepted", r.MaxEarlyData)
	}
}

// answer answers a question of the server.
func (o *offer) answer(e *handshake.Event) {
	switch op := e.Op.(type) {
	case *async.Op[[]byte]:
		var answer []byte
		if lookup, ok := e.Detail.(*handshake.SessionLookup); ok {
			answer = bytes.Clone(o.stored[string(lookup.ID)])
		}
		_ = op.Answer(answer)
	case *async.Op[struct{}]:
		_ = op.Answer(struct{}{})
	case *async.Op[*handshake.PSK]:
		_ = op.Answer(o.cfg.PSKs[0])
	case *async.Op[bool]:
		switch detail := e.Detail.(type) {
		case *handshake.SessionLookup:
			_, there := o.stored[string(detail.ID)]
			delete(o.stored, string(detail.ID))
			_ = op.Answer(there)
		case *handshake.ReplayEntry:
			seen := o.recorded[detail.Key]
			o.recorded[detail.Key] = true
			_ = op.Answer(!seen)
		}
	}
}

// pskSeeds are offers of each kind.
func pskSeeds() seeds {
	s := seeds{}
	for name, offer := range map[string][]byte{
		"external": {0, 0}, "external-384": {1, 0}, "ticket": {2, 0}, "stored": {3, 0}, "ticket-384": {6, 0},
		"damaged": {2, 1, 0, 20, 1}, "cut": {2, 2, 0, 40}, "secret": {2, 3}, "age": {2, 5, 0xff, 0xff}, "garbage": {3, 6, 2, 1, 2},
		"binder": {0, 0, 0, 200},
	} {
		for setup, what := range map[uint32]string{0: "", 4: "-store", 2: "-only", 1 << 5: "-retry"} {
			s[name+what] = []any{setup, offer}
		}
	}
	s["many"] = []any{uint32(7<<12 | 4), []byte{0, 3, 2, 1, 0, 9, 9, 3, 0, 2, 0, 1, 0, 3, 6, 1, 1, 0, 0}}
	return s
}
