package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
)

// Bounds on what a server may send around a body, in bytes.
const (
	maxHead = 64 << 10
	maxLine = 4 << 10 // of a chunk's size or trailer
)

// head is a response's status line and fields (RFC 9112), read piece by piece.
type head struct {
	complete bool
	status   int
	text     string // "404 Not Found"

	raw    []byte
	fields textproto.MIMEHeader
}

// take takes what belongs to the head, and returns how much that is.
func (h *head) take(p []byte) (n int, err error) {
	before := len(h.raw)
	h.raw = append(h.raw, p...)
	end := bytes.Index(h.raw, []byte("\r\n\r\n"))
	if end < 0 || end > maxHead {
		if len(h.raw) > maxHead {
			return 0, fmt.Errorf("the head of the answer is longer than %d bytes", maxHead)
		}
		return len(p), nil
	}
	end += len("\r\n\r\n")
	if err := h.parse(h.raw[:end]); err != nil {
		return 0, err
	}
	h.raw = nil
	h.complete = h.status >= 200 // an interim answer is followed by another one
	return end - before, nil
}

func (h *head) parse(raw []byte) error {
	r := textproto.NewReader(bufio.NewReader(bytes.NewReader(raw)))
	line, err := r.ReadLine()
	if err != nil {
		return fmt.Errorf("the answer has no status line: %w", err)
	}
	version, text, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(text, " ")
	if h.status, err = strconv.Atoi(code); err != nil || len(code) != 3 || !strings.HasPrefix(version, "HTTP/1.") {
		return fmt.Errorf("the answer is not HTTP/1 but begins with %.40q", line)
	}
	h.text = strings.TrimSpace(text)
	if h.fields, err = r.ReadMIMEHeader(); err != nil {
		return fmt.Errorf("the head of the answer: %w", err)
	}
	return nil
}

// body returns how the body comes (RFC 9112, Section 6.3).
func (h *head) body() body {
	switch {
	case h.status == 204 || h.status == 304:
		return &sized{}
	case h.fields.Get("Transfer-Encoding") != "":
		if strings.EqualFold(h.fields.Get("Transfer-Encoding"), "chunked") {
			return &chunked{}
		}
		return unsized{}
	}
	if length, err := strconv.ParseInt(h.fields.Get("Content-Length"), 10, 64); err == nil && length >= 0 {
		return &sized{total: length, left: length}
	}
	return unsized{}
}

// body takes a response's body out of what comes.
type body interface {
	// take takes a part of p, all of it or what belongs together, and returns the page's
	// bytes in it.
	take(p []byte) (n int, data []byte, err error)
	complete() bool
	endsWithConnection() bool // its end is told by the connection's
	length() int64            // -1 = unknown
}

// sized has a Content-Length.
type sized struct{ total, left int64 }

func (s *sized) take(p []byte) (int, []byte, error) {
	n := int(min(int64(len(p)), s.left))
	s.left -= int64(n)
	return n, p[:n], nil
}
func (s *sized) complete() bool           { return s.left == 0 }
func (s *sized) endsWithConnection() bool { return false }
func (s *sized) length() int64            { return s.total }

// unsized ends with the connection.
type unsized struct{}

func (unsized) take(p []byte) (int, []byte, error) { return len(p), p, nil }
func (unsized) complete() bool                     { return false }
func (unsized) endsWithConnection() bool           { return true }
func (unsized) length() int64                      { return -1 }

// chunked comes in chunks, each with its size before it (RFC 9112, Section 7.1).
type chunked struct {
	line    []byte
	left    int64 // of the chunk, with the line end behind it
	trailer bool  // the last chunk was there
	over    bool
}

func (c *chunked) complete() bool           { return c.over }
func (c *chunked) endsWithConnection() bool { return false }
func (c *chunked) length() int64            { return -1 }

const lineEnd = 2 // bytes

func (c *chunked) take(p []byte) (int, []byte, error) {
	if c.left > 0 {
		n := int(min(int64(len(p)), c.left))
		data := p[:min(int64(n), max(c.left-lineEnd, 0))]
		c.left -= int64(n)
		return n, data, nil
	}
	end := bytes.IndexByte(p, '\n')
	if end < 0 {
		c.line = append(c.line, p...)
		if len(c.line) > maxLine {
			return 0, nil, fmt.Errorf("a chunk's first line is longer than %d bytes", maxLine)
		}
		return len(p), nil, nil
	}
	line := strings.TrimSpace(string(append(c.line, p[:end]...)))
	c.line = c.line[:0]
	if c.trailer {
		c.over = line == ""
		return end + 1, nil, nil
	}
	size, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(size), 16, 62)
	if err != nil {
		return 0, nil, errors.New("a chunk's size is not a number: " + strconv.Quote(line))
	}
	if n == 0 {
		c.trailer = true
	} else {
		c.left = int64(n) + lineEnd
	}
	return end + 1, nil, nil
}
