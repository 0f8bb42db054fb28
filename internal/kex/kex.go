package kex

import (
	"crypto/fips140"
	"io"

	"github.com/s2ngo/s2ngo/iana"
)

// Sizes in bytes that hold for every Scheme, for buffers of fixed size.
const (
	MaxShareLen  = 1665 // SecP384r1MLKEM1024, both sides
	MaxSecretLen = 80   // SecP384r1MLKEM1024
)

// Scheme is one key exchange. Rows are shared and must not be modified.
type Scheme struct {
	ID             iana.Group
	ClientShareLen int // bytes of what Key.AppendPublic appends
	ServerShareLen int // bytes of the share that Encapsulate appends
	SecretLen      int // bytes of the shared secret

	// Approved says that FIPS 140-3 approves of the exchange; a hybrid is approved by its
	// first part (draft-ietf-tls-ecdhe-mlkem, Regulatory Context).
	Approved bool

	agreement agreement
}

// Key is the private half of a share that was sent, good for one exchange. It is not safe
// for use by several goroutines at once, and prints as "secret".
type Key interface {
	// AppendPublic appends the share to dst.
	AppendPublic(dst []byte) []byte

	// Shared appends the secret shared with the owner of peerShare to dst. Shares that
	// cannot be are refused with a *ShareError, and dst is returned as it was.
	Shared(dst, peerShare []byte) ([]byte, error)

	// Clear makes the key unusable and wipes what of it is within reach: what the standard
	// library and circl hold inside their own types is only let go. It may be called twice.
	Clear()
}

// agreement is an implementation of one exchange.
type agreement interface {
	sizes() sizes
	generate(rand io.Reader) (Key, error)
	encapsulate(rand io.Reader, share, secret, peer []byte) (newShare, newSecret []byte, err error)
}

// sizes are the lengths of an agreement, in bytes.
type sizes struct{ client, server, secret int }

// Lookup returns the row of id, or nil if the group is not implemented.
func Lookup(id iana.Group) *Scheme {
	for i := range table {
		if table[i].ID == id {
			return &table[i]
		}
	}
	return nil
}

// Usable reports whether s may be negotiated in this process: in FIPS mode
// (GODEBUG=fips140=on) only approved exchanges may.
func (s *Scheme) Usable() bool { return s.Approved || !fips140.Enabled() }

// Generate returns a new key. A nil rand means production randomness; any other is for
// tests, and the key is then a function of the bytes read from it alone.
func (s *Scheme) Generate(rand io.Reader) (Key, error) { return s.agreement.generate(rand) }

// Encapsulate answers peerShare, the share of a Key: it appends its own share, from which
// that Key finds the secret, to share and the secret to secret. Shares that cannot be are
// refused with a *ShareError, and share and secret are then returned as they were. rand is
// that of Generate.
func (s *Scheme) Encapsulate(rand io.Reader, share, secret, peerShare []byte) (newShare, newSecret []byte, err error) {
	return s.agreement.encapsulate(rand, share, secret, peerShare)
}
