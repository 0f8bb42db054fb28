package iana

import "strconv"

// List is a list of code points in its wire form, two bytes each, read in place: it
// lends the bytes it was made from. A List of odd length has no last half element.
type List[T ~uint16] []byte

// Len returns the number of elements.
func (l List[T]) Len() int { return len(l) / 2 }

// At returns element i, counted from 0.
func (l List[T]) At(i int) T { return T(uint16(l[2*i])<<8 | uint16(l[2*i+1])) }

// Has reports whether v is in the list.
func (l List[T]) Has(v T) bool {
	for i := range l.Len() {
		if l.At(i) == v {
			return true
		}
	}
	return false
}

// Slice returns the elements in a new slice.
func (l List[T]) Slice() []T {
	s := make([]T, l.Len())
	for i := range s {
		s[i] = l.At(i)
	}
	return s
}

// MakeList returns the wire form of vs in a new List.
func MakeList[T ~uint16](vs ...T) List[T] {
	l := make(List[T], 0, 2*len(vs))
	for _, v := range vs {
		l = append(l, byte(v>>8), byte(v))
	}
	return l
}

// IsGREASE reports whether v is one of the sixteen reserved values of RFC 8701 that
// peers send to keep receivers tolerant of the unknown.
func IsGREASE(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

func number(v uint16) string {
	s := strconv.FormatUint(uint64(v)|0x10000, 16)
	if IsGREASE(v) {
		return "GREASE(0x" + s[1:] + ")"
	}
	return "0x" + s[1:]
}

func octet(v uint8) string { return strconv.Itoa(int(v)) }
