package wire

import "github.com/s2ngo/s2ngo/iana"

// PutExtendedMasterSecret writes the empty extended_master_secret. RFC 7627, Section 5.1.
func PutExtendedMasterSecret(w *Writer) { putEmpty(w, iana.ExtendedMasterSecret) }

// PutSessionTicket writes the session_ticket of a ClientHello, empty to ask for one, and
// that of a ServerHello, always empty, which announces one. RFC 5077, Section 3.2.
func PutSessionTicket(w *Writer, ticket []byte) {
	x := w.BeginExtension(iana.SessionTicket)
	w.Raw(ticket)
	w.End(x)
}

// parseRenegotiationInfo reads the verify_data of the handshake that came before, none in
// the first one. RFC 5746, Section 3.2.
func parseRenegotiationInfo(r *Reader) []byte {
	r.at = "renegotiated_connection"
	return r.Vec8()
}

// PutRenegotiationInfo writes the verify_data of the handshake that came before, none in
// the first one. RFC 5746, Section 3.2.
func PutRenegotiationInfo(w *Writer, verifyData []byte) {
	x := w.BeginExtension(iana.RenegotiationInfo)
	w.vec8(verifyData)
	w.End(x)
}
