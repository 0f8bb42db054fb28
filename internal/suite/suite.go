package suite

import (
	"crypto"
	"crypto/cipher"
	"crypto/fips140"

	"github.com/s2ngo/s2ngo/iana"
)

// Sizes in bytes, for buffers that have to hold what any suite of the table needs.
const (
	MaxKeyLen      = 32                             // the longest KeyLen of a suite
	MaxMACKeyLen   = 48                             // the longest MACKeyLen
	NonceLen       = 12                             // of every AEAD, and the longest FixedIVLen. RFC 8446, Section 5.3
	TagLen         = 16                             // what an AEAD adds to a plaintext
	MaxKeyBlockLen = 2 * (MaxMACKeyLen + MaxKeyLen) // the longest KeyBlockLen: no suite has a MAC and an IV
)

// Suite is one cipher suite. Rows are shared and must not be modified.
type Suite struct {
	ID    iana.CipherSuite
	TLS13 bool // of TLS 1.3; the others are of TLS 1.2

	// Hash is that of the key schedule or the PRF, and of the transcript. It is linked into
	// the program.
	Hash crypto.Hash

	// KeyExchange and Authentication are part of a suite of TLS 1.2 only.
	KeyExchange    KeyExchange
	Authentication Authentication

	KeyLen     int // bytes of a key of the cipher
	FixedIVLen int // bytes of IV that belong to a key; none where each record brings its own

	// ExplicitLen is the number of bytes before the ciphertext of each record: the second
	// part of the nonce of AES-GCM in TLS 1.2 (RFC 5288, Section 3), the IV of a CBC
	// cipher (RFC 5246, Section 6.2.3.2).
	ExplicitLen int

	// NewAEAD returns the suite's AEAD with nonces of NonceLen and tags of TagLen bytes.
	// It copies key, and refuses one that is not KeyLen bytes long. It is nil in a suite
	// with a CBC cipher.
	NewAEAD func(key []byte) (cipher.AEAD, error)

	// NewBlock returns the block cipher of a suite with a CBC cipher, and is nil in any
	// other. It treats key as NewAEAD does.
	NewBlock func(key []byte) (cipher.Block, error)

	// MAC is the hash of the HMAC beside a CBC cipher, with keys of MACKeyLen bytes, and 0
	// beside an AEAD. It is linked into the program.
	MAC       crypto.Hash
	MACKeyLen int

	// RecordLimit is the number of records that may be sealed under one key before it has
	// to be replaced, as TLS 1.3 can. RFC 8446, Section 5.5.
	RecordLimit uint64

	// BlockLimit is the number of cipher blocks that may be sealed under one key in TLS
	// 1.2, which cannot replace it: it ends the connection.
	BlockLimit uint64

	// Approved says that FIPS 140-3 approves of the suite's algorithms, and that all of
	// them are part of Go's Cryptographic Module. It is what crypto/tls allows in FIPS
	// mode, and the suites with HMAC-SHA-384, which crypto/tls does not have.
	Approved bool
}

// KeyExchange is how a suite of TLS 1.2 comes to its premaster secret.
type KeyExchange uint8

// The ways to a premaster secret.
const (
	KeyExchangeECDHE KeyExchange = iota + 1 // RFC 8422
	KeyExchangeDHE                          // RFC 5246, with the groups of RFC 7919
	KeyExchangeRSA                          // encrypted to the certificate's key: no forward secrecy
)

// String returns the name that k has in the names of suites.
func (k KeyExchange) String() string {
	switch k {
	case KeyExchangeECDHE:
		return "ECDHE"
	case KeyExchangeDHE:
		return "DHE"
	case KeyExchangeRSA:
		return "RSA"
	}
	return "none"
}

// Authentication is the kind of certificate that a server shows in a suite of TLS 1.2.
type Authentication uint8

// The kinds of certificates.
const (
	AuthenticationECDSA Authentication = iota + 1 // an ECDSA or EdDSA key (RFC 8422, Section 5.10)
	AuthenticationRSA                             // an RSA key, which signs or decrypts
)

// String returns the name that a has in the names of suites.
func (a Authentication) String() string {
	switch a {
	case AuthenticationECDSA:
		return "ECDSA"
	case AuthenticationRSA:
		return "RSA"
	}
	return "none"
}

// Lookup returns the row of id, or nil if there is none.
func Lookup(id iana.CipherSuite) *Suite {
	for i := range table {
		if table[i].ID == id {
			return &table[i]
		}
	}
	return nil
}

// Usable reports whether s may be negotiated in this process: in FIPS mode
// (GODEBUG=fips140=on) only approved suites may.
func (s *Suite) Usable() bool { return s.Approved || !fips140.Enabled() }

// KeyBlockLen returns the number of bytes of key material that both directions of a
// connection of TLS 1.2 need. RFC 5246, Section 6.3.
func (s *Suite) KeyBlockLen() int { return 2 * (s.MACKeyLen + s.KeyLen + s.FixedIVLen) }

// Keys is the key material of TLS 1.2 by its names in RFC 5246, Section 6.3. A MAC key or
// an IV that the suite does not have is empty.
type Keys struct {
	ClientMAC, ServerMAC, ClientKey, ServerKey, ClientIV, ServerIV []byte
}

// Keys cuts block, of KeyBlockLen bytes, into keys, which lie in it.
func (s *Suite) Keys(block []byte) (k Keys) {
	cut := func(n int) (key []byte) {
		key, block = block[:n:n], block[n:]
		return key
	}
	k.ClientMAC, k.ServerMAC = cut(s.MACKeyLen), cut(s.MACKeyLen)
	k.ClientKey, k.ServerKey = cut(s.KeyLen), cut(s.KeyLen)
	k.ClientIV, k.ServerIV = cut(s.FixedIVLen), cut(s.FixedIVLen)
	return k
}
