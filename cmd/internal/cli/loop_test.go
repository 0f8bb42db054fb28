package cli

import (
	"io"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

// newLoop returns a loop that a test gives up after a while.
func newLoop(t *testing.T) *Loop {
	t.Helper()
	l, err := NewLoop()
	if err != nil {
		t.Fatal(err)
	}
	l.Add(-1, func(Events) {
		t.Error("the loop ran for 10 s")
		l.Stop()
	}).Deadline(time.Now().Add(10 * time.Second))
	return l
}

func run(t *testing.T, l *Loop) {
	t.Helper()
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
}

// sockets returns the two ends of a connection.
func sockets(t *testing.T) (a, b *Socket) {
	t.Helper()
	listener, err := Listen(netip.MustParseAddrPort("127.0.0.1:0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if _, err := listener.Accept(); err != conn.ErrWouldBlock {
		t.Fatalf("nobody connects, and Accept gives %v", err)
	}
	if a, err = Connect(listener.Local()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	l := newLoop(t)
	l.AddSocket(listener, func(Events) {
		b, err = listener.Accept()
		l.Stop()
	}).Want(Readable)
	run(t, l)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := a.Connected(); err != nil || b.Peer != a.Local() {
		t.Fatalf("connected from %v, not %v: %v", b.Peer, a.Local(), err)
	}
	return a, b
}

func TestLoopPost(t *testing.T) {
	l := newLoop(t)
	const posts = 1000
	var started atomic.Int32
	count := 0
	for range 4 {
		go func() {
			for range posts / 4 {
				started.Add(1)
				l.Post(func() {
					if count++; count == posts {
						l.Stop()
					}
				})
			}
		}()
	}
	run(t, l)
	if count != posts {
		t.Errorf("%d of %d came", count, started.Load())
	}
	l.Post(func() {}) // after the end: harmless
}

func TestLoopTimers(t *testing.T) {
	l := newLoop(t)
	var order []string
	add := func(name string, after time.Duration, f func()) *Source {
		s := l.Add(-1, func(e Events) {
			if e != TimedOut {
				t.Errorf("%s is told %b", name, e)
			}
			order = append(order, name)
			f()
		})
		s.Deadline(time.Now().Add(after))
		return s
	}
	removed := add("removed", 5*time.Millisecond, func() {})
	cleared := add("cleared", 5*time.Millisecond, func() {})
	add("second", 30*time.Millisecond, l.Stop)
	add("first", time.Millisecond, func() {
		removed.Remove()
		cleared.Deadline(time.Time{})
	})
	run(t, l)
	if len(order) != 2 || order[0] != "first" || order[1] != "second" {
		t.Errorf("it told %v", order)
	}
}

func TestLoopReadiness(t *testing.T) {
	a, b := sockets(t)
	l := newLoop(t)
	var got []byte
	end := false
	var reader *Source
	reader = l.AddSocket(b, func(e Events) {
		var p [16]byte
		for {
			n, err := b.Recv(p[:])
			if err == conn.ErrWouldBlock {
				return
			}
			if err == io.EOF {
				end = true
				reader.Remove()
				l.Stop()
				return
			}
			if err != nil {
				t.Error(err)
			}
			got = append(got, p[:n]...)
		}
	})
	reader.Want(Readable)
	turns := 0
	var writer *Source
	writer = l.AddSocket(a, func(e Events) {
		if e != Again && turns > 0 {
			t.Errorf("a source that asked for its next turn is told %b", e)
		}
		if turns++; turns > 5 {
			a.CloseWrite()
			writer.Remove()
			return
		}
		if n, err := a.Send([]byte("ping ")); n != 5 || err != nil {
			t.Error(n, err)
		}
		writer.Want(Again)
	})
	writer.Want(Writable)
	run(t, l)
	if string(got) != "ping ping ping ping ping " || !end {
		t.Errorf("received %q, end %v", got, end)
	}
}

// A peer that hangs up is told of to whoever waits for it, with bytes unread and all, and
// does not keep the loop busy otherwise.
func TestLoopHangUp(t *testing.T) {
	a, b := sockets(t)
	if _, err := a.Send([]byte("unread")); err != nil {
		t.Fatal(err)
	}
	a.Close()
	l := newLoop(t)
	told := 0
	s := l.AddSocket(b, func(e Events) {
		if told++; e&HungUp == 0 {
			t.Errorf("it is told %b", e)
		}
		l.Stop()
	})
	s.Want(Elsewhere)
	l.Add(-1, func(Events) {
		if told != 0 {
			t.Errorf("a source that waits for nothing is told %d times", told)
		}
		s.Want(HungUp)
	}).Deadline(time.Now().Add(20 * time.Millisecond))
	run(t, l)
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

func TestConnectRefused(t *testing.T) {
	for _, name := range []string{"127.0.0.1:0", "[::1]:0"} {
		listener, err := Listen(netip.MustParseAddrPort(name))
		if err != nil && name != "127.0.0.1:0" {
			t.Logf("no IPv6 here: %v", err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		address := listener.Local()
		listener.Close()
		s, err := Connect(address)
		if err == nil {
			l := newLoop(t)
			l.AddSocket(s, func(Events) { l.Stop() }).Want(Writable)
			run(t, l)
			err = s.Connected()
			s.Close()
		}
		if err == nil || err.Error() != "connect: connection refused" {
			t.Errorf("%v: got %v", address, err)
		}
	}
}

func TestResolve(t *testing.T) {
	for _, c := range []struct{ host, want string }{
		{"192.0.2.1", "192.0.2.1:80"},
		{"::1", "[::1]:80"},
		{"[::1]", "[::1]:80"},
		{"::ffff:192.0.2.1", "192.0.2.1:80"},
	} {
		got, err := Resolve(c.host, 80)
		if err != nil || len(got) != 1 || got[0].String() != c.want {
			t.Errorf("%s is %v, %v", c.host, got, err)
		}
	}
	for _, port := range []string{"", "x", "-1", "65536", "0"} {
		if _, err := ParsePort(port, 1); err == nil {
			t.Errorf("%q is a port", port)
		}
	}
}
