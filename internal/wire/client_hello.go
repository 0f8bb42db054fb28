package wire

import (
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// ClientHello is the first message of a handshake, in TLS 1.2 too. What it says of a
// version that is not negotiated is parsed, and thus checked, all the same. All slices
// lend the bytes of the message. RFC 8446, Section 4.1.2.
type ClientHello struct {
	LegacyVersion      iana.Version
	Random             []byte // 32 bytes
	SessionID          []byte // 0 to 32 bytes
	CipherSuites       iana.List[iana.CipherSuite]
	CompressionMethods []byte     // at least one; TLS 1.3 wants exactly one, 0
	Extensions         Extensions // nil where there is no block, as TLS 1.2 permits
	Has                Set        // the extensions that are there, of those known

	ServerName              []byte // the host name
	SupportedVersions       iana.List[iana.Version]
	SupportedGroups         iana.List[iana.Group]
	SignatureAlgorithms     iana.List[iana.SignatureScheme]
	SignatureAlgorithmsCert iana.List[iana.SignatureScheme]
	KeyShares               KeyShares
	ALPN                    ProtocolNames
	PSKKeyExchangeModes     []byte
	PreSharedKey            OfferedPSKs
	EarlyData               bool
	Cookie                  []byte
	StatusRequest           bool // for an OCSP response
	SCT                     bool
	CertificateAuthorities  DistinguishedNames
	MaxFragmentLength       uint8 // a code, 1 to 4
	RecordSizeLimit         uint16
	PostHandshakeAuth       bool

	ExtendedMasterSecret bool
	RenegotiationInfo    []byte
	SessionTicket        []byte
	ECPointFormats       []byte
}

const clientHelloName = "client_hello"

// Parse reads the body of a ClientHello.
func (m *ClientHello) Parse(body []byte) error {
	if err := m.parseOutline(body); err != nil {
		return err
	}
	for block := NewReader(m.Extensions); block.Len() > 0; {
		t, data := block.extension()
		x := NewReader(data)
		m.parseExtension(t, &x)
		if t == iana.PreSharedKey && block.Len() > 0 {
			x.at = ""
			x.illegal("not the last extension") // RFC 8446, Section 4.2.11
		}
		if err := x.end(); err != nil {
			return err.inExtension(t, clientHelloName)
		}
	}
	return nil
}

// OfferedExtensions returns which extensions the body of a ClientHello has, and leaves their contents alone: it is
// for the client that wrote it.
func OfferedExtensions(body []byte) (Set, error) {
	var m ClientHello
	err := m.parseOutline(body)
	return m.Has, err
}

// parseOutline reads all but the contents of the extensions.
func (m *ClientHello) parseOutline(body []byte) error {
	const name = clientHelloName
	*m = ClientHello{}
	r := NewReader(body)
	r.at = "legacy_version"
	m.LegacyVersion = iana.Version(r.U16())
	r.at = "random"
	m.Random = r.Bytes(32)
	r.at = "legacy_session_id"
	m.SessionID = parseSessionID(&r)
	r.at = "cipher_suites"
	m.CipherSuites = codePoints[iana.CipherSuite](&r, r.Vec16())
	r.at = "legacy_compression_methods"
	m.CompressionMethods = r.nonEmpty(r.Vec8())
	r.at = "extensions"
	if r.Len() > 0 {
		m.Extensions = r.Vec16()
	}
	if err := r.end(); err != nil {
		return err.in(name)
	}

	var err *Error
	if m.Has, err = m.Extensions.check(inClientHello, 0); err != nil {
		return err.in(name)
	}
	return nil
}

func (m *ClientHello) parseExtension(t iana.Extension, r *Reader) {
	switch t {
	case iana.ServerName:
		m.ServerName = parseServerName(r)
	case iana.SupportedVersions:
		m.SupportedVersions = parseSupportedVersions(r)
	case iana.SupportedGroups:
		m.SupportedGroups = parseSupportedGroups(r)
	case iana.SignatureAlgorithms:
		m.SignatureAlgorithms = parseSignatureAlgorithms(r)
	case iana.SignatureAlgorithmsCert:
		m.SignatureAlgorithmsCert = parseSignatureAlgorithms(r)
	case iana.KeyShare:
		m.KeyShares = parseKeyShares(r)
	case iana.ApplicationLayerProtocolNegotiation:
		m.ALPN = parseALPN(r)
	case iana.PSKKeyExchangeModes:
		m.PSKKeyExchangeModes = parsePSKKeyExchangeModes(r)
	case iana.PreSharedKey:
		m.PreSharedKey = parsePreSharedKey(r)
	case iana.EarlyData:
		m.EarlyData = true
	case iana.Cookie:
		m.Cookie = parseCookie(r)
	case iana.StatusRequest:
		m.StatusRequest = parseStatusRequest(r)
	case iana.SignedCertificateTimestamp:
		m.SCT = true
	case iana.CertificateAuthorities:
		m.CertificateAuthorities = parseCertificateAuthorities(r)
	case iana.MaxFragmentLength:
		m.MaxFragmentLength = parseMaxFragmentLength(r)
	case iana.RecordSizeLimit:
		m.RecordSizeLimit = parseRecordSizeLimit(r)
	case iana.PostHandshakeAuth:
		m.PostHandshakeAuth = true
	case iana.ExtendedMasterSecret:
		m.ExtendedMasterSecret = true
	case iana.EncryptThenMAC:
		// Empty by RFC 7366, and not wanted.
	case iana.RenegotiationInfo:
		m.RenegotiationInfo = parseRenegotiationInfo(r)
	case iana.SessionTicket:
		m.SessionTicket = r.Rest()
	case iana.ECPointFormats:
		m.ECPointFormats = parseECPointFormats(r)
	default:
		r.Rest()
	}
}

// parseSessionID reads the session ID of either hello.
func parseSessionID(r *Reader) []byte {
	id := r.Vec8()
	if len(id) > 32 {
		r.Fail(strconv.Itoa(len(id)) + " bytes, more than 32")
	}
	return id
}

// BeginClientHello writes a ClientHello up to its extensions, which follow between
// Writer.Begin16 and Writer.End; Writer.End with the mark returned completes it.
func BeginClientHello(w *Writer, legacyVersion iana.Version, random, sessionID []byte, suites []iana.CipherSuite) int {
	m := w.BeginMessage(iana.ClientHello)
	w.U16(uint16(legacyVersion))
	w.Raw(random)
	w.vec8(sessionID)
	l := w.Begin16()
	for _, s := range suites {
		w.U16(uint16(s))
	}
	w.End(l)
	w.U8(1) // one compression method, null
	w.U8(0)
	return m
}
