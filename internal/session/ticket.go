package session

import (
	"crypto"
	"crypto/cipher"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/s2ngo/s2ngo/internal/kdf"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// A ticket is name || random || AES-256-GCM(plaintext). Its key and nonce are drawn from the named
// key by 32 random bytes of its own, so that no nonce is ever used twice under one key however many
// tickets a fleet seals. The name is authenticated as additional data, the random bytes by the key
// that they lead to.
const (
	randomLen  = 32
	aeadKeyLen = 32
	kdfLen     = 32 // SHA-256

	// ticketOverhead is how many bytes a ticket is longer than its plaintext; it exceeds IDLen.
	ticketOverhead = nameLen + randomLen + suite.TagLen
)

const ticketLabel = "s2ngo session ticket"

// Seal appends to dst a ticket that holds plaintext, and says how long its key will open it. ok is
// false, and dst unchanged, if there is no key to seal with at now. random is the source of every
// byte drawn. dst and plaintext must not overlap. Errors: those of random.
func (k *Keys) Seal(dst, plaintext []byte, now time.Time, random io.Reader) (ticket []byte, life time.Duration, ok bool, err error) {
	if err := k.renewOwn(now); err != nil {
		return dst, 0, false, err
	}
	key, err := k.choose(now, random)
	if key == nil || err != nil {
		return dst, 0, false, err
	}
	start := len(dst)
	dst = slices.Grow(dst, ticketOverhead+len(plaintext))
	dst = append(dst, key.name[:]...)
	salt := dst[len(dst) : len(dst)+randomLen]
	if _, err := io.ReadFull(random, salt); err != nil {
		return dst[:start], 0, false, fmt.Errorf("session: randomness for a ticket: %w", err)
	}
	dst = dst[:len(dst)+randomLen]
	aead, nonce, err := key.derive(salt)
	if err != nil {
		return dst[:start], 0, false, err
	}
	return aead.Seal(dst, nonce, plaintext, key.name[:]), k.opensUntil(key).Sub(now), true, nil
}

// Open appends to dst what ticket holds. renew says that its key seals no more, so that the client
// should have a new ticket. ok is false, and dst unchanged, if no key of the set opens it at now.
// dst and ticket must not overlap.
func (k *Keys) Open(dst, ticket []byte, now time.Time) (plaintext []byte, renew, ok bool) {
	if len(ticket) < ticketOverhead {
		return dst, false, false
	}
	keys := *k.keys.Load()
	for i := range keys {
		key := &keys[i]
		if string(key.name[:]) != string(ticket[:nameLen]) { // names are public
			continue
		}
		if !now.Before(k.opensUntil(key)) {
			return dst, false, false
		}
		aead, nonce, err := key.derive(ticket[nameLen:][:randomLen])
		if err != nil {
			return dst, false, false
		}
		opened, err := aead.Open(dst, nonce, ticket[nameLen+randomLen:], key.name[:])
		if err != nil {
			return dst, false, false
		}
		return opened, !now.Before(k.sealsUntil(key)), true
	}
	return dst, false, false
}

// derive returns the cipher of the ticket that has these random bytes.
func (key *ticketKey) derive(salt []byte) (aead cipher.AEAD, nonce []byte, err error) {
	var block [aeadKeyLen + suite.NonceLen]byte
	defer clear(block[:aeadKeyLen])
	var info [len(ticketLabel) + randomLen]byte
	copy(info[copy(info[:], ticketLabel):], salt)
	kdf.Expand(crypto.SHA256, block[:], key.prk[:], info[:])
	aead, err = newAEAD(block[:aeadKeyLen])
	return aead, block[aeadKeyLen:], err
}
