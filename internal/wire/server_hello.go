package wire

import "github.com/s2ngo/s2ngo/iana"

// HelloRetryRequestRandom is the random by which a ServerHello is a HelloRetryRequest: the
// SHA-256 of "HelloRetryRequest". RFC 8446, Section 4.1.3.
var HelloRetryRequestRandom = [32]byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// ServerHello is the server's answer to a ClientHello, or the HelloRetryRequest that has
// the same form. All slices lend the bytes of the message. RFC 8446, Sections 4.1.3 and
// 4.1.4.
type ServerHello struct {
	LegacyVersion     iana.Version
	Random            []byte // 32 bytes
	SessionID         []byte // 0 to 32 bytes
	CipherSuite       iana.CipherSuite
	CompressionMethod uint8      // always 0 in TLS 1.3
	Extensions        Extensions // nil where there is no block, as TLS 1.2 permits
	Has               Set        // the extensions that are there, of those known

	// SupportedVersion is 0 in a ServerHello without the extension, which is one of TLS 1.2
	// or before: of its extensions Parse checks nothing but that none is there twice, and
	// the fields below are empty until Parse12. It is there also if Parse fails for what is
	// to be read by the rules of that version.
	SupportedVersion iana.Version
	KeyShareGroup    iana.Group // 0 if there is no key_share
	KeyShare         []byte     // nil in a HelloRetryRequest
	SelectedIdentity uint16     // if Has pre_shared_key
	Cookie           []byte     // in a HelloRetryRequest

	// What Parse12 finds in a ServerHello of TLS 1.2.
	ExtendedMasterSecret bool
	RenegotiationInfo    []byte // if Has renegotiation_info; empty in a first handshake
	SessionTicket        bool   // a NewSessionTicket follows
	StatusRequest        bool   // a CertificateStatus may follow
	ServerName           bool   // that of the client was used
	ALPN                 []byte // the chosen name, nil if there is none
	ECPointFormats       []byte // with uncompressed among them, nil if not there
	SCTList              []byte // with its length, nil if there is none
	MaxFragmentLength    uint8  // a code, 1 to 4, 0 if not there
	RecordSizeLimit      uint16 // in bytes, 0 if not there
}

// IsHelloRetryRequest reports whether m is a HelloRetryRequest.
func (m *ServerHello) IsHelloRetryRequest() bool {
	return string(m.Random) == string(HelloRetryRequestRandom[:])
}

// Parse reads the body of a ServerHello or HelloRetryRequest that answers a ClientHello
// with the extensions offered. A cookie is never offered before a HelloRetryRequest and
// may come nevertheless.
func (m *ServerHello) Parse(body []byte, offered Set) error {
	*m = ServerHello{}
	r := NewReader(body)
	r.at = "legacy_version"
	m.LegacyVersion = iana.Version(r.U16())
	r.at = "random"
	m.Random = r.Bytes(32)
	name, at := "server_hello", inServerHello
	if m.IsHelloRetryRequest() {
		name, at = "hello_retry_request", inHelloRetryRequest
		offered.Add(iana.Cookie)
	}
	r.at = "legacy_session_id_echo"
	m.SessionID = parseSessionID(&r)
	r.at = "cipher_suite"
	m.CipherSuite = iana.CipherSuite(r.U16())
	r.at = "legacy_compression_method"
	m.CompressionMethod = r.U8()
	r.at = "extensions"
	if r.Len() > 0 {
		m.Extensions = r.Vec16()
	}
	if err := r.end(); err != nil {
		return err.in(name)
	}

	// The version decides by which rules the other extensions are judged. RFC 8446,
	// Section 4.2.1.
	version, tls13 := m.Extensions.Get(iana.SupportedVersions)
	if x := NewReader(version); tls13 { // what is wrong with it is found below
		m.SupportedVersion = parseSelectedVersion(&x)
	}
	switch {
	case !tls13 && at == inHelloRetryRequest:
		return (&Error{iana.MissingExtension, "no supported_versions"}).in(name)
	case !tls13:
		at = anywhere
	case m.CompressionMethod != 0:
		return (&Error{iana.DecodeError, "legacy_compression_method: not null"}).in(name)
	}
	var err *Error
	if m.Has, err = m.Extensions.check(at, offered); err != nil {
		return err.in(name)
	}
	if !tls13 {
		return nil
	}
	for block := NewReader(m.Extensions); block.Len() > 0; {
		t, data := block.extension()
		x := NewReader(data)
		m.parseExtension(t, at, &x)
		if err := x.end(); err != nil {
			return err.inExtension(t, name)
		}
	}
	return nil
}

func (m *ServerHello) parseExtension(t iana.Extension, at place, r *Reader) {
	switch t {
	case iana.SupportedVersions:
		m.SupportedVersion = parseSelectedVersion(r)
	case iana.KeyShare:
		m.KeyShareGroup = iana.Group(r.U16())
		if at == inServerHello {
			r.at = "key_exchange"
			m.KeyShare = r.nonEmpty(r.Vec16())
		}
	case iana.PreSharedKey:
		m.SelectedIdentity = r.U16()
	case iana.Cookie:
		m.Cookie = parseCookie(r)
	default:
		r.Rest()
	}
}

// BeginServerHello writes a ServerHello up to its extensions, which follow between
// Writer.Begin16 and Writer.End; Writer.End with the mark returned completes it. With
// HelloRetryRequestRandom it is a HelloRetryRequest.
func BeginServerHello(w *Writer, random, sessionID []byte, suite iana.CipherSuite) int {
	m := w.BeginMessage(iana.ServerHello)
	w.U16(uint16(iana.TLS12)) // in TLS 1.3 as well
	w.Raw(random)
	w.vec8(sessionID)
	w.U16(uint16(suite))
	w.U8(0) // null compression
	return m
}
