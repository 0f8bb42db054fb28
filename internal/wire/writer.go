package wire

import (
	"encoding/binary"
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// Writer puts messages together at the end of B, which its user provides and takes. It
// writes flat: Begin16 leaves room for a length and returns a mark, End fills it in.
type Writer struct {
	B   []byte
	err *Error
}

// Mark2 holds the marks of two vectors of which one ends the other, as a list that fills
// its extension.
type Mark2 struct{ outer, inner int }

// U8 writes one byte.
func (w *Writer) U8(v uint8) { w.B = append(w.B, v) }

// U16 writes two bytes, the high one first.
func (w *Writer) U16(v uint16) { w.B = binary.BigEndian.AppendUint16(w.B, v) }

// U24 writes three bytes, the highest first; a value above 2^24-1 is an error.
func (w *Writer) U24(v int) {
	if v < 0 || v >= 1<<24 {
		w.fail(strconv.Itoa(v) + " does not fit into three bytes")
	}
	w.B = append(w.B, byte(v>>16), byte(v>>8), byte(v))
}

// U32 writes four bytes, the highest first.
func (w *Writer) U32(v uint32) { w.B = binary.BigEndian.AppendUint32(w.B, v) }

// Raw writes b as it is.
func (w *Writer) Raw(b []byte) { w.B = append(w.B, b...) }

// RawString writes s as it is.
func (w *Writer) RawString(s string) { w.B = append(w.B, s...) }

// Begin8 begins a vector of at most 255 bytes and returns its mark for End.
func (w *Writer) Begin8() int { return w.begin(1) }

// Begin16 begins a vector of at most 2^16-1 bytes and returns its mark for End.
func (w *Writer) Begin16() int { return w.begin(2) }

// Begin24 begins a vector of at most 2^24-1 bytes and returns its mark for End.
func (w *Writer) Begin24() int { return w.begin(3) }

// BeginMessage writes the header of a handshake message; End with the mark it returns
// completes it. RFC 8446, Section 4.
func (w *Writer) BeginMessage(t iana.Message) int {
	w.U8(uint8(t))
	return w.Begin24()
}

// BeginExtension writes the header of an extension; End with the mark it returns
// completes it. RFC 8446, Section 4.2.
func (w *Writer) BeginExtension(t iana.Extension) int {
	w.U16(uint16(t))
	return w.Begin16()
}

// EndOrOmit completes a vector as End does, or takes it back with its length if nothing is in it.
func (w *Writer) EndOrOmit(mark int) {
	if at := mark >> 2; mark >= 0 && len(w.B) == at+mark&3 {
		w.B = w.B[:at]
		return
	}
	w.End(mark)
}

// End fills in the length of the vector that began at mark. A vector that is too long
// for its length is an error.
func (w *Writer) End(mark int) {
	at, width := mark>>2, mark&3
	n := len(w.B) - at - width
	if mark < 0 || width == 0 || n < 0 {
		w.fail("End without its Begin")
		return
	}
	if n>>(8*width) != 0 {
		w.fail("vector of " + strconv.Itoa(n) + " bytes under a length of " + strconv.Itoa(width))
		return
	}
	for i := at + width - 1; i >= at; i-- {
		w.B[i] = byte(n)
		n >>= 8
	}
}

// Err returns the first error, an *Error that is an internal_error, or nil. What has been
// written since then is of no use.
func (w *Writer) Err() error {
	if w.err == nil {
		return nil
	}
	return w.err
}

// begin leaves width bytes for a length. A mark is the position times four plus width.
func (w *Writer) begin(width int) int {
	at := len(w.B)
	w.B = append(w.B, 0, 0, 0)[:at+width]
	return at<<2 | width
}

func (w *Writer) end2(m Mark2) {
	w.End(m.inner)
	w.End(m.outer)
}

func (w *Writer) vec8(b []byte) {
	v := w.Begin8()
	w.Raw(b)
	w.End(v)
}

func (w *Writer) vec16(b []byte) {
	v := w.Begin16()
	w.Raw(b)
	w.End(v)
}

func (w *Writer) vec24(b []byte) {
	v := w.Begin24()
	w.Raw(b)
	w.End(v)
}

func (w *Writer) fail(reason string) {
	if w.err == nil {
		w.err = &Error{Description: iana.InternalError, Text: "write: " + reason}
	}
}

// putEmpty writes an extension that has no contents.
func putEmpty(w *Writer, t iana.Extension) { w.End(w.BeginExtension(t)) }

// putCodePoints writes an extension that is a list of code points.
func putCodePoints[T ~uint16](w *Writer, t iana.Extension, vs []T) {
	x := w.BeginExtension(t)
	l := w.Begin16()
	for _, v := range vs {
		w.U16(uint16(v))
	}
	w.End(l)
	w.End(x)
}
