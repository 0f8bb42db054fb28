// Package transcript keeps the running hash of a handshake's messages. RFC 8446, Section 4.4.1.
package transcript

import (
	"crypto"
	_ "crypto/sha256" // registers the hashes that Start takes
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"
)

// Limit is how many bytes a Transcript keeps before Start, more than any ClientHello that is
// accepted: nothing else can come before the hash is known.
const Limit = 1 << 17

// Errors of Start.
var (
	ErrLimit = errors.New("transcript: more than 131072 bytes of handshake before the hash was known")
	ErrHash  = errors.New("transcript: hash changed after the start")
)

// messageHash is the type of the synthetic message that stands for ClientHello1.
const messageHash = 254

// Transcript is the hash of all handshake messages so far, each with its 4-byte header. Until Start
// says which hash it is, the messages are kept. The zero value is an empty Transcript. It
// is not safe for concurrent use, and must not be copied after Start.
type Transcript struct {
	digest hash.Hash // nil until Start
	kept   []byte    // messages before Start
	over   bool      // more than Limit bytes came before Start
	hash   crypto.Hash
	sum    [4 + sha512.Size384]byte // what the digest writes to: the buffer of a caller would be moved to the heap
}

// Add appends the messages in msg. It keeps no reference to msg.
func (t *Transcript) Add(msg []byte) {
	switch {
	case t.digest != nil:
		t.digest.Write(msg)
	case t.over || len(msg) > Limit-len(t.kept):
		t.over = true
	default:
		t.kept = append(t.kept, msg...)
	}
}

// Lend is Add without a copy: msg must stay as it is until Start or Clear. It saves a client
// that holds its ClientHello the second one.
func (t *Transcript) Lend(msg []byte) {
	if t.digest == nil && t.kept == nil && !t.over && len(msg) <= Limit {
		t.kept = msg[:len(msg):len(msg)]
		return
	}
	t.Add(msg)
}

// Start makes h the hash of the transcript, hashes what was kept and drops it. A second Start with the
// same h, as a client has after a HelloRetryRequest, changes nothing; with another it
// is ErrHash. ErrLimit says that more than Limit bytes came before, and the transcript is of no use
// then. h must be linked into the program, as SHA-256 and SHA-384 are by this package.
func (t *Transcript) Start(h crypto.Hash) error {
	switch {
	case t.over:
		return ErrLimit
	case t.digest == nil:
		t.hash = h
		t.digest = h.New()
		t.digest.Write(t.kept)
		t.kept = nil
	case t.hash != h:
		return ErrHash
	}
	return nil
}

// Hash returns the hash that Start was given, or 0.
func (t *Transcript) Hash() crypto.Hash { return t.hash }

// Sum returns the hash of all messages so far, lent until the next method that returns one, HelloRetry or
// Clear. The transcript goes on. It needs Start, and allocates nothing.
func (t *Transcript) Sum() []byte {
	t.started()
	return t.digest.Sum(t.sum[:0])
}

// SumWith returns the hash of all messages so far and then extra, lent as by Sum, without adding extra: a
// PSK binder signs the transcript up to a truncated ClientHello. RFC 8446, Section 4.2.11.2.
// It needs Start, and allocates one hash.
func (t *Transcript) SumWith(extra []byte) []byte {
	t.started()
	d, err := t.digest.(hash.Cloner).Clone()
	if err != nil {
		panic("transcript: hash that cannot be cloned: " + err.Error())
	}
	d.Write(extra)
	return d.Sum(t.sum[:0])
}

// HelloRetry replaces ClientHello1, the one message so far, by the synthetic message_hash message
// that stands for it from now on. It needs Start. RFC 8446, Section 4.4.1.
//
//	message_hash || 00 00 Hash.length || Hash(ClientHello1)
func (t *Transcript) HelloRetry() {
	t.started()
	sum := t.digest.Sum(t.sum[:4])
	binary.BigEndian.PutUint32(sum, messageHash<<24|uint32(len(sum)-4))
	t.digest.Reset()
	t.digest.Write(sum)
}

// Clear drops the hash and what was kept; t is empty again.
func (t *Transcript) Clear() {
	if t.digest != nil {
		t.digest.Reset()
	}
	*t = Transcript{}
}

func (t *Transcript) started() {
	if t.digest == nil {
		panic("transcript: hash used before Start")
	}
}
