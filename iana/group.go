package iana

// Group is a value of the TLS Supported Groups registry (RFC 8446, Section 4.2.7).
type Group uint16

// Groups for key exchange.
const (
	Secp256r1          Group = 0x0017 // NIST P-256
	Secp384r1          Group = 0x0018 // NIST P-384
	Secp521r1          Group = 0x0019 // NIST P-521
	X25519             Group = 0x001d // RFC 7748
	X448               Group = 0x001e // RFC 7748
	FFDHE2048          Group = 0x0100 // RFC 7919
	FFDHE3072          Group = 0x0101
	FFDHE4096          Group = 0x0102
	FFDHE6144          Group = 0x0103
	FFDHE8192          Group = 0x0104
	MLKEM512           Group = 0x0200
	MLKEM768           Group = 0x0201
	MLKEM1024          Group = 0x0202 // FIPS 203
	SecP256r1MLKEM768  Group = 0x11eb // draft-ietf-tls-ecdhe-mlkem
	X25519MLKEM768     Group = 0x11ec // draft-ietf-tls-ecdhe-mlkem
	SecP384r1MLKEM1024 Group = 0x11ed // draft-ietf-tls-ecdhe-mlkem
)

// String returns the registered name of g, or its number.
func (g Group) String() string {
	switch g {
	case Secp256r1:
		return "secp256r1"
	case Secp384r1:
		return "secp384r1"
	case Secp521r1:
		return "secp521r1"
	case X25519:
		return "x25519"
	case X448:
		return "x448"
	case FFDHE2048:
		return "ffdhe2048"
	case FFDHE3072:
		return "ffdhe3072"
	case FFDHE4096:
		return "ffdhe4096"
	case FFDHE6144:
		return "ffdhe6144"
	case FFDHE8192:
		return "ffdhe8192"
	case MLKEM512:
		return "MLKEM512"
	case MLKEM768:
		return "MLKEM768"
	case MLKEM1024:
		return "MLKEM1024"
	case SecP256r1MLKEM768:
		return "SecP256r1MLKEM768"
	case X25519MLKEM768:
		return "X25519MLKEM768"
	case SecP384r1MLKEM1024:
		return "SecP384r1MLKEM1024"
	}
	return number(uint16(g))
}
