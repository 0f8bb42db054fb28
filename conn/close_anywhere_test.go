package conn

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// asking is a mutually authenticated handshake that asks everything there is to ask;
// before is called in each hook, with the number of the question.
func asking(t testing.TB, before func(c *Conn, question int)) *pair {
	t.Helper()
	client, server := quick(clientConfig()), quick(serverConfig(t))
	client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
	server.ClientAuth, client.RequestOCSP = RequireClientAuth, true
	asked := 0
	ask := func(c *Conn, _ operation, give func() error) {
		asked++
		before(c, asked)
		if err := give(); err != nil && !c.closed() {
			t.Errorf("question %d: %v", asked, err)
		}
	}
	client.Hooks, server.Hooks = hooksFor(client.Certificates[0], ask), hooksFor(server.Certificates[0], ask)
	server.OnClientHello = func(c *Conn, _ *ClientHello, op *async.Op[*Config]) {
		ask(c, op, func() error { return op.Answer(nil) })
	}
	return newPair(t, client, server)
}

// Close may be called inside every hook, and on another goroutine while a hook runs.
func TestCloseInsideEveryHook(t *testing.T) {
	for how, closeIt := range map[string]func(c *Conn){
		"in the hook":                      func(c *Conn) { c.Close() },
		"on another goroutine":             func(c *Conn) { done := make(chan bool); go func() { c.Close(); close(done) }(); <-done },
		"on another, which is not awaited": func(c *Conn) { go c.Close(); runtime.Gosched() },
	} {
		for question := 1; question <= questions; question++ {
			t.Run(fmt.Sprintf("question %d, %s", question, how), func(t *testing.T) {
				var closed *Conn
				p := asking(t, func(c *Conn, q int) {
					if q == question {
						closed = c
						closeIt(c)
					}
				})
				cerr, serr := p.ends()
				if closed == nil {
					t.Fatal("it was never asked")
				}
				err := cerr
				if closed == p.server {
					err = serr
				}
				for deadline := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(deadline); {
					time.Sleep(50 * time.Microsecond) // a Close that is not awaited
					_, err = closed.Negotiate()
				}
				failure{kind: ErrClosed}.check(t, "closed side", err)
				_, err = closed.Negotiate()
				failure{kind: ErrClosed, text: "after Close"}.check(t, "closed side", err)
				if w := closed.use.word.Load(); w&wiped == 0 {
					t.Error("nobody has wiped the connection")
				}
			})
		}
	}
}

// Nothing is answered to a connection that was closed, and nobody is woken.
func TestCloseWhileAnswersAreUnderWay(t *testing.T) {
	for seed := range uint64(rounds(400)) {
		rng := rand.New(rand.NewPCG(seed, 6))
		s := newSigned(t, server13, nil, nil)
		op := s.suspend(t)
		s.perform(t, op)
		var work sync.WaitGroup
		var applied, closed error
		delay := [2]int{rng.IntN(300), rng.IntN(300)}
		work.Go(func() { spin(delay[0]); applied = s.server.Apply(op) })
		work.Go(func() { spin(delay[1]); s.server.Close() })
		work.Wait()
		_, closed = s.server.Negotiate()
		failure{kind: ErrClosed}.check(t, "server", closed)
		if applied != nil && !errors.Is(applied, async.ErrClosed) && !errors.Is(applied, asyncpkey.ErrWrongConnection) {
			t.Fatalf("Apply: %v", applied)
		}
		if (applied == nil) != (len(s.woken) == 1) {
			t.Fatalf("Apply: %v, woken %d times", applied, len(s.woken))
		}
		s.client.Close()
	}
}

// Close may come from any goroutine at any moment: the calls that are under way end with
// ErrClosed, or as they would have ended, or for want of a wire.
func TestCloseAtAnyMoment(t *testing.T) {
	certificates := serverConfig(t).Certificates
	for seed := range uint64(rounds(400)) {
		rng := rand.New(rand.NewPCG(seed, 7))
		client, server := quick(clientConfig()), quick(&Config{Certificates: certificates})
		p := newPair(t, client, server)
		var finished atomic.Int32
		var work sync.WaitGroup
		for _, side := range []struct {
			c     *Conn
			steps []step
		}{{p.client, []step{negotiateStep, sendStep(theRequest), recvStep(theResponse), updateStep, sendStep("bye"), shutdownStep}},
			{p.server, []step{negotiateStep, recvStep(theRequest), sendStep(theResponse), recvStep("bye"), endStep, shutdownStep}}} {
			work.Go(func() {
				l := &life{c: side.c, steps: side.steps}
				for range 100_000 {
					if err := l.live(); err != nil {
						if k := kindOf(t, err); k != ErrClosed && k != ErrIO {
							t.Errorf("seed %d: %v", seed, err)
						}
						return
					}
					if len(l.steps) == 0 {
						finished.Add(1)
						return
					}
					runtime.Gosched()
				}
			})
		}
		victim := []*Conn{p.client, p.server}[rng.IntN(2)]
		delay := rng.IntN(150_000)
		work.Go(func() {
			spin(delay)
			victim.Close()
			for _, other := range []*testpeer.End{p.pipe.Client, p.pipe.Server} {
				other.CloseWrite() // as a socket would be closed
			}
		})
		work.Wait()
		if w := victim.use.word.Load(); w&wiped == 0 {
			t.Fatalf("seed %d: nobody has wiped the connection", seed)
		}
		p.client.Close()
		p.server.Close()
	}
}
