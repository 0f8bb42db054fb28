package wire

import (
	"bytes"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func TestReaderReadsInOrder(t *testing.T) {
	r := NewReader([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 1, 'a', 0, 2, 'b', 'c', 0, 0, 1, 'd', 'e', 'f'})
	if v := r.U8(); v != 1 {
		t.Errorf("U8 %#x", v)
	}
	if v := r.U16(); v != 0x0203 {
		t.Errorf("U16 %#x", v)
	}
	if v := r.U24(); v != 0x040506 {
		t.Errorf("U24 %#x", v)
	}
	if v := r.U32(); v != 0x0708090a {
		t.Errorf("U32 %#x", v)
	}
	if b := r.Bytes(2); !bytes.Equal(b, []byte{11, 12}) {
		t.Errorf("Bytes %x", b)
	}
	if b := r.Vec8(); string(b) != "a" {
		t.Errorf("Vec8 %q", b)
	}
	if b := r.Vec16(); string(b) != "bc" {
		t.Errorf("Vec16 %q", b)
	}
	if b := r.Vec24(); string(b) != "d" {
		t.Errorf("Vec24 %q", b)
	}
	if r.Len() != 2 {
		t.Errorf("Len %d", r.Len())
	}
	if b := r.Rest(); string(b) != "ef" {
		t.Errorf("Rest %q", b)
	}
	if err := r.End(); err != nil {
		t.Error(err)
	}
}

func TestReaderFirstErrorSticks(t *testing.T) {
	reads := []struct {
		name string
		read func(*Reader)
		want string
	}{
		{"U8 of nothing", func(r *Reader) { r.Rest(); r.U8() }, "1 bytes wanted, 0 there"},
		{"U16 of one byte", func(r *Reader) { r.Bytes(4); r.U16() }, "2 bytes wanted, 1 there"},
		{"U24 of two bytes", func(r *Reader) { r.Bytes(3); r.U24() }, "3 bytes wanted, 2 there"},
		{"U32 of three bytes", func(r *Reader) { r.Bytes(2); r.U32() }, "4 bytes wanted, 3 there"},
		{"too many bytes", func(r *Reader) { r.Bytes(6) }, "6 bytes wanted, 5 there"},
		{"a negative number of bytes", func(r *Reader) { r.Bytes(-1) }, "-1 bytes wanted, 5 there"},
		{"a vector longer than the rest", func(r *Reader) { r.Vec8() }, "5 bytes wanted, 4 there"},
		{"Fail", func(r *Reader) { r.Fail("no") }, "no"},
		{"bytes left over", func(r *Reader) { r.U8(); r.End() }, "4 bytes left over"},
	}
	for _, read := range reads {
		t.Run(read.name, func(t *testing.T) {
			r := NewReader([]byte{5, 1, 2, 3, 4})
			read.read(&r)
			if r.U8() != 0 || r.U16() != 0 || r.U24() != 0 || r.U32() != 0 || r.Bytes(1) != nil || r.Bytes(0) != nil ||
				r.Vec8() != nil || r.Vec16() != nil || r.Vec24() != nil || r.Rest() != nil || r.Len() != 0 {
				t.Error("a read after the error is not zero")
			}
			r.Fail("another")
			for _, err := range []error{r.Err(), r.End()} {
				if err == nil || err.Error() != read.want {
					t.Fatalf("error %v, want %q", err, read.want)
				}
				if alert := err.(*Error).Alert(); alert != iana.DecodeError {
					t.Errorf("alert %v", alert)
				}
			}
		})
	}
}

func TestReaderWithoutErrorReturnsNil(t *testing.T) {
	r := NewReader(nil)
	if err := r.Err(); err != nil {
		t.Errorf("Err %v", err)
	}
	if err := r.End(); err != nil {
		t.Errorf("End %v", err)
	}
}
