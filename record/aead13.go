package record

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"log/slog"
	"math"

	"github.com/s2ngo/s2ngo/iana"
)

// nonceLen is the length of the nonce of every TLS 1.3 cipher suite.
const nonceLen = 12

// errNoKey says that an AEAD13 was cleared, or made with an IV that does not fit.
var errNoKey = errors.New("record: protection has no key")

// AEAD13 is the record protection of TLS 1.3 for one direction under one key (RFC 8446,
// Sections 5.2 and 5.3): an Opener and a Sealer, though one value is only ever used as
// one of both. It counts its records by itself, from 0.
type AEAD13 struct {
	aead  cipher.AEAD
	seq   uint64
	limit uint64 // records under this key
	soft  uint64 // records from which the key counts as exhausted
	iv    [nonceLen]byte
	nonce [nonceLen]byte // scratch, so that a record needs no allocation
}

// NewAEAD13 returns the protection by aead, whose nonces derive from iv, which is copied.
// iv has 12 bytes, the nonce size of aead; with any other the result refuses all records.
// At most limit records are sealed or opened (RFC 8446, Section 5.5); a limit of 0 leaves
// the sequence number as the only bound, which never wraps.
func NewAEAD13(aead cipher.AEAD, iv []byte, limit uint64) *AEAD13 {
	a := new(AEAD13)
	a.init(aead, iv, limit)
	return a
}

// init makes a what NewAEAD13 returns, whatever it was before.
func (a *AEAD13) init(aead cipher.AEAD, iv []byte, limit uint64) {
	if limit == 0 {
		limit = math.MaxUint64
	}
	*a = AEAD13{limit: limit, soft: limit - min(limit/8, 1024)}
	if len(iv) == nonceLen && aead.NonceSize() == nonceLen {
		a.aead = aead
		copy(a.iv[:], iv)
	}
}

// Version returns TLS13.
func (a *AEAD13) Version() iana.Version { return iana.TLS13 }

// Prefix returns 0: the nonces of TLS 1.3 are not on the wire.
func (a *AEAD13) Prefix() int { return 0 }

// Overhead returns the length of the inner type and the tag.
func (a *AEAD13) Overhead() int {
	if a.aead == nil {
		return 1
	}
	return 1 + a.aead.Overhead()
}

// Records returns how many records were sealed or opened.
func (a *AEAD13) Records() uint64 { return a.seq }

// Exhausted reports that the limit is nearly reached: it is time for a KeyUpdate. What is
// left is an eighth of the limit, but at most 1024 records; after the last of them Seal
// and Open refuse.
func (a *AEAD13) Exhausted() bool { return a.seq >= a.soft }

// Clear wipes the nonces and lets go of the key.
func (a *AEAD13) Clear() {
	a.aead = nil
	clear(a.iv[:])
	clear(a.nonce[:])
}

// String hides the key and the nonces.
func (a *AEAD13) String() string { return "secret" }

// GoString hides the key and the nonces.
func (a *AEAD13) GoString() string { return "secret" }

// LogValue hides the key and the nonces.
func (a *AEAD13) LogValue() slog.Value { return slog.StringValue("secret") }

// Seal protects a record in place, as Sealer says. It refuses to go beyond the limit of
// the key.
func (a *AEAD13) Seal(record []byte, t iana.RecordType, pad int) ([]byte, error) {
	if a.aead == nil {
		return nil, errNoKey
	}
	if a.seq >= a.limit {
		return nil, fmt.Errorf("record: the limit of %d records under one key is reached", a.limit)
	}
	end := len(record)
	record = record[:end+1+pad]
	record[end] = byte(t)
	clear(record[end+1:])
	header, inner := record[:HeaderLen], record[HeaderLen:]
	putHeader(header, iana.RecordApplicationData, iana.TLS12, len(inner)+a.aead.Overhead())
	sealed := a.aead.Seal(inner[:0], a.next(), inner, header)
	a.seq++
	return record[:HeaderLen+len(sealed)], nil
}

// Open opens a record in place, as Opener says, and takes its padding off.
func (a *AEAD13) Open(header, body []byte) (iana.RecordType, []byte, error) {
	return a.OpenInto(body, header, body)
}

// OpenInto is Open with the plaintext at the start of dst, as Opener says.
func (a *AEAD13) OpenInto(dst, header, body []byte) (iana.RecordType, []byte, error) {
	if a.aead == nil {
		return 0, nil, errNoKey
	}
	if a.seq >= a.limit {
		return 0, nil, refuse(iana.InternalError, "peer sent more than %d records under one key", a.limit)
	}
	inner, err := a.aead.Open(dst[:0], a.next(), body, header)
	if err != nil {
		return 0, nil, refuse(iana.BadRecordMAC, "record %d of %d bytes does not authenticate", a.seq, len(body))
	}
	a.seq++
	for i := len(inner) - 1; i >= 0; i-- {
		if inner[i] != 0 {
			return iana.RecordType(inner[i]), inner[:i], nil
		}
	}
	return 0, nil, refuse(iana.UnexpectedMessage, "peer sent a protected record of %d zeros without a type", len(inner))
}

// next returns the nonce of the next record, lent until the next call.
func (a *AEAD13) next() []byte {
	a.nonce = a.iv
	for i := range 8 {
		a.nonce[nonceLen-1-i] ^= byte(a.seq >> (8 * i))
	}
	return a.nonce[:]
}
