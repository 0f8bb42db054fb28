package sig

import (
	"crypto"
	"fmt"

	"github.com/s2ngo/s2ngo/iana"
)

// VerifyError says why a peer's signature is refused.
type VerifyError struct {
	Scheme iana.SignatureScheme
	Len    int    // bytes of the signature
	Reason string // names the key
	alert  iana.Alert
}

// Error names the scheme, the length and the key.
func (e *VerifyError) Error() string {
	return fmt.Sprintf("sig: peer's %v signature of %d bytes %s", e.Scheme, e.Len, e.Reason)
}

// Alert returns decrypt_error for a signature that is not valid (RFC 8446, Section 4.4.3),
// illegal_parameter for a scheme that the key cannot have used, and bad_certificate for an
// RSA key out of bounds.
func (e *VerifyError) Alert() iana.Alert { return e.alert }

// Verify returns nil if signature is the one of digest, or of message for Ed25519, by the
// owner of pub. A nil digest is computed from message. Anything wrong with the peer is a
// *VerifyError. The curve and the kind of certificate are not looked at: that is for Fits,
// which knows the version.
func (s *Scheme) Verify(pub crypto.PublicKey, digest, message, signature []byte) error {
	refuse := func(alert iana.Alert, reason string) error {
		return &VerifyError{Scheme: s.ID, Len: len(signature), Reason: reason, alert: alert}
	}
	if !s.algorithm.owns(pub) {
		return refuse(iana.IllegalParameter, "cannot be from "+describe(pub))
	}
	if k := rsaOf(pub); k != nil && (k.N.BitLen() < MinRSABits || k.N.BitLen() > MaxRSABits) {
		return refuse(iana.BadCertificate, fmt.Sprintf("is from %s, out of %d to %d", describe(pub), MinRSABits, MaxRSABits))
	}
	input, err := s.input(digest, message)
	if err != nil {
		return fmt.Errorf("sig: verify with %v: %w", s.ID, err)
	}
	if !s.algorithm.verify(s.Hash, pub, input, signature) {
		return refuse(iana.DecryptError, "is not valid for "+describe(pub))
	}
	return nil
}
