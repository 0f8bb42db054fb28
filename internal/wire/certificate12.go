package wire

import (
	"iter"
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// Certificate12 is the chain of a server or a client in TLS 1.2; that of a client may be
// empty. It lends the bytes of the message. RFC 5246, Section 7.4.2.
type Certificate12 struct {
	entries []byte
	n       int
}

// Parse reads the body of a Certificate of at most maxEntries certificates.
func (m *Certificate12) Parse(body []byte, maxEntries int) error {
	const name = "certificate"
	*m = Certificate12{}
	r := NewReader(body)
	r.at = "certificate_list"
	m.entries = r.Vec24()
	if err := r.end(); err != nil {
		return err.in(name)
	}
	for list := NewReader(m.entries); list.Len() > 0; m.n++ {
		if m.n >= maxEntries {
			return &Error{iana.CertificateUnknown, name + ": more than " + strconv.Itoa(maxEntries) + " entries"}
		}
		if list.nonEmpty(list.Vec24()); list.err != nil {
			return list.err.in("entry " + strconv.Itoa(m.n)).in(name)
		}
	}
	return nil
}

// Len returns the number of certificates.
func (m *Certificate12) Len() int { return m.n }

// All ranges over the certificates in DER, that of the owner first.
func (m *Certificate12) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { m.each(yield) }
}

func (m *Certificate12) each(yield func([]byte) bool) {
	for r := NewReader(m.entries); r.Len() > 0; {
		if der := r.Vec24(); r.err != nil || !yield(der) {
			return
		}
	}
}

// BeginCertificate12 begins a Certificate of TLS 1.2: certificates follow, then
// EndCertificate12.
func BeginCertificate12(w *Writer) Mark2 {
	return Mark2{w.BeginMessage(iana.Certificate), w.Begin24()}
}

// PutCertificate12 writes one certificate in DER, the owner's first.
func PutCertificate12(w *Writer, der []byte) { w.vec24(der) }

// EndCertificate12 ends what BeginCertificate12 began.
func EndCertificate12(w *Writer, m Mark2) { w.end2(m) }
