package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// world is what the connections of a test share.
type world struct {
	keys     *conn.TicketKeys
	store    conn.SessionStore
	recorder conn.ReplayRecorder
	blob     []byte    // the client's session
	clock    time.Time // of all connections; it stands still in between
}

func newWorld(o *options) *world {
	w := &world{store: conn.NewMemoryStore(1 << 20), recorder: conn.NewReplayRecorder(1000), clock: time.Now().Truncate(time.Second).Add(time.Second)} // after the recorder began
	cfg := conn.TicketKeysConfig{}
	if o.renewTicket { // what one connection seals the next one only opens
		cfg.EncryptLifetime = renewalTime / 2
	}
	w.keys = conn.NewTicketKeys(cfg)
	return w
}

const renewalTime = time.Minute

// pass lets the time go by that is to be between two connections.
func (w *world) pass(o *options) {
	w.clock = w.clock.Add(time.Duration(o.resumptionDelay) * time.Second)
	if o.renewTicket {
		w.clock = w.clock.Add(renewalTime)
	}
}

func (w *world) now() time.Time { return w.clock }

// resumption adds to cfg what is for sessions.
func (s *session) resumption(cfg *conn.Config) {
	o := s.options
	cfg.Now = s.world.now
	cfg.SessionTickets = !o.noTicket
	cfg.VerifyResumed = o.reverifyOnResume
	if !o.server {
		cfg.OnSessionTicket = func(_ *conn.Conn, t *conn.SessionTicket) error {
			s.gotSession, s.goodEarly = true, t.MaxEarlyData > 0
			return nil
		}
		return
	}
	if o.enableEarlyData {
		cfg.MaxEarlyData = maxEarlyData
	}
	cfg.SessionStore = &lateStore{s.world.store, s}
	if !cfg.SessionTickets {
		return
	}
	if s.suspend.on {
		cfg.ReplayRecorder = &lateRecorder{s.world.recorder, s}
		cfg.OnPSK = func(_ *conn.Conn, _ *conn.OfferedPSKs, op *async.Op[*conn.PSK]) {
			ask(&s.suspend, op, func() (*conn.PSK, error) { return nil, nil })
		}
		cfg.OnEarlyData = func(_ *conn.Conn, _ *conn.OfferedEarlyData, op *async.Op[bool]) {
			ask(&s.suspend, op, func() (bool, error) { return true, nil })
		}
	}
	if o.renewTicket || !s.suspend.on && !o.useTicketAEADCallback && !o.useTicketCallback && o.ticketKey == nil {
		cfg.TicketKeys = s.world.keys
		return
	}
	cfg.OnSealTicket = func(_ *conn.Conn, state []byte, op *async.Op[[]byte]) {
		ask(&s.suspend, op, func() ([]byte, error) { return s.seal(state) })
	}
	cfg.OnOpenTicket = func(_ *conn.Conn, ticket []byte, op *async.Op[[]byte]) {
		ask(&s.suspend, op, func() ([]byte, error) { return s.open(ticket) })
	}
}

// ticketAEAD has a key of zeros: the shim keeps no secrets.
func ticketAEAD() cipher.AEAD {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead
}

func (s *session) seal(state []byte) ([]byte, error) {
	if s.options.skipTicket {
		return nil, nil
	}
	if key := s.options.ticketKey; key != nil {
		return newRunnerTicket(key).seal(state)
	}
	aead := ticketAEAD()
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	return aead.Seal(nonce, nonce, state, nil), nil
}

func (s *session) open(ticket []byte) ([]byte, error) {
	if key := s.options.ticketKey; key != nil {
		return newRunnerTicket(key).open(ticket)
	}
	aead := ticketAEAD()
	n := aead.NonceSize()
	if len(ticket) < n {
		return nil, nil
	}
	if s.opened {
		s.wrong = mustFail("a ticket was opened twice")
	}
	state, err := aead.Open(nil, ticket[:n], ticket[n:], nil)
	if err != nil {
		return nil, nil
	}
	s.opened = true
	return state, nil
}

// lateStore is the store of a test, asked by one connection: it answers as late as hooks do.
type lateStore struct {
	conn.SessionStore
	s *session
}

func (l *lateStore) Get(ctx context.Context, id []byte, done func([]byte, error)) {
	l.later(func() { l.SessionStore.Get(ctx, id, done) })
}

func (l *lateStore) Put(ctx context.Context, id, entry []byte, lifetime time.Duration, done func(error)) {
	l.s.stored = true
	l.later(func() { l.SessionStore.Put(ctx, id, entry, lifetime, done) })
}

func (l *lateStore) Delete(ctx context.Context, id []byte, done func(bool, error)) {
	if l.s.over { // nobody waits for what a failure deletes
		l.SessionStore.Delete(ctx, id, done)
		return
	}
	l.later(func() { l.SessionStore.Delete(ctx, id, done) })
}

func (l *lateStore) later(answer func()) { l.s.suspend.store(answer) }

// lateRecorder is the recorder of a test, asked by one connection.
type lateRecorder struct {
	conn.ReplayRecorder
	s *session
}

func (l *lateRecorder) Record(ctx context.Context, key [32]byte, until time.Time, done func(bool, error)) {
	l.s.suspend.store(func() { l.ReplayRecorder.Record(ctx, key, until, done) })
}

// checkSession compares what became of sessions in the handshake with what the flags expect.
func (x *exchange) checkSession(s *conn.State) error {
	o := x.options
	if want := x.resumes && !o.expectSessionMiss; s.Resumed != want {
		return fmt.Errorf("a session was resumed: %v, expected %v", s.Resumed, want)
	}
	if o.server {
		switch {
		case x.resumes:
		case o.expectSessionID && !x.stored:
			return errors.New("the session was not stored")
		case o.expectNoSessionID && x.stored:
			return errors.New("the session was stored")
		}
		return nil
	}
	if s.Version == iana.TLS13 {
		return nil // tickets come later
	}
	want := !o.expectNoSession && (!s.Resumed || o.expectTicketRenewal)
	if x.gotSession != want {
		return fmt.Errorf("a session came: %v, expected %v", x.gotSession, want)
	}
	x.gotSession = false
	return nil
}

// checkTickets does so at the end of a connection, when tickets of TLS 1.3 have come.
func (x *exchange) checkTickets() error {
	o, s := x.options, x.conn.State()
	if o.server || o.implicitHandshake && s.Version != iana.TLS13 {
		return nil
	}
	want := s.Version == iana.TLS13 && !o.expectNoSession && !o.shimShutsDown
	if x.gotSession != want {
		return fmt.Errorf("a session came after the handshake: %v, expected %v", x.gotSession, want)
	}
	if want && x.goodEarly != o.expectTicketSupportsEarlyData {
		return fmt.Errorf("the session is for early data: %v, expected %v", x.goodEarly, o.expectTicketSupportsEarlyData)
	}
	return nil
}
