package suite

import (
	"crypto/cipher"
	_ "crypto/sha256" // the hashes of the table
	_ "crypto/sha512"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

func newAESGCM128(key []byte) (cipher.AEAD, error) { return newAESGCM(key, 16) }

func newAESGCM256(key []byte) (cipher.AEAD, error) { return newAESGCM(key, 32) }

func newAESGCM(key []byte, n int) (cipher.AEAD, error) {
	block, err := newAES(key, n)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("suite: %w", err)
	}
	return aead, nil
}

func newChaCha20Poly1305(key []byte) (cipher.AEAD, error) {
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, fmt.Errorf("suite: key of %d bytes for ChaCha20-Poly1305: %w", len(key), err)
	}
	return aead, nil
}
