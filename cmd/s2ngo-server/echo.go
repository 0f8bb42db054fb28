package main

import (
	"io"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// turn is how many buffers one connection moves before the others have theirs.
const turn = 16

// scratch is where every connection receives: they all live on one goroutine.
var scratch [16384]byte

// echo sends back what comes. It reads no more while that does not get away, so that it
// holds at most one buffer.
type echo struct {
	pending []byte
}

// TakeEarly takes early data, to be sent back like any other.
func (e *echo) TakeEarly(data []byte) { e.pending = data }

// Run is one turn.
func (e *echo) Run(c *conn.Conn) (cli.Events, error) {
	for range turn {
		if b, err := c.Flush(); b == conn.BlockedOnWrite || err != nil {
			return cli.Writable, err
		}
		if len(e.pending) > 0 {
			n, b, err := c.Send(e.pending)
			e.pending = e.pending[n:]
			if b == conn.BlockedOnWrite || err != nil {
				return cli.Writable, err
			}
		}
		e.pending = nil
		n, b, err := c.Recv(scratch[:])
		switch {
		case err == io.EOF:
			return 0, nil
		case err != nil:
			return 0, err
		case b == conn.BlockedOnRead:
			return cli.Readable, nil
		}
		sent, b, err := c.Send(scratch[:n])
		if err != nil {
			return 0, err
		}
		if sent < n {
			e.pending = append([]byte(nil), scratch[sent:n]...)
		}
		if b == conn.BlockedOnWrite {
			return cli.Writable, nil
		}
	}
	return cli.Again, nil
}
