package record

import (
	"bytes"
	"encoding/binary"

	"github.com/s2ngo/s2ngo/iana"
)

// putHeader writes the header of a record whose body has n bytes.
func putHeader(b []byte, t iana.RecordType, v iana.Version, n int) {
	_ = b[HeaderLen-1]
	b[0] = byte(t)
	binary.BigEndian.PutUint16(b[1:], uint16(v))
	binary.BigEndian.PutUint16(b[3:], uint16(n))
}

func headerVersion(h []byte) iana.Version { return iana.Version(binary.BigEndian.Uint16(h[1:])) }

func headerLength(h []byte) int { return int(binary.BigEndian.Uint16(h[3:])) }

// checkHeader refuses a header that no record may have in the present state, before the
// body is there.
func (r *Reader) checkHeader(h []byte) error {
	t, v, n := iana.RecordType(h[0]), headerVersion(h), headerLength(h)
	known := t >= iana.RecordChangeCipherSpec && t <= iana.RecordApplicationData
	if !r.started && (!known || h[1] != 3) {
		return refuseFirst(h)
	}
	if !known {
		return refuse(iana.UnexpectedMessage, "peer sent a record of unknown type %d", h[0])
	}
	if h[1] != 3 || r.version != 0 && v != r.version {
		return refuse(iana.ProtocolVersion, "peer sent a record of version %#04x", uint16(v))
	}
	if most := r.maxBody(); n > most {
		return refuse(iana.RecordOverflow, "peer sent a record of %d bytes, more than %d", n, most)
	}
	return r.checkOuter(t, n)
}

// maxBody returns the longest body that a record may have in the present state.
func (r *Reader) maxBody() int {
	switch {
	case r.opener == nil:
		return MaxPlaintext
	case r.hidden:
		return MaxCiphertext13
	}
	return MaxCiphertext12
}

// checkOuter refuses an outer type that has no place in the present state.
func (r *Reader) checkOuter(t iana.RecordType, n int) error {
	switch {
	case r.opener == nil:
		if t == iana.RecordApplicationData && r.skip != skipByType {
			return refuse(iana.UnexpectedMessage, "peer sent application data of %d bytes without protection", n)
		}
	case !r.hidden, t == iana.RecordApplicationData, t == iana.RecordChangeCipherSpec:
	case t == iana.RecordAlert && r.plainAlert && n == 2:
	default:
		return refuse(iana.UnexpectedMessage, "peer sent a record of type %v and %d bytes without protection", t, n)
	}
	return nil
}

// refuseFirst says what the first bytes of a connection are if they are no TLS record. An
// unknown type gets unexpected_message, as anywhere; a known type with a strange version
// gets protocol_version.
func refuseFirst(h []byte) error {
	switch {
	case h[0]&0x80 != 0 && h[2] == 1 && (h[3] == 0 && h[4] == 2 || h[3] == 3):
		return refuse(iana.ProtocolVersion, "peer sent an SSLv2 ClientHello instead of a TLS record")
	case httpRequest(h):
		return refuse(iana.UnexpectedMessage, "peer sent an HTTP request (%q) instead of a TLS record", h)
	case bytes.Equal(h, []byte("HTTP/")):
		return refuse(iana.UnexpectedMessage, "peer sent an HTTP response (%q) instead of a TLS record", h)
	case printable(h):
		return refuse(iana.UnexpectedMessage, "peer sent %q instead of a TLS record", h)
	case h[0] >= byte(iana.RecordChangeCipherSpec) && h[0] <= byte(iana.RecordApplicationData):
		return refuse(iana.ProtocolVersion, "peer sent a first record of version %#04x", uint16(headerVersion(h)))
	}
	return refuse(iana.UnexpectedMessage, "peer sent % x instead of a TLS record", h)
}

// httpRequest reports whether h is the beginning of a request line.
func httpRequest(h []byte) bool {
	for _, method := range [...]string{"GET /", "POST ", "HEAD ", "PUT /", "CONNE", "OPTIO", "DELET", "PATCH", "TRACE", "PRI *"} {
		if string(h) == method {
			return true
		}
	}
	return false
}

func printable(h []byte) bool {
	for _, c := range h {
		if (c < ' ' || c > '~') && c != '\r' && c != '\n' && c != '\t' {
			return false
		}
	}
	return true
}
