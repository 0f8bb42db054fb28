package sig

import (
	"crypto"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"

	"github.com/s2ngo/s2ngo/iana"
)

// table is in the order of SchemesFor. What TLS 1.3 allows is in RFC 8446, Section 4.2.3;
// PSS and Ed25519 in TLS 1.2 are those of RFC 8446, Section 4.2.3, and RFC 8422.
var table = [...]Scheme{
	on12and13(iana.ECDSASecp256r1SHA256, ecdsaKey{elliptic.P256()}, hashSHA256),
	on12and13(iana.ECDSASecp384r1SHA384, ecdsaKey{elliptic.P384()}, hashSHA384),
	on12and13(iana.ECDSASecp521r1SHA512, ecdsaKey{elliptic.P521()}, hashSHA512),
	on12and13(iana.Ed25519, ed25519Key{}, hashNone),
	on12and13(iana.RSAPSSRSAESHA256, rsaKey{pss: true}, hashSHA256),
	on12and13(iana.RSAPSSRSAESHA384, rsaKey{pss: true}, hashSHA384),
	on12and13(iana.RSAPSSRSAESHA512, rsaKey{pss: true}, hashSHA512),
	on12and13(iana.RSAPSSPSSSHA256, rsaKey{pss: true, spki: true}, hashSHA256),
	on12and13(iana.RSAPSSPSSSHA384, rsaKey{pss: true, spki: true}, hashSHA384),
	on12and13(iana.RSAPSSPSSSHA512, rsaKey{pss: true, spki: true}, hashSHA512),
	on12(iana.RSAPKCS1SHA256, rsaKey{}, hashSHA256),
	on12(iana.RSAPKCS1SHA384, rsaKey{}, hashSHA384),
	on12(iana.RSAPKCS1SHA512, rsaKey{}, hashSHA512),
	on12(iana.ECDSASHA224, ecdsaKey{}, hashSHA224),
	on12(iana.RSAPKCS1SHA224, rsaKey{}, hashSHA224),
	on12(iana.ECDSASHA1, ecdsaKey{}, hashSHA1),
	on12(iana.RSAPKCS1SHA1, rsaKey{}, hashSHA1),
}

// hash is a hash function of the table. None of them allocates.
type hash struct {
	id       crypto.Hash
	approved bool
	sum      func(dst, message []byte) []byte
}

var (
	hashNone   = hash{approved: true}
	hashSHA1   = hash{crypto.SHA1, false, func(dst, m []byte) []byte { d := sha1.Sum(m); return append(dst, d[:]...) }}
	hashSHA224 = hash{crypto.SHA224, true, func(dst, m []byte) []byte { d := sha256.Sum224(m); return append(dst, d[:]...) }}
	hashSHA256 = hash{crypto.SHA256, true, func(dst, m []byte) []byte { d := sha256.Sum256(m); return append(dst, d[:]...) }}
	hashSHA384 = hash{crypto.SHA384, true, func(dst, m []byte) []byte { d := sha512.Sum384(m); return append(dst, d[:]...) }}
	hashSHA512 = hash{crypto.SHA512, true, func(dst, m []byte) []byte { d := sha512.Sum512(m); return append(dst, d[:]...) }}
)

func on12and13(id iana.SignatureScheme, a algorithm, h hash) Scheme {
	s := on12(id, a, h)
	s.TLS13 = true
	return s
}

func on12(id iana.SignatureScheme, a algorithm, h hash) Scheme {
	var opts crypto.SignerOpts = h.id
	if k, ok := a.(rsaKey); ok && k.pss {
		opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h.id}
	}
	return Scheme{
		ID: id, Hash: h.id, TLS12: true, Approved: h.approved,
		algorithm: a, opts: opts, sum: h.sum,
	}
}
