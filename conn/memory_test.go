package conn

import (
	"runtime"
	"testing"

	"github.com/s2ngo/s2ngo/asyncpkey"
)

// heap returns the bytes that live on it.
func heap() uint64 {
	runtime.GC()
	runtime.GC() // what the first one moved out of pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// A server that waits for its signature, and a connection that is idle, keep little
// memory: no buffer, no workspace, no goroutine.
func TestMemoryOfConnectionsThatWait(t *testing.T) {
	if underRace {
		t.Log("the race detector's memory is not counted")
		return
	}
	const connections = 500
	server := quick(serverConfig(t))
	key := server.Certificates[0].PrivateKey
	var suspend bool
	server.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
		if suspend {
			return nil
		}
		if err := op.Perform(key); err != nil {
			return err
		}
		return c.Apply(op)
	}
	hello := firstFlight(t, quick(clientConfig()))
	none := func([]byte) (int, error) { return 0, ErrWouldBlock }
	discard := func(p []byte) (int, error) { return len(p), nil }
	for _, c := range []struct {
		name string
		most uint64
		make func() *Conn
	}{
		{"a server that waits for its signature", 3400, func() *Conn {
			suspend = true
			end := &callbacks{in: &lane{log: hello}, read: everything}
			conn, err := NewServer(end.recv, discard, server)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := conn.Negotiate(); b != BlockedOnApplicationInput || err != nil {
				t.Fatal(b, err)
			}
			conn.recv = none
			return conn
		}},
		{"an established server", 3050, func() *Conn {
			suspend = false
			p := newPairOnly(t, quick(clientConfig()), server)
			p.mustNegotiate(t)
			p.client.Close()
			p.server.recv, p.server.send = none, discard
			return p.server
		}},
		{"a server that nobody speaks to", 1500, func() *Conn {
			conn, err := NewServer(none, discard, server)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := conn.Negotiate(); b != BlockedOnRead || err != nil {
				t.Fatal(b, err)
			}
			return conn
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.make().Close() // what is made once is made now
			all := make([]*Conn, connections)
			before := heap()
			for i := range all {
				all[i] = c.make()
			}
			after := heap()
			each := uint64(0)
			if after > before {
				each = (after - before) / connections
			}
			if t.Logf("%d bytes each", each); each > c.most {
				t.Errorf("%s keeps %d bytes, more than %d", c.name, each, c.most)
			}
			for _, conn := range all {
				conn.Close()
			}
		})
	}
}

// newPairOnly is newPair without a hold on the test's memory.
func newPairOnly(t testing.TB, client, server *Config) *pair {
	t.Helper()
	return newPair(noCleanup{t}, client, server)
}

// noCleanup forgets what is to be done at the end.
type noCleanup struct{ testing.TB }

func (noCleanup) Cleanup(func()) {}
