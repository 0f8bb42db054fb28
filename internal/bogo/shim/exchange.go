package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// connection makes one connection of a test.
func connection(o, retry *options, resumes bool, w *world) error {
	s := &session{options: o, retry: retry, world: w}
	s.suspend.on = o.suspend || o.async
	cfg, err := s.config()
	if err != nil {
		return err
	}
	sock, err := dial(o)
	if err != nil {
		return err
	}
	defer sock.end()
	make := conn.NewClient
	if o.server {
		make = conn.NewServer
	}
	c, err := make(sock.recv, sock.send, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	if resumes && !o.server {
		if err := c.SetSession(w.blob); err != nil {
			return err
		}
	}
	x := &exchange{session: s, conn: c, socket: sock, resumes: resumes}
	err = x.run()
	if err != nil {
		s.over = true
		x.drain()
	}
	w.blob = c.Session()
	return errors.Join(err, s.wrong, x.checkSuspension())
}

// exchange is a connection under way.
type exchange struct {
	*session
	conn    *conn.Conn
	socket  *socket
	resumes bool

	unfinished    []byte // of a write that has begun
	begun         bool
	wroteFirst    bool // as early data
	renegotiating bool
	owed          []byte // what came during a renegotiation, flipped
}

// settle repeats a call until it no longer waits, and does what it waits for.
func (x *exchange) settle(call func() (conn.Blocked, error)) error {
	for {
		b, err := call()
		if err != nil {
			return x.repeat(call, err)
		}
		if b == conn.NotBlocked {
			return nil
		}
		if err := x.unblock(b); err != nil {
			return err
		}
	}
}

// unblock does what a call waits for.
func (x *exchange) unblock(b conn.Blocked) error {
	switch b {
	case conn.BlockedOnRead:
		x.socket.read = 1
	case conn.BlockedOnWrite:
		x.socket.write = 1
	case conn.BlockedOnApplicationInput:
		if !x.renegotiating && x.conn.WantsRenegotiate() {
			return x.renegotiate()
		}
		return x.suspend.resume()
	default:
		return mustFail("a call is " + b.String())
	}
	return nil
}

// settleOnce is settle for a call that does not repeat an error that is known.
func (x *exchange) settleOnce(call func() (conn.Blocked, error)) error {
	var failed error
	err := x.settle(func() (conn.Blocked, error) {
		b, err := call()
		if err != nil {
			failed = err
			return conn.NotBlocked, nil
		}
		return b, nil
	})
	return errors.Join(failed, err)
}

// repeat makes sure that an error is final.
func (x *exchange) repeat(call func() (conn.Blocked, error), err error) error {
	if _, again := call(); again == nil || again.Error() != err.Error() {
		return mustFail(fmt.Sprintf("the error %q is not final: then came %v", err, again))
	}
	return err
}

// drain gets a pending alert out.
func (x *exchange) drain() {
	for {
		b, err := x.conn.Flush()
		if b != conn.BlockedOnWrite || errors.Is(err, conn.ErrIO) {
			return
		}
		x.socket.write = 1
	}
}

func (x *exchange) run() error {
	if err := x.handshake(); err != nil {
		return err
	}
	o := x.options
	if err := x.check(); err != nil {
		return err
	}
	if o.exportLength > 0 {
		if err := x.export(); err != nil {
			return err
		}
	}
	if o.exportTrafficSecrets {
		if err := x.exportTrafficSecrets(); err != nil {
			return err
		}
	}
	if o.sendAlert {
		return x.abort()
	}
	if x.wroteFirst {
	} else if o.readWithUnfinishedWrite {
		if err := x.begin([]byte(o.shimInitialWrite)); err != nil {
			return err
		}
	} else if o.shimWritesFirst {
		for range o.repeatShimInitialWrite {
			if err := x.write([]byte(o.shimInitialWrite)); err != nil {
				return err
			}
		}
	}
	if !o.shimShutsDown {
		if err := x.echo(); err != nil {
			return err
		}
	}
	if err := x.checkTickets(); err != nil {
		return err
	}
	if err := x.shutDown(); err != nil {
		return err
	}
	if err := x.checkRenegotiations(); err != nil {
		return err
	}
	messages := x.messages.String()
	if x.socket.sslv2() {
		messages = strings.Replace(messages, "read hs 1\n", "read v2clienthello\n", 1)
	}
	if o.expectMessages != "" && messages != o.expectMessages {
		return fmt.Errorf("the messages are\n%sexpected\n%s", messages, o.expectMessages)
	}
	return nil
}

// export sends what the exporter gives.
func (x *exchange) export() error {
	o := x.options
	var context []byte
	if o.useExportContext {
		context = append([]byte{}, o.exportContext...)
	}
	secret, err := x.conn.Export(o.exportLabel, context, o.exportLength)
	if err != nil {
		return err
	}
	return x.write(secret)
}

// abort ends the connection with the alert that -send-alert stands for.
func (x *exchange) abort() error {
	b, err := x.conn.Abort(iana.DecompressionFailure)
	if b == conn.BlockedOnWrite {
		x.drain()
	}
	return err
}

// begin sends p up to its first byte on the wire; finish sends the rest.
func (x *exchange) begin(p []byte) error {
	x.socket.write = 1
	n, b, err := x.conn.Send(p)
	if err == nil && b != conn.BlockedOnWrite {
		err = errors.New("no write is left unfinished: -read-with-unfinished-write needs -async")
	}
	x.unfinished, x.begun = p[n:], true
	return err
}

func (x *exchange) finish() error {
	if !x.begun {
		return nil
	}
	x.begun = false
	if err := x.settle(x.conn.Flush); err != nil {
		return err
	}
	return x.write(x.unfinished)
}

// write sends all of p.
func (x *exchange) write(p []byte) error {
	for {
		n, b, err := x.conn.Send(p)
		if err != nil {
			return err
		}
		p = p[n:]
		if b == conn.BlockedOnWrite {
			x.socket.write = 1
			if len(p) == 0 {
				return x.settle(x.conn.Flush)
			}
		}
		if len(p) == 0 {
			return nil
		}
	}
}

// read receives up to len(p) bytes.
func (x *exchange) read(p []byte) (n int, err error) {
	err = x.settle(func() (b conn.Blocked, err error) {
		n, b, err = x.conn.Recv(p)
		return b, err
	})
	return n, err
}

// receive is read, or with -peek-then-read a byte and then what Peek promises without another look
// at the socket.
func (x *exchange) receive(p []byte) (int, error) {
	if !x.options.peekThenRead {
		return x.read(p)
	}
	n, err := x.read(p[:1])
	rest := p[n:min(n+x.conn.Peek(), len(p))]
	if err != nil || len(rest) == 0 {
		return n, err
	}
	more, b, err := x.conn.Recv(rest)
	if more != len(rest) || b != conn.NotBlocked || err != nil {
		return n, mustFail(fmt.Sprintf("Peek promised %d bytes, Recv returned %d, %v, %v", len(rest), more, b, err))
	}
	return n + more, nil
}

// echo sends back what it receives, with each bit flipped, until the runner closes.
func (x *exchange) echo() error {
	o := x.options
	buf := make([]byte, x.readSize())
	for {
		if o.keyUpdateBeforeRead {
			if err := x.updateKeys(); err != nil {
				return err
			}
		}
		n, err := x.receive(buf)
		if err == io.EOF || errors.Is(err, conn.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := x.finish(); err != nil {
			return err
		}
		if o.keyUpdate {
			if err := x.updateKeys(); err != nil {
				return err
			}
		}
		flip(buf[:n])
		if err := x.write(buf[:n]); err != nil {
			return err
		}
	}
}

func (x *exchange) readSize() int {
	if n := x.options.readSize; n > 0 {
		return n
	}
	return 512
}

func flip(p []byte) {
	for i := range p {
		p[i] ^= 0xff
	}
}

func (x *exchange) updateKeys() error {
	b, err := x.conn.UpdateKeys(false)
	if b == conn.BlockedOnWrite {
		x.socket.write = 1
		return x.settle(x.conn.Flush)
	}
	return err
}

// shutDown ends a connection: without -check-close-notify quietly.
func (x *exchange) shutDown() error {
	o := x.options
	if !o.checkCloseNotify {
		return nil
	}
	if !o.shimShutsDown {
		return x.settleOnce(x.conn.Shutdown) // the peer's close_notify has come
	}
	if err := x.settle(x.conn.ShutdownSend); err != nil {
		return err
	}
	switch n, err := x.read(make([]byte, 1)); {
	case n > 0:
		return errors.New("application data came after Shutdown")
	case err != io.EOF:
		return fmt.Errorf("waiting for close_notify: %w", err)
	}
	return nil
}

// checkSuspension makes sure that what was to suspend did.
func (x *exchange) checkSuspension() error {
	if !x.suspend.on {
		return nil
	}
	state := x.conn.State()
	decrypts := x.options.server && !state.Resumed && strings.HasPrefix(state.CipherSuite.String(), "TLS_RSA_")
	if state.HandshakeDone && (state.Scheme != 0 && !state.Resumed || decrypts) && x.suspend.keys == 0 {
		return mustFail("a private key was used, and its operation did not suspend")
	}
	if x.suspend.keys+x.suspend.hooks > 0 && x.suspend.waited == 0 {
		return mustFail("hooks were asked to answer later, and nothing waited for them")
	}
	if x.options.server && state.HandshakeDone && x.suspend.hooks == 0 {
		return mustFail("a server's handshake is complete, and no hook of it suspended")
	}
	return nil
}
