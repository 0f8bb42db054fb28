// Package certs holds the certificates that this side proves itself with, the store that a
// server picks them from, and the parser that the peer's certificates go through.
package certs

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/sig"
)

var (
	// ErrKeyMismatch says that a private key does not belong to the leaf certificate.
	ErrKeyMismatch = errors.New("private key does not match the leaf certificate")

	// ErrUnsupportedKey says that a key is of a type or size that TLS is not done with
	// here: it is neither RSA of 1024 to 8192 bits, ECDSA on P-256, P-384 or P-521, nor
	// Ed25519.
	ErrUnsupportedKey = errors.New("unsupported key")

	// ErrEncryptedKey says that a private key is under a passphrase, which has to be
	// taken off before the key is loaded.
	ErrEncryptedKey = errors.New("private key is encrypted")
)

// Certificate is a certificate chain and the key to prove it with. It comes from New,
// ParsePEM, LoadFiles or ParsePublicPEM. Connections share it: set the fields below, if
// at all, before it goes into a configuration, and change nothing afterwards.
type Certificate struct {
	// Chain is what goes to the peer: certificates in DER, the leaf first, each next one
	// certifying the one before. The root may be left out.
	Chain [][]byte

	// Leaf is the first certificate of Chain. Where its key is bound to RSASSA-PSS,
	// which crypto/x509 does not read, PublicKey holds it all the same.
	Leaf *x509.Certificate

	// PrivateKey is a crypto.Signer, a crypto.Decrypter or both. It is nil where the
	// application or a token answers each operation instead.
	PrivateKey crypto.PrivateKey

	// Schemes are the signature schemes that the key's holder can do, as when a TPM
	// lacks RSA-PSS; nil stands for all that fit the public key. Their order is of no
	// account. New takes them from a key that has a method SignatureSchemes. A key that also
	// has a method CanSign is asked again each time: it may have learned of a limit.
	Schemes []iana.SignatureScheme

	// SignOnly says that the holder of an RSA key does not decrypt: the certificate is not
	// used for RSA key exchange, even though there is a hook that might. New takes it from a
	// key that has a method CanDecrypt.
	SignOnly bool

	// OCSPStaple is the OCSP response, in DER, for a peer that asks for the status of
	// the leaf (RFC 6066, Section 8); nil = none.
	OCSPStaple []byte

	// SCTList is the SignedCertificateTimestampList, with its two bytes of length, for a
	// peer that asks for it (RFC 6962, Section 3.3); nil = none.
	SCTList []byte

	parsed []*x509.Certificate
	public crypto.PublicKey // as PublicKey returns it
	able   func(iana.SignatureScheme) bool
}

// New returns the Certificate of a chain in DER, leaf first, and of its key, which may be
// nil. It keeps the slices of chain. The errors are ErrKeyMismatch, ErrUnsupportedKey, and
// *ParseError for a certificate that cannot be read.
func New(chain [][]byte, key crypto.PrivateKey) (*Certificate, error) {
	if len(chain) == 0 {
		return nil, errors.New("certs: the certificate chain is empty")
	}
	parsed, err := ParseChain(chain, len(chain))
	if err != nil {
		return nil, err
	}
	leaf := parsed[0]
	if err := checkKey(leaf); err != nil {
		return nil, fmt.Errorf("certs: certificate of %s: %w", subject(leaf), err)
	}
	if key != nil {
		if err := checkMatch(leaf.PublicKey, key); err != nil {
			return nil, fmt.Errorf("certs: certificate of %s: %w", subject(leaf), err)
		}
	}
	c := &Certificate{Chain: chain, Leaf: leaf, PrivateKey: key, parsed: parsed, public: PublicKey(leaf)}
	if lister, ok := key.(interface {
		SignatureSchemes() []iana.SignatureScheme
	}); ok {
		c.Schemes = lister.SignatureSchemes()
	}
	if says, ok := key.(interface {
		CanSign(iana.SignatureScheme) bool
	}); ok {
		c.able = says.CanSign
	}
	if says, ok := key.(interface{ CanDecrypt() bool }); ok {
		c.SignOnly = !says.CanDecrypt()
	}
	return c, nil
}

// X509 returns Chain in parsed form, which is shared: change nothing in it. It is nil for
// a Certificate that does not come from this package's functions.
func (c *Certificate) X509() []*x509.Certificate { return c.parsed }

// PublicKey returns the leaf's key for checking signatures. It is Leaf.PublicKey, but for a
// key that is bound to RSASSA-PSS: that has a type of its own here.
func (c *Certificate) PublicKey() crypto.PublicKey { return c.public }

// KeyType returns the type of the leaf's key.
func (c *Certificate) KeyType() KeyType { return keyTypeOf(c.public) }

// CanSign reports whether the key can make signatures of scheme s in version v: the
// public key fits, Schemes names s or nothing, and the key does not say that it cannot.
func (c *Certificate) CanSign(s iana.SignatureScheme, v iana.Version) bool {
	scheme := sig.Lookup(s)
	return scheme != nil && scheme.Fits(c.public, v) &&
		(c.Schemes == nil || slices.Contains(c.Schemes, s)) && (c.able == nil || c.able(s))
}

// checkMatch reports whether key is the private half of pub.
func checkMatch(pub crypto.PublicKey, key crypto.PrivateKey) error {
	holder, ok := key.(interface{ Public() crypto.PublicKey })
	if !ok {
		return fmt.Errorf("private key of type %T has no method Public", key)
	}
	_, signs := key.(crypto.Signer)
	_, decrypts := key.(crypto.Decrypter)
	if !signs && !decrypts {
		return fmt.Errorf("private key of type %T neither signs nor decrypts", key)
	}
	comparer, ok := pub.(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !comparer.Equal(holder.Public()) {
		return fmt.Errorf("%w: the certificate holds %s, the key is %s",
			ErrKeyMismatch, describeKey(pub), describeKey(holder.Public()))
	}
	return nil
}
