package main

import (
	"fmt"
	"io"
	"os"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// fetch makes one GET (RFC 9110) and writes the body to standard output.
type fetch struct {
	path    string
	request []byte // not yet sent
	head    head
	body    body
	out     *sink
	bar     *progress
	done    bool
	err     error
	buf     [chunk]byte
	in      []byte // of buf, received and not yet taken
}

// newFetch prepares a GET for path from host. wake is called when it can go on.
func newFetch(loop *cli.Loop, wake func(), path, host string) *fetch {
	return &fetch{
		path: path,
		request: fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\nConnection: close\r\n\r\n",
			path, host, program),
		out: newSink(loop, os.Stdout, wake),
		bar: newProgress(),
	}
}

// Err returns why there is no page, or not the one that was wanted.
func (f *fetch) Err() error {
	switch {
	case f.err != nil:
		return fmt.Errorf("GET %s: %w", f.path, f.err)
	case f.done && f.head.status >= 400:
		return fmt.Errorf("GET %s: %s", f.path, f.head.text)
	}
	return nil
}

// Close ends the progress bar.
func (f *fetch) Close() { f.bar.clear() }

// Run is one turn.
func (f *fetch) Run(c *conn.Conn) (cli.Events, error) {
	for range turn {
		if b, err := c.Flush(); b == conn.BlockedOnWrite || err != nil {
			return cli.Writable, err
		}
		if len(f.request) > 0 {
			n, b, err := c.Send(f.request)
			f.request = f.request[n:]
			if b == conn.BlockedOnWrite || err != nil {
				return cli.Writable, err
			}
			continue
		}
		switch {
		case f.out.err != nil:
			f.err = f.out.err
			return 0, nil
		case f.out.busy():
			return cli.Elsewhere, nil
		case f.err != nil || f.done:
			return 0, nil
		case len(f.in) > 0:
			f.take()
			continue
		}
		n, b, err := c.Recv(f.buf[:])
		switch {
		case err == io.EOF:
			f.end()
		case err != nil:
			return 0, err
		case b == conn.BlockedOnRead:
			return cli.Readable, nil
		case b == conn.BlockedOnApplicationInput: // renegotiation, which is the session's
			return cli.Again, nil
		}
		f.in = f.buf[:n]
	}
	return cli.Again, nil
}

// take moves on in what was received.
func (f *fetch) take() {
	if !f.head.complete {
		n, err := f.head.take(f.in)
		f.in = f.in[n:]
		if f.err = err; err == nil && f.head.complete {
			f.body = f.head.body()
			f.bar.total = f.body.length()
			f.done = f.body.complete()
		}
		return
	}
	n, data, err := f.body.take(f.in)
	f.in = f.in[n:]
	f.out.take(data)
	f.bar.add(len(data))
	f.err, f.done = err, f.body.complete()
}

// end is for the peer's close_notify, which completes a body without a length only.
func (f *fetch) end() {
	switch {
	case !f.head.complete:
		f.err = fmt.Errorf("the server closed the connection before it had answered")
	case !f.body.endsWithConnection():
		f.err = fmt.Errorf("the server closed the connection in the middle of the page: %w", io.ErrUnexpectedEOF)
	default:
		f.done = true
	}
}
