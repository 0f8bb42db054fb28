package suite

import (
	"crypto"
	"crypto/cipher"
	"crypto/fips140"

	"github.com/s2ngo/s2ngo/iana"
)

// Sizes in bytes that all AEADs of the table share, for buffers of fixed size.
const (
	MaxKeyLen = 32 // the longest KeyLen of a suite
	NonceLen  = 12 // RFC 8446, Section 5.3
	TagLen    = 16 // what Seal adds to a plaintext
)

// Records that may be sealed under one key. RFC 8446, Section 5.5, allows 2^24.5 full
// records for AES-GCM, of which the last is left for the KeyUpdate; a sequence number
// would wrap before ChaCha20-Poly1305 reaches a limit, and neverRekey is below that.
const (
	gcmRecordLimit = 23_726_565
	neverRekey     = 1 << 62
)

// Suite is one cipher suite. Rows are shared and must not be modified.
type Suite struct {
	ID     iana.CipherSuite
	Hash   crypto.Hash // of the key schedule and the transcript; linked into the program
	KeyLen int         // bytes of an AEAD key

	// NewAEAD returns the suite's AEAD with nonces of NonceLen and tags of TagLen bytes.
	// It copies key, and refuses one that is not KeyLen bytes long.
	NewAEAD func(key []byte) (cipher.AEAD, error)

	// RecordLimit is the number of records that may be sealed under one key before it has
	// to be replaced. RFC 8446, Section 5.5.
	RecordLimit uint64

	// Approved says that FIPS 140-3 approves of the suite's algorithms.
	Approved bool
}

var table = [...]Suite{
	{
		ID: iana.TLS_AES_128_GCM_SHA256, Hash: crypto.SHA256, KeyLen: 16,
		NewAEAD: newAESGCM128, RecordLimit: gcmRecordLimit, Approved: true,
	},
	{
		ID: iana.TLS_AES_256_GCM_SHA384, Hash: crypto.SHA384, KeyLen: 32,
		NewAEAD: newAESGCM256, RecordLimit: gcmRecordLimit, Approved: true,
	},
	{
		ID: iana.TLS_CHACHA20_POLY1305_SHA256, Hash: crypto.SHA256, KeyLen: 32,
		NewAEAD: newChaCha20Poly1305, RecordLimit: neverRekey,
	},
}

// Lookup returns the row of id, or nil if there is none.
func Lookup(id iana.CipherSuite) *Suite {
	for i := range table {
		if table[i].ID == id {
			return &table[i]
		}
	}
	return nil
}

// Usable reports whether s may be negotiated in this process: in FIPS mode
// (GODEBUG=fips140=on) only approved suites may.
func (s *Suite) Usable() bool { return s.Approved || !fips140.Enabled() }
