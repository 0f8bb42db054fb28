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
