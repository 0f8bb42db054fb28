package wire

import "github.com/s2ngo/s2ngo/iana"

// parseSignatureAlgorithms reads a list of signature schemes. RFC 8446, Section 4.2.3.
func parseSignatureAlgorithms(r *Reader) iana.List[iana.SignatureScheme] {
	r.at = "supported_signature_algorithms"
	return codePoints[iana.SignatureScheme](r, r.Vec16())
}

// PutSignatureAlgorithms writes the schemes that a ClientHello or a CertificateRequest
// accepts in CertificateVerify, the most preferred first. RFC 8446, Section 4.2.3.
func PutSignatureAlgorithms(w *Writer, schemes []iana.SignatureScheme) {
	putCodePoints(w, iana.SignatureAlgorithms, schemes)
}

// PutSignatureAlgorithmsCert writes the schemes that a ClientHello or a CertificateRequest
// accepts in certificates, where these are others. RFC 8446, Section 4.2.3.
func PutSignatureAlgorithmsCert(w *Writer, schemes []iana.SignatureScheme) {
	putCodePoints(w, iana.SignatureAlgorithmsCert, schemes)
}
