package main

import (
	"fmt"
	"io"
	"os"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// turn is how many pieces are moved before others have their turn.
const turn = 16

// pump sends a file or standard input, and at the same time receives to standard output
// or nowhere.
type pump struct {
	in      *source
	out     *sink
	file    *os.File // that was opened for it
	echo    bool     // what the peer says is wanted, to its end
	pending []byte   // read and not yet sent
	ended   bool     // there is no more to read
	said    bool     // and the peer knows
	heard   bool     // the peer's close_notify
	err     error
	buf     [chunk]byte
}

// newPump sends the file of that name, or standard input if it is "". wake is called when
// the pump can go on.
func newPump(loop *cli.Loop, wake func(), name string, echo bool) (*pump, error) {
	p := &pump{echo: echo}
	in, out := os.Stdin, (*os.File)(nil)
	if name != "" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("--send-file: %w", err)
		}
		in, p.file = f, f
	}
	if echo {
		out = os.Stdout
	}
	p.in, p.out = newSource(loop, in, wake), newSink(loop, out, wake)
	return p, nil
}

// Err returns what went wrong with the files.
func (p *pump) Err() error { return p.err }

// Close closes what newPump has opened.
func (p *pump) Close() {
	if p.file != nil {
		p.file.Close()
	}
}

// Run is one turn, in both directions.
func (p *pump) Run(c *conn.Conn) (cli.Events, error) {
	for range turn {
		sending, outward, err := p.sendSome(c)
		if err != nil {
			return 0, err
		}
		receiving, inward, err := p.receiveSome(c)
		if err != nil {
			return 0, err
		}
		switch {
		case p.out.err != nil && p.err == nil:
			p.err = p.out.err
			return 0, nil
		case p.err != nil, p.heard && !p.out.busy(), p.said && !p.echo:
			return 0, nil
		case !sending && !receiving:
			return outward | inward | cli.Elsewhere, nil
		}
	}
	return cli.Again, nil
}

// sendSome moves a piece from the file to the peer; moved is false if there is something
// to wait for.
func (p *pump) sendSome(c *conn.Conn) (moved bool, want cli.Events, err error) {
	b, err := c.Flush()
	switch {
	case err != nil:
		return false, 0, err
	case b == conn.BlockedOnWrite:
		return false, cli.Writable, nil
	case len(p.pending) > 0:
		n, b, err := c.Send(p.pending)
		p.pending = p.pending[n:]
		if b == conn.BlockedOnWrite {
			want = cli.Writable
		}
		return n > 0 && want == 0, want, err
	case p.ended && p.said:
		return false, 0, nil
	case p.ended:
		p.said = true
		if p.echo {
			_, err = c.ShutdownSend() // what could not be written is flushed above
		}
		return true, 0, err
	}
	p.pending, err = p.in.read()
	if err != nil {
		p.ended = true
		if err != io.EOF {
			p.err = err
		}
		return true, 0, nil
	}
	return p.pending != nil, 0, nil
}

// receiveSome moves a piece from the peer to the file.
func (p *pump) receiveSome(c *conn.Conn) (moved bool, want cli.Events, err error) {
	if p.heard || p.out.busy() {
		return false, 0, nil
	}
	n, b, err := c.Recv(p.buf[:])
	switch {
	case err == io.EOF:
		p.heard = true
		return true, 0, nil
	case err != nil:
		return false, 0, err
	case b == conn.BlockedOnRead:
		return false, cli.Readable, nil
	case b == conn.BlockedOnApplicationInput: // renegotiation, which is the session's
		return false, cli.Again, nil
	}
	p.out.take(p.buf[:n])
	return true, 0, nil
}
