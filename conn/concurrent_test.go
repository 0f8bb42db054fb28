package conn

import (
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
)

// pattern is what goes over the wire, by its position.
func pattern(at int) byte { return byte(at>>16) ^ byte(at>>8) ^ byte(at) }

// pump sends total bytes of the pattern in pieces of any size, changing keys now and
// then, and ends its direction.
func pump(t *testing.T, c *Conn, total int, rng *rand.Rand) {
	buf := make([]byte, 3000)
	for at := 0; at < total; {
		p := buf[:min(1+rng.IntN(len(buf)), total-at)]
		for i := range p {
			p[i] = pattern(at + i)
		}
		n, b, err := c.Send(p)
		if err != nil {
			t.Errorf("Send at byte %d: %v", at, err)
			return
		}
		at += n
		if b == BlockedOnWrite {
			runtime.Gosched()
			continue
		}
		if rng.IntN(8) == 0 {
			if _, err := c.UpdateKeys(rng.IntN(2) == 0); err != nil {
				t.Errorf("UpdateKeys at byte %d: %v", at, err)
				return
			}
		}
	}
	for {
		b, err := c.ShutdownSend()
		if err != nil {
			t.Errorf("ShutdownSend: %v", err)
		}
		if b == NotBlocked || err != nil {
			return
		}
		runtime.Gosched()
	}
}

// drain receives the pattern until its end.
func drain(t *testing.T, c *Conn, total int) {
	buf := make([]byte, 5000)
	at := 0
	for {
		n, b, err := c.Recv(buf)
		for i, x := range buf[:n] {
			if x != pattern(at+i) {
				t.Errorf("byte %d is wrong", at+i)
				return
			}
		}
		if at += n; err == io.EOF && at == total {
			return
		}
		if err != nil {
			t.Errorf("Recv at byte %d: %v", at, err)
			return
		}
		if b == BlockedOnRead {
			runtime.Gosched()
		}
	}
}

// TestSendBesideRecv lets four goroutines use both ends of a connection at once, while
// each end asks the other for new keys, over wires that take little at a time.
func TestSendBesideRecv(t *testing.T) {
	total := 4 << 20
	if underRace {
		total = 1 << 20
	}
	ccfg, scfg := quick(clientConfig()), quick(serverConfig(t))
	var updated atomic.Int32
	for _, cfg := range []*Config{ccfg, scfg} {
		cfg.Trace = func(_ *Conn, e TraceEvent) {
			if e.Kind == TraceKey && !e.Sent {
				updated.Add(1)
			}
		}
	}
	p := established(t, ccfg, scfg)
	p.pipe.Client.WriteLimit, p.pipe.Server.ReadLimit = 700, 900
	for _, c := range []*Conn{p.client, p.server} {
		recv, send := c.recv, c.send
		var turns atomic.Int32 // both goroutines of c write
		c.send = func(q []byte) (int, error) {
			if turns.Add(1)%5 == 0 {
				return 0, ErrWouldBlock
			}
			return send(q)
		}
		c.recv = recv
	}
	var work sync.WaitGroup
	for i, c := range []*Conn{p.client, p.server} {
		rng := rand.New(rand.NewPCG(uint64(i), 5))
		work.Go(func() { pump(t, c, total, rng) })
		work.Go(func() { drain(t, c, total) })
		work.Go(func() {
			for range 200 {
				if s := c.State(); !s.HandshakeDone || s.AppIn > uint64(total) {
					t.Errorf("the state says %+v", s)
				}
				runtime.Gosched()
			}
		})
	}
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(60 * time.Second):
		t.Fatal("the transfer hangs")
	}
	if n := updated.Load(); n < 100 {
		t.Errorf("keys were changed %d times only", n)
	}
	for _, c := range []*Conn{p.client, p.server} {
		if s := c.State(); s.AppIn != uint64(total) || s.AppOut != uint64(total) {
			t.Errorf("the counters say %d in and %d out", s.AppIn, s.AppOut)
		}
	}
}

const (
	readHalf = 1 << iota
	writeHalf
)

// callsOfHalves are the methods that use halves of a connection, and a callback each of
// them comes to.
var callsOfHalves = []struct {
	name   string
	halves int
	do     func(c *Conn) error
}{
	{"Send", writeHalf, func(c *Conn) error { _, _, err := c.Send([]byte("x")); return err }},
	{"Sendv", writeHalf, func(c *Conn) error { _, _, err := c.Sendv([][]byte{{1}}); return err }},
	{"UpdateKeys", writeHalf, func(c *Conn) error { _, err := c.UpdateKeys(false); return err }},
	{"Flush", writeHalf, func(c *Conn) error { _, err := c.Flush(); return err }},
	{"Recv", readHalf, func(c *Conn) error { _, _, err := c.Recv(make([]byte, 1)); return err }},
	{"ShutdownSend", writeHalf, func(c *Conn) error { _, err := c.ShutdownSend(); return err }},
	{"Shutdown", readHalf | writeHalf, func(c *Conn) error { _, err := c.Shutdown(); return err }},
	{"Negotiate", readHalf | writeHalf, func(c *Conn) error { _, err := c.Negotiate(); return err }},
	{"Reset", readHalf | writeHalf, func(c *Conn) error { return c.Reset(c.recv, c.send, nil) }},
}

// What Recv has to answer while a Send is under way is written by that Send when it is
// done, with no other call.
func TestSendWritesWhatRecvAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		attack func(t *testing.T, a *attacker)
		answer string // in the peer's trace
	}{
		"a request for new keys": {func(t *testing.T, a *attacker) { a.updateKeys(t, 1) }, "received key_update"},
		"a record that is none":  {func(_ *testing.T, a *attacker) { a.raw(append([]byte{23, 3, 3, 0, 30}, make([]byte, 30)...)...) }, "received alert bad_record_mac"},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := quick(clientConfig()), quick(serverConfig(t))
			trace := traced(server)
			p := established(t, client, server)
			inside, open := make(chan struct{}), make(chan struct{})
			once := sync.OnceFunc(func() { close(inside); <-open })
			send := p.client.send
			p.client.send = func(q []byte) (int, error) { once(); return send(q) }
			sent := make(chan error)
			go func() { _, _, err := p.client.Send([]byte("data")); sent <- err }()
			<-inside
			c.attack(t, attack(t, p.server))
			_, _, _ = p.client.Recv(make([]byte, 1))
			_, _, _ = p.client.Recv(make([]byte, 1))
			close(open)
			if err := <-sent; err != nil {
				t.Error(err)
			}
			if data, _ := recvError(t, p.server); data != "data" || !slices.Contains(*trace, c.answer) {
				t.Errorf("received %q, and %q", data, *trace)
			}
		})
	}
}

// Of two calls that use the same half, the second is refused and changes nothing; two
// that do not go side by side.
func TestOverlap(t *testing.T) {
	for _, first := range callsOfHalves[:7] {
		for _, second := range callsOfHalves {
			t.Run(fmt.Sprintf("%s while %s is under way", second.name, first.name), func(t *testing.T) {
				p := established(t, quick(clientConfig()), quick(serverConfig(t)))
				c := p.client
				inside, open := make(chan struct{}), make(chan struct{})
				once := sync.OnceFunc(func() { close(inside); <-open })
				if first.name == "Flush" { // which needs something to write
					send := c.send
					c.send = func([]byte) (int, error) { return 0, ErrWouldBlock }
					if _, _, err := c.Send([]byte("first")); err != nil {
						t.Fatal(err)
					}
					c.send = send
				}
				recv, send := c.recv, c.send
				if first.halves == readHalf {
					c.recv = func(q []byte) (int, error) { once(); return recv(q) }
				} else {
					c.send = func(q []byte) (int, error) { once(); return send(q) }
				}
				result := make(chan error)
				go func() { result <- first.do(c) }()
				<-inside
				finished := make(chan error, 1)
				go func() { finished <- second.do(c) }()
				select {
				case err := <-finished:
					if first.halves&second.halves == 0 {
						if err != nil {
							t.Errorf("%s: %v", second.name, err)
						}
					} else {
						failure{kind: ErrUsage, text: "use"}.check(t, second.name, err)
					}
				case <-time.After(10 * time.Second):
					t.Error("it blocks")
				}
				if n := c.Peek(); n != 0 {
					t.Errorf("Peek says %d", n)
				}
				c.State()
				close(open)
				if err := <-result; err != nil {
					t.Errorf("%s: %v", first.name, err)
				}
				if first.halves&second.halves != 0 && !slices.Contains([]string{"Shutdown", "ShutdownSend"}, first.name) {
					_, _ = recvError(t, p.server)
					exchange(t, c, p.server, []byte("no harm was done"))
				}
			})
		}
	}
}

// The same inside a callback: a call that would wait for itself is refused.
func TestReentry(t *testing.T) {
	for _, first := range callsOfHalves[:7] {
		t.Run(first.name, func(t *testing.T) {
			p := established(t, quick(clientConfig()), quick(serverConfig(t)))
			c := p.client
			recv, send := c.recv, c.send
			nested := 0
			try := func() {
				if nested++; nested > 1 {
					return
				}
				for _, second := range callsOfHalves {
					if first.halves&second.halves != 0 {
						failure{kind: ErrUsage, text: "use"}.check(t, second.name, second.do(c))
					}
				}
				c.State()
				c.SetValue(1)
			}
			c.recv = func(q []byte) (int, error) { try(); return recv(q) }
			c.send = func(q []byte) (int, error) { try(); return send(q) }
			if err := first.do(c); err != nil {
				t.Error(err)
			}
			if nested == 0 && first.name != "Flush" {
				t.Error("no callback was called")
			}
		})
	}
}

// Wake may find out whose connection it is, and close it, whatever the goroutine of
// Negotiate does meanwhile.
func TestInsideWake(t *testing.T) {
	hello := firstFlight(t, quick(clientConfig()))
	server := quick(serverConfig(t))
	key := server.Certificates[0].PrivateKey
	var answering sync.WaitGroup
	server.Wake = func(c *Conn) {
		if n := c.Value().(int); n%3 == 0 {
			c.Close()
		}
	}
	server.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
		if err := op.Perform(key); err != nil {
			return err
		}
		answering.Go(func() { _ = c.Apply(op) })
		return nil
	}
	for i := range rounds(1000) {
		end := &callbacks{in: &lane{log: hello}, out: &lane{}, read: everything, write: everything}
		c := mustServer(t, end.recv, end.send, server)
		c.SetValue(i)
		for range 3 {
			if _, err := c.Negotiate(); err != nil && (i%3 != 0 || kindOf(t, err) != ErrClosed) {
				t.Fatal(err)
			}
		}
		answering.Wait()
		c.Close()
	}
}
