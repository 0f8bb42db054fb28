package wire

import "github.com/s2ngo/s2ngo/iana"

// CertificateStatus brings the OCSP response of a server in TLS 1.2. Response, in DER, lends
// the bytes of the message. RFC 6066, Section 8.
type CertificateStatus struct{ Response []byte }

// Parse reads the body of a CertificateStatus.
func (m *CertificateStatus) Parse(body []byte) error {
	r := NewReader(body)
	m.Response = parseOCSPResponse(&r)
	if err := r.end(); err != nil {
		return err.in("certificate_status")
	}
	return nil
}

// AppendCertificateStatus writes a CertificateStatus of an OCSP response in DER.
func AppendCertificateStatus(w *Writer, response []byte) {
	m := w.BeginMessage(iana.CertificateStatus)
	w.U8(statusOCSP)
	w.vec24(response)
	w.End(m)
}
