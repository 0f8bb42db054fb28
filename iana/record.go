package iana

// RecordType is a value of the TLS ContentType registry (RFC 8446, Section 5.1).
type RecordType uint8

// Record types.
const (
	RecordChangeCipherSpec RecordType = 0x14
	RecordAlert            RecordType = 0x15
	RecordHandshake        RecordType = 0x16
	RecordApplicationData  RecordType = 0x17
)

// String returns the registered name of t, or its number.
func (t RecordType) String() string {
	switch t {
	case RecordChangeCipherSpec:
		return "change_cipher_spec"
	case RecordAlert:
		return "alert"
	case RecordHandshake:
		return "handshake"
	case RecordApplicationData:
		return "application_data"
	}
	return octet(uint8(t))
}
