package wire

import "strconv"

// FinishedLen12 is the number of bytes of verify_data in TLS 1.2, whatever the cipher suite.
// RFC 5246, Section 7.4.9.
const FinishedLen12 = 12

// Finished12 confirms a handshake of TLS 1.2. VerifyData, FinishedLen12 bytes, lends those
// of the message. AppendFinished writes it. RFC 5246, Section 7.4.9.
type Finished12 struct{ VerifyData []byte }

// Parse reads the body of a Finished.
func (m *Finished12) Parse(body []byte) error {
	*m = Finished12{}
	r := NewReader(body)
	r.at = "verify_data"
	m.VerifyData = r.Rest()
	if n := len(m.VerifyData); n != FinishedLen12 {
		r.Fail(strconv.Itoa(n) + " bytes instead of " + strconv.Itoa(FinishedLen12))
	}
	if err := r.end(); err != nil {
		return err.in("finished")
	}
	return nil
}
