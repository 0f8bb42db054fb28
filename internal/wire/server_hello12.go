package wire

import "github.com/s2ngo/s2ngo/iana"

// Parse12 judges the extensions of a ServerHello of TLS 1.2, which Parse has read and in
// which it found no supported_versions, as an answer to a ClientHello with the extensions
// offered, and fills the fields that only TLS 1.2 has. It stands apart from Parse so that
// the version, and what a downgrade leaves in the random, can be seen to first. A client
// that sends TLS_EMPTY_RENEGOTIATION_INFO_SCSV offers renegotiation_info by it. RFC 5246,
// Section 7.4.1.4; RFC 5746, Section 3.4.
func (m *ServerHello) Parse12(offered Set) error {
	const name = "server_hello"
	if m.CompressionMethod != 0 {
		return (&Error{iana.IllegalParameter, "compression_method: not null"}).in(name)
	}
	var err *Error
	if m.Has, err = m.Extensions.check(inServerHello12, offered); err != nil {
		return err.in(name)
	}
	for block := NewReader(m.Extensions); block.Len() > 0; {
		t, data := block.extension()
		x := NewReader(data)
		m.parseExtension12(t, &x)
		if err := x.end(); err != nil {
			return err.inExtension(t, name)
		}
	}
	return nil
}

func (m *ServerHello) parseExtension12(t iana.Extension, r *Reader) {
	switch t {
	case iana.ExtendedMasterSecret:
		m.ExtendedMasterSecret = true
	case iana.RenegotiationInfo:
		m.RenegotiationInfo = parseRenegotiationInfo(r)
	case iana.SessionTicket:
		m.SessionTicket = true // empty by RFC 5077, Section 3.2
	case iana.StatusRequest:
		m.StatusRequest = true // empty by RFC 6066, Section 8
	case iana.ServerName:
		m.ServerName = true
	case iana.ApplicationLayerProtocolNegotiation:
		m.ALPN = parseSelectedALPN(r)
	case iana.ECPointFormats:
		m.ECPointFormats = parseSelectedPointFormats(r)
	case iana.SignedCertificateTimestamp:
		m.SCTList = parseSCTList(r)
	case iana.MaxFragmentLength:
		m.MaxFragmentLength = parseMaxFragmentLength(r)
	case iana.RecordSizeLimit:
		m.RecordSizeLimit = parseRecordSizeLimit(r)
	case iana.EncryptThenMAC:
		// Empty by RFC 7366, and not wanted.
	default:
		r.Rest()
	}
}
