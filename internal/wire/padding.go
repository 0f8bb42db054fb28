package wire

import "github.com/s2ngo/s2ngo/iana"

// PutPadding writes a padding extension of n bytes in addition to its own four. RFC 7685.
func PutPadding(w *Writer, n int) {
	x := w.BeginExtension(iana.Padding)
	for range n {
		w.U8(0)
	}
	w.End(x)
}
