package redisstore

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
)

// SecretLen is the length in bytes of the fleet's secret.
const SecretLen = 32

// LoadSecret reads the fleet's secret from a file: 32 bytes as they are, or 64 hexadecimal digits on a
// line of their own, as "openssl rand -hex 32" prints them.
func LoadSecret(file string) ([]byte, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("redisstore: the fleet's secret: %w", err)
	}
	if len(b) == SecretLen {
		return b, nil
	}
	defer clear(b)
	secret := make([]byte, SecretLen)
	if digits := bytes.TrimSpace(b); len(digits) == 2*SecretLen {
		if _, err := hex.Decode(secret, digits); err == nil {
			return secret, nil
		}
	}
	return nil, fmt.Errorf("redisstore: %s holds neither %d bytes nor %d hexadecimal digits", file, SecretLen, 2*SecretLen)
}
