package record

import "github.com/s2ngo/s2ngo/iana"

// SSLv2Hello is the type of a Record that is a ClientHello in the framing of SSLv2, and no
// record of TLS: its Payload is all that follows the two bytes of its length. The value is
// none that the wire knows.
const SSLv2Hello iana.RecordType = 128

// AllowSSLv2Hello lets the first bytes of a connection be a ClientHello in the framing of
// SSLv2, which very old clients begin with (RFC 5246, Appendix E.2).
func (r *Reader) AllowSSLv2Hello(on bool) { r.sslv2 = on }

// sslv2Length returns the length of such a ClientHello with that of its framing; ok is
// false if b, of HeaderLen bytes at least, begins with something else.
func (r *Reader) sslv2Length(b []byte) (whole int, ok bool) {
	if !r.sslv2 || r.started || r.opener != nil || b[0]&0x80 == 0 || b[2] != byte(iana.ClientHello) || b[3] != 3 {
		return 0, false
	}
	return 2 + int(b[0]&0x7f)<<8 + int(b[1]), true
}

// takeSSLv2 consumes it.
func (r *Reader) takeSSLv2(b []byte, whole int) (Record, error) {
	switch {
	case whole < HeaderLen:
		return Record{}, refuse(iana.DecodeError, "peer sent an SSLv2 ClientHello of %d bytes", whole-2)
	case whole > 2+MaxPlaintext:
		return Record{}, refuse(iana.RecordOverflow, "peer sent an SSLv2 ClientHello of %d bytes, more than %d", whole-2, MaxPlaintext)
	case len(b) < whole:
		return Record{}, ErrNeedMore
	}
	r.start += whole
	r.last, r.started = uint16(whole), true
	return Record{Type: SSLv2Hello, Version: iana.Version(b[3])<<8 | iana.Version(b[4]), Payload: b[2:whole:whole]}, nil
}
