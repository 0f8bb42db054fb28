package wire

import "github.com/s2ngo/s2ngo/iana"

// parseSupportedGroups reads a list of groups. RFC 8446, Section 4.2.7.
func parseSupportedGroups(r *Reader) iana.List[iana.Group] {
	r.at = "named_group_list"
	return codePoints[iana.Group](r, r.Vec16())
}

// PutSupportedGroups writes the supported_groups of a ClientHello or of
// EncryptedExtensions, the most preferred group first. RFC 8446, Section 4.2.7.
func PutSupportedGroups(w *Writer, groups []iana.Group) {
	putCodePoints(w, iana.SupportedGroups, groups)
}

// parseECPointFormats reads the point formats of TLS 1.2. RFC 8422, Section 5.1.2.
func parseECPointFormats(r *Reader) []byte {
	r.at = "ec_point_format_list"
	return r.nonEmpty(r.Vec8())
}

// PutECPointFormats writes the point formats of TLS 1.2, of which only uncompressed (0)
// is in use. RFC 8422, Section 5.1.2.
func PutECPointFormats(w *Writer, formats ...uint8) {
	x := w.BeginExtension(iana.ECPointFormats)
	w.vec8(formats)
	w.End(x)
}
