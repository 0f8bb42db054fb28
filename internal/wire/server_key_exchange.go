package wire

import (
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// namedCurve is the only ECCurveType there is: explicit curves were dropped. RFC 8422,
// Section 5.4.
const namedCurve = 3

// ServerECDHParams is the server's share of an ECDHE exchange. All slices lend the bytes of
// the message. RFC 8422, Section 5.4.
type ServerECDHParams struct {
	Group iana.Group
	Point []byte // 1 to 255 bytes
	Raw   []byte // the parameters as they are signed
}

// ServerDHParams is the server's share of a DHE exchange: a prime, a generator and a public
// value, at least one byte each, the highest first. All slices lend the bytes of the
// message. RFC 5246, Section 7.4.3.
type ServerDHParams struct {
	P, G, Ys []byte
	Raw      []byte // the parameters as they are signed
}

// ServerECDHE is the ServerKeyExchange of an ECDHE suite. The signature is over the random
// of the client, that of the server, and Raw.
type ServerECDHE struct {
	ServerECDHParams
	Scheme    iana.SignatureScheme
	Signature []byte
}

// ServerDHE is the ServerKeyExchange of a DHE suite. The signature is over the random of
// the client, that of the server, and Raw.
type ServerDHE struct {
	ServerDHParams
	Scheme    iana.SignatureScheme
	Signature []byte
}

// ParseServerECDHE reads the body of the ServerKeyExchange of an ECDHE suite. Any curve_type
// but named_curve is an illegal_parameter.
func ParseServerECDHE(body []byte) (m ServerECDHE, err error) {
	r := NewReader(body)
	r.at = "curve_type"
	if t := r.U8(); r.err == nil && t != namedCurve {
		r.illegal(strconv.Itoa(int(t)) + " is not named_curve")
	}
	r.at = "namedcurve"
	m.Group = iana.Group(r.U16())
	r.at = "point"
	m.Point = r.nonEmpty(r.Vec8())
	m.Raw, m.Scheme, m.Signature = r.signedParams(body)
	return m, r.endServerKeyExchange()
}

// ParseServerDHE reads the body of the ServerKeyExchange of a DHE suite. What the numbers
// are is not checked.
func ParseServerDHE(body []byte) (m ServerDHE, err error) {
	r := NewReader(body)
	r.at = "dh_p"
	m.P = r.nonEmpty(r.Vec16())
	r.at = "dh_g"
	m.G = r.nonEmpty(r.Vec16())
	r.at = "dh_Ys"
	m.Ys = r.nonEmpty(r.Vec16())
	m.Raw, m.Scheme, m.Signature = r.signedParams(body)
	return m, r.endServerKeyExchange()
}

// signedParams returns what of body r has read, and reads the signature over it.
func (r *Reader) signedParams(body []byte) (raw []byte, scheme iana.SignatureScheme, signature []byte) {
	n := len(body) - r.Len()
	r.at = "algorithm"
	scheme = iana.SignatureScheme(r.U16())
	r.at = "signature"
	signature = r.Vec16()
	return body[:n:n], scheme, signature
}

func (r *Reader) endServerKeyExchange() error {
	if err := r.end(); err != nil {
		return err.in("server_key_exchange")
	}
	return nil
}

// AppendServerECDHParams appends the parameters of an ECDHE exchange, which are to be signed
// before AppendServerKeyExchange makes a message of them, to dst. The point is that of a
// group and thus 1 to 255 bytes long.
func AppendServerECDHParams(dst []byte, g iana.Group, point []byte) []byte {
	dst = append(dst, namedCurve, byte(g>>8), byte(g), byte(len(point)))
	return append(dst, point...)
}

// AppendServerDHParams appends the parameters of a DHE exchange, which are to be signed
// before AppendServerKeyExchange makes a message of them, to dst. Each number is one of a
// group and thus less than 2^16 bytes long.
func AppendServerDHParams(dst, p, g, ys []byte) []byte {
	for _, n := range [...][]byte{p, g, ys} {
		dst = append(dst, byte(len(n)>>8), byte(len(n)))
		dst = append(dst, n...)
	}
	return dst
}

// AppendServerKeyExchange writes a ServerKeyExchange: parameters and the signature over the
// random of the client, that of the server, and them.
func AppendServerKeyExchange(w *Writer, params []byte, scheme iana.SignatureScheme, signature []byte) {
	m := w.BeginMessage(iana.ServerKeyExchange)
	w.Raw(params)
	w.U16(uint16(scheme))
	w.vec16(signature)
	w.End(m)
}
