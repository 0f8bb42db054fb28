package iana

// Alert is a value of the TLS Alerts registry (RFC 8446, Section 6).
type Alert uint8

// Alert descriptions.
const (
	CloseNotify                  Alert = 0x00
	UnexpectedMessage            Alert = 0x0a
	BadRecordMAC                 Alert = 0x14
	DecryptionFailed             Alert = 0x15
	RecordOverflow               Alert = 0x16
	DecompressionFailure         Alert = 0x1e
	HandshakeFailure             Alert = 0x28
	NoCertificate                Alert = 0x29
	BadCertificate               Alert = 0x2a
	UnsupportedCertificate       Alert = 0x2b
	CertificateRevoked           Alert = 0x2c
	CertificateExpired           Alert = 0x2d
	CertificateUnknown           Alert = 0x2e
	IllegalParameter             Alert = 0x2f
	UnknownCA                    Alert = 0x30
	AccessDenied                 Alert = 0x31
	DecodeError                  Alert = 0x32
	DecryptError                 Alert = 0x33
	ExportRestriction            Alert = 0x3c
	ProtocolVersion              Alert = 0x46
	InsufficientSecurity         Alert = 0x47
	InternalError                Alert = 0x50
	InappropriateFallback        Alert = 0x56
	UserCanceled                 Alert = 0x5a
	NoRenegotiation              Alert = 0x64
	MissingExtension             Alert = 0x6d
	UnsupportedExtension         Alert = 0x6e
	CertificateUnobtainable      Alert = 0x6f
	UnrecognizedName             Alert = 0x70
	BadCertificateStatusResponse Alert = 0x71
	BadCertificateHashValue      Alert = 0x72
	UnknownPSKIdentity           Alert = 0x73
	CertificateRequired          Alert = 0x74
	NoApplicationProtocol        Alert = 0x78
)

// String returns the registered name of a, or its number.
func (a Alert) String() string {
	switch a {
	case CloseNotify:
		return "close_notify"
	case UnexpectedMessage:
		return "unexpected_message"
	case BadRecordMAC:
		return "bad_record_mac"
	case DecryptionFailed:
		return "decryption_failed"
	case RecordOverflow:
		return "record_overflow"
	case DecompressionFailure:
		return "decompression_failure"
	case HandshakeFailure:
		return "handshake_failure"
	case NoCertificate:
		return "no_certificate"
	case BadCertificate:
		return "bad_certificate"
	case UnsupportedCertificate:
		return "unsupported_certificate"
	case CertificateRevoked:
		return "certificate_revoked"
	case CertificateExpired:
		return "certificate_expired"
	case CertificateUnknown:
		return "certificate_unknown"
	case IllegalParameter:
		return "illegal_parameter"
	case UnknownCA:
		return "unknown_ca"
	case AccessDenied:
		return "access_denied"
	case DecodeError:
		return "decode_error"
	case DecryptError:
		return "decrypt_error"
	case ExportRestriction:
		return "export_restriction"
	case ProtocolVersion:
		return "protocol_version"
	case InsufficientSecurity:
		return "insufficient_security"
	case InternalError:
		return "internal_error"
	case InappropriateFallback:
		return "inappropriate_fallback"
	case UserCanceled:
		return "user_canceled"
	case NoRenegotiation:
		return "no_renegotiation"
	case MissingExtension:
		return "missing_extension"
	case UnsupportedExtension:
		return "unsupported_extension"
	case CertificateUnobtainable:
		return "certificate_unobtainable"
	case UnrecognizedName:
		return "unrecognized_name"
	case BadCertificateStatusResponse:
		return "bad_certificate_status_response"
	case BadCertificateHashValue:
		return "bad_certificate_hash_value"
	case UnknownPSKIdentity:
		return "unknown_psk_identity"
	case CertificateRequired:
		return "certificate_required"
	case NoApplicationProtocol:
		return "no_application_protocol"
	}
	return octet(uint8(a))
}
