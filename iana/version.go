package iana

// Version is a protocol version as it stands on the wire.
type Version uint16

// Protocol versions.
const (
	SSL30 Version = 0x0300 // RFC 7568: never negotiated
	TLS10 Version = 0x0301 // RFC 8996: never negotiated
	TLS11 Version = 0x0302 // RFC 8996: never negotiated
	TLS12 Version = 0x0303 // RFC 5246
	TLS13 Version = 0x0304 // RFC 8446
)

// String returns the registered name of v, or its number.
func (v Version) String() string {
	switch v {
	case SSL30:
		return "SSLv3"
	case TLS10:
		return "TLSv1.0"
	case TLS11:
		return "TLSv1.1"
	case TLS12:
		return "TLSv1.2"
	case TLS13:
		return "TLSv1.3"
	}
	return number(uint16(v))
}
