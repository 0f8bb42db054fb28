package wire

import "github.com/s2ngo/s2ngo/iana"

// EncryptedExtensions answers those extensions of the ClientHello that key exchange does
// not need. All slices lend the bytes of the message. A server writes the message with
// Writer.BeginMessage, Writer.Begin16 and the Put functions. RFC 8446, Section 4.3.1.
type EncryptedExtensions struct {
	Extensions Extensions
	Has        Set // the extensions that are there

	ALPN              []byte // the chosen name
	ServerName        bool   // that of the client was used
	EarlyData         bool   // it is accepted
	MaxFragmentLength uint8  // a code, 1 to 4
	RecordSizeLimit   uint16
	SupportedGroups   iana.List[iana.Group] // for the client's next connection
}

// Parse reads the body of EncryptedExtensions that answer a ClientHello with the
// extensions offered.
func (m *EncryptedExtensions) Parse(body []byte, offered Set) error {
	const name = "encrypted_extensions"
	*m = EncryptedExtensions{}
	r := NewReader(body)
	r.at = "extensions"
	m.Extensions = r.Vec16()
	if err := r.end(); err != nil {
		return err.in(name)
	}

	var err *Error
	if m.Has, err = m.Extensions.check(inEncryptedExtensions, offered); err != nil {
		return err.in(name)
	}
	for block := NewReader(m.Extensions); block.Len() > 0; {
		t, data := block.extension()
		x := NewReader(data)
		m.parseExtension(t, &x)
		if err := x.end(); err != nil {
			return err.inExtension(t, name)
		}
	}
	return nil
}

func (m *EncryptedExtensions) parseExtension(t iana.Extension, r *Reader) {
	switch t {
	case iana.ApplicationLayerProtocolNegotiation:
		m.ALPN = parseSelectedALPN(r)
	case iana.ServerName:
		m.ServerName = true
	case iana.EarlyData:
		m.EarlyData = true
	case iana.MaxFragmentLength:
		m.MaxFragmentLength = parseMaxFragmentLength(r)
	case iana.RecordSizeLimit:
		m.RecordSizeLimit = parseRecordSizeLimit(r)
	case iana.SupportedGroups:
		m.SupportedGroups = parseSupportedGroups(r)
	default:
		r.Rest()
	}
}
