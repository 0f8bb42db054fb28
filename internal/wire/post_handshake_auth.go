package wire

import "github.com/s2ngo/s2ngo/iana"

// PutPostHandshakeAuth writes the empty post_handshake_auth of a ClientHello. RFC 8446,
// Section 4.2.6.
func PutPostHandshakeAuth(w *Writer) { putEmpty(w, iana.PostHandshakeAuth) }
