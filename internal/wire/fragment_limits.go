package wire

import (
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// parseMaxFragmentLength reads the code of a length: 1 to 4 for 2^9 to 2^12 bytes. RFC
// 6066, Section 4.
func parseMaxFragmentLength(r *Reader) uint8 {
	v := r.U8()
	if r.err == nil && (v < 1 || v > 4) {
		r.illegal("code " + strconv.Itoa(int(v)))
	}
	return v
}

// PutMaxFragmentLength writes the max_fragment_length of a ClientHello, which
// EncryptedExtensions repeat: a code, 1 to 4 for 2^9 to 2^12 bytes. RFC 6066, Section 4.
func PutMaxFragmentLength(w *Writer, code uint8) {
	x := w.BeginExtension(iana.MaxFragmentLength)
	w.U8(code)
	w.End(x)
}

// parseRecordSizeLimit reads a limit in bytes. The one above it depends on the version and
// is not checked. RFC 8449, Section 4.
func parseRecordSizeLimit(r *Reader) uint16 {
	v := r.U16()
	if r.err == nil && v < 64 {
		r.illegal(strconv.Itoa(int(v)) + " bytes, less than 64")
	}
	return v
}

// PutRecordSizeLimit writes the record_size_limit of a ClientHello or of
// EncryptedExtensions: the most bytes of a record's plaintext, its type included, that
// the sender will take, at least 64. RFC 8449, Section 4.
func PutRecordSizeLimit(w *Writer, limit uint16) {
	x := w.BeginExtension(iana.RecordSizeLimit)
	w.U16(limit)
	w.End(x)
}
