package wire

import (
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// statusOCSP is the only CertificateStatusType in use. RFC 6066, Section 8.
const statusOCSP = 1

// parseStatusRequest reads the client's request and reports whether it is for OCSP. That
// of another type has contents of which nothing is known. RFC 6066, Section 8.
func parseStatusRequest(r *Reader) bool {
	r.at = "status_type"
	if t := r.U8(); r.err != nil || t != statusOCSP {
		r.Rest()
		return false
	}
	r.at = "responder_id_list"
	list := Reader{b: r.Vec16(), at: r.at}
	for list.Len() > 0 {
		list.nonEmpty(list.Vec16())
	}
	r.adopt(&list)
	r.at = "request_extensions"
	r.Vec16()
	return r.err == nil
}

// PutStatusRequest writes the status_request of a ClientHello: OCSP, of any responder.
// RFC 6066, Section 8.
func PutStatusRequest(w *Writer) {
	x := w.BeginExtension(iana.StatusRequest)
	w.U8(statusOCSP)
	w.U16(0)
	w.U16(0)
	w.End(x)
}

// PutEmptyStatusRequest writes the status_request of a CertificateRequest of TLS 1.3 and of
// a ServerHello of TLS 1.2, which says that a CertificateStatus follows the certificate. RFC
// 8446, Section 4.4.2.1; RFC 6066, Section 8.
func PutEmptyStatusRequest(w *Writer) { putEmpty(w, iana.StatusRequest) }

// parseOCSPResponse reads the status that comes with a certificate. RFC 6066, Section 8.
func parseOCSPResponse(r *Reader) []byte {
	r.at = "status_type"
	if t := r.U8(); r.err == nil && t != statusOCSP {
		r.Fail(strconv.Itoa(int(t)) + " is not ocsp")
	}
	r.at = "ocsp_response"
	return r.nonEmpty(r.Vec24())
}

// putOCSPResponse writes the status that comes with a certificate. RFC 6066, Section 8.
func putOCSPResponse(w *Writer, response []byte) {
	x := w.BeginExtension(iana.StatusRequest)
	w.U8(statusOCSP)
	w.vec24(response)
	w.End(x)
}
