package fuzz

import (
	"io"

	"github.com/s2ngo/s2ngo/conn"
)

// callbacks are a Conn's input and output, which do what the bytes of a script say. Behind
// its end they read and write all there is.
type callbacks struct {
	k      *talk
	faults *script

	// Since the call of the Conn's method that is under way began:
	calls        int
	readBlocked  bool // the last read would block
	writeBlocked bool // the last write would block

	idle   [2]int // reads and writes in a row that did nothing, and did not say why
	failed bool   // an error was returned
	lied   bool   // a contract was broken
	in     uint64
	out    uint64 // bytes that went through
}

// What a callback may do, by the lowest bits of an instruction.
const (
	ioAll = iota
	ioAll2
	ioOne         // one byte
	ioSome        // some bytes
	ioBlock       // none, now
	ioNothing     // none, and no error
	ioSomeBlocked // some bytes, and no more now
	ioOdd         // see odd
)

const maxCalls = 100000 // in one method of the Conn

func (io *callbacks) begin() {
	io.calls, io.readBlocked, io.writeBlocked = 0, false, false
}

func (io *callbacks) count() {
	if io.calls++; io.calls > maxCalls {
		io.k.t.Fatal("a method calls its callbacks without end")
	}
}

// nothing is done; a hundred times in a row that is a failure.
func (c *callbacks) nothing(way int) (int, error) {
	c.idle[way]++
	c.failed = c.failed || c.idle[way] >= 100
	return 0, nil
}

// read is the Conn's RecvFunc.
func (c *callbacks) read(p []byte) (int, error) {
	c.count()
	c.readBlocked = false
	how := c.faults.byte()
	n := len(p)
	switch how & 7 {
	case ioOne:
		n = 1
	case ioSome, ioSomeBlocked:
		n = 1 + int(how>>3)
	case ioBlock:
		c.readBlocked = true
		return 0, conn.ErrWouldBlock
	case ioNothing:
		return c.nothing(0)
	case ioOdd:
		if n, err, done := c.odd(p, how>>3, &c.k.toConn); done {
			return n, err
		}
	}
	from := &c.k.toConn
	if len(from.bytes) == 0 {
		if from.end != nil {
			c.failed = true
			return 0, from.end
		}
		c.readBlocked = true
		return 0, conn.ErrWouldBlock
	}
	n = copy(p[:min(n, len(p))], from.bytes)
	from.bytes = from.bytes[n:]
	c.idle[0] = 0
	c.in += uint64(n)
	if how&7 == ioSomeBlocked {
		return n, conn.ErrWouldBlock
	}
	return n, nil
}

// write is the Conn's SendFunc.
func (c *callbacks) write(p []byte) (int, error) {
	c.count()
	c.writeBlocked = false
	if len(p) == 0 {
		c.k.t.Fatal("an empty slice is written")
	}
	how := c.faults.byte()
	n := len(p)
	var err error
	switch how & 7 {
	case ioOne:
		n = 1
	case ioSome:
		n = 1 + int(how>>3)
	case ioSomeBlocked:
		n = 1 + int(how>>3)
		err = conn.ErrWouldBlock
	case ioBlock:
		c.writeBlocked = true
		return 0, conn.ErrWouldBlock
	case ioNothing:
		return c.nothing(1)
	case ioOdd:
		if n, err, done := c.odd(nil, how>>3, nil); done {
			if n == odd {
				return len(p) + 1, nil
			}
			return n, err
		}
	}
	n = min(n, len(p))
	c.k.toPeer.bytes = append(c.k.toPeer.bytes, p[:n]...)
	c.idle[1] = 0
	c.out += uint64(n)
	c.writeBlocked = err != nil && n < len(p)
	return n, err
}

const odd = -7 // stands for more bytes than were asked for

// odd does what a callback should not, or what is unusual in one. done is false if it goes
// on as usual.
func (c *callbacks) odd(p []byte, how byte, from *line) (n int, err error, done bool) { //nolint:revive // done is last, as in a map lookup
	k := c.k
	switch how {
	case 0: // an error
		c.failed = true
		return 0, errFault, true
	case 1: // the end
		c.failed = true
		return 0, io.EOF, true
	case 2: // bytes and an error
		if from == nil || len(from.bytes) == 0 {
			break
		}
		n = copy(p, from.bytes)
		from.bytes = from.bytes[n:]
		c.in += uint64(n)
		c.failed = true
		return n, errFault, true
	case 3: // more than there is room for
		c.lied = true
		if p != nil {
			return len(p) + 1, nil, true
		}
		return odd, nil, true
	case 4: // less than nothing
		c.lied = true
		return -1, nil, true
	case 5, 6: // the Conn is closed meanwhile
		k.end()
		k.c.Close()
	case 7, 8: // methods that are in use
		k.refused()
	case 9:
		_ = k.c.State()
	}
	return 0, nil, false
}
