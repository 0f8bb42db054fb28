package iana

// Extension is a value of the TLS ExtensionType registry (RFC 8446, Section 4.2).
type Extension uint16

// Extensions.
const (
	ServerName                          Extension = 0x0000
	MaxFragmentLength                   Extension = 0x0001
	StatusRequest                       Extension = 0x0005
	SupportedGroups                     Extension = 0x000a
	ECPointFormats                      Extension = 0x000b
	SignatureAlgorithms                 Extension = 0x000d
	UseSRTP                             Extension = 0x000e
	ApplicationLayerProtocolNegotiation Extension = 0x0010
	SignedCertificateTimestamp          Extension = 0x0012
	ClientCertificateType               Extension = 0x0013
	ServerCertificateType               Extension = 0x0014
	Padding                             Extension = 0x0015
	EncryptThenMAC                      Extension = 0x0016
	ExtendedMasterSecret                Extension = 0x0017
	CompressCertificate                 Extension = 0x001b
	RecordSizeLimit                     Extension = 0x001c
	SessionTicket                       Extension = 0x0023
	PreSharedKey                        Extension = 0x0029
	EarlyData                           Extension = 0x002a
	SupportedVersions                   Extension = 0x002b
	Cookie                              Extension = 0x002c
	PSKKeyExchangeModes                 Extension = 0x002d
	CertificateAuthorities              Extension = 0x002f
	OIDFilters                          Extension = 0x0030
	PostHandshakeAuth                   Extension = 0x0031
	SignatureAlgorithmsCert             Extension = 0x0032
	KeyShare                            Extension = 0x0033
	QUICTransportParameters             Extension = 0x0039
	EncryptedClientHello                Extension = 0xfe0d
	RenegotiationInfo                   Extension = 0xff01
)

// String returns the registered name of e, or its number.
func (e Extension) String() string {
	switch e {
	case ServerName:
		return "server_name"
	case MaxFragmentLength:
		return "max_fragment_length"
	case StatusRequest:
		return "status_request"
	case SupportedGroups:
		return "supported_groups"
	case ECPointFormats:
		return "ec_point_formats"
	case SignatureAlgorithms:
		return "signature_algorithms"
	case UseSRTP:
		return "use_srtp"
	case ApplicationLayerProtocolNegotiation:
		return "application_layer_protocol_negotiation"
	case SignedCertificateTimestamp:
		return "signed_certificate_timestamp"
	case ClientCertificateType:
		return "client_certificate_type"
	case ServerCertificateType:
		return "server_certificate_type"
	case Padding:
		return "padding"
	case EncryptThenMAC:
		return "encrypt_then_mac"
	case ExtendedMasterSecret:
		return "extended_master_secret"
	case CompressCertificate:
		return "compress_certificate"
	case RecordSizeLimit:
		return "record_size_limit"
	case SessionTicket:
		return "session_ticket"
	case PreSharedKey:
		return "pre_shared_key"
	case EarlyData:
		return "early_data"
	case SupportedVersions:
		return "supported_versions"
	case Cookie:
		return "cookie"
	case PSKKeyExchangeModes:
		return "psk_key_exchange_modes"
	case CertificateAuthorities:
		return "certificate_authorities"
	case OIDFilters:
		return "oid_filters"
	case PostHandshakeAuth:
		return "post_handshake_auth"
	case SignatureAlgorithmsCert:
		return "signature_algorithms_cert"
	case KeyShare:
		return "key_share"
	case QUICTransportParameters:
		return "quic_transport_parameters"
	case EncryptedClientHello:
		return "encrypted_client_hello"
	case RenegotiationInfo:
		return "renegotiation_info"
	}
	return number(uint16(e))
}
