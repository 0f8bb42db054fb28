package conn

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// conversation is what both sides of one connection sent, always the same: handshake,
// data, a KeyUpdate, and the end by close_notify.
type conversation struct {
	up, down       lane
	client, server func() *Config
}

const (
	theRequest  = "a request of some length, which the server waits for"
	theResponse = "and a response, which the client waits for"
)

func newConversation(t *testing.T) *conversation {
	certs := serverConfig(t).Certificates
	v := &conversation{
		client: func() *Config { cfg := quick(clientConfig()); cfg.rand = stream("client"); return cfg },
		server: func() *Config {
			return quick(&Config{Certificates: certs, rand: stream("server")})
		},
	}
	ends := [2]*callbacks{{in: &v.down, out: &v.up}, {in: &v.up, out: &v.down}}
	for _, end := range ends {
		end.read, end.write = everything, everything
	}
	client, server := mustClient(t, ends[0].recv, ends[0].send, v.client()), mustServer(t, ends[1].recv, ends[1].send, v.server())
	lives := []*life{{c: client, steps: clientLife}, {c: server, steps: serverLife}}
	for range 100 {
		for _, l := range lives {
			if err := l.live(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, l := range lives {
		if len(l.steps) > 0 {
			t.Fatal("the conversation does not end")
		}
	}
	return v
}

// life is what an application does with a connection. A step that is done is left out
// the next time.
type life struct {
	c     *Conn
	steps []step
}

type step func(l *life) (done bool, err error)

var clientLife = []step{negotiateStep, sendStep(theRequest), recvStep(theResponse), updateStep, sendStep("bye"), shutdownStep}

var serverLife = []step{negotiateStep, recvStep(theRequest), sendStep(theResponse), recvStep("bye"), endStep, shutdownStep}

// live goes on as far as possible.
func (l *life) live() error {
	for len(l.steps) > 0 {
		done, err := l.steps[0](l)
		if err != nil {
			return err
		}
		if !done {
			return nil
		}
		l.steps = l.steps[1:]
	}
	return nil
}

func negotiateStep(l *life) (bool, error) {
	b, err := l.c.Negotiate()
	return b == NotBlocked, err
}

func sendStep(data string) step {
	rest := []byte(data)
	return func(l *life) (bool, error) {
		if len(rest) == 0 {
			b, err := l.c.Flush()
			rest = []byte(data)
			return b == NotBlocked, err
		}
		n, b, err := l.c.Send(rest)
		if rest = rest[n:]; len(rest) == 0 && b == NotBlocked || err != nil {
			rest = []byte(data)
			return true, err
		}
		return false, nil
	}
}

func recvStep(data string) step {
	return func(l *life) (bool, error) {
		buf := make([]byte, len(data))
		n, _, err := l.c.Recv(buf)
		if err == nil && n > 0 && string(buf[:n]) != data {
			return false, fmt.Errorf("received %q, not %q", buf[:n], data)
		}
		return n > 0, err
	}
}

func updateStep(l *life) (bool, error) {
	b, err := l.c.UpdateKeys(true)
	return b != BlockedOnRead, err
}

func endStep(l *life) (bool, error) {
	_, _, err := l.c.Recv(make([]byte, 1))
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

func shutdownStep(l *life) (bool, error) {
	b, err := l.c.Shutdown()
	return b == NotBlocked, err
}

var errWire = errors.New("the cable is cut")

// A cut is what happens to the bytes of one direction after the first of them.
type cut struct {
	name    string
	err     error // of the callback; nil = what then says
	along   bool  // the error comes with the last bytes before it
	then    func(c *Conn, p []byte) (int, error)
	want    failure
	is      error
	over    bool // all is well again
	blocked bool // nothing happens any more, and there is no error
}

func closes(c *Conn, _ []byte) (int, error) { c.Close(); return 0, ErrWouldBlock }

var readCuts = []cut{
	{name: "EOF", err: io.EOF, want: failure{kind: ErrClosed, text: "peer closed the connection"}, is: io.ErrUnexpectedEOF},
	{name: "EOF with the last bytes", err: io.EOF, along: true, want: failure{kind: ErrClosed, text: "peer closed the connection"}, is: io.ErrUnexpectedEOF},
	{name: "an error", err: errWire, want: failure{kind: ErrIO, text: "the cable is cut"}, is: errWire},
	{name: "an error with the last bytes", err: fmt.Errorf("read: %w", errWire), along: true, want: failure{kind: ErrIO, text: "read: the cable is cut"}, is: errWire},
	{name: "Close in the callback", then: closes, want: failure{kind: ErrClosed}},
	{name: "no bytes for ever", then: func(*Conn, []byte) (int, error) { return 0, nil }, want: failure{kind: ErrIO}, is: io.ErrNoProgress},
	{name: "silence", err: fmt.Errorf("later: %w", ErrWouldBlock), blocked: true},
}

var writeCuts = []cut{
	{name: "EOF", err: io.EOF, want: failure{kind: ErrIO, text: "EOF"}, is: io.EOF},
	{name: "an error", err: errWire, want: failure{kind: ErrIO, text: "the cable is cut"}, is: errWire},
	{name: "an error with the last bytes", err: errWire, along: true, want: failure{kind: ErrIO, text: "the cable is cut"}, is: errWire},
	{name: "Close in the callback", then: closes, want: failure{kind: ErrClosed}},
	{name: "no bytes for ever", then: func(*Conn, []byte) (int, error) { return 0, nil }, want: failure{kind: ErrIO}, is: io.ErrNoProgress},
	{name: "a full socket for ever", err: ErrWouldBlock, blocked: true},
}

// limited lets at most k bytes through, and then does what the cut says. move moves the
// bytes of p.
func (k *limit) callback(p []byte, move func(p []byte) int) (int, error) {
	if k.left == 0 || len(p) == 0 {
		return k.end(p)
	}
	n := move(p[:min(len(p), k.left)])
	if k.left -= n; k.left == 0 && k.along {
		return n, k.err
	}
	return n, nil
}

type limit struct {
	*cut
	c    **Conn
	left int
}

func (k *limit) end(p []byte) (int, error) {
	switch {
	case k.over:
		return 0, ErrWouldBlock
	case k.then != nil:
		return k.then(*k.c, p)
	}
	return 0, k.err
}

// TestCutAtEveryByte cuts each direction of a whole connection, as each side sees it, at
// every byte.
func TestCutAtEveryByte(t *testing.T) {
	v := newConversation(t)
	stride := 1
	if underRace {
		stride = 3
	}
	for _, side := range []struct {
		name    string
		in, out []byte
		steps   []step
		make    func(RecvFunc, SendFunc) (*Conn, error)
	}{
		{"client", v.down.log, v.up.log, clientLife, func(r RecvFunc, s SendFunc) (*Conn, error) { return NewClient(r, s, v.client()) }},
		{"server", v.up.log, v.down.log, serverLife, func(r RecvFunc, s SendFunc) (*Conn, error) { return NewServer(r, s, v.server()) }},
	} {
		const all = 1 << 30
		run := func(t *testing.T, cut cut, in, out int) {
			var c *Conn
			readAt := 0
			read, write := &limit{&cut, &c, in}, &limit{&cut, &c, out}
			recv := func(p []byte) (int, error) {
				return read.callback(p, func(p []byte) int {
					n := copy(p, side.in[readAt:])
					readAt += n
					return n
				})
			}
			var written []byte
			send := func(p []byte) (int, error) {
				return write.callback(p, func(p []byte) int { written = append(written, p...); return len(p) })
			}
			c, err := side.make(recv, send)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			l := &life{c: c, steps: side.steps}
			for range 20 {
				if err = l.live(); err != nil || len(l.steps) == 0 {
					break
				}
			}
			if n := len(written); n > len(side.out) || string(written) != string(side.out[:n]) {
				t.Fatal("what was written before the cut is not what it should be")
			}
			switch {
			case cut.blocked && (err != nil || len(l.steps) == 0):
				t.Fatalf("the cut is not noticed: %v", err)
			case cut.blocked:
				return
			case err == nil && len(l.steps) > 0:
				t.Fatal("the connection hangs")
			}
			cut.want.check(t, side.name, err)
			if cut.is != nil && !errors.Is(err, cut.is) {
				t.Errorf("%q is not in the chain of %q", cut.is, err)
			}
			cut.over, read.left, write.left = true, all, all
			for range 2 { // errors are final, even if the callbacks work again
				if again := l.live(); again == nil || kindOf(t, again) != cut.want.kind {
					t.Errorf("the error was %v, and is now %v", err, again)
				}
			}
		}
		for _, cut := range readCuts {
			t.Run(fmt.Sprintf("%s reads %s", side.name, cut.name), func(t *testing.T) {
				for k := 0; k < len(side.in); k += stride {
					if run(t, cut, k, all); t.Failed() {
						t.Fatalf("cut at byte %d of %d", k, len(side.in))
					}
				}
			})
		}
		for _, cut := range writeCuts {
			t.Run(fmt.Sprintf("%s's writes end in %s", side.name, cut.name), func(t *testing.T) {
				for k := 0; k < len(side.out); k += stride {
					if run(t, cut, all, k); t.Failed() {
						t.Fatalf("cut at byte %d of %d", k, len(side.out))
					}
				}
			})
		}
	}
}
