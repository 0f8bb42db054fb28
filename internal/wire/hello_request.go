package wire

import "github.com/s2ngo/s2ngo/iana"

// HelloRequest asks a client of TLS 1.2 to begin a new handshake and is empty. It never
// enters a transcript. RFC 5246, Section 7.4.1.1.
type HelloRequest struct{}

// Parse reads the body of a HelloRequest.
func (m *HelloRequest) Parse(body []byte) error {
	r := NewReader(body)
	if err := r.end(); err != nil {
		return err.in("hello_request")
	}
	return nil
}

// AppendHelloRequest writes a HelloRequest.
func AppendHelloRequest(w *Writer) { w.End(w.BeginMessage(iana.HelloRequest)) }
