package wire

import (
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

const (
	sslv2ClientHello = 1 // msg_type
	minChallenge     = 16
	randomLen        = 32
)

// ParseSSLv2ClientHello reads a ClientHello in the framing of SSLv2: body is all that
// follows the two bytes of its length, from msg_type on, which is also what enters the
// transcript. It appends the ClientHello that means the same to dst, with the header of a
// handshake message and with no extensions, for ClientHello.Parse to read.
//
// The challenge becomes the end of the random. Cipher specs of SSLv2 itself are left out,
// and there must be one of TLS. Such a hello must never lead to TLS 1.3. RFC 5246, Section
// E.2; RFC 8446, Section D.5.
func ParseSSLv2ClientHello(dst, body []byte) (hello []byte, err error) {
	r := NewReader(body)
	r.at = "msg_type"
	if t := r.U8(); r.err == nil && t != sslv2ClientHello {
		r.illegal(strconv.Itoa(int(t)) + " is not client_hello")
	}
	r.at = "version"
	version := iana.Version(r.U16())
	r.at = "cipher_spec_length"
	specsLen := int(r.U16())
	if specsLen == 0 || specsLen%3 != 0 {
		r.Fail(strconv.Itoa(specsLen) + " bytes are no list of three-byte values")
	}
	r.at = "session_id_length"
	if n := r.U16(); n != 0 {
		r.illegal(strconv.Itoa(int(n)) + " instead of 0")
	}
	r.at = "challenge_length"
	challengeLen := int(r.U16())
	if challengeLen < minChallenge || challengeLen > randomLen {
		r.Fail(strconv.Itoa(challengeLen) + " bytes instead of 16 to 32")
	}
	r.at = "cipher_specs"
	specs := r.Bytes(specsLen)
	r.at = "challenge"
	challenge := r.Bytes(challengeLen)
	if err := r.end(); err != nil {
		return dst, err.in("sslv2_client_hello")
	}

	w := Writer{B: dst}
	m := w.BeginMessage(iana.ClientHello)
	w.U16(uint16(version))
	var random [randomLen]byte
	copy(random[randomLen-challengeLen:], challenge)
	w.Raw(random[:])
	w.U8(0) // no session ID
	suites := w.Begin16()
	before := len(w.B)
	for ; len(specs) > 0; specs = specs[3:] {
		if specs[0] == 0 {
			w.Raw(specs[1:3])
		}
	}
	if len(w.B) == before {
		return dst, &Error{iana.HandshakeFailure, "sslv2_client_hello: cipher_specs: none of TLS"}
	}
	w.End(suites)
	w.U8(1) // one compression method, null
	w.U8(0)
	w.End(m)
	return w.B, nil
}
