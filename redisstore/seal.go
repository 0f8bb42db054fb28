package redisstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
)

// errForeign is what an entry gives that this fleet has not put under its key.
var errForeign = errors.New("redisstore: the entry does not open under the fleet's secret")

// A sealed entry is format || salt || AES-256-GCM(plaintext) with the key that it is stored under as
// additional data. Cipher key and nonce come from the fleet's secret by the salt, 32 random bytes: a
// fleet seals more than one key with random nonces may.
const (
	sealFormat = 1
	saltLen    = 32
	keyLen     = 32
	nonceLen   = 12
	tagLen     = 16
)

// vault seals and names what is sent to Redis.
type vault struct {
	sealing []byte // pseudorandom keys of HKDF and HMAC
	naming  []byte
	prefix  string
}

func newVault(secret []byte, prefix string) (*vault, error) {
	v := &vault{prefix: prefix}
	for _, k := range []struct {
		to   *[]byte
		info string
	}{{&v.sealing, "s2ngo redisstore sealing"}, {&v.naming, "s2ngo redisstore naming"}} {
		key, err := hkdf.Key(sha256.New, secret, nil, k.info, keyLen)
		if err != nil {
			return nil, err
		}
		*k.to = key
	}
	return v, nil
}

// name returns the key under which something of this kind and ID is stored. IDs stand on the wire in
// the clear; their names in Redis lead nobody to them.
func (v *vault) name(kind string, id []byte) string {
	m := hmac.New(sha256.New, v.naming)
	m.Write([]byte(kind))
	m.Write([]byte{0})
	m.Write(id)
	return v.prefix + kind + ":" + hex.EncodeToString(m.Sum(nil)[:16])
}

// seal returns plaintext as it is stored under name.
func (v *vault) seal(name string, plaintext []byte) ([]byte, error) {
	out := make([]byte, 1+saltLen, 1+saltLen+len(plaintext)+tagLen)
	out[0] = sealFormat
	_, _ = rand.Read(out[1:]) // never fails: it would end the program
	aead, nonce, err := v.derive(out[1:])
	if err != nil {
		return nil, err
	}
	return aead.Seal(out, nonce, plaintext, []byte(name)), nil
}

// open returns what is stored under name.
func (v *vault) open(name string, sealed []byte) ([]byte, error) {
	if len(sealed) < 1+saltLen+tagLen || sealed[0] != sealFormat {
		return nil, errForeign
	}
	aead, nonce, err := v.derive(sealed[1:][:saltLen])
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open([]byte{}, nonce, sealed[1+saltLen:], []byte(name))
	if err != nil {
		return nil, errForeign
	}
	return plaintext, nil
}

func (v *vault) derive(salt []byte) (cipher.AEAD, []byte, error) {
	block, err := hkdf.Expand(sha256.New, v.sealing, string(salt), keyLen+nonceLen)
	if err != nil {
		return nil, nil, err
	}
	defer clear(block[:keyLen])
	c, err := aes.NewCipher(block[:keyLen])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(c)
	return aead, block[keyLen:], err
}
