package main

import (
	"strings"
	"testing"
	"time"
)

// read takes a response in pieces of n bytes, and returns the page; rest is what follows
// it.
func read(text string, n int) (h head, page, rest string, complete bool, err error) {
	in := []byte(text)
	var b body
	for len(in) > 0 && !complete {
		piece := in[:min(n, len(in))]
		k := 0
		if !h.complete {
			if k, err = h.take(piece); err == nil && h.complete {
				b = h.body()
				complete = b.complete()
			}
		} else {
			var data []byte
			k, data, err = b.take(piece)
			page += string(data)
			complete = b.complete()
		}
		if err != nil {
			return h, page, string(in), false, err
		}
		in = in[k:]
	}
	return h, page, string(in), complete, nil
}

func TestResponses(t *testing.T) {
	for _, c := range []struct {
		name, text         string
		status, page, rest string
		complete           bool
	}{
		{"a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellorest", "200 OK", "hello", "rest", true},
		{"a length that has not come", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "200 OK", "hell", "", false},
		{"a length of nothing", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404 Not Found", "", "", true},
		{"no length", "HTTP/1.0 200 OK\r\n\r\nhello", "200 OK", "hello", "", false},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", "204 No Content", "", "", true},
		{"an interim answer", "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", "200", "x", "", true},
		{"chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello\r\n7;a=b\r\n, world\r\n0\r\nTrailer: x\r\n\r\nrest", "200 OK", "hello, world", "rest", true},
		{"chunks without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n", "200 OK", "hello", "", false},
	} {
		for n := 1; n <= len(c.text); n++ {
			h, page, rest, complete, err := read(c.text, n)
			if n > 1 && strings.HasPrefix(c.rest, rest) {
				rest = c.rest // what is in the same piece is not taken
			}
			if err != nil || h.text != c.status || page != c.page || complete != c.complete || rest != c.rest {
				t.Errorf("%s in pieces of %d: %q, %q, then %q, complete %v, %v", c.name, n, h.text, page, rest, complete, err)
			}
		}
	}
}

func TestResponsesThatAreNone(t *testing.T) {
	for _, c := range []struct{ name, text, says string }{
		{"another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n", `not HTTP/1 but begins with "SSH-2.0-OpenSSH_9.6"`},
		{"another version", "HTTP/2 200 OK\r\n\r\n", "not HTTP/1"},
		{"a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", "not HTTP/1"},
		{"a field without a colon", "HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n", "the head of the answer"},
		{"a head without end", "HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", 12000), "longer than 65536 bytes"},
		{"a chunk without size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n", `not a number: "hello"`},
		{"a chunk of negative size", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", "not a number"},
		{"a chunk of too many bytes", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "not a number"},
		{"a chunk's line without end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;" + strings.Repeat("a", 5000), "longer than 4096 bytes"},
	} {
		for _, n := range []int{1, 7, len(c.text)} {
			if _, _, _, _, err := read(c.text, n); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s in pieces of %d gives %v", c.name, n, err)
			}
		}
	}
}

func TestProgress(t *testing.T) {
	for _, c := range []struct {
		width       int
		total, have int64
		want        string
	}{
		{60, 1000, 500, "[################.................]  50 %  500 B  250 B/s"},
		{60, 0, 500, "500 B  250 B/s"},
		{60, -1, 5 << 20, "5 MiB  2.5 MiB/s"},
		{60, 0, 1999, "1.95 KiB  1000 B/s"},
		{30, 1 << 31, 1 << 31, "100 %  2.0 GiB  1.0 GiB/s"},
		{12, 1000, 1000, "100 %  1000"},
	} {
		p := progress{width: c.width, total: c.total, have: c.have}
		got := p.line(2 * time.Second)
		if len(got) != c.width-1 || strings.TrimRight(got, " ") != c.want {
			t.Errorf("%+v is %q", c, got)
		}
	}
}
