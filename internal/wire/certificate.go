package wire

import (
	"iter"
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// Certificate is the chain of a server or a client; that of a client may be empty. All
// slices lend the bytes of the message. RFC 8446, Section 4.4.2.
type Certificate struct {
	Context []byte // that of the CertificateRequest, none from a server
	entries []byte
	n       int
}

// CertificateEntry is one certificate and what its owner adds to it.
type CertificateEntry struct {
	DER          []byte
	Extensions   Extensions
	OCSPResponse []byte // DER, nil if there is none
	SCTList      []byte // a SignedCertificateTimestampList with its length, nil if there is none
}

// Parse reads the body of a Certificate of at most maxEntries certificates, whose
// extensions may be those offered by the ClientHello or by the CertificateRequest.
func (m *Certificate) Parse(body []byte, offered Set, maxEntries int) error {
	const name = "certificate"
	*m = Certificate{}
	r := NewReader(body)
	r.at = "certificate_request_context"
	m.Context = r.Vec8()
	r.at = "certificate_list"
	m.entries = r.Vec24()
	if err := r.end(); err != nil {
		return err.in(name)
	}
	for list := NewReader(m.entries); list.Len() > 0; m.n++ {
		if m.n >= maxEntries {
			return &Error{iana.CertificateUnknown, name + ": more than " + strconv.Itoa(maxEntries) + " entries"}
		}
		if _, err := list.certificateEntry(offered); err != nil {
			return err.in("entry " + strconv.Itoa(m.n)).in(name)
		}
	}
	return nil
}

// Len returns the number of certificates.
func (m *Certificate) Len() int { return m.n }

// All ranges over the certificates, that of the owner first.
func (m *Certificate) All() iter.Seq[CertificateEntry] {
	return func(yield func(CertificateEntry) bool) { m.each(yield) }
}

func (m *Certificate) each(yield func(CertificateEntry) bool) {
	const all = ^Set(0) // Parse has judged what was offered
	for r := NewReader(m.entries); r.Len() > 0; {
		if e, err := r.certificateEntry(all); err != nil || !yield(e) {
			return
		}
	}
}

func (r *Reader) certificateEntry(offered Set) (e CertificateEntry, err *Error) {
	r.at = "cert_data"
	e.DER = r.nonEmpty(r.Vec24())
	r.at = "extensions"
	e.Extensions = r.Vec16()
	if r.err != nil {
		return e, r.err
	}
	if _, err := e.Extensions.check(inCertificate, offered); err != nil {
		return e, err
	}
	for block := NewReader(e.Extensions); block.Len() > 0; {
		t, data := block.extension()
		x := NewReader(data)
		switch t {
		case iana.StatusRequest:
			e.OCSPResponse = parseOCSPResponse(&x)
		case iana.SignedCertificateTimestamp:
			e.SCTList = parseSCTList(&x)
		default:
			x.Rest()
		}
		if err := x.end(); err != nil {
			return e, err.in("extension " + t.String())
		}
	}
	return e, nil
}

// BeginCertificate begins a Certificate: entries follow, then EndCertificate.
func BeginCertificate(w *Writer, context []byte) Mark2 {
	m := w.BeginMessage(iana.Certificate)
	w.vec8(context)
	return Mark2{m, w.Begin24()}
}

// PutCertificateEntry writes one certificate, the owner's first. The OCSP response (DER)
// and the SignedCertificateTimestampList, with its length, are left out if empty; they
// may be there only if the peer has asked for them.
func PutCertificateEntry(w *Writer, der, ocspResponse, sctList []byte) {
	w.vec24(der)
	x := w.Begin16()
	if len(ocspResponse) > 0 {
		putOCSPResponse(w, ocspResponse)
	}
	if len(sctList) > 0 {
		PutSCTList(w, sctList)
	}
	w.End(x)
}

// EndCertificate ends what BeginCertificate began.
func EndCertificate(w *Writer, m Mark2) { w.end2(m) }
