package suite

import (
	"crypto"

	"github.com/s2ngo/s2ngo/iana"
)

// How much may be sealed under one key.
//
// RFC 8446, Section 5.5, allows 2^24.5 full records for AES-GCM, of which the last is left for
// the KeyUpdate; a sequence number would wrap before ChaCha20-Poly1305 reaches a limit, and
// neverRekey is below that. A connection of TLS 1.2 would have to end there, and many have
// small records: so there the blocks are counted that the limit stands for, 1024 and one for
// the tag in a full record.
//
// Triple DES has blocks of 8 bytes, of which two are equal with a probability of 2^-25 after
// 2^20 of them (Sweet32, CVE-2016-2183): SP 800-67 ends there.
const (
	gcmRecordLimit  = 23_726_565
	gcmBlockLimit   = gcmRecordLimit * 1025
	desBlockLimit   = 1 << 20
	neverRekey      = 1 << 62
	gcmFixedIVLen   = 4 // RFC 5288, Section 3
	gcmExplicitLen  = 8
	aesBlockSize    = 16
	desBlockSize    = 8
	tripleDESKeyLen = 24
)

// What the suites of TLS 1.2 have in common that share a cipher and a MAC.
var (
	aes128GCM = Suite{
		Hash: crypto.SHA256, KeyLen: 16, NewAEAD: newAESGCM128, FixedIVLen: gcmFixedIVLen, ExplicitLen: gcmExplicitLen,
		BlockLimit: gcmBlockLimit, Approved: true,
	}
	aes256GCM = Suite{
		Hash: crypto.SHA384, KeyLen: 32, NewAEAD: newAESGCM256, FixedIVLen: gcmFixedIVLen, ExplicitLen: gcmExplicitLen,
		BlockLimit: gcmBlockLimit, Approved: true,
	}
	chaCha20 = Suite{
		Hash: crypto.SHA256, KeyLen: 32, NewAEAD: newChaCha20Poly1305, FixedIVLen: NonceLen,
		BlockLimit: neverRekey,
	}
	aes128CBCSHA1 = Suite{
		Hash: crypto.SHA256, KeyLen: 16, NewBlock: newAES128, ExplicitLen: aesBlockSize,
		MAC: crypto.SHA1, MACKeyLen: 20, BlockLimit: neverRekey,
	}
	aes256CBCSHA1 = Suite{
		Hash: crypto.SHA256, KeyLen: 32, NewBlock: newAES256, ExplicitLen: aesBlockSize,
		MAC: crypto.SHA1, MACKeyLen: 20, BlockLimit: neverRekey,
	}
	aes128CBCSHA256 = Suite{
		Hash: crypto.SHA256, KeyLen: 16, NewBlock: newAES128, ExplicitLen: aesBlockSize,
		MAC: crypto.SHA256, MACKeyLen: 32, BlockLimit: neverRekey, Approved: true,
	}
	aes256CBCSHA256 = Suite{
		Hash: crypto.SHA256, KeyLen: 32, NewBlock: newAES256, ExplicitLen: aesBlockSize,
		MAC: crypto.SHA256, MACKeyLen: 32, BlockLimit: neverRekey, Approved: true,
	}
	aes256CBCSHA384 = Suite{
		Hash: crypto.SHA384, KeyLen: 32, NewBlock: newAES256, ExplicitLen: aesBlockSize,
		MAC: crypto.SHA384, MACKeyLen: 48, BlockLimit: neverRekey, Approved: true,
	}
	tripleDESCBCSHA1 = Suite{
		Hash: crypto.SHA256, KeyLen: tripleDESKeyLen, NewBlock: newTripleDES, ExplicitLen: desBlockSize,
		MAC: crypto.SHA1, MACKeyLen: 20, BlockLimit: desBlockLimit,
	}
)

const (
	ecdhe = KeyExchangeECDHE
	dhe   = KeyExchangeDHE
	rsa   = KeyExchangeRSA
)

var table = [...]Suite{
	{
		ID: iana.TLS_AES_128_GCM_SHA256, TLS13: true, Hash: crypto.SHA256, KeyLen: 16, FixedIVLen: NonceLen,
		NewAEAD: newAESGCM128, RecordLimit: gcmRecordLimit, Approved: true,
	},
	{
		ID: iana.TLS_AES_256_GCM_SHA384, TLS13: true, Hash: crypto.SHA384, KeyLen: 32, FixedIVLen: NonceLen,
		NewAEAD: newAESGCM256, RecordLimit: gcmRecordLimit, Approved: true,
	},
	{
		ID: iana.TLS_CHACHA20_POLY1305_SHA256, TLS13: true, Hash: crypto.SHA256, KeyLen: 32, FixedIVLen: NonceLen,
		NewAEAD: newChaCha20Poly1305, RecordLimit: neverRekey,
	},

	aes128GCM.row(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, ecdhe, AuthenticationECDSA),
	aes128GCM.row(iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, ecdhe, AuthenticationRSA),
	aes128GCM.row(iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, dhe, AuthenticationRSA),
	aes128GCM.row(iana.TLS_RSA_WITH_AES_128_GCM_SHA256, rsa, AuthenticationRSA),
	aes256GCM.row(iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, ecdhe, AuthenticationECDSA),
	aes256GCM.row(iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, ecdhe, AuthenticationRSA),
	aes256GCM.row(iana.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, dhe, AuthenticationRSA),
	aes256GCM.row(iana.TLS_RSA_WITH_AES_256_GCM_SHA384, rsa, AuthenticationRSA),
	chaCha20.row(iana.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, ecdhe, AuthenticationECDSA),
	chaCha20.row(iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, ecdhe, AuthenticationRSA),

	aes128CBCSHA1.row(iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, ecdhe, AuthenticationECDSA),
	aes128CBCSHA1.row(iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, ecdhe, AuthenticationRSA),
	aes128CBCSHA1.row(iana.TLS_DHE_RSA_WITH_AES_128_CBC_SHA, dhe, AuthenticationRSA),
	aes128CBCSHA1.row(iana.TLS_RSA_WITH_AES_128_CBC_SHA, rsa, AuthenticationRSA),
	aes256CBCSHA1.row(iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, ecdhe, AuthenticationECDSA),
	aes256CBCSHA1.row(iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, ecdhe, AuthenticationRSA),
	aes256CBCSHA1.row(iana.TLS_DHE_RSA_WITH_AES_256_CBC_SHA, dhe, AuthenticationRSA),
	aes256CBCSHA1.row(iana.TLS_RSA_WITH_AES_256_CBC_SHA, rsa, AuthenticationRSA),
	aes128CBCSHA256.row(iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, ecdhe, AuthenticationECDSA),
	aes128CBCSHA256.row(iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, ecdhe, AuthenticationRSA),
	aes128CBCSHA256.row(iana.TLS_DHE_RSA_WITH_AES_128_CBC_SHA256, dhe, AuthenticationRSA),
	aes128CBCSHA256.row(iana.TLS_RSA_WITH_AES_128_CBC_SHA256, rsa, AuthenticationRSA),
	aes256CBCSHA256.row(iana.TLS_DHE_RSA_WITH_AES_256_CBC_SHA256, dhe, AuthenticationRSA),
	aes256CBCSHA256.row(iana.TLS_RSA_WITH_AES_256_CBC_SHA256, rsa, AuthenticationRSA),
	aes256CBCSHA384.row(iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, ecdhe, AuthenticationECDSA),
	aes256CBCSHA384.row(iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384, ecdhe, AuthenticationRSA),
	tripleDESCBCSHA1.row(iana.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, ecdhe, AuthenticationRSA),
	tripleDESCBCSHA1.row(iana.TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA, dhe, AuthenticationRSA),
	tripleDESCBCSHA1.row(iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA, rsa, AuthenticationRSA),
}

// row returns the suite id of TLS 1.2 with the cipher and the MAC of s. Only the ECDHE of Go's
// Cryptographic Module counts as approved: RSA key transport is not, and the finite fields
// are not part of the module.
func (s Suite) row(id iana.CipherSuite, k KeyExchange, a Authentication) Suite {
	s.ID, s.KeyExchange, s.Authentication = id, k, a
	s.Approved = s.Approved && k == KeyExchangeECDHE
	return s
}
