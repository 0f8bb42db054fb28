package wire

import (
	"iter"

	"github.com/s2ngo/s2ngo/iana"
)

// Set holds extensions, of those that this package knows; others it does not take in.
type Set uint64

// Has reports whether t is in s.
func (s Set) Has(t iana.Extension) bool { return s>>bit(t)&1 == 1 }

// Add puts t into s, if it is known.
func (s *Set) Add(t iana.Extension) {
	if i := bit(t); placement[i] != 0 {
		*s |= 1 << i
	}
}

// Extensions is the contents of an extension block, without its length. It lends the
// bytes of the message that it belongs to.
type Extensions []byte

// Get returns the contents of extension t.
func (e Extensions) Get(t iana.Extension) (data []byte, ok bool) {
	for r := NewReader(e); r.Len() > 0; {
		if got, data := r.extension(); r.err == nil && got == t {
			return data, true
		}
	}
	return nil, false
}

// All ranges over the extensions and their contents in the order they came in.
func (e Extensions) All() iter.Seq2[iana.Extension, []byte] {
	return func(yield func(iana.Extension, []byte) bool) { e.each(yield) }
}

func (e Extensions) each(yield func(iana.Extension, []byte) bool) {
	for r := NewReader(e); r.Len() > 0; {
		if t, data := r.extension(); r.err != nil || !yield(t, data) {
			return
		}
	}
}

// extension reads the type and the contents of one extension.
func (r *Reader) extension() (iana.Extension, []byte) {
	return iana.Extension(r.U16()), r.Vec16()
}

// check judges a block as a whole: that it can be taken apart, that no extension is there
// twice, that each may stand at this place and, where the place is that of an answer, was
// offered. It returns those it knows. An unknown extension is passed over in a request
// and was certainly not offered in an answer. RFC 8446, Section 4.2.
func (e Extensions) check(at place, offered Set) (Set, *Error) {
	var (
		known   Set
		unknown seen
	)
	r := Reader{b: e, at: "extensions"}
	var misplaced *Error // the first: a block that is malformed is refused for that
	for r.Len() > 0 {
		t, _ := r.extension()
		if r.err != nil {
			return 0, r.err
		}
		allowed := placement[bit(t)]
		if known.Has(t) || allowed == 0 && unknown.before(uint16(t)) {
			return 0, &Error{at.duplicateAlert(), "extension " + t.String() + ": there twice"}
		}
		switch {
		case misplaced != nil:
		case at == inServerHello12 && !offered.Has(t): // TLS 1.2 has no other alert (RFC 5246, Section 7.4.1.4)
			misplaced = &Error{iana.UnsupportedExtension, "extension " + t.String() + ": was not offered"}
		case allowed != 0 && allowed&at == 0 && at != anywhere:
			misplaced = &Error{iana.IllegalParameter, "extension " + t.String() + ": does not belong here"}
		case at&inAnswer != 0 && (allowed == 0 || !offered.Has(t)):
			misplaced = &Error{iana.UnsupportedExtension, "extension " + t.String() + ": was not offered"}
		}
		known.Add(t)
	}
	if misplaced != nil {
		return 0, misplaced
	}
	return known, nil
}
