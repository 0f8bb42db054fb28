package suite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	_ "crypto/sha1" // the hash of MACs
	"fmt"
)

func newAES128(key []byte) (cipher.Block, error) { return newAES(key, 16) }

func newAES256(key []byte) (cipher.Block, error) { return newAES(key, 32) }

// newAES checks the length itself because aes.NewCipher takes the key of another AES as
// well.
func newAES(key []byte, n int) (cipher.Block, error) {
	if len(key) != n {
		return nil, fmt.Errorf("suite: key of %d bytes for AES-%d", len(key), 8*n)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("suite: %w", err)
	}
	return block, nil
}

func newTripleDES(key []byte) (cipher.Block, error) {
	block, err := des.NewTripleDESCipher(key)
	if err != nil {
		return nil, fmt.Errorf("suite: key of %d bytes for 3DES: %w", len(key), err)
	}
	return block, nil
}
