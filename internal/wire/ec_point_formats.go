package wire

import (
	"bytes"

	"github.com/s2ngo/s2ngo/iana"
)

// PointUncompressed is the only form in which points of the NIST curves travel. RFC 8422,
// Section 5.1.2.
const PointUncompressed uint8 = 0

// parseECPointFormats reads the point formats of a ClientHello. That uncompressed is among
// them matters only where TLS 1.2 takes a suite with elliptic curves. RFC 8422, Section
// 5.1.2.
func parseECPointFormats(r *Reader) []byte {
	r.at = "ec_point_format_list"
	return r.nonEmpty(r.Vec8())
}

// parseSelectedPointFormats reads the point formats of a ServerHello. RFC 8422, Section 5.2.
func parseSelectedPointFormats(r *Reader) []byte {
	formats := parseECPointFormats(r)
	if r.err == nil && bytes.IndexByte(formats, PointUncompressed) < 0 {
		r.illegal("no uncompressed")
	}
	return formats
}

// PutECPointFormats writes the point formats of either hello of TLS 1.2, of which only
// uncompressed is in use. RFC 8422, Section 5.1.2.
func PutECPointFormats(w *Writer, formats ...uint8) {
	x := w.BeginExtension(iana.ECPointFormats)
	w.vec8(formats)
	w.End(x)
}
