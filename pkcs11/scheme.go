package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
)

// family is what a signature scheme does with a digest.
type family uint8

const (
	pkcs1 family = iota + 1 // RSASSA-PKCS1-v1_5
	pss                     // RSASSA-PSS
	ecdsaFamily
	eddsa
)

// scheme is a signature scheme that tokens can do.
type scheme struct {
	id     iana.SignatureScheme
	family family
	hash   crypto.Hash
}

// schemes come in order of preference.
var schemes = []scheme{
	{iana.ECDSASecp256r1SHA256, ecdsaFamily, crypto.SHA256},
	{iana.ECDSASecp384r1SHA384, ecdsaFamily, crypto.SHA384},
	{iana.ECDSASecp521r1SHA512, ecdsaFamily, crypto.SHA512},
	{iana.Ed25519, eddsa, 0},
	{iana.RSAPSSRSAESHA256, pss, crypto.SHA256},
	{iana.RSAPSSRSAESHA384, pss, crypto.SHA384},
	{iana.RSAPSSRSAESHA512, pss, crypto.SHA512},
	{iana.RSAPSSPSSSHA256, pss, crypto.SHA256},
	{iana.RSAPSSPSSSHA384, pss, crypto.SHA384},
	{iana.RSAPSSPSSSHA512, pss, crypto.SHA512},
	{iana.RSAPKCS1SHA256, pkcs1, crypto.SHA256},
	{iana.RSAPKCS1SHA384, pkcs1, crypto.SHA384},
	{iana.RSAPKCS1SHA512, pkcs1, crypto.SHA512},
	{iana.ECDSASHA224, ecdsaFamily, crypto.SHA224},
	{iana.RSAPKCS1SHA224, pkcs1, crypto.SHA224},
	{iana.ECDSASHA1, ecdsaFamily, crypto.SHA1},
	{iana.RSAPKCS1SHA1, pkcs1, crypto.SHA1},
}

// mechanismOf is the mechanism that a family of schemes needs of a token.
var mechanismOf = map[family]uint{pkcs1: ckmRSAPKCS, pss: ckmRSAPKCSPSS, ecdsaFamily: ckmECDSA, eddsa: ckmEDDSA}

// digests is what a token has to know of a hash: how CKM_RSA_PKCS_PSS calls it and its mask
// generation function, and the DER that goes before the digest in CKM_RSA_PKCS (RFC 8017,
// Section 9.2, note 1).
var digests = map[crypto.Hash]struct {
	hash, mgf uint
	info      string
}{
	crypto.SHA1:   {ckmSHA1, ckgMGF1SHA1, "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14"},
	crypto.SHA224: {ckmSHA224, ckgMGF1SHA224, "\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c"},
	crypto.SHA256: {ckmSHA256, ckgMGF1SHA256, "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"},
	crypto.SHA384: {ckmSHA384, ckgMGF1SHA384, "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"},
	crypto.SHA512: {ckmSHA512, ckgMGF1SHA512, "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"},
}

// fits reports whether a key of type pub signs by family f with hash h at all.
func (f family) fits(pub crypto.PublicKey, h crypto.Hash) bool {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		switch f {
		case pkcs1:
			return k.Size() >= len(digests[h].info)+h.Size()+minPadding
		case pss:
			return pssRoom(k, h) >= h.Size()
		}
	case *ecdsa.PublicKey:
		return f == ecdsaFamily
	case ed25519.PublicKey:
		return f == eddsa
	}
	return false
}

// pssRoom is how long a salt may be in bytes (RFC 8017, Section 9.1.1).
func pssRoom(k *rsa.PublicKey, h crypto.Hash) int {
	return (k.N.BitLen()+6)/8 - h.Size() - 2
}

// signing is one signature as a token is asked for it.
type signing struct {
	family family
	hash   crypto.Hash
	salt   int // pss: bytes
	input  []byte
}

// newSigning reads what crypto.Signer's Sign was given. All lengths are checked here: tokens
// sign anything, or answer what ends a session.
func newSigning(pub crypto.PublicKey, digest []byte, opts crypto.SignerOpts) (*signing, error) {
	var h crypto.Hash
	if opts != nil {
		h = opts.HashFunc()
	}
	g := &signing{hash: h, input: digest}
	options, isPSS := opts.(*rsa.PSSOptions)
	switch pub.(type) {
	case *rsa.PublicKey:
		g.family = pkcs1
		if isPSS {
			g.family = pss
		}
	case *ecdsa.PublicKey:
		g.family = ecdsaFamily
	case ed25519.PublicKey:
		g.family = eddsa
		if o, ok := opts.(*ed25519.Options); ok && o.Context != "" || h != 0 {
			return nil, fmt.Errorf("pkcs11: Ed25519 keys sign messages, without a hash or a context, not with %v", h)
		}
		return g, nil
	}
	if _, known := digests[h]; !known {
		return nil, fmt.Errorf("pkcs11: hash %v is not signed by tokens", h)
	}
	if len(digest) != h.Size() {
		return nil, fmt.Errorf("pkcs11: %d bytes are no %v digest", len(digest), h)
	}
	if !g.family.fits(pub, h) {
		return nil, fmt.Errorf("pkcs11: a %T does not sign %v", pub, h)
	}
	if isPSS {
		room := pssRoom(pub.(*rsa.PublicKey), h)
		switch g.salt = options.SaltLength; g.salt {
		case rsa.PSSSaltLengthEqualsHash:
			g.salt = h.Size()
		case rsa.PSSSaltLengthAuto:
			g.salt = room
		}
		if g.salt < 0 || g.salt > room {
			return nil, fmt.Errorf("pkcs11: a salt of %d bytes does not fit the key", g.salt)
		}
	}
	return g, nil
}

// mechanism is what C_SignInit is given.
func (g *signing) mechanism() mechanism {
	m := mechanism{typ: mechanismOf[g.family]}
	if g.family == pss {
		d := digests[g.hash]
		m.pss = &pssParams{d.hash, d.mgf, uint(g.salt)}
	}
	return m
}

// data is what C_Sign is given: for PKCS #1 the digest in its DigestInfo; for ECDSA what of the
// digest counts, since some tokens refuse more (FIPS 186-5, Section 6.4.1).
func (g *signing) data(pub crypto.PublicKey) []byte {
	switch g.family {
	case pkcs1:
		return append([]byte(digests[g.hash].info), g.input...)
	case ecdsaFamily:
		return g.input[:min(len(g.input), orderLen(pub.(*ecdsa.PublicKey)))]
	}
	return g.input
}

// orderLen is the length in bytes of the numbers of an ECDSA signature.
func orderLen(k *ecdsa.PublicKey) int { return (k.Params().N.BitLen() + 7) / 8 }

// able lists what a key can sign by, given the mechanisms of its token and, if there are any,
// those that the key itself is limited to.
func able(pub crypto.PublicKey, token, key []uint) []iana.SignatureScheme {
	var ids []iana.SignatureScheme
	for _, s := range schemes {
		need := mechanismOf[s.family]
		if s.family.fits(pub, s.hash) && slices.Contains(token, need) && (len(key) == 0 || slices.Contains(key, need)) {
			ids = append(ids, s.id)
		}
	}
	return ids
}
