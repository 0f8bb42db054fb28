package wire

import (
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// Finished confirms the handshake. VerifyData lends the bytes of the message; whether it
// has the length of the hash is for the caller to see, who knows the hash. RFC 8446,
// Section 4.4.4.
type Finished struct{ VerifyData []byte }

// Parse reads the body of a Finished, 1 to 64 bytes.
func (m *Finished) Parse(body []byte) error {
	*m = Finished{}
	r := NewReader(body)
	r.at = "verify_data"
	m.VerifyData = r.nonEmpty(r.Rest())
	if n := len(m.VerifyData); n > maxFinished {
		r.Fail(strconv.Itoa(n) + " bytes, more than " + strconv.Itoa(maxFinished))
	}
	if err := r.end(); err != nil {
		return err.in("finished")
	}
	return nil
}

// AppendFinished writes a Finished.
func AppendFinished(w *Writer, verifyData []byte) {
	m := w.BeginMessage(iana.Finished)
	w.Raw(verifyData)
	w.End(m)
}
