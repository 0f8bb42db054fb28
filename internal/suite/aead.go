package suite

import (
	"crypto/aes"
	"crypto/cipher"
	_ "crypto/sha256" // the hashes of the table
	_ "crypto/sha512"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

func newAESGCM128(key []byte) (cipher.AEAD, error) { return newAESGCM(key, 16) }

func newAESGCM256(key []byte) (cipher.AEAD, error) { return newAESGCM(key, 32) }

// newAESGCM checks the length itself because aes.NewCipher takes the key of another AES
// as well.
func newAESGCM(key []byte, n int) (cipher.AEAD, error) {
	if len(key) != n {
		return nil, fmt.Errorf("suite: key of %d bytes for AES-%d-GCM", len(key), 8*n)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("suite: %w", err)
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
