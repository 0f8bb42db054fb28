package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

// socket is a connection to the runner. If it chops, a read or write moves one byte, and
// none before it was allowed.
type socket struct {
	net.Conn
	chop        bool
	read, write int  // bytes that are allowed
	first       byte // that was read
	begun       bool
}

func dial(o *options) (*socket, error) {
	host := "127.0.0.1"
	if o.ipv6 {
		host = "::1"
	}
	c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(o.port)))
	if err != nil {
		return nil, err
	}
	if _, err := c.Write(binary.LittleEndian.AppendUint64(nil, uint64(o.shimID))); err != nil {
		c.Close()
		return nil, err
	}
	return &socket{Conn: c, chop: o.chop || o.async}, nil
}

func (s *socket) recv(p []byte) (int, error) {
	if s.chop {
		if s.read == 0 {
			return 0, conn.ErrWouldBlock
		}
		s.read = 0
		p = p[:min(1, len(p))]
	}
	n, err := s.Read(p)
	if n > 0 && !s.begun {
		s.first, s.begun = p[0], true
	}
	return n, err
}

// sslv2 reports whether the runner began with a ClientHello in the framing of SSLv2.
func (s *socket) sslv2() bool { return s.first&0x80 != 0 }

func (s *socket) send(p []byte) (int, error) {
	if s.chop {
		if s.write == 0 {
			return 0, conn.ErrWouldBlock
		}
		s.write = 0
		p = p[:min(1, len(p))]
	}
	return s.Write(p)
}

// drainTime bounds the wait for a runner that does not close.
const drainTime = 20 * time.Second

// end closes our side and reads on until the runner has closed too, so that nothing of what
// was written is lost by a reset.
func (s *socket) end() {
	if c, ok := s.Conn.(*net.TCPConn); ok {
		c.CloseWrite()
	}
	s.SetReadDeadline(time.Now().Add(drainTime))
	io.Copy(io.Discard, s.Conn)
	s.Close()
}
