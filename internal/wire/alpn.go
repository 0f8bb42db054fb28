package wire

import (
	"iter"

	"github.com/s2ngo/s2ngo/iana"
)

// ProtocolNames is a list of ALPN protocol names in its wire form, without its length, in
// the client's order of preference. It lends the bytes of its message. RFC 7301, Section
// 3.1.
type ProtocolNames []byte

// All ranges over the names.
func (p ProtocolNames) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { p.each(yield) }
}

func (p ProtocolNames) each(yield func([]byte) bool) {
	for r := NewReader(p); r.Len() > 0; {
		if name := r.Vec8(); r.err != nil || !yield(name) {
			return
		}
	}
}

// Has reports whether name is in the list.
func (p ProtocolNames) Has(name string) bool {
	for r := NewReader(p); r.Len() > 0; {
		if got := r.Vec8(); r.err == nil && string(got) == name {
			return true
		}
	}
	return false
}

// parseALPN reads a list of one or more names, none of them empty.
func parseALPN(r *Reader) ProtocolNames {
	r.at = "protocol_name_list"
	names := r.nonEmpty(r.Vec16())
	list := Reader{b: names, at: r.at}
	for list.Len() > 0 {
		list.nonEmpty(list.Vec8())
	}
	r.adopt(&list)
	return names
}

// parseSelectedALPN reads the list by which a server says which name it has chosen: it
// has exactly one. RFC 7301, Section 3.1.
func parseSelectedALPN(r *Reader) []byte {
	names := parseALPN(r)
	list := Reader{b: names}
	name := list.Vec8()
	if list.Len() > 0 {
		r.Fail("more than one name")
	}
	return name
}

// PutALPN writes the protocol names that a client offers, each 1 to 255 bytes, the most
// preferred first. RFC 7301, Section 3.1.
func PutALPN(w *Writer, names []string) {
	x := w.BeginExtension(iana.ApplicationLayerProtocolNegotiation)
	l := w.Begin16()
	for _, name := range names {
		n := w.Begin8()
		w.RawString(name)
		w.End(n)
	}
	w.End(l)
	w.End(x)
}

// PutSelectedALPN writes the protocol name that a server has chosen. RFC 7301, Section
// 3.1.
func PutSelectedALPN(w *Writer, name string) {
	x := w.BeginExtension(iana.ApplicationLayerProtocolNegotiation)
	l := w.Begin16()
	n := w.Begin8()
	w.RawString(name)
	w.End(n)
	w.End(l)
	w.End(x)
}
