package wire

import "github.com/s2ngo/s2ngo/iana"

// CertificateRequest asks a client for a certificate. All slices lend the bytes of the
// message. RFC 8446, Section 4.3.2.
type CertificateRequest struct {
	Context    []byte // 0 to 255 bytes, none during the handshake
	Extensions Extensions
	Has        Set // the extensions that are there, of those known

	SignatureAlgorithms     iana.List[iana.SignatureScheme]
	SignatureAlgorithmsCert iana.List[iana.SignatureScheme]
	CertificateAuthorities  DistinguishedNames
	StatusRequest           bool // an OCSP response is welcome
	SCT                     bool
}

// Parse reads the body of a CertificateRequest.
func (m *CertificateRequest) Parse(body []byte) error {
	const name = "certificate_request"
	*m = CertificateRequest{}
	r := NewReader(body)
	r.at = "certificate_request_context"
	m.Context = r.Vec8()
	r.at = "extensions"
	m.Extensions = r.Vec16()
	if err := r.end(); err != nil {
		return err.in(name)
	}

	var err *Error
	if m.Has, err = m.Extensions.check(inCertificateRequest, 0); err != nil {
		return err.in(name)
	}
	if !m.Has.Has(iana.SignatureAlgorithms) {
		return &Error{iana.MissingExtension, name + ": no signature_algorithms"}
	}
	for block := NewReader(m.Extensions); block.Len() > 0; {
		t, data := block.extension()
		x := NewReader(data)
		m.parseExtension(t, &x)
		if err := x.end(); err != nil {
			return err.inExtension(t, name)
		}
	}
	return nil
}

func (m *CertificateRequest) parseExtension(t iana.Extension, r *Reader) {
	switch t {
	case iana.SignatureAlgorithms:
		m.SignatureAlgorithms = parseSignatureAlgorithms(r)
	case iana.SignatureAlgorithmsCert:
		m.SignatureAlgorithmsCert = parseSignatureAlgorithms(r)
	case iana.CertificateAuthorities:
		m.CertificateAuthorities = parseCertificateAuthorities(r)
	case iana.StatusRequest:
		m.StatusRequest = true
	case iana.SignedCertificateTimestamp:
		m.SCT = true
	default:
		r.Rest()
	}
}

// BeginCertificateRequest writes a CertificateRequest up to its extensions, which follow
// between Writer.Begin16 and Writer.End; Writer.End with the mark returned completes it.
func BeginCertificateRequest(w *Writer, context []byte) int {
	m := w.BeginMessage(iana.CertificateRequest)
	w.vec8(context)
	return m
}
