package conn

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// sessionStops12 are handshakes of TestEveryStop12 that make sessions and resume them, by tickets that
// the application seals and by a store, which are asked like every hook.
func sessionStops12(t *testing.T) (list []stopHandshake12) {
	const suite = iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	const resuming = 6 // the ClientHello, the ticket or the store, and revocation lists and a verdict on either side
	now := time.Now()
	entries := map[string][]byte{}
	for _, by := range []struct {
		name     string
		sessions func(r *stopRun, client, server *Config)
	}{
		{"ticket", func(r *stopRun, _, server *Config) {
			server.OnSealTicket = func(c *Conn, content []byte, op *async.Op[[]byte]) {
				ticket := append([]byte("sealed: "), content...)
				r.ask(c, func() error { return op.Answer(ticket) })
			}
			server.OnOpenTicket = func(c *Conn, ticket []byte, op *async.Op[[]byte]) {
				content := bytes.Clone(ticket[len("sealed: "):])
				r.ask(c, func() error { return op.Answer(content) })
			}
		}},
		{"session ID", func(r *stopRun, _, server *Config) {
			server.SessionTickets, server.SessionStore = false, &askedStore{r, entries}
		}},
	} {
		sessions := func(r *stopRun, client, server *Config) {
			for _, cfg := range []*Config{client, server} {
				cfg.SessionTickets, cfg.VerifyResumed, cfg.Now = true, true, func() time.Time { return now }
			}
			by.sessions(r, client, server)
		}
		made := stopHandshake12{"making a session, by " + by.name, suite, testpeer.KeyP256, questions + 1, sessions, nil}
		whole := func(*rand.Rand) shape { return everything }
		var blob []byte
		t.Run(made.name+", once", func(t *testing.T) {
			r := made.start(t, inHook, 0, whole, whole, false, false)
			r.negotiate(t)
			blob = r.client.Session()
		})
		if blob == nil {
			t.Fatal("no session")
		}
		list = append(list, made, stopHandshake12{"resuming it, by " + by.name, suite, testpeer.KeyP256, resuming, sessions, blob})
	}
	return list
}

// askedStore is a store whose answers are hooks' answers. All runs make the same sessions.
type askedStore struct {
	run     *stopRun
	entries map[string][]byte
}

func (s *askedStore) Get(_ context.Context, id []byte, done func([]byte, error)) {
	entry := bytes.Clone(s.entries[string(id)])
	s.run.ask(s.run.server, func() error { done(entry, nil); return nil })
}

func (s *askedStore) Put(_ context.Context, id, entry []byte, _ time.Duration, done func(error)) {
	s.entries[string(id)] = entry
	s.run.ask(s.run.server, func() error { done(nil); return nil })
}

func (s *askedStore) Delete(_ context.Context, _ []byte, done func(bool, error)) { done(false, nil) }
