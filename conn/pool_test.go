package conn

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
)

// TestAThousandHandshakesOnOneGoroutine runs a thousand servers, and their clients, on
// one goroutine. Each signature takes 5 ms of one of the four goroutines that sign: no
// connection waits for another one's, and none costs a goroutine.
func TestAThousandHandshakesOnOneGoroutine(t *testing.T) {
	const connections, signers, slow, most = 1000, 4, 5 * time.Millisecond, 50
	type job struct {
		c  *Conn
		op *asyncpkey.Op
	}
	jobs := make(chan job, connections)
	var signing sync.WaitGroup
	defer signing.Wait()
	defer close(jobs)
	before := runtime.NumGoroutine()

	woken := make(chan *Conn, connections)
	server := quick(serverConfig(t))
	key := server.Certificates[0].PrivateKey
	server.Wake = func(c *Conn) { woken <- c }
	server.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error { jobs <- job{c, op}; return nil }
	var busy, crowd atomic.Int32
	for range signers {
		signing.Go(func() {
			for j := range jobs {
				crowd.Store(max(crowd.Load(), busy.Add(1)))
				time.Sleep(slow)
				busy.Add(-1)
				if err := j.op.Perform(key); err != nil {
					_ = j.op.Fail(err)
					continue
				}
				if err := j.c.Apply(j.op); err != nil {
					t.Error(err)
				}
			}
		})
	}
	client := quick(clientConfig())
	start := time.Now()
	clients := make(map[*Conn]*Conn, connections) // of each server
	waiting, goroutines := 0, 0
	for range connections {
		p := newPair(t, client, server)
		clients[p.server] = p.client
		if b, err := p.client.Negotiate(); b != BlockedOnRead || err != nil {
			t.Fatal(b, err)
		}
		if b, err := p.server.Negotiate(); b != BlockedOnApplicationInput || err != nil {
			t.Fatal(b, err)
		}
		if b, err := p.client.Negotiate(); b != BlockedOnRead || err != nil { // ServerHello is there already
			t.Fatal(b, err)
		}
		waiting = max(waiting, len(clients)-len(woken))
		goroutines = max(goroutines, runtime.NumGoroutine())
	}
	for range connections {
		var c *Conn
		select {
		case c = <-woken:
		case <-time.After(30 * time.Second):
			t.Fatal("a signature is lost")
		}
		if b, err := c.Negotiate(); b != BlockedOnRead || err != nil {
			t.Fatal(b, err)
		}
		if b, err := clients[c].Negotiate(); b != NotBlocked || err != nil {
			t.Fatal(b, err)
		}
		if b, err := c.Negotiate(); b != NotBlocked || err != nil {
			t.Fatal(b, err)
		}
		goroutines = max(goroutines, runtime.NumGoroutine())
		delete(clients, c)
	}
	if len(clients) != 0 {
		t.Errorf("%d handshakes are not done", len(clients))
	}
	if goroutines >= most || waiting < 2*most {
		t.Errorf("%d goroutines (%d before), %d handshakes suspended at once", goroutines, before, waiting)
	}
	if took := time.Since(start); took < connections*slow/signers || crowd.Load() != signers {
		t.Errorf("it took %v, %d signers at once", took, crowd.Load())
	}
	t.Logf("%d goroutines, %d handshakes suspended at once, %v", goroutines, waiting, time.Since(start).Round(time.Millisecond))
}
