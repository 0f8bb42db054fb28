package iana

// Message is a value of the TLS HandshakeType registry (RFC 8446, Section 4).
type Message uint8

// Handshake messages.
const (
	HelloRequest          Message = 0x00 // RFC 5246
	ClientHello           Message = 0x01
	ServerHello           Message = 0x02
	NewSessionTicket      Message = 0x04
	EndOfEarlyData        Message = 0x05
	EncryptedExtensions   Message = 0x08
	Certificate           Message = 0x0b
	ServerKeyExchange     Message = 0x0c // RFC 5246
	CertificateRequest    Message = 0x0d
	ServerHelloDone       Message = 0x0e // RFC 5246
	CertificateVerify     Message = 0x0f
	ClientKeyExchange     Message = 0x10 // RFC 5246
	Finished              Message = 0x14
	CertificateURL        Message = 0x15 // RFC 6066
	CertificateStatus     Message = 0x16 // RFC 6066
	KeyUpdate             Message = 0x18
	CompressedCertificate Message = 0x19 // RFC 8879
	MessageHash           Message = 0xfe // synthetic, RFC 8446, Section 4.4.1
)

// String returns the registered name of m, or its number.
func (m Message) String() string {
	switch m {
	case HelloRequest:
		return "hello_request"
	case ClientHello:
		return "client_hello"
	case ServerHello:
		return "server_hello"
	case NewSessionTicket:
		return "new_session_ticket"
	case EndOfEarlyData:
		return "end_of_early_data"
	case EncryptedExtensions:
		return "encrypted_extensions"
	case Certificate:
		return "certificate"
	case ServerKeyExchange:
		return "server_key_exchange"
	case CertificateRequest:
		return "certificate_request"
	case ServerHelloDone:
		return "server_hello_done"
	case CertificateVerify:
		return "certificate_verify"
	case ClientKeyExchange:
		return "client_key_exchange"
	case Finished:
		return "finished"
	case CertificateURL:
		return "certificate_url"
	case CertificateStatus:
		return "certificate_status"
	case KeyUpdate:
		return "key_update"
	case CompressedCertificate:
		return "compressed_certificate"
	case MessageHash:
		return "message_hash"
	}
	return octet(uint8(m))
}
