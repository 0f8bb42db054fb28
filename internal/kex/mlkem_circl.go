package kex

import (
	"io"

	"github.com/cloudflare/circl/kem/mlkem/mlkem1024"
	"github.com/cloudflare/circl/kem/mlkem/mlkem768"

	"github.com/s2ngo/s2ngo/iana"
)

// Sizes of ML-KEM that do not depend on the parameter set. FIPS 203, Section 8.
const (
	mlkemSeedLen       = 64 // d and z of a key
	mlkemRandomnessLen = 32 // m of an encapsulation
	mlkemSecretLen     = 32
)

// circlMLKEM is ML-KEM by circl. Each method that calls circl ends with zeroUpper.
type circlMLKEM struct {
	id            iana.Group
	keyLen        int // bytes of an encapsulation key, the client's share
	ciphertextLen int // bytes of a ciphertext, the server's share
	fromSeed      func(seed []byte) (circlPublicKey, circlPrivateKey)
	newPublic     func() circlPublicKey
}

type circlPublicKey interface {
	Pack(buf []byte)
	Unpack(buf []byte) error
	EncapsulateTo(ct, ss, seed []byte)
}

type circlPrivateKey interface {
	DecapsulateTo(ss, ct []byte)
}

var (
	circlMLKEM768 = circlMLKEM{
		id: iana.MLKEM768, keyLen: mlkem768.PublicKeySize, ciphertextLen: mlkem768.CiphertextSize,
		fromSeed: func(seed []byte) (circlPublicKey, circlPrivateKey) {
			return mlkem768.NewKeyFromSeed(seed)
		},
		newPublic: func() circlPublicKey { return new(mlkem768.PublicKey) },
	}
	circlMLKEM1024 = circlMLKEM{
		id: iana.MLKEM1024, keyLen: mlkem1024.PublicKeySize, ciphertextLen: mlkem1024.CiphertextSize,
		fromSeed: func(seed []byte) (circlPublicKey, circlPrivateKey) {
			return mlkem1024.NewKeyFromSeed(seed)
		},
		newPublic: func() circlPublicKey { return new(mlkem1024.PublicKey) },
	}
)

// circlKey is a key of a circlMLKEM.
type circlKey struct {
	hidden
	m    *circlMLKEM
	pub  circlPublicKey
	priv circlPrivateKey // nil once cleared
}

func (m *circlMLKEM) sizes() sizes { return sizes{m.keyLen, m.ciphertextLen, mlkemSecretLen} }

func (m *circlMLKEM) generate(rand io.Reader) (Key, error) {
	seed := make([]byte, mlkemSeedLen)
	defer clear(seed)
	if err := fill(rand, seed); err != nil {
		return nil, err
	}
	defer zeroUpper()
	k := &circlKey{m: m}
	k.pub, k.priv = m.fromSeed(seed)
	return k, nil
}

// encapsulate leaves the check of the key, FIPS 203, Section 7.2, to Unpack.
func (m *circlMLKEM) encapsulate(rand io.Reader, share, secret, peer []byte) (newShare, newSecret []byte, err error) {
	if len(peer) != m.keyLen {
		return share, secret, wrongLength(m.id, len(peer), m.keyLen)
	}
	defer zeroUpper()
	pub := m.newPublic()
	if err := pub.Unpack(peer); err != nil {
		return share, secret, refused(m.id, len(peer), notReduced)
	}
	seed := make([]byte, mlkemRandomnessLen)
	defer clear(seed)
	if err := fill(rand, seed); err != nil {
		return share, secret, err
	}
	newShare, ct := extend(share, m.ciphertextLen)
	newSecret, ss := extend(secret, mlkemSecretLen)
	pub.EncapsulateTo(ct, ss, seed)
	return newShare, newSecret, nil
}

// AppendPublic appends the encapsulation key.
func (k *circlKey) AppendPublic(dst []byte) []byte {
	if k.priv == nil {
		return dst
	}
	defer zeroUpper()
	dst, share := extend(dst, k.m.keyLen)
	k.pub.Pack(share)
	return dst
}

// Shared appends 32 bytes. A ciphertext that was not made for this key gives a secret that
// nobody else has, and no error (FIPS 203, Algorithm 18).
func (k *circlKey) Shared(dst, peerShare []byte) ([]byte, error) {
	if k.priv == nil {
		return dst, errCleared
	}
	if len(peerShare) != k.m.ciphertextLen {
		return dst, wrongLength(k.m.id, len(peerShare), k.m.ciphertextLen)
	}
	defer zeroUpper()
	dst, secret := extend(dst, mlkemSecretLen)
	k.priv.DecapsulateTo(secret, peerShare)
	return dst, nil
}

// Clear lets the key go; circl has no way to wipe it.
func (k *circlKey) Clear() { k.pub, k.priv = nil, nil }
