package kex

import (
	"crypto"
	"crypto/mlkem"
	"io"

	"github.com/s2ngo/s2ngo/iana"
)

// stdMLKEM is ML-KEM by the standard library.
type stdMLKEM struct {
	id            iana.Group
	keyLen        int // bytes of an encapsulation key, the client's share
	ciphertextLen int // bytes of a ciphertext, the server's share
	newKey        func() (crypto.Decapsulator, error)
	fromSeed      func(seed []byte) (crypto.Decapsulator, error)
	parse         func(share []byte) (crypto.Encapsulator, error)

	// derandomized encapsulates for tests, which the standard library leaves to
	// mlkemtest.
	derandomized agreement
}

var (
	stdMLKEM768 = stdMLKEM{
		id: iana.MLKEM768, keyLen: mlkem.EncapsulationKeySize768, ciphertextLen: mlkem.CiphertextSize768,
		newKey:       func() (crypto.Decapsulator, error) { return mlkem.GenerateKey768() },
		fromSeed:     func(seed []byte) (crypto.Decapsulator, error) { return mlkem.NewDecapsulationKey768(seed) },
		parse:        func(share []byte) (crypto.Encapsulator, error) { return mlkem.NewEncapsulationKey768(share) },
		derandomized: &circlMLKEM768,
	}
	stdMLKEM1024 = stdMLKEM{
		id: iana.MLKEM1024, keyLen: mlkem.EncapsulationKeySize1024, ciphertextLen: mlkem.CiphertextSize1024,
		newKey:       func() (crypto.Decapsulator, error) { return mlkem.GenerateKey1024() },
		fromSeed:     func(seed []byte) (crypto.Decapsulator, error) { return mlkem.NewDecapsulationKey1024(seed) },
		parse:        func(share []byte) (crypto.Encapsulator, error) { return mlkem.NewEncapsulationKey1024(share) },
		derandomized: &circlMLKEM1024,
	}
)

// stdKey is a key of a stdMLKEM.
type stdKey struct {
	hidden
	m    *stdMLKEM
	priv crypto.Decapsulator // nil once cleared
}

func (m *stdMLKEM) sizes() sizes { return sizes{m.keyLen, m.ciphertextLen, mlkemSecretLen} }

func (m *stdMLKEM) generate(rand io.Reader) (Key, error) {
	if rand == nil {
		priv, err := m.newKey()
		if err != nil {
			return nil, notGenerated(m.id, err)
		}
		return &stdKey{m: m, priv: priv}, nil
	}
	seed := make([]byte, mlkemSeedLen)
	defer clear(seed)
	if err := fill(rand, seed); err != nil {
		return nil, err
	}
	priv, err := m.fromSeed(seed)
	if err != nil {
		return nil, notGenerated(m.id, err)
	}
	return &stdKey{m: m, priv: priv}, nil
}

// encapsulate leaves the check of the key, FIPS 203, Section 7.2, to parse.
func (m *stdMLKEM) encapsulate(rand io.Reader, share, secret, peer []byte) (newShare, newSecret []byte, err error) {
	if rand != nil {
		return m.derandomized.encapsulate(rand, share, secret, peer)
	}
	if len(peer) != m.keyLen {
		return share, secret, wrongLength(m.id, len(peer), m.keyLen)
	}
	pub, err := m.parse(peer)
	if err != nil {
		return share, secret, refused(m.id, len(peer), notReduced)
	}
	ss, ct := pub.Encapsulate()
	defer clear(ss)
	return append(share, ct...), append(secret, ss...), nil
}

// AppendPublic appends the encapsulation key.
func (k *stdKey) AppendPublic(dst []byte) []byte {
	if k.priv == nil {
		return dst
	}
	return append(dst, k.priv.Encapsulator().Bytes()...)
}

// Shared appends 32 bytes. A ciphertext that was not made for this key gives a secret that
// nobody else has, and no error (FIPS 203, Algorithm 18).
func (k *stdKey) Shared(dst, peerShare []byte) ([]byte, error) {
	if k.priv == nil {
		return dst, errCleared
	}
	if len(peerShare) != k.m.ciphertextLen {
		return dst, wrongLength(k.m.id, len(peerShare), k.m.ciphertextLen)
	}
	ss, err := k.priv.Decapsulate(peerShare)
	if err != nil {
		return dst, err
	}
	defer clear(ss)
	return append(dst, ss...), nil
}

// Clear lets the key go; crypto/mlkem has no way to wipe it.
func (k *stdKey) Clear() { k.priv = nil }
