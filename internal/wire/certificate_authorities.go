package wire

import (
	"iter"

	"github.com/s2ngo/s2ngo/iana"
)

// DistinguishedNames is a list of DER-encoded names of certificate authorities in its wire
// form, without its length. It lends the bytes of its message. RFC 8446, Section 4.2.4.
type DistinguishedNames []byte

// All ranges over the names.
func (d DistinguishedNames) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { d.each(yield) }
}

func (d DistinguishedNames) each(yield func([]byte) bool) {
	for r := NewReader(d); r.Len() > 0; {
		if name := r.Vec16(); r.err != nil || !yield(name) {
			return
		}
	}
}

// parseCertificateAuthorities reads a list of one or more names, none of them empty. That
// they are names is not checked. RFC 8446, Section 4.2.4.
func parseCertificateAuthorities(r *Reader) DistinguishedNames {
	r.at = "authorities"
	return r.distinguishedNames(r.nonEmpty(r.Vec16()))
}

// distinguishedNames checks that b, the contents of a vector, is names of at least one byte
// each.
func (r *Reader) distinguishedNames(b []byte) DistinguishedNames {
	list := Reader{b: b, at: r.at}
	for list.Len() > 0 {
		list.nonEmpty(list.Vec16())
	}
	r.adopt(&list)
	return b
}

// PutCertificateAuthorities writes the DER-encoded names of the authorities that a
// ClientHello or a CertificateRequest accepts. RFC 8446, Section 4.2.4.
func PutCertificateAuthorities(w *Writer, names [][]byte) {
	x := w.BeginExtension(iana.CertificateAuthorities)
	l := w.Begin16()
	for _, name := range names {
		w.vec16(name)
	}
	w.End(l)
	w.End(x)
}
