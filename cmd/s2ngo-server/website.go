package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/textproto"
	"strings"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// maxHead bounds the head of a request, in bytes.
const maxHead = 16 << 10

// website answers the requests of one connection in HTTP/1.1: with a status page, or with
// so many bytes.
type website struct {
	bench bool
	size  int

	in    []byte // of a request that is not yet whole
	out   []byte // of the response
	body  int    // bytes of a benchmark's response that follow out
	last  bool   // nothing follows the response
	count int
}

// filler is what a benchmark's response is made of.
var filler = bytes.Repeat([]byte("s2ngo benchmark "), 1024)

// TakeEarly takes early data: a request, or the beginning of one.
func (w *website) TakeEarly(data []byte) { w.in = append(w.in, data...) }

// Run is one turn.
func (w *website) Run(c *conn.Conn) (cli.Events, error) {
	for range turn {
		blocked, err := w.respond(c)
		if err != nil || blocked {
			return cli.Writable, err
		}
		if w.last && !w.busy() {
			return 0, nil
		}
		if w.busy() || w.request(c) {
			continue
		}
		n, b, err := c.Recv(scratch[:])
		switch {
		case err == io.EOF:
			return 0, nil
		case errors.Is(err, conn.ErrClosed) && w.count > 0 && len(w.in) == 0:
			return 0, nil // browsers leave so, between requests that say where they end
		case err != nil:
			return 0, err
		case b == conn.BlockedOnRead:
			return cli.Readable, nil
		}
		w.in = append(w.in, scratch[:n]...)
	}
	return cli.Again, nil
}

func (w *website) busy() bool { return len(w.out) > 0 || w.body > 0 }

// respond sends a piece of the response.
func (w *website) respond(c *conn.Conn) (blocked bool, err error) {
	if b, err := c.Flush(); b == conn.BlockedOnWrite || err != nil {
		return true, err
	}
	if len(w.out) > 0 {
		n, b, err := c.Send(w.out)
		w.out = w.out[n:]
		return b == conn.BlockedOnWrite, err
	}
	if w.body > 0 {
		n, b, err := c.Send(filler[:min(w.body, len(filler))])
		w.body -= n
		return b == conn.BlockedOnWrite, err
	}
	return false, nil
}

// request takes a request, if one is whole, and prepares its response.
func (w *website) request(c *conn.Conn) bool {
	end := bytes.Index(w.in, []byte("\r\n\r\n"))
	if end < 0 || end > maxHead {
		if len(w.in) > maxHead {
			w.refuse("431 Request Header Fields Too Large")
			return true
		}
		return false
	}
	head := w.in[:end+4]
	r, err := parseRequest(head)
	w.in = bytes.Clone(w.in[end+4:])
	switch {
	case err != nil:
		w.refuse("400 Bad Request")
	case r.method != "GET" && r.method != "HEAD":
		w.refuse("405 Method Not Allowed")
	case r.hasBody:
		w.refuse("413 Content Too Large")
	default:
		w.count++
		w.last = r.last
		w.answer(c, r)
	}
	return true
}

// refuse answers a request that was not understood, and ends the connection.
func (w *website) refuse(status string) {
	w.last = true
	w.in = nil
	w.out = fmt.Appendf(nil, "HTTP/1.1 %s\r\nAllow: GET, HEAD\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s\n",
		status, len(status)+1, status)
}

func (w *website) answer(c *conn.Conn, r *request) {
	kind, length := "application/octet-stream", w.size
	var page []byte
	if !w.bench {
		page = statusPage(c, w.count)
		kind, length = "text/html; charset=utf-8", len(page)
	}
	connection := "keep-alive"
	if r.last {
		connection = "close"
	}
	w.out = fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\nCache-Control: no-store\r\nConnection: %s\r\n\r\n",
		kind, length, connection)
	if r.method == "HEAD" {
		return
	}
	w.out = append(w.out, page...)
	if w.bench {
		w.body = w.size
	}
}

// request is what matters of a request's head (RFC 9112).
type request struct {
	method, target string
	hasBody        bool
	last           bool // the client wants no further one
}

func parseRequest(head []byte) (*request, error) {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(head)))
	line, err := r.ReadLine()
	if err != nil {
		return nil, err
	}
	fields := strings.Split(line, " ")
	if len(fields) != 3 || fields[0] == "" || fields[1] == "" || !strings.HasPrefix(fields[2], "HTTP/1.") {
		return nil, fmt.Errorf("request line %q is not one of HTTP/1", line)
	}
	header, err := r.ReadMIMEHeader()
	if err != nil {
		return nil, err
	}
	connection := strings.ToLower(strings.Join(header.Values("Connection"), ","))
	length := header.Get("Content-Length")
	return &request{
		method: fields[0], target: fields[1],
		hasBody: header.Get("Transfer-Encoding") != "" || length != "" && length != "0",
		last:    strings.Contains(connection, "close") || fields[2] == "HTTP/1.0" && !strings.Contains(connection, "keep-alive"),
	}, nil
}
