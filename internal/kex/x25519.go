package kex

import (
	"crypto/subtle"
	"io"

	"github.com/cloudflare/circl/dh/x25519"

	"github.com/s2ngo/s2ngo/iana"
)

// circlX25519 is X25519 by circl, which does all on the stack.
type circlX25519 struct{}

// x25519Key is a key of circlX25519.
type x25519Key struct {
	hidden
	cleared        bool
	secret, public x25519.Key
}

func (circlX25519) sizes() sizes { return sizes{x25519.Size, x25519.Size, x25519.Size} }

func (circlX25519) generate(rand io.Reader) (Key, error) {
	k := new(x25519Key)
	if err := k.init(rand); err != nil {
		return nil, err
	}
	return k, nil
}

func (circlX25519) encapsulate(rand io.Reader, share, secret, peer []byte) (newShare, newSecret []byte, err error) {
	if len(peer) != x25519.Size {
		return share, secret, wrongLength(iana.X25519, len(peer), x25519.Size)
	}
	var k x25519Key
	defer k.Clear()
	if err := k.init(rand); err != nil {
		return share, secret, err
	}
	newSecret, err = k.Shared(secret, peer)
	if err != nil {
		return share, secret, err
	}
	return k.AppendPublic(share), newSecret, nil
}

func (k *x25519Key) init(rand io.Reader) error {
	if err := fill(rand, k.secret[:]); err != nil {
		return err
	}
	x25519.KeyGen(&k.public, &k.secret)
	return nil
}

// AppendPublic appends the 32 bytes of the share.
func (k *x25519Key) AppendPublic(dst []byte) []byte {
	if k.cleared {
		return dst
	}
	return append(dst, k.public[:]...)
}

// Shared appends 32 bytes. It looks at the secret for zeros as RFC 7748, Section 6.1, says,
// and does not rely on circl's list of points of low order alone.
func (k *x25519Key) Shared(dst, peerShare []byte) ([]byte, error) {
	if k.cleared {
		return dst, errCleared
	}
	if len(peerShare) != x25519.Size {
		return dst, wrongLength(iana.X25519, len(peerShare), x25519.Size)
	}
	var peer, secret, zero x25519.Key
	copy(peer[:], peerShare)
	defer clear(secret[:])
	ok := x25519.Shared(&secret, &k.secret, &peer)
	if !ok || subtle.ConstantTimeCompare(secret[:], zero[:]) == 1 {
		return dst, refused(iana.X25519, x25519.Size, allZero)
	}
	return append(dst, secret[:]...), nil
}

// Clear wipes the key.
func (k *x25519Key) Clear() {
	clear(k.secret[:])
	k.cleared = true
}
