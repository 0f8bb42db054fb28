package wire

import (
	"encoding/binary"
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// Reader takes a message apart from front to back. The first thing that is wrong sticks:
// every later read returns zero, so that a codec may read all fields and ask once.
type Reader struct {
	b   []byte
	at  string // the field being read, for the error's text
	err *Error
}

// NewReader returns a Reader of b, which it lends to those who read from it.
func NewReader(b []byte) Reader { return Reader{b: b} }

// U8 reads one byte.
func (r *Reader) U8() uint8 {
	if len(r.b) < 1 {
		r.short(1)
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

// U16 reads two bytes, the high one first.
func (r *Reader) U16() uint16 {
	if len(r.b) < 2 {
		r.short(2)
		return 0
	}
	v := binary.BigEndian.Uint16(r.b)
	r.b = r.b[2:]
	return v
}

// U24 reads three bytes, the highest first.
func (r *Reader) U24() int {
	if len(r.b) < 3 {
		r.short(3)
		return 0
	}
	v := int(r.b[0])<<16 | int(r.b[1])<<8 | int(r.b[2])
	r.b = r.b[3:]
	return v
}

// U32 reads four bytes, the highest first.
func (r *Reader) U32() uint32 {
	if len(r.b) < 4 {
		r.short(4)
		return 0
	}
	v := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

// Bytes lends the next n bytes; appending to them does not reach those that follow.
func (r *Reader) Bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.short(n)
		return nil
	}
	b := r.b[:n:n]
	r.b = r.b[n:]
	return b
}

// Vec8 lends a vector that its length precedes in one byte.
func (r *Reader) Vec8() []byte { return r.Bytes(int(r.U8())) }

// Vec16 lends a vector that its length precedes in two bytes.
func (r *Reader) Vec16() []byte { return r.Bytes(int(r.U16())) }

// Vec24 lends a vector that its length precedes in three bytes.
func (r *Reader) Vec24() []byte { return r.Bytes(r.U24()) }

// Rest lends all that is left.
func (r *Reader) Rest() []byte { return r.Bytes(len(r.b)) }

// Len returns the number of bytes left, 0 after an error.
func (r *Reader) Len() int { return len(r.b) }

// Fail makes reason, a decode_error, the Reader's error if it has none yet.
func (r *Reader) Fail(reason string) { r.fail(iana.DecodeError, reason) }

// Err returns the first error, an *Error, or nil.
func (r *Reader) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// End returns the first error, which is a decode_error if bytes are left over.
func (r *Reader) End() error {
	if err := r.end(); err != nil {
		return err
	}
	return nil
}

func (r *Reader) end() *Error {
	if len(r.b) > 0 {
		r.at = ""
		r.Fail(strconv.Itoa(len(r.b)) + " bytes left over")
	}
	return r.err
}

// illegal is Fail for a value that can be read but is forbidden.
func (r *Reader) illegal(reason string) { r.fail(iana.IllegalParameter, reason) }

// short fails a read of n bytes where there are fewer. It stands apart so that the reads
// stay small enough to be inlined.
func (r *Reader) short(n int) {
	r.Fail(strconv.Itoa(n) + " bytes wanted, " + strconv.Itoa(len(r.b)) + " there")
}

func (r *Reader) fail(a iana.Alert, reason string) {
	if r.err == nil {
		r.err = &Error{Description: a, Text: reason}
		if r.at != "" {
			r.err.in(r.at)
		}
	}
	r.b = nil // so that each later read comes up short, and this error stays the first
}

// adopt takes over the error of a Reader that took a part of r's message apart.
func (r *Reader) adopt(part *Reader) {
	if r.err == nil && part.err != nil {
		r.err, r.b = part.err, nil
	}
}

// nonEmpty fails, in the field's name, if b holds nothing.
func (r *Reader) nonEmpty(b []byte) []byte {
	if len(b) == 0 {
		r.Fail("empty")
	}
	return b
}

// codePoints checks that b, the contents of a vector, is one code point or more of two
// bytes each.
func codePoints[T ~uint16](r *Reader, b []byte) iana.List[T] {
	if len(b) == 0 || len(b)%2 != 0 {
		r.Fail(strconv.Itoa(len(b)) + " bytes are no list of two-byte values")
		return nil
	}
	return iana.List[T](b)
}
