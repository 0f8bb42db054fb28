package kex

import (
	"crypto/ecdh"
	cryptorand "crypto/rand"
	"errors"
	"io"

	"github.com/s2ngo/s2ngo/iana"
)

// curve is a Diffie-Hellman group of crypto/ecdh.
type curve struct {
	id        iana.Group
	curve     ecdh.Curve
	shareLen  int
	secretLen int  // also the length of a scalar
	mask      byte // of the scalar's first byte: the bits that a scalar may have there
}

// The curves of crypto/ecdh. RFC 8446, Sections 4.2.8.2 and 7.4.2.
var (
	secp256r1 = &curve{iana.Secp256r1, ecdh.P256(), 65, 32, 0xff}
	secp384r1 = &curve{iana.Secp384r1, ecdh.P384(), 97, 48, 0xff}
	secp521r1 = &curve{iana.Secp521r1, ecdh.P521(), 133, 66, 0x01}
	stdX25519 = curve{iana.X25519, ecdh.X25519(), 32, 32, 0xff}
)

// curveKey is a key of a curve.
type curveKey struct {
	hidden
	c    *curve
	priv *ecdh.PrivateKey // nil once cleared
}

func (c *curve) sizes() sizes { return sizes{c.shareLen, c.shareLen, c.secretLen} }

func (c *curve) generate(rand io.Reader) (Key, error) {
	priv, err := c.newKey(rand)
	if err != nil {
		return nil, err
	}
	return &curveKey{c: c, priv: priv}, nil
}

func (c *curve) encapsulate(rand io.Reader, share, secret, peer []byte) (newShare, newSecret []byte, err error) {
	pub, err := c.parse(peer) // before the work of a key, which a bad share is not worth
	if err != nil {
		return share, secret, err
	}
	priv, err := c.newKey(rand)
	if err != nil {
		return share, secret, err
	}
	newSecret, err = c.shared(secret, priv, pub)
	if err != nil {
		return share, secret, err
	}
	return append(share, priv.PublicKey().Bytes()...), newSecret, nil
}

// newKey reads scalars from a test's rand until one is below the order of the curve, which
// takes a second try about once in 2^32 for P-256 and hardly ever for the others.
func (c *curve) newKey(rand io.Reader) (*ecdh.PrivateKey, error) {
	if rand == nil {
		priv, err := c.curve.GenerateKey(cryptorand.Reader)
		if err != nil {
			return nil, notGenerated(c.id, err)
		}
		return priv, nil
	}
	scalar := make([]byte, c.secretLen)
	defer clear(scalar)
	for range 16 {
		if err := fill(rand, scalar); err != nil {
			return nil, err
		}
		scalar[0] &= c.mask
		if priv, err := c.curve.NewPrivateKey(scalar); err == nil {
			return priv, nil
		}
	}
	return nil, notGenerated(c.id, errors.New("16 scalars of the random source are not below the order"))
}

func (c *curve) parse(share []byte) (*ecdh.PublicKey, error) {
	if len(share) != c.shareLen {
		return nil, wrongLength(c.id, len(share), c.shareLen)
	}
	pub, err := c.curve.NewPublicKey(share)
	if err != nil {
		return nil, refused(c.id, len(share), notOnCurve)
	}
	return pub, nil
}

// shared fails for a point of low order only, which X25519 has and the others have not.
func (c *curve) shared(dst []byte, priv *ecdh.PrivateKey, pub *ecdh.PublicKey) ([]byte, error) {
	secret, err := priv.ECDH(pub)
	if err != nil {
		return dst, refused(c.id, c.shareLen, allZero)
	}
	dst = append(dst, secret...)
	clear(secret)
	return dst, nil
}

// AppendPublic appends the share, an uncompressed point or X25519's 32 bytes.
func (k *curveKey) AppendPublic(dst []byte) []byte {
	if k.priv == nil {
		return dst
	}
	return append(dst, k.priv.PublicKey().Bytes()...)
}

// Shared appends the x-coordinate of the shared point, with its leading zeros.
func (k *curveKey) Shared(dst, peerShare []byte) ([]byte, error) {
	if k.priv == nil {
		return dst, errCleared
	}
	pub, err := k.c.parse(peerShare)
	if err != nil {
		return dst, err
	}
	return k.c.shared(dst, k.priv, pub)
}

// Clear lets the key go; crypto/ecdh has no way to wipe it.
func (k *curveKey) Clear() { k.priv = nil }
