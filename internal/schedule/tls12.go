package schedule

import (
	"crypto"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/s2ngo/s2ngo/internal/kdf"
)

// Sizes of TLS 1.2 in bytes.
const (
	MasterLen   = 48 // RFC 5246, Section 8.1
	VerifyLen12 = 12 // RFC 5246, Section 7.4.9
)

// Master is the master secret of TLS 1.2 (RFC 5246, Section 8.1), with the hash of its suite's
// PRF. It is a value, with no memory but its own, and its owner clears it. It prints as a
// Secret does.
type Master struct {
	redacted
	b    [MasterLen]byte
	hash crypto.Hash
}

// NewMaster derives the master secret of a suite with PRF hash h, SHA-256 or SHA-384, where
// extended_master_secret was not negotiated. premaster stays the caller's to clear.
//
//	master_secret = PRF(pre_master_secret, "master secret",
//	                    ClientHello.random + ServerHello.random)[0..47]
func NewMaster(h crypto.Hash, premaster, clientRandom, serverRandom []byte) Master {
	m := Master{hash: h}
	kdf.PRF12(h, m.b[:], premaster, "master secret", clientRandom, serverRandom)
	return m
}

// NewExtendedMaster derives the master secret where extended_master_secret was negotiated.
// sessionHash is that of all messages up to and including the ClientKeyExchange. RFC 7627,
// Section 4.
//
//	master_secret = PRF(pre_master_secret, "extended master secret", session_hash)[0..47]
func NewExtendedMaster(h crypto.Hash, premaster, sessionHash []byte) Master {
	m := Master{hash: h}
	kdf.PRF12(h, m.b[:], premaster, "extended master secret", sessionHash)
	return m
}

// ErrMaster is the error of a ResumeMaster whose secret has not MasterLen bytes.
var ErrMaster = errors.New("schedule: master secret of a wrong length")

// ResumeMaster returns the master secret of a session that is resumed, which is copied. h is the
// hash of the session's suite.
func ResumeMaster(h crypto.Hash, secret []byte) (Master, error) {
	m := Master{hash: h}
	if len(secret) != len(m.b) {
		return Master{}, fmt.Errorf("%w: %d bytes", ErrMaster, len(secret))
	}
	copy(m.b[:], secret)
	return m, nil
}

// Bytes lends the secret, until m is cleared or overwritten.
func (m *Master) Bytes() []byte { return m.b[:] }

// Hash returns the hash of the PRF.
func (m *Master) Hash() crypto.Hash { return m.hash }

// Clear wipes m. All that a cleared Master, or the zero one, can do is print, and be cleared again.
func (m *Master) Clear() {
	clear(m.b[:])
	m.hash = 0
}

// KeyBlock fills out with as much key material as it has room for. RFC 5246, Section 6.3.
//
//	key_block = PRF(master_secret, "key expansion", server_random + client_random)
func (m *Master) KeyBlock(out, serverRandom, clientRandom []byte) {
	kdf.PRF12(m.hash, out, m.b[:], "key expansion", serverRandom, clientRandom)
}

// Finished appends to dst the VerifyLen12 bytes of verify_data of the client's or the server's
// Finished. transcriptHash is that of all messages before it. RFC 5246, Section 7.4.9.
//
//	verify_data = PRF(master_secret, finished_label, Hash(handshake_messages))[0..11]
func (m *Master) Finished(dst []byte, client bool, transcriptHash []byte) []byte {
	label := "server finished"
	if client {
		label = "client finished"
	}
	var verify [VerifyLen12]byte
	kdf.PRF12(m.hash, verify[:], m.b[:], label, transcriptHash)
	return append(dst, verify[:]...)
}

// ErrExport12 is the error of an Export under a label, with a context or of a length that TLS
// 1.2 does not allow.
var ErrExport12 = errors.New("schedule: exporter label of the handshake itself, or context or output above 65535 bytes")

// Export fills out with keying material for label and context; a context of nil is none, which
// is another one than an empty context. A label that the handshake uses itself would lay its
// secrets open, and is refused. RFC 5705, Section 4.
//
//	PRF(master_secret, label, client_random + server_random [+ context_value_length + context_value])
func (m *Master) Export(out []byte, label string, clientRandom, serverRandom, context []byte) error {
	switch label {
	case "client finished", "server finished", "master secret", "extended master secret", "key expansion":
		return fmt.Errorf("%w: %q", ErrExport12, label)
	}
	if context == nil {
		kdf.PRF12(m.hash, out, m.b[:], label, clientRandom, serverRandom)
		return nil
	}
	if len(context) > math.MaxUint16 {
		return fmt.Errorf("%w: %d bytes", ErrExport12, len(context))
	}
	var length [2]byte
	binary.BigEndian.PutUint16(length[:], uint16(len(context)))
	kdf.PRF12(m.hash, out, m.b[:], label, clientRandom, serverRandom, length[:], context)
	return nil
}
