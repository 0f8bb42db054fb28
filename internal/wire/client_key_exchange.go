package wire

import "github.com/s2ngo/s2ngo/iana"

// ParseClientECDHE reads the body of the ClientKeyExchange of an ECDHE suite and lends the
// client's point, 1 to 255 bytes. RFC 8422, Section 5.7.
func ParseClientECDHE(body []byte) (point []byte, err error) {
	r := NewReader(body)
	r.at = "ecdh_Yc"
	point = r.nonEmpty(r.Vec8())
	return point, r.endClientKeyExchange()
}

// ParseClientDHE reads the body of the ClientKeyExchange of a DHE suite and lends the
// client's public value, at least one byte, the highest first. RFC 5246, Section 7.4.7.2.
func ParseClientDHE(body []byte) (yc []byte, err error) {
	r := NewReader(body)
	r.at = "dh_Yc"
	yc = r.nonEmpty(r.Vec16())
	return yc, r.endClientKeyExchange()
}

// ParseClientRSA reads the body of the ClientKeyExchange of an RSA suite and lends the
// encrypted premaster secret, at least one byte. Whether it has the length of the key is
// for those to see who decrypt it, and must not be told to the peer. RFC 5246, Section
// 7.4.7.1.
func ParseClientRSA(body []byte) (encrypted []byte, err error) {
	r := NewReader(body)
	r.at = "encrypted_pre_master_secret"
	encrypted = r.nonEmpty(r.Vec16())
	return encrypted, r.endClientKeyExchange()
}

func (r *Reader) endClientKeyExchange() error {
	if err := r.end(); err != nil {
		return err.in("client_key_exchange")
	}
	return nil
}

// AppendClientECDHE writes the ClientKeyExchange of an ECDHE suite.
func AppendClientECDHE(w *Writer, point []byte) {
	m := w.BeginMessage(iana.ClientKeyExchange)
	w.vec8(point)
	w.End(m)
}

// AppendClientDHE writes the ClientKeyExchange of a DHE suite.
func AppendClientDHE(w *Writer, yc []byte) {
	m := w.BeginMessage(iana.ClientKeyExchange)
	w.vec16(yc)
	w.End(m)
}

// AppendClientRSA writes the ClientKeyExchange of an RSA suite.
func AppendClientRSA(w *Writer, encrypted []byte) {
	m := w.BeginMessage(iana.ClientKeyExchange)
	w.vec16(encrypted)
	w.End(m)
}
