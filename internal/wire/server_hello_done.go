package wire

import "github.com/s2ngo/s2ngo/iana"

// ServerHelloDone ends the server's first flight in TLS 1.2 and is empty. RFC 5246, Section
// 7.4.5.
type ServerHelloDone struct{}

// Parse reads the body of a ServerHelloDone.
func (m *ServerHelloDone) Parse(body []byte) error {
	r := NewReader(body)
	if err := r.end(); err != nil {
		return err.in("server_hello_done")
	}
	return nil
}

// AppendServerHelloDone writes a ServerHelloDone.
func AppendServerHelloDone(w *Writer) { w.End(w.BeginMessage(iana.ServerHelloDone)) }
