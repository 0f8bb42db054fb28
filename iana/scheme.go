package iana

// SignatureScheme is a value of the TLS SignatureScheme registry (RFC 8446, Section
// 4.2.3). In TLS 1.2 the same number is a pair of hash and signature algorithm, so that
// an ecdsa_* value says nothing of the curve there.
type SignatureScheme uint16

// Signature schemes. The SHA-224 pair has no registered name; s2n's is used.
const (
	RSAPKCS1SHA1         SignatureScheme = 0x0201
	ECDSASHA1            SignatureScheme = 0x0203
	RSAPKCS1SHA224       SignatureScheme = 0x0301
	ECDSASHA224          SignatureScheme = 0x0303
	RSAPKCS1SHA256       SignatureScheme = 0x0401
	ECDSASecp256r1SHA256 SignatureScheme = 0x0403
	RSAPKCS1SHA384       SignatureScheme = 0x0501
	ECDSASecp384r1SHA384 SignatureScheme = 0x0503
	RSAPKCS1SHA512       SignatureScheme = 0x0601
	ECDSASecp521r1SHA512 SignatureScheme = 0x0603
	RSAPSSRSAESHA256     SignatureScheme = 0x0804
	RSAPSSRSAESHA384     SignatureScheme = 0x0805
	RSAPSSRSAESHA512     SignatureScheme = 0x0806
	Ed25519              SignatureScheme = 0x0807
	Ed448                SignatureScheme = 0x0808
	RSAPSSPSSSHA256      SignatureScheme = 0x0809
	RSAPSSPSSSHA384      SignatureScheme = 0x080a
	RSAPSSPSSSHA512      SignatureScheme = 0x080b
	MLDSA44              SignatureScheme = 0x0904
	MLDSA65              SignatureScheme = 0x0905
	MLDSA87              SignatureScheme = 0x0906
)

// String returns the registered name of s, or its number.
func (s SignatureScheme) String() string {
	switch s {
	case RSAPKCS1SHA1:
		return "rsa_pkcs1_sha1"
	case ECDSASHA1:
		return "ecdsa_sha1"
	case RSAPKCS1SHA224:
		return "rsa_pkcs1_sha224"
	case ECDSASHA224:
		return "ecdsa_sha224"
	case RSAPKCS1SHA256:
		return "rsa_pkcs1_sha256"
	case ECDSASecp256r1SHA256:
		return "ecdsa_secp256r1_sha256"
	case RSAPKCS1SHA384:
		return "rsa_pkcs1_sha384"
	case ECDSASecp384r1SHA384:
		return "ecdsa_secp384r1_sha384"
	case RSAPKCS1SHA512:
		return "rsa_pkcs1_sha512"
	case ECDSASecp521r1SHA512:
		return "ecdsa_secp521r1_sha512"
	case RSAPSSRSAESHA256:
		return "rsa_pss_rsae_sha256"
	case RSAPSSRSAESHA384:
		return "rsa_pss_rsae_sha384"
	case RSAPSSRSAESHA512:
		return "rsa_pss_rsae_sha512"
	case Ed25519:
		return "ed25519"
	case Ed448:
		return "ed448"
	case RSAPSSPSSSHA256:
		return "rsa_pss_pss_sha256"
	case RSAPSSPSSSHA384:
		return "rsa_pss_pss_sha384"
	case RSAPSSPSSSHA512:
		return "rsa_pss_pss_sha512"
	case MLDSA44:
		return "mldsa44"
	case MLDSA65:
		return "mldsa65"
	case MLDSA87:
		return "mldsa87"
	}
	return number(uint16(s))
}
