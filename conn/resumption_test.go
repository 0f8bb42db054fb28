package conn

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// aBlob is a serialized session as SetSession takes it.
func aBlob() []byte {
	s := session.Session{
		Version: iana.TLS13, CipherSuite: iana.TLS_AES_128_GCM_SHA256, Secret: bytes.Repeat([]byte{1}, 32),
		Issued: time.Now(), Lifetime: 3600, Ticket: []byte("a ticket that no server knows, and long enough not to be an ID"),
	}
	return s.Append(nil)
}

func TestResumptionSettings(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig(t))
	for name, c := range map[string]struct {
		err  error
		text string
	}{
		"SetSession on a server":           {p.server.SetSession(aBlob()), "SetSession on a server"},
		"SetMaxEarlyData on a client":      {p.client.SetMaxEarlyData(1), "SetMaxEarlyData on a client"},
		"SetEarlyDataContext on a client":  {p.client.SetEarlyDataContext(nil), "SetEarlyDataContext on a client"},
		"an early data context of 64 KiB":  {p.server.SetEarlyDataContext(make([]byte, 1<<16)), "65536"},
		"AppendPSK of nil":                 {p.client.AppendPSK(nil), "without a PSK"},
		"AppendPSK without a secret":       {p.client.AppendPSK(&PSK{Identity: []byte("a")}), "secret"},
		"AppendPSK of an identity twice":   {errors.Join(p.client.AppendPSK(aPSK("a")), p.client.AppendPSK(aPSK("a"))), "same identity"},
		"AppendPSK beyond the hello's end": {p.client.AppendPSK(aPSK(string(make([]byte, 65500)))), "too long"},
	} {
		if c.err == nil || !errors.Is(c.err, ErrUsage) || !bytes.Contains([]byte(c.err.Error()), []byte(c.text)) {
			t.Errorf("%s: %v", name, c.err)
		}
	}
	secret := []byte("secret")
	if err := p.server.AppendPSK(&PSK{Identity: []byte("a"), Secret: secret}); err != nil {
		t.Error(err)
	}
	clear(secret)
	if err := errors.Join(p.server.SetMaxEarlyData(9), p.server.SetEarlyDataContext([]byte("c"))); err != nil {
		t.Error(err)
	}
	r := &p.server.hs.Resumption
	if r.MaxEarlyData != 9 || string(r.EarlyDataContext) != "c" || len(r.PSKs) != 1 || string(r.PSKs[0].Secret) != "secret" {
		t.Errorf("the settings came to %+v", r)
	}
	if p.client.Session() != nil {
		t.Error("a session before the handshake")
	}
}

// TestSessionsThatCannotBeUsed offers blobs that are none: a full handshake follows, and no error.
func TestSessionsThatCannotBeUsed(t *testing.T) {
	whole := aBlob()
	for name, blob := range map[string][]byte{
		"none": nil, "garbage": []byte("garbage"), "cut": whole[:len(whole)-1], "of another format": append([]byte{99}, whole[1:]...),
		"of another server": whole,
	} {
		server := serverConfig(t)
		server.SessionTickets = true
		p := newPair(t, clientConfig(), server)
		if err := p.client.SetSession(blob); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		p.mustNegotiate(t)
		if p.client.State().Resumed || p.server.State().Resumed {
			t.Errorf("%s: resumed", name)
		}
		if err := p.client.SetSession(whole); !errors.Is(err, ErrUsage) {
			t.Errorf("%s: SetSession after the handshake: %v", name, err)
		}
	}
}

// TestSessionBinding changes one setting after the other.
func TestSessionBinding(t *testing.T) {
	other, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: []byte("another")})
	if err != nil {
		t.Fatal(err)
	}
	binding := func(client bool, change func(cfg *Config)) [32]byte {
		cfg := serverConfig(t)
		cfg.ClientAuth = RequireClientAuth
		change(cfg)
		p, err := cfg.prepare(client)
		if err != nil {
			t.Fatal(err)
		}
		return p.hs.SessionBinding
	}
	same := func(*Config) {}
	base := binding(false, same)
	if base != binding(false, same) {
		t.Error("the same settings differ")
	}
	for name, change := range map[string]func(cfg *Config){
		"other settings":           func(cfg *Config) { cfg.ALPN, cfg.MaxEarlyData = []string{"h2"}, 9 },
		"the same roots elsewhere": func(cfg *Config) { cfg.RootCAs = pki().Pool() },
	} {
		if base != binding(false, change) {
			t.Errorf("%s: the binding differs", name)
		}
	}
	seen := map[[32]byte]string{base: "the base"}
	for name, change := range map[string]func(cfg *Config){
		"other roots":                 func(cfg *Config) { cfg.RootCAs = other.Pool() },
		"one more root":               func(cfg *Config) { cfg.RootCAs = pki().Pool(); cfg.RootCAs.AddCert(other.Root()) },
		"no roots":                    func(cfg *Config) { cfg.RootCAs = x509.NewCertPool() },
		"the system's roots":          func(cfg *Config) { cfg.RootCAs = nil },
		"optional client certificate": func(cfg *Config) { cfg.ClientAuth = OptionalClientAuth },
		"no client certificate":       func(cfg *Config) { cfg.ClientAuth = NoClientAuth },
		"no verification":             func(cfg *Config) { cfg.InsecureSkipVerify = true },
		"no look at the time":         func(cfg *Config) { cfg.DisableTimeVerification = true },
		"no look at the usage":        func(cfg *Config) { cfg.DisableIntentVerification = true },
		"another depth":               func(cfg *Config) { cfg.MaxChainDepth = 3 },
		"OCSP responses":              func(cfg *Config) { cfg.RequestOCSP = true },
		"a function for the name":     func(cfg *Config) { cfg.VerifyHost = func(string) bool { return true } },
		"a hook for the chain":        func(cfg *Config) { cfg.OnVerify = func(*Conn, *PeerChain, *async.Op[Verdict]) {} },
		"revocation lists": func(cfg *Config) {
			cfg.OnRevocationLists = func(*Conn, *PeerChain, *async.Op[[]*x509.RevocationList]) {}
		},
		"a policy for certificates": func(cfg *Config) { cfg.Policy = "20250512" },
	} {
		b := binding(false, change)
		if with, ok := seen[b]; ok {
			t.Errorf("%s: bound like %s", name, with)
		}
		seen[b] = name
	}
	if with, ok := seen[binding(true, same)]; ok {
		t.Errorf("a client: bound like %s", with)
	}
	without := func(cfg *Config) { cfg.ClientAuth = NoClientAuth }
	noRoots := func(cfg *Config) { cfg.ClientAuth, cfg.RootCAs = NoClientAuth, nil }
	if binding(false, without) != binding(false, noRoots) {
		t.Error("a server that asks for no certificates is bound to roots")
	}
	if binding(true, without) == binding(true, noRoots) {
		t.Error("a client is not bound to its roots")
	}
	p := newPair(t, clientConfig(), serverConfig(t))
	before := p.server.hs.SessionBinding
	if err := p.server.SetClientAuth(RequireClientAuth); err != nil || p.server.hs.SessionBinding == before {
		t.Errorf("SetClientAuth leaves the binding: %v", err)
	}
}

// TestRootsAreSeen fails when a Go release keeps the hashes of a pool in another way.
func TestRootsAreSeen(t *testing.T) {
	sums, ok := certificateSums(pki().Pool())
	if !ok || len(sums) != 2 || len(sums[0]) != 28 {
		t.Errorf("a pool of one certificate has %x, %v", sums, ok)
	}
}

// TestClonesShare holds that the clones of a Config accept each other's tickets and remember each
// other's early data, as do all users of the same TicketKeys.
func TestClonesShare(t *testing.T) {
	keys := NewTicketKeys(TicketKeysConfig{})
	for name, make := range map[string]func() (a, b *Config){
		"a clone": func() (a, b *Config) {
			a = serverConfig(t)
			a.SessionTickets = true
			return a, a.Clone()
		},
		"the same keys": func() (a, b *Config) {
			a, b = serverConfig(t), serverConfig(t)
			a.SessionTickets, b.SessionTickets, a.TicketKeys, b.TicketKeys = true, true, keys, keys
			return a, b
		},
	} {
		first, second := make()
		a, aerr := first.prepare(false)
		b, berr := second.prepare(false)
		if aerr != nil || berr != nil {
			t.Fatal(aerr, berr)
		}
		if a.hs.TicketKeys == nil || a.hs.TicketKeys != b.hs.TicketKeys {
			t.Errorf("%s has other ticket keys", name)
		}
		fresh := func(p *prepared) (is bool) {
			p.recorder.Record(context.Background(), [32]byte{1}, time.Now().Add(time.Minute), func(f bool, _ error) { is = f })
			return is
		}
		if !fresh(a) || fresh(b) {
			t.Errorf("%s does not remember what the other was told", name)
		}
	}
	stateful := serverConfig(t)
	stateful.SessionTickets, stateful.SessionStore = true, NewMemoryStore(1<<20)
	if p, err := stateful.prepare(false); err != nil || p.hs.TicketKeys != nil || !p.hs.Store {
		t.Errorf("a store and no keys: %v", err)
	}
}

func TestMemoryStore(t *testing.T) {
	now := time.Now()
	s := NewMemoryStore(4096)
	s.(*memoryStore).now = func() time.Time { return now }
	ctx := context.Background()
	get := func() (entry []byte) {
		s.Get(ctx, []byte("id"), func(e []byte, err error) {
			if entry = e; err != nil {
				t.Error(err)
			}
		})
		return entry
	}
	put := func(entry []byte) (err error) {
		s.Put(ctx, []byte("id"), entry, time.Minute, func(e error) { err = e })
		return err
	}
	mine := []byte("entry")
	if err := put(mine); err != nil || string(get()) != "entry" || !bytes.Equal(mine, make([]byte, 5)) {
		t.Errorf("%v, %q; what was passed is %q now", err, get(), mine)
	}
	now = now.Add(time.Minute)
	if get() != nil {
		t.Error("there when its time is over")
	}
	if err := put(make([]byte, 5000)); !errors.Is(err, errNotKept) {
		t.Errorf("more than there is room for: %v", err)
	}
	_ = put([]byte("entry"))
	var existed []bool
	for range 2 {
		s.Delete(ctx, []byte("id"), func(e bool, _ error) { existed = append(existed, e) })
	}
	if !slices.Equal(existed, []bool{true, false}) {
		t.Errorf("Delete says %v", existed)
	}
}

// aStore is a SessionStore and ReplayRecorder that answers when it is told to.
type aStore struct {
	ctx    context.Context
	id     []byte
	entry  []byte
	answer func(entry []byte, yes bool, err error)
	began  time.Time
}

func (s *aStore) Get(ctx context.Context, id []byte, done func([]byte, error)) {
	s.ctx, s.id, s.answer = ctx, id, func(e []byte, _ bool, err error) { done(e, err) }
}

func (s *aStore) Put(ctx context.Context, id, entry []byte, _ time.Duration, done func(error)) {
	s.ctx, s.id, s.entry, s.answer = ctx, id, entry, func(_ []byte, _ bool, err error) { done(err) }
}

func (s *aStore) Delete(ctx context.Context, id []byte, done func(bool, error)) {
	s.ctx, s.id, s.answer = ctx, id, func(_ []byte, yes bool, err error) { done(yes, err) }
}

func (s *aStore) Record(ctx context.Context, key [32]byte, _ time.Time, done func(bool, error)) {
	s.ctx, s.id, s.answer = ctx, key[:], func(_ []byte, yes bool, err error) { done(yes, err) }
}

func (s *aStore) Began() time.Time { return s.began }

// TestStoreQuestions asks a server's store each question, and answers in time, too late, and not.
func TestStoreQuestions(t *testing.T) {
	id, broken := []byte("0123456789abcdef0123456789abcdef"), errors.New("the store is broken")
	lookup := &handshake.SessionLookup{ID: id, Version: iana.TLS12}
	replay := &handshake.ReplayEntry{Key: [32]byte(id), Issued: time.Unix(2000, 0), Until: time.Unix(3000, 0)}
	type outcome struct {
		value any
		err   error
		ok    bool
	}
	result := func(op handshake.Op) (o outcome) {
		switch op := op.(type) {
		case *async.Op[[]byte]:
			v, err, ok := op.Result()
			o = outcome{string(v), err, ok}
		case *async.Op[bool]:
			v, err, ok := op.Result()
			o = outcome{v, err, ok}
		case *async.Op[struct{}]:
			v, err, ok := op.Result()
			o = outcome{v, err, ok}
		}
		return o
	}
	for _, c := range []struct {
		name string
		ask  func() *handshake.Event
		yes  any
		no   any
	}{
		{"Get", func() *handshake.Event {
			return &handshake.Event{Question: handshake.AskSession, Detail: lookup, Op: new(async.Op[[]byte])}
		}, "entry", ""},
		{"Put", func() *handshake.Event {
			return &handshake.Event{Question: handshake.AskStoreSession, Detail: &handshake.SessionEntry{ID: id, Entry: []byte("entry")}, Op: new(async.Op[struct{}])}
		}, struct{}{}, struct{}{}},
		{"Delete", func() *handshake.Event {
			return &handshake.Event{Question: handshake.AskTakeSession, Detail: lookup, Op: new(async.Op[bool])}
		}, true, false},
		{"Record", func() *handshake.Event {
			return &handshake.Event{Question: handshake.AskReplay, Detail: replay, Op: new(async.Op[bool])}
		}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := &aStore{began: time.Unix(1000, 0)}
			cfg := serverConfig(t)
			cfg.SessionTickets, cfg.SessionStore, cfg.ReplayRecorder = true, store, store
			var expire func()
			cfg.OperationTimeout, cfg.AfterFunc = time.Second, func(_ time.Duration, f func()) func() bool {
				expire = f
				return func() bool { return true }
			}
			woken := 0
			cfg.Wake = func(*Conn) { woken++ }
			ask := func() (*Conn, *handshake.Event) {
				p := newPair(t, clientConfig(), cfg)
				e := c.ask()
				if err := p.server.dispatch(e); err != nil {
					t.Fatal(err)
				}
				if result(e.Op).ok || store.ctx.Err() != nil || string(store.id) != string(id) {
					t.Fatalf("asked for %q: %v, %v", store.id, result(e.Op), store.ctx.Err())
				}
				return p.server, e
			}
			_, e := ask()
			store.answer([]byte("entry"), true, nil)
			if got := result(e.Op); got != (outcome{c.yes, nil, true}) || woken != 1 {
				t.Errorf("answered: %v, woken %d times", got, woken)
			}
			store.answer(nil, false, broken) // once more, which changes nothing
			if got := result(e.Op); got != (outcome{c.yes, nil, true}) || woken != 1 {
				t.Errorf("answered twice: %v, woken %d times", got, woken)
			}
			_, e = ask()
			store.answer(nil, false, broken)
			if got := result(e.Op); got != (outcome{c.no, broken, true}) {
				t.Errorf("failed: %v", got)
			}
			_, e = ask()
			expire()
			if got := result(e.Op); !errors.Is(got.err, async.ErrDeadline) || store.ctx.Err() == nil {
				t.Errorf("not answered in time: %v, context %v", got, store.ctx.Err())
			}
			for name, end := range map[string]func(s *Conn){
				"closed": (*Conn).Close,
				"reset":  func(s *Conn) { _ = s.Reset(s.recv, s.send, nil) },
			} {
				server, e := ask()
				end(server)
				if store.ctx.Err() == nil {
					t.Errorf("%s: the context is not done", name)
				}
				late := []byte("entry")
				store.answer(late, true, nil)
				if result(e.Op).ok {
					t.Errorf("%s: the answer was taken", name)
				}
				if c.name == "Get" && !bytes.Equal(late, make([]byte, 5)) {
					t.Errorf("%s: the entry that came too late is left as %q", name, late)
				}
			}
		})
	}
}

// TestOldTickets refuses early data that the recorder can know nothing of, without asking it.
func TestOldTickets(t *testing.T) {
	store := &aStore{began: time.Unix(2000, 0)}
	cfg := serverConfig(t)
	cfg.SessionTickets, cfg.ReplayRecorder = true, store
	p := newPair(t, clientConfig(), cfg)
	for name, issued := range map[string]time.Time{"before": time.Unix(1999, 0), "never": {}} {
		op := new(async.Op[bool])
		e := &handshake.Event{Question: handshake.AskReplay, Detail: &handshake.ReplayEntry{Issued: issued}, Op: op}
		if err := p.server.dispatch(e); err != nil {
			t.Fatal(err)
		}
		if fresh, err, ok := op.Result(); fresh || !ok || !errors.Is(err, errTicketOlder) || store.answer != nil {
			t.Errorf("a ticket issued %s the recorder began: %v, %v, %v", name, fresh, err, ok)
		}
	}
}

// TestTicketHook gives a client a session as the handshake does.
func TestTicketHook(t *testing.T) {
	var got, kept []byte
	var ticket *SessionTicket
	cfg := clientConfig()
	refusal := errors.New("no, thank you")
	var answer error
	cfg.OnSessionTicket = func(c *Conn, s *SessionTicket) error {
		got, kept, ticket = s.Session(), c.Session(), s
		if s.Lifetime != time.Hour {
			t.Errorf("lifetime %v", s.Lifetime)
		}
		return answer
	}
	p := newPair(t, cfg, serverConfig(t))
	give := func() error {
		s, err := session.Parse(aBlob())
		if err != nil {
			t.Fatal(err)
		}
		return p.client.do(&handshake.Event{Kind: handshake.Ticket, Detail: s})
	}
	if err := give(); err != nil || !bytes.Equal(got, kept) || !bytes.Equal(p.client.Session(), got) || len(got) == 0 {
		t.Errorf("%v; in the hook %d bytes, kept %d, now %d", err, len(got), len(kept), len(p.client.Session()))
	}
	if ticket.Session() != nil {
		t.Error("the ticket is valid outside of its hook")
	}
	answer = refusal
	if err := give(); !errors.Is(err, refusal) {
		t.Errorf("the hook's error became %v", err)
	}
	p.client.Close()
	if p.client.Session() != nil {
		t.Error("a session after Close")
	}
}

// damagingStore flips a bit of each entry that it gives out.
type damagingStore struct {
	SessionStore
	at  int
	bad int // entries given out
}

func (s *damagingStore) Get(ctx context.Context, id []byte, done func([]byte, error)) {
	s.SessionStore.Get(ctx, id, func(entry []byte, err error) {
		if len(entry) > 0 {
			entry[s.at%len(entry)] ^= 1
			s.bad++
		}
		done(entry, err)
	})
}

// TestDamagedSessions damages sessions in a store, and in the client's hands: a full handshake follows.
func TestDamagedSessions(t *testing.T) {
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		store := &damagingStore{SessionStore: NewMemoryStore(1 << 20)}
		client, server := clientConfig(), serverConfig(t)
		client.SessionTickets, server.SessionTickets, server.SessionStore = true, true, store
		client.MinVersion, client.MaxVersion = version, version
		blob := sessionOf(t, client, server)
		for i := range 60 {
			p := newPair(t, client, server)
			store.at = i * 7
			offered := bytes.Clone(blob)
			if i%2 == 1 {
				offered[store.at%len(offered)] ^= 1
			}
			if err := p.client.SetSession(offered); err != nil {
				t.Fatal(err)
			}
			p.mustNegotiate(t)
			if p.client.State().Resumed || p.server.State().Resumed {
				t.Errorf("%v: resumed with byte %d damaged", version, store.at)
			}
		}
		if store.bad < 30 {
			t.Errorf("%v: the store was asked for %d entries", version, store.bad)
		}
	}
}
