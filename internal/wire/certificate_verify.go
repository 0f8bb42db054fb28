package wire

import "github.com/s2ngo/s2ngo/iana"

// CertificateVerify proves the possession of a certificate's key. Signature lends the
// bytes of the message. RFC 8446, Section 4.4.3.
type CertificateVerify struct {
	Scheme    iana.SignatureScheme
	Signature []byte
}

// Parse reads the body of a CertificateVerify.
func (m *CertificateVerify) Parse(body []byte) error {
	*m = CertificateVerify{}
	r := NewReader(body)
	r.at = "algorithm"
	m.Scheme = iana.SignatureScheme(r.U16())
	r.at = "signature"
	m.Signature = r.Vec16()
	if err := r.end(); err != nil {
		return err.in("certificate_verify")
	}
	return nil
}

// AppendCertificateVerify writes a CertificateVerify.
func AppendCertificateVerify(w *Writer, scheme iana.SignatureScheme, signature []byte) {
	m := w.BeginMessage(iana.CertificateVerify)
	w.U16(uint16(scheme))
	w.vec16(signature)
	w.End(m)
}
