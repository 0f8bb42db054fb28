package wire

import "github.com/s2ngo/s2ngo/iana"

// parseSupportedVersions reads the client's list. RFC 8446, Section 4.2.1.
func parseSupportedVersions(r *Reader) iana.List[iana.Version] {
	r.at = "versions"
	return codePoints[iana.Version](r, r.Vec8())
}

// PutSupportedVersions writes the supported_versions of a ClientHello, the most preferred
// version first. RFC 8446, Section 4.2.1.
func PutSupportedVersions(w *Writer, versions ...iana.Version) {
	x := w.BeginExtension(iana.SupportedVersions)
	l := w.Begin8()
	for _, v := range versions {
		w.U16(uint16(v))
	}
	w.End(l)
	w.End(x)
}

// parseSelectedVersion reads the server's choice, which is TLS 1.3 or later: an earlier
// version is never chosen in this way. RFC 8446, Section 4.2.1.
func parseSelectedVersion(r *Reader) iana.Version {
	v := iana.Version(r.U16())
	if r.err == nil && v < iana.TLS13 {
		r.illegal(v.String() + " is before TLSv1.3")
		return 0
	}
	return v
}

// PutSelectedVersion writes the supported_versions of a ServerHello or a
// HelloRetryRequest. RFC 8446, Section 4.2.1.
func PutSelectedVersion(w *Writer, v iana.Version) {
	x := w.BeginExtension(iana.SupportedVersions)
	w.U16(uint16(v))
	w.End(x)
}
