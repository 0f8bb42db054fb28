package wire

import "github.com/s2ngo/s2ngo/iana"

// PutSCTRequest writes the empty signed_certificate_timestamp by which a ClientHello or a
// CertificateRequest asks for timestamps. RFC 6962, Section 3.3.1.
func PutSCTRequest(w *Writer) { putEmpty(w, iana.SignedCertificateTimestamp) }

// parseSCTList reads the timestamps that come with a certificate. It returns the whole
// SignedCertificateTimestampList with its length, the form in which logs and libraries
// pass it around. RFC 6962, Section 3.3.
func parseSCTList(r *Reader) []byte {
	r.at = "sct_list"
	whole := r.b
	list := Reader{b: r.nonEmpty(r.Vec16()), at: r.at}
	for list.Len() > 0 {
		list.nonEmpty(list.Vec16())
	}
	r.adopt(&list)
	return whole
}

// CheckSCTList reports what is wrong with the form of a list of our own, whole and with its
// length: a peer would refuse it. RFC 6962, Section 3.3.
func CheckSCTList(list []byte) error {
	r := NewReader(list)
	parseSCTList(&r)
	if err := r.end(); err != nil {
		return err
	}
	return nil
}

// PutSCTList writes the timestamps that come with a certificate, a whole
// SignedCertificateTimestampList with its length: in the ServerHello of TLS 1.2, beside the
// certificate in TLS 1.3. RFC 6962, Section 3.3.1.
func PutSCTList(w *Writer, list []byte) {
	x := w.BeginExtension(iana.SignedCertificateTimestamp)
	w.Raw(list)
	w.End(x)
}
