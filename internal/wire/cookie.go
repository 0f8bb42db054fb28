package wire

import "github.com/s2ngo/s2ngo/iana"

// parseCookie reads the cookie of a HelloRetryRequest or of the ClientHello that follows.
// RFC 8446, Section 4.2.2.
func parseCookie(r *Reader) []byte {
	r.at = "cookie"
	return r.nonEmpty(r.Vec16())
}

// PutCookie writes the cookie of a HelloRetryRequest, which the ClientHello that follows
// repeats. RFC 8446, Section 4.2.2.
func PutCookie(w *Writer, cookie []byte) {
	x := w.BeginExtension(iana.Cookie)
	w.vec16(cookie)
	w.End(x)
}
