package conn

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
)

// lateAnswers gives answers when it likes.
type lateAnswers struct {
	when    when
	mu      sync.Mutex
	rng     *rand.Rand
	waiting []func()
	asked   int
	running sync.WaitGroup
}

func (l *lateAnswers) give(answer func()) {
	l.mu.Lock()
	w := l.when
	if w == anyTime {
		w = when(l.rng.IntN(int(anyTime)))
	}
	l.asked++
	if w == nextTurn {
		l.waiting = append(l.waiting, answer)
	}
	l.mu.Unlock()
	switch w {
	case inHook:
		answer()
	case elsewhere:
		l.running.Go(answer)
	}
}

// turn gives what waits.
func (l *lateAnswers) turn() {
	l.mu.Lock()
	waiting := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	for _, answer := range waiting {
		answer()
	}
}

// lateStore and lateRecorder answer late.
type lateStore struct {
	SessionStore
	late *lateAnswers
}

func (s lateStore) Get(ctx context.Context, id []byte, done func([]byte, error)) {
	s.late.give(func() { s.SessionStore.Get(ctx, id, done) })
}

func (s lateStore) Put(ctx context.Context, id, entry []byte, life time.Duration, done func(error)) {
	s.late.give(func() { s.SessionStore.Put(ctx, id, entry, life, done) })
}

func (s lateStore) Delete(ctx context.Context, id []byte, done func(bool, error)) {
	s.late.give(func() { s.SessionStore.Delete(ctx, id, done) })
}

type lateRecorder struct {
	ReplayRecorder
	late *lateAnswers
}

func (r lateRecorder) Record(ctx context.Context, key [32]byte, until time.Time, done func(bool, error)) {
	r.late.give(func() { r.ReplayRecorder.Record(ctx, key, until, done) })
}

// drip lets a callback do n bytes at a time, and nothing every second time.
func drip(n int, callback func([]byte) (int, error)) func([]byte) (int, error) {
	turn := 0
	return func(b []byte) (int, error) {
		if turn++; turn%2 == 0 {
			return 0, ErrWouldBlock
		}
		return callback(b[:min(n, len(b))])
	}
}

// stopKind is what is resumed in TestEveryStopOfResumption.
type stopKind struct {
	name    string
	asked   int // questions of one resumption with early data, and two tickets at its end
	resumed bool
	config  func(client, server *Config, late *lateAnswers)
}

var stopKinds = []stopKind{
	{"ticket", 2, true, func(_, s *Config, late *lateAnswers) {
		s.ReplayRecorder = lateRecorder{NewReplayRecorder(1000), late}
		s.OnEarlyData = lateEarlyData(late)
	}},
	{"stored session", 5, true, func(_, s *Config, late *lateAnswers) {
		s.SessionStore = lateStore{NewMemoryStore(1 << 20), late}
		s.OnEarlyData = lateEarlyData(late)
	}},
	{"ticket of the application", 5, true, func(_, s *Config, late *lateAnswers) {
		const mark = "sealed by the application of this test: "
		s.OnSealTicket = func(_ *Conn, state []byte, op *async.Op[[]byte]) {
			late.give(func() { _ = op.Answer(append([]byte(mark), state...)) })
		}
		s.OnOpenTicket = func(_ *Conn, ticket []byte, op *async.Op[[]byte]) {
			late.give(func() { _ = op.Answer(bytes.TrimPrefix(ticket, []byte(mark))) })
		}
		s.ReplayRecorder = lateRecorder{NewReplayRecorder(1000), late}
		s.OnEarlyData = lateEarlyData(late)
	}},
	{"external PSK", 2, false, func(c, s *Config, late *lateAnswers) {
		psk := &PSK{Identity: []byte("external"), Secret: []byte("secret"), MaxEarlyData: 20000, CipherSuite: iana.TLS_AES_128_GCM_SHA256}
		c.SessionTickets, c.PSKs = false, []*PSK{psk}
		s.SessionTickets, s.DangerouslyAllowEarlyDataReplay = false, true
		s.OnPSK = func(_ *Conn, offered *OfferedPSKs, op *async.Op[*PSK]) {
			late.give(func() {
				if string(offered.Identities[0]) == "external" {
					_ = op.Answer(psk)
				}
			})
		}
		s.OnEarlyData = lateEarlyData(late)
	}},
}

func lateEarlyData(late *lateAnswers) func(*Conn, *OfferedEarlyData, *async.Op[bool]) {
	return func(_ *Conn, _ *OfferedEarlyData, op *async.Op[bool]) { late.give(func() { _ = op.Answer(true) }) }
}

// TestEveryStopOfResumption resumes with early data, all questions answered late, and bytes
// that come and go in small pieces.
func TestEveryStopOfResumption(t *testing.T) {
	for _, kind := range stopKinds {
		for answer := inHook; answer <= anyTime; answer++ {
			for _, piece := range []int{1, 7, 1 << 20} {
				t.Run(fmt.Sprintf("%s, answered %v, %d bytes", kind.name, answer, piece), func(t *testing.T) {
					client, server := earlyConfigs(t)
					server.TicketCount = 2
					late := &lateAnswers{when: answer, rng: rand.New(rand.NewPCG(uint64(answer), uint64(piece)))}
					kind.config(client, server, late)
					var blob []byte
					if kind.resumed {
						blob = kind.run(t, late, client, server, nil, piece)
					}
					late.asked = 0
					kind.run(t, late, client, server, blob, piece)
					if late.asked != kind.asked {
						t.Errorf("%d questions were asked, want %d", late.asked, kind.asked)
					}
					late.running.Wait()
				})
			}
		}
	}
}

// run makes one connection, resuming blob if there is one, and returns its session.
func (k stopKind) run(t *testing.T, late *lateAnswers, client, server *Config, blob []byte, piece int) []byte {
	t.Helper()
	p := newPair(t, client, server)
	for _, c := range []*Conn{p.client, p.server} {
		c.recv, c.send = drip(piece, c.recv), drip(piece, c.send)
	}
	if blob != nil {
		if err := p.client.SetSession(blob); err != nil {
			t.Fatal(err)
		}
	}
	data := bytes.Repeat([]byte("early"), 20)
	var received []byte
	taken, sending, receiving, half := 0, true, true, 0
	for i := 0; !p.client.State().HandshakeDone || !p.server.is(factNegotiated); i++ {
		if i == 1000000 {
			t.Fatal("no end")
		}
		late.turn()
		if sending {
			n, b, err := p.client.SendEarlyData(data[taken:])
			if err != nil {
				t.Fatal(err)
			}
			taken += n
			sending = b != NotBlocked
		} else if _, err := p.client.Negotiate(); err != nil {
			t.Fatal(err)
		}
		if receiving {
			buf := make([]byte, 3)
			n, b, err := p.server.RecvEarlyData(buf)
			if err != nil {
				t.Fatal(err)
			}
			received = append(received, buf[:n]...)
			receiving = b != NotBlocked
			continue
		}
		if half == 0 && p.server.halfRTT() && !p.server.State().HandshakeDone {
			n, _, err := p.server.Send([]byte("half"))
			if err != nil {
				t.Fatal(err)
			}
			half = n
		}
		if _, err := p.server.Negotiate(); err != nil {
			t.Fatal(err)
		}
	}
	want, status := data, EarlyDataEnd
	if blob == nil && k.resumed {
		want, status = nil, EarlyDataNotRequested
	}
	for _, c := range []*Conn{p.client, p.server} {
		if s := c.State(); s.Resumed != (blob != nil) || s.EarlyData != status {
			t.Fatalf("%s: resumed is %v, early data is %v", c.peer(), s.Resumed, s.EarlyData)
		}
	}
	if !bytes.Equal(received, want) {
		t.Fatalf("early data is %q, want %q", received, want)
	}
	if half > 0 {
		var got []byte
		for buf := make([]byte, 10); len(got) < half; {
			n, _, err := p.client.Recv(buf)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, buf[:n]...)
		}
	}
	exchange(t, p.client, p.server, []byte("after"))
	exchange(t, p.server, p.client, []byte("and back"))
	return p.client.Session()
}
