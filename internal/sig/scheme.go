package sig

import (
	"crypto"
	"crypto/fips140"

	"github.com/s2ngo/s2ngo/iana"
)

// Limits on RSA moduli, in bits. Shorter ones are weak, longer ones a way to make a
// verifier work.
const (
	MinRSABits = 1024
	MaxRSABits = 8192
)

// MaxSignatureLen is the length in bytes of the longest signature of a Scheme, that of an
// RSA key of MaxRSABits.
const MaxSignatureLen = MaxRSABits / 8

// Scheme is one signature scheme. Rows are shared and must not be modified.
type Scheme struct {
	ID   iana.SignatureScheme
	Hash crypto.Hash // 0 for Ed25519, which signs the message itself

	// TLS12 and TLS13 say whether the scheme may sign handshake messages of that version.
	// All may sign certificates (RFC 8446, Section 4.2.3).
	TLS12, TLS13 bool

	// Approved says that FIPS 140-3 approves of the scheme.
	Approved bool

	algorithm algorithm
	opts      crypto.SignerOpts
	sum       func(dst, message []byte) []byte // nil for Ed25519
}

// Lookup returns the row of id, or nil if the scheme is not implemented.
func Lookup(id iana.SignatureScheme) *Scheme {
	for i := range table {
		if table[i].ID == id {
			return &table[i]
		}
	}
	return nil
}

// SchemesFor returns the schemes that fit pub in version v, the stronger habit first: the
// hash that belongs to the key before others, PSS before PKCS #1, SHA-1 last.
func SchemesFor(pub crypto.PublicKey, v iana.Version) []iana.SignatureScheme {
	var ids []iana.SignatureScheme
	for i := range table {
		if table[i].Fits(pub, v) {
			ids = append(ids, table[i].ID)
		}
	}
	return ids
}

// Fits reports whether the owner of pub may sign a handshake message of version v with s.
// The curve of an ECDSA key counts in TLS 1.3 only (RFC 8446, Section 4.2.3); an RSA
// modulus has to be long enough for PSS with the hash of s, and within MinRSABits and
// MaxRSABits.
func (s *Scheme) Fits(pub crypto.PublicKey, v iana.Version) bool {
	switch v {
	case iana.TLS12:
		return s.TLS12 && s.algorithm.fits(s.Hash, pub, false)
	case iana.TLS13:
		return s.TLS13 && s.algorithm.fits(s.Hash, pub, true)
	}
	return false
}

// Usable reports whether s may be negotiated in this process: in FIPS mode
// (GODEBUG=fips140=on) only approved schemes may.
func (s *Scheme) Usable() bool { return s.Approved || !fips140.Enabled() }

// SignerOpts returns the options that go with s to crypto.Signer.Sign: the hash, and for
// PSS a salt as long as the hash (RFC 8446, Section 4.2.3).
func (s *Scheme) SignerOpts() crypto.SignerOpts { return s.opts }

// Digest appends the digest of message to dst. For Ed25519 there is none and dst is
// returned as it was.
func (s *Scheme) Digest(dst, message []byte) []byte {
	if s.sum == nil {
		return dst
	}
	return s.sum(dst, message)
}
