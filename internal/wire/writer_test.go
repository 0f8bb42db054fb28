package wire

import (
	"bytes"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestWriterWritesInOrder(t *testing.T) {
	w := Writer{B: []byte("head")}
	m := w.BeginMessage(iana.Finished)
	w.U8(1)
	w.U16(0x0203)
	w.U24(0x040506)
	w.U32(0x0708090a)
	a := w.Begin8()
	w.RawString("a")
	w.End(a)
	b := w.Begin16()
	c := w.Begin24()
	w.Raw([]byte("bc"))
	w.End(c)
	w.End(b)
	x := w.BeginExtension(iana.KeyShare)
	w.End(x)
	w.End(m)
	want := append([]byte("head"), 20, 0, 0, 23, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1, 'a', 0, 5, 0, 0, 2, 'b', 'c', 0, 51, 0, 0)
	if !bytes.Equal(w.B, want) {
		t.Errorf("% x, want\n% x", w.B, want)
	}
	if err := w.Err(); err != nil {
		t.Error(err)
	}
}

func TestWriterErrors(t *testing.T) {
	tests := []struct {
		name  string
		write func(*Writer)
		want  string // "" for none
	}{
		{"255 bytes under a length of 1", func(w *Writer) { w.vec8(make([]byte, 255)) }, ""},
		{"256 bytes under a length of 1", func(w *Writer) { w.vec8(make([]byte, 256)) }, "vector of 256 bytes"},
		{"65535 bytes under a length of 2", func(w *Writer) { w.vec16(make([]byte, 1<<16-1)) }, ""},
		{"65536 bytes under a length of 2", func(w *Writer) { w.vec16(make([]byte, 1<<16)) }, "vector of 65536 bytes"},
		{"2^24-1 bytes under a length of 3", func(w *Writer) { w.vec24(make([]byte, 1<<24-1)) }, ""},
		{"2^24 bytes under a length of 3", func(w *Writer) { w.vec24(make([]byte, 1<<24)) }, "vector of 16777216 bytes"},
		{"U24 of 0", func(w *Writer) { w.U24(0) }, ""},
		{"U24 of its maximum", func(w *Writer) { w.U24(1<<24 - 1) }, ""},
		{"U24 of more", func(w *Writer) { w.U24(1 << 24) }, "16777216 does not fit"},
		{"U24 of less than nothing", func(w *Writer) { w.U24(-1) }, "-1 does not fit"},
		{"End of nothing", func(w *Writer) { w.End(0) }, "End without its Begin"},
		{"End before the Begin", func(w *Writer) { w.End(-1) }, "End without its Begin"},
		{"End after B was taken", func(w *Writer) { m := w.Begin16(); w.B = nil; w.End(m) }, "End without its Begin"},
		{"the first error of two", func(w *Writer) { w.U24(-1); w.End(0) }, "-1 does not fit"},
		{"a host name too long", func(w *Writer) { PutServerName(w, strings.Repeat("a", 1<<16)) }, "vector of 65536 bytes"},
		{"a protocol name too long", func(w *Writer) { PutALPN(w, []string{strings.Repeat("a", 256)}) }, "vector of 256 bytes"},
		{"too many versions", func(w *Writer) { PutSupportedVersions(w, make([]iana.Version, 128)...) }, "vector of 256 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var w Writer
			test.write(&w)
			err := w.Err()
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantAlert(t, err, iana.InternalError, "write", test.want)
		})
	}
}
