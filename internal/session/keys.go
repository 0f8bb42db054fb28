package session

import (
	"crypto"
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kdf"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// MaxKeys is the greatest number of ticket keys in a set, expired ones apart.
const MaxKeys = 48

// Errors of Keys.Add, for errors.Is.
var (
	ErrKeyName      = errors.New("session: a ticket key's name has 1 to 16 bytes")
	ErrKeySecret    = errors.New("session: a ticket key's secret is empty")
	ErrKeyNotUnique = errors.New("session: a ticket key of this name or secret is there already")
	ErrKeyLimit     = errors.New("session: there are 48 ticket keys already")
	ErrKeyExpired   = errors.New("session: the ticket key's time is over already")
)

// KeysConfig says how long the keys of a set live.
type KeysConfig struct {
	// EncryptLifetime is how long after its introduction a key seals tickets; 0 stands for 2
	// hours (s2n_config_set_ticket_encrypt_decrypt_key_lifetime).
	EncryptLifetime time.Duration

	// DecryptLifetime is how long it goes on opening them then; 0 stands for 13 hours
	// (s2n_config_set_ticket_decrypt_key_lifetime).
	DecryptLifetime time.Duration

	// AddedOnly keeps the set from making keys of its own before one is added.
	AddedOnly bool
}

// Keys is a set of session ticket encryption keys, safe on all goroutines and while connections use
// it. Until a key is added it makes its own, a fresh one each half of EncryptLifetime.
// Which of several keys seals a ticket is drawn; a key's weight rises to the middle of its
// EncryptLifetime and falls then, so that a fleet passes smoothly from key to key, as s2n does.
type Keys struct {
	encrypt, decrypt time.Duration
	mu               sync.Mutex                  // of those who change the set
	keys             atomic.Pointer[[]ticketKey] // never changed, only replaced; oldest introduction first
	byHand           atomic.Bool                 // it makes no keys of its own (any more)
	recorder         atomic.Pointer[Recorder]
}

// nameLen is the length in bytes of a key's name in a ticket; shorter ones are padded with zeros.
const nameLen = 16

type ticketKey struct {
	name  [nameLen]byte
	prk   [kdfLen]byte // HKDF-Extract of the secret
	intro time.Time
}

// NewKeys returns a set without keys.
func NewKeys(cfg KeysConfig) *Keys {
	k := &Keys{encrypt: cfg.EncryptLifetime, decrypt: cfg.DecryptLifetime}
	if k.encrypt <= 0 {
		k.encrypt = DefaultEncryptLifetime
	}
	if k.decrypt <= 0 {
		k.decrypt = DefaultDecryptLifetime
	}
	k.byHand.Store(cfg.AddedOnly)
	k.keys.Store(new([]ticketKey))
	return k
}

// Add adds a key (s2n_config_add_ticket_crypto_key) and drops those whose time is over. name is 1 to 16 bytes,
// secret any number from 1 up; both are copied. The key seals from intro on, the zero time standing for
// now, and opens at once: another server's clock may be ahead. Errors: ErrKeyName, ErrKeySecret,
// ErrKeyNotUnique, ErrKeyLimit, ErrKeyExpired; the set is as it was then.
func (k *Keys) Add(name, secret []byte, intro, now time.Time) error {
	if len(name) == 0 || len(name) > nameLen {
		return fmt.Errorf("%w, not %d", ErrKeyName, len(name))
	}
	if len(secret) == 0 {
		return ErrKeySecret
	}
	if intro.IsZero() {
		intro = now
	}
	key := ticketKey{intro: intro}
	copy(key.name[:], name)
	kdf.Extract(crypto.SHA256, key.prk[:], nil, secret)
	k.mu.Lock()
	defer k.mu.Unlock()
	err := k.add(&key, now)
	if err == nil {
		k.byHand.Store(true)
	}
	return err
}

// add puts key into its place. The lock is held.
func (k *Keys) add(key *ticketKey, now time.Time) error {
	if !now.Before(k.opensUntil(key)) {
		return ErrKeyExpired
	}
	old := *k.keys.Load()
	keys := make([]ticketKey, 0, len(old)+1)
	at := 0
	for i := range old {
		o := &old[i]
		if !now.Before(k.opensUntil(o)) {
			continue
		}
		if o.name == key.name || subtle.ConstantTimeCompare(o.prk[:], key.prk[:]) == 1 {
			return ErrKeyNotUnique
		}
		keys = append(keys, *o)
		if !o.intro.After(key.intro) {
			at = len(keys)
		}
	}
	if len(keys) == MaxKeys {
		return ErrKeyLimit
	}
	keys = append(keys, ticketKey{})
	copy(keys[at+1:], keys[at:])
	keys[at] = *key
	k.keys.Store(&keys)
	return nil
}

// Recorder returns the Recorder of all those who accept tickets of this set and share no other: without it
// two of them would each accept early data once. The first call makes it, with the given limit and beginning.
func (k *Keys) Recorder(maxEntries int, now time.Time) *Recorder {
	if r := k.recorder.Load(); r != nil {
		return r
	}
	k.recorder.CompareAndSwap(nil, NewRecorder(maxEntries, now))
	return k.recorder.Load()
}

// Len returns the number of keys that open tickets at now.
func (k *Keys) Len(now time.Time) (n int) {
	keys := *k.keys.Load()
	for i := range keys {
		if now.Before(k.opensUntil(&keys[i])) {
			n++
		}
	}
	return n
}

func (k *Keys) sealsUntil(key *ticketKey) time.Time { return key.intro.Add(k.encrypt) }
func (k *Keys) opensUntil(key *ticketKey) time.Time { return key.intro.Add(k.encrypt + k.decrypt) }

func (k *Keys) seals(key *ticketKey, now time.Time) bool {
	return !now.Before(key.intro) && now.Before(k.sealsUntil(key))
}

// renewOwn makes a fresh key if the set makes its own and the latest is in the second half of its time.
// The oldest gives way to it in a full set, which only a very long DecryptLifetime leads to.
func (k *Keys) renewOwn(now time.Time) error {
	fresh := func() bool {
		keys := *k.keys.Load()
		return len(keys) > 0 && now.Before(keys[len(keys)-1].intro.Add(k.encrypt/2))
	}
	if k.byHand.Load() || fresh() {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.byHand.Load() || fresh() {
		return nil
	}
	key := ticketKey{intro: now}
	_, _ = rand.Read(key.name[:]) // never fails: it would end the program
	_, _ = rand.Read(key.prk[:])
	err := k.add(&key, now)
	if errors.Is(err, ErrKeyLimit) {
		rest := slices.Clone((*k.keys.Load())[1:])
		k.keys.Store(&rest)
		err = k.add(&key, now)
	}
	return err
}

// choose returns the key to seal with at now, nil if there is none. random is asked only where
// there is a choice.
func (k *Keys) choose(now time.Time, random io.Reader) (*ticketKey, error) {
	keys := *k.keys.Load()
	var only *ticketKey
	var total uint64
	n := 0
	for i := range keys {
		if k.seals(&keys[i], now) {
			only, n = &keys[i], n+1
			total += k.weight(&keys[i], now)
		}
	}
	if n < 2 {
		return only, nil
	}
	var b [8]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return nil, fmt.Errorf("session: randomness for the choice of a ticket key: %w", err)
	}
	var drawn uint64
	for _, v := range b {
		drawn = drawn<<8 | uint64(v)
	}
	drawn %= total // of 64 bits against some 2^43: no bias to speak of
	for i := range keys {
		if !k.seals(&keys[i], now) {
			continue
		}
		w := k.weight(&keys[i], now)
		if drawn < w {
			return &keys[i], nil
		}
		drawn -= w
	}
	return only, nil
}

// weight is 1 at least, so that keys of the same instant can be told apart by a draw.
func (k *Keys) weight(key *ticketKey, now time.Time) uint64 {
	return uint64(max(min(now.Sub(key.intro), k.sealsUntil(key).Sub(now)), 0)) + 1
}

// newAEAD is the cipher of tickets.
func newAEAD(key []byte) (cipher.AEAD, error) {
	return suite.Lookup(iana.TLS_AES_256_GCM_SHA384).NewAEAD(key)
}
