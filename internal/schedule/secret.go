package schedule

import (
	"crypto"
	"errors"
	"fmt"

	"github.com/s2ngo/s2ngo/internal/kdf"
)

// Secret is one secret of the schedule: a traffic secret, a binder key, an exporter secret or the
// resumption secret. It is a value, with no memory but its own, and its owner
// clears it. A Secret prints as "secret"; but fmt prints an unexported field without asking it, so
// a struct that has one must not be printed.
type Secret struct {
	redacted
	b    [kdf.MaxSize]byte
	hash crypto.Hash
}

// Bytes lends the secret, until s is cleared or overwritten.
func (s *Secret) Bytes() []byte { return s.b[:s.hash.Size()] }

// Hash returns the hash of the schedule that s belongs to.
func (s *Secret) Hash() crypto.Hash { return s.hash }

// Clear wipes s. All that a cleared Secret, or the zero one, can do is print, and be cleared again.
func (s *Secret) Clear() {
	clear(s.b[:])
	s.hash = 0
}

// Next returns the traffic secret that follows s, which the caller clears when its keys are not
// needed any more. RFC 8446, Section 7.2.
//
//	application_traffic_secret_N+1 =
//	    HKDF-Expand-Label(application_traffic_secret_N, "traffic upd", "", Hash.length)
func (s *Secret) Next() Secret { return s.expand("traffic upd", nil) }

// Key fills dst, of the AEAD's key length, with the write key of traffic secret s.
// RFC 8446, Section 7.3.
//
//	[sender]_write_key = HKDF-Expand-Label(Secret, "key", "", key_length)
func (s *Secret) Key(dst []byte) { kdf.ExpandLabel(s.hash, dst, s.Bytes(), "key", nil) }

// IV fills dst, of the AEAD's nonce length, with the write IV of traffic secret s.
// RFC 8446, Section 7.3.
//
//	[sender]_write_iv = HKDF-Expand-Label(Secret, "iv", "", iv_length)
func (s *Secret) IV(dst []byte) { kdf.ExpandLabel(s.hash, dst, s.Bytes(), "iv", nil) }

// KeyIV is Key and IV together, for less than the price of both. It consumes s: key and IV, of keyLen and ivLen
// bytes and no more than 48 together, lie in its memory and are lent until s is cleared, which is all that s is
// good for then.
func (s *Secret) KeyIV(keyLen, ivLen int) (key, iv []byte) {
	var m kdf.MAC
	m.Init(s.hash, s.Bytes())
	s.Clear()
	key, iv = s.b[:keyLen:keyLen], s.b[keyLen:keyLen+ivLen]
	m.ExpandLabel(key, "key", nil)
	m.ExpandLabel(iv, "iv", nil)
	m.Clear()
	return key, iv
}

// Finished appends to dst the verify_data of a Finished under handshake traffic secret s, or the
// binder under binder key s. RFC 8446, Sections 4.4.4 and 4.2.11.2.
//
//	finished_key = HKDF-Expand-Label(BaseKey, "finished", "", Hash.length)
//	verify_data = HMAC(finished_key, Transcript-Hash(...))
func (s *Secret) Finished(dst, transcriptHash []byte) []byte {
	key := s.expand("finished", nil)
	kdf.HMAC(s.hash, key.Bytes(), key.Bytes(), transcriptHash)
	dst = append(dst, key.Bytes()...)
	key.Clear()
	return dst
}

// TicketPSK returns the PSK of the ticket with that nonce, of at most 255 bytes, where s is
// the resumption secret. RFC 8446, Section 4.6.1.
//
//	HKDF-Expand-Label(resumption_master_secret, "resumption", ticket_nonce, Hash.length)
func (s *Secret) TicketPSK(nonce []byte) Secret { return s.expand("resumption", nonce) }

// ErrExport is the error of an Export whose label or length is out of bounds.
var ErrExport = errors.New("schedule: exporter label above 249 bytes or output above 255 times the hash")

// Export fills out with keying material for label and context, where s is an exporter secret.
// RFC 8446, Section 7.5.
//
//	TLS-Exporter(label, context_value, key_length) =
//	    HKDF-Expand-Label(Derive-Secret(Secret, label, ""),
//	                      "exporter", Hash(context_value), key_length)
func (s *Secret) Export(out []byte, label string, context []byte) error {
	if len(label) > kdf.MaxLabel || len(out) > 255*s.hash.Size() {
		return fmt.Errorf("%w: %d and %d bytes", ErrExport, len(label), len(out))
	}
	var sum [kdf.MaxSize]byte
	digest := sum[:s.hash.Size()]
	kdf.Sum(s.hash, digest, nil)
	secret := s.expand(label, digest)
	kdf.Sum(s.hash, digest, context)
	kdf.ExpandLabel(s.hash, out, secret.Bytes(), "exporter", digest)
	secret.Clear()
	return nil
}

// expand returns HKDF-Expand-Label(s, label, context, Hash.length), which is
// Derive-Secret(s, label, Messages) where context is Transcript-Hash(Messages).
func (s *Secret) expand(label string, context []byte) Secret {
	next := Secret{hash: s.hash}
	kdf.ExpandLabel(s.hash, next.Bytes(), s.Bytes(), label, context)
	return next
}

// expandPair is expand for two labels, for less than the price of two.
func (s *Secret) expandPair(label1, label2 string, context []byte) (next1, next2 Secret) {
	next1.hash, next2.hash = s.hash, s.hash
	var m kdf.MAC
	m.Init(s.hash, s.Bytes())
	m.ExpandLabel(next1.Bytes(), label1, context)
	m.ExpandLabel(next2.Bytes(), label2, context)
	m.Clear()
	return next1, next2
}
