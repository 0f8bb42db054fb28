package kex

import (
	"io"

	"filippo.io/bigmod"

	"github.com/s2ngo/s2ngo/iana"
)

// Bounds on the prime of a DH group, in bits.
const (
	MinDHBits = 1024
	MaxDHBits = 8192
)

// DHParams is a group for Diffie-Hellman over a finite field, as DHE suites of TLS 1.2 use
// it. It may be shared, also by goroutines.
type DHParams struct {
	id           iana.Group // 0 if it is none of RFC 7919
	p, g         []byte     // without leading zeros
	modulus      *bigmod.Modulus
	base         *bigmod.Nat // g
	exponentBits int
}

// DHKey is the private half of a public value that was sent. It is good for one exchange, is
// not safe for use by several goroutines at once, and prints as "secret".
type DHKey struct {
	hidden
	d        *DHParams
	exponent []byte // nil once used or cleared
	public   []byte // as long as the prime
}

// Group returns the number that RFC 7919 gives the group, 0 for another one.
func (d *DHParams) Group() iana.Group { return d.id }

// P lends the prime, the highest byte first and without leading zeros. It must not be
// modified.
func (d *DHParams) P() []byte { return d.p }

// G lends the generator, in the form of P. It must not be modified.
func (d *DHParams) G() []byte { return d.g }

// BitLen returns the bits of the prime.
func (d *DHParams) BitLen() int { return d.modulus.BitLen() }

// Generate returns a new key. A nil rand means production randomness; any other is for
// tests, and the key is then a function of the bytes read from it alone.
//
// The exponent is short where the prime is known to be a safe one: 232, 280, 328, 376 or 400
// bits (RFC 7919, Section 5.2). In any other group it is one bit shorter than the prime,
// since nothing is known of the group's order, and an exchange takes eight to twenty times
// as long. Its highest bit is always set.
func (d *DHParams) Generate(rand io.Reader) (*DHKey, error) {
	exponent := make([]byte, (d.exponentBits+7)/8)
	if err := fill(rand, exponent); err != nil {
		return nil, err
	}
	top := byte(1) << ((d.exponentBits - 1) % 8)
	exponent[0] = exponent[0]&(top-1) | top
	return d.newKey(exponent), nil
}

// newKey takes over exponent, which is less than the prime minus 1.
func (d *DHParams) newKey(exponent []byte) *DHKey {
	y := bigmod.NewNat().Exp(d.base, exponent, d.modulus)
	return &DHKey{d: d, exponent: exponent, public: y.Bytes(d.modulus)}
}

// AppendPublic appends the public value to dst, with zeros in front up to the length of the
// prime: all peers take them, and there are those who insist on them.
func (k *DHKey) AppendPublic(dst []byte) []byte { return append(dst, k.public...) }

// Shared appends the secret shared with the owner of the public value peer to dst, and
// clears the key. A value that is not in 2 to p-2 is refused with a *DHError, and dst is
// returned as it was; zeros in front of it do not matter. RFC 7919, Section 5.1.
//
// Zeros in front of the secret are left out: 8.1.2 of RFC 5246 wants it so for TLS 1.2. How
// many there are shows in the time that the hash of the premaster secret takes, which is
// the Raccoon attack: it needs thousands of exchanges with the same key, and a key that is
// cleared by its first exchange has one.
func (k *DHKey) Shared(dst, peer []byte) ([]byte, error) {
	if k.exponent == nil {
		return dst, errCleared
	}
	y, err := k.d.publicValue(peer)
	if err != nil {
		return dst, err
	}
	m := k.d.modulus
	z := bigmod.NewNat().Exp(y, k.exponent, m)
	k.Clear()
	defer clear(z.Bits())
	// In the group of a safe prime this cannot be. In others the peer may have sent an
	// element of small order: NIST SP 800-56A, Section 5.7.1.1.
	if z.IsZero()|z.IsOne()|z.IsMinusOne(m) != 0 {
		return dst, k.d.refused("gives no secret")
	}
	padded := z.Bytes(m)
	defer clear(padded)
	return append(dst, trimZeros(padded)...), nil
}

// Clear wipes the exponent and makes the key unusable but for its public value. It may be
// called twice.
func (k *DHKey) Clear() {
	clear(k.exponent)
	k.exponent = nil
}

// publicValue reads a public value of a peer. RFC 7919, Section 5.1.
func (d *DHParams) publicValue(b []byte) (*bigmod.Nat, error) {
	b = trimZeros(b)
	if len(b) > len(d.p) {
		return nil, d.refused("is not below the prime")
	}
	y, err := bigmod.NewNat().SetBytes(b, d.modulus)
	switch {
	case err != nil:
		return nil, d.refused("is not below the prime")
	case y.IsZero() == 1:
		return nil, d.refused("is 0")
	case y.IsOne() == 1:
		return nil, d.refused("is 1")
	case y.IsMinusOne(d.modulus) == 1:
		return nil, d.refused("is the prime minus 1")
	}
	return y, nil
}

func (d *DHParams) refused(reason string) error {
	return &DHError{Group: d.id, Bits: d.BitLen(), Reason: "peer's public value " + reason, Description: iana.HandshakeFailure}
}
