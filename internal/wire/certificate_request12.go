package wire

import "github.com/s2ngo/s2ngo/iana"

// Values of ClientCertificateType that are in use; ECDSASign is for Ed25519 as well. RFC
// 5246, Section 7.4.4; RFC 8422, Section 5.5.
const (
	RSASign   uint8 = 1
	ECDSASign uint8 = 64
)

// CertificateRequest12 asks a client for a certificate in TLS 1.2. All slices lend the bytes
// of the message. RFC 5246, Section 7.4.4.
type CertificateRequest12 struct {
	CertificateTypes       []byte // at least one, of ClientCertificateType
	SignatureAlgorithms    iana.List[iana.SignatureScheme]
	CertificateAuthorities DistinguishedNames // none where any authority will do
}

// Parse reads the body of a CertificateRequest.
func (m *CertificateRequest12) Parse(body []byte) error {
	*m = CertificateRequest12{}
	r := NewReader(body)
	r.at = "certificate_types"
	m.CertificateTypes = r.nonEmpty(r.Vec8())
	m.SignatureAlgorithms = parseSignatureAlgorithms(&r)
	r.at = "certificate_authorities"
	m.CertificateAuthorities = r.distinguishedNames(r.Vec16())
	if err := r.end(); err != nil {
		return err.in("certificate_request")
	}
	return nil
}

// AppendCertificateRequest12 writes a CertificateRequest of TLS 1.2: the types of keys, the
// signature schemes, the most preferred first, and the DER-encoded names of authorities.
func AppendCertificateRequest12(w *Writer, types []uint8, schemes []iana.SignatureScheme, authorities [][]byte) {
	m := w.BeginMessage(iana.CertificateRequest)
	w.vec8(types)
	l := w.Begin16()
	for _, s := range schemes {
		w.U16(uint16(s))
	}
	w.End(l)
	l = w.Begin16()
	for _, name := range authorities {
		w.vec16(name)
	}
	w.End(l)
	w.End(m)
}
