package wire

import "github.com/s2ngo/s2ngo/iana"

const maxFinished = 64 // the longest hash

// MaxLength returns how many bytes the body of a message of type t may have, to be asked
// when its header is there and before anything is kept; 0 also for a type that is unknown.
// What fields could hold is far more than what they do hold, so that the limits are those
// of use, with room to spare:
//
//   - client_hello: 2^16+1024, which holds extensions as long as they can be beside 400 cipher
//     suites. A hello is 0.2 to 2 kB, and 6 kB more for each ticket that carries a chain; this is
//     what an unknown peer can make a server hold.
//   - server_hello: 2^14. A HelloRetryRequest with a large cookie is the longest one; the
//     ClientHello that repeats it must stay within its own limit.
//   - encrypted_extensions: 2^14. They hold a name, a few numbers and small blobs.
//   - certificate_request: 2^16+512, which holds certificate_authorities as long as they
//     can be beside the other extensions; some servers list all they trust.
//   - certificate: 2^17, a default. A caller whose peers have longer chains has his own.
//   - certificate_verify: 2^14. The longest signature in use is of ML-DSA-87, 4,627 bytes.
//   - new_session_ticket: 2^16+1024, which holds the longest ticket there can be.
//   - finished: 64, the longest hash.
//
// Those of TLS 1.2 are:
//
//   - server_key_exchange: 2^14. With a prime and an RSA key of 8192 bits each it has 3 kB.
//   - client_key_exchange: 2^12. A public value or a premaster secret of 8192 bits has 1 kB.
//   - certificate_status: 2^16. An OCSP response with a chain of its own has 2 to 10 kB.
//   - server_hello_done and hello_request are empty.
func MaxLength(t iana.Message) int {
	switch t {
	case iana.ServerHello, iana.EncryptedExtensions, iana.CertificateVerify, iana.ServerKeyExchange:
		return 1 << 14
	case iana.CertificateRequest:
		return 1<<16 + 512
	case iana.Certificate:
		return 1 << 17
	case iana.ClientHello, iana.NewSessionTicket:
		return 1<<16 + 1024
	case iana.Finished:
		return maxFinished
	case iana.KeyUpdate:
		return 1
	case iana.ClientKeyExchange:
		return 1 << 12
	case iana.CertificateStatus:
		return 1 << 16
	}
	return 0 // end_of_early_data, server_hello_done and hello_request are empty
}
