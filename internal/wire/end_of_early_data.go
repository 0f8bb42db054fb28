package wire

import "github.com/s2ngo/s2ngo/iana"

// EndOfEarlyData ends the early data of a client and is empty. RFC 8446, Section 4.5.
type EndOfEarlyData struct{}

// Parse reads the body of an EndOfEarlyData.
func (m *EndOfEarlyData) Parse(body []byte) error {
	r := NewReader(body)
	if err := r.end(); err != nil {
		return err.in("end_of_early_data")
	}
	return nil
}

// AppendEndOfEarlyData writes an EndOfEarlyData.
func AppendEndOfEarlyData(w *Writer) { w.End(w.BeginMessage(iana.EndOfEarlyData)) }
