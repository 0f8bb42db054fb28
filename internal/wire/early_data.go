package wire

import "github.com/s2ngo/s2ngo/iana"

// PutEarlyData writes the empty early_data by which a ClientHello announces early data
// and EncryptedExtensions accept it. RFC 8446, Section 4.2.10.
func PutEarlyData(w *Writer) { putEmpty(w, iana.EarlyData) }

// PutMaxEarlyData writes the early_data of a NewSessionTicket: the number of bytes of
// early data that the ticket permits. RFC 8446, Section 4.2.10.
func PutMaxEarlyData(w *Writer, n uint32) {
	x := w.BeginExtension(iana.EarlyData)
	w.U32(n)
	w.End(x)
}
