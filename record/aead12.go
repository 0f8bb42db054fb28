package record

import (
	"crypto/cipher"
	"encoding/binary"
	"log/slog"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// aead12 is the record protection of TLS 1.2 by an AEAD, for one direction under one key: an
// Opener and a Sealer, though one value is only ever used as one of both.
//
// AES-GCM has a nonce of the 4 bytes of IV that belong to the key and of 8 that are on the
// wire (RFC 5288, Section 3), for which the sealer takes the sequence number; with
// ChaCha20-Poly1305 the nonce is the IV, of 12 bytes, xor the sequence number, as in TLS
// 1.3 (RFC 7905, Section 2).
type aead12 struct {
	count12
	aead     cipher.AEAD
	explicit int // bytes of nonce on the wire
	iv       [suite.NonceLen]byte
	nonce    [suite.NonceLen]byte // scratch, so that a record needs no allocation
}

func newAEAD12(s *suite.Suite, key, iv []byte, limit uint64) (*aead12, error) {
	aead, err := s.NewAEAD(key)
	if err != nil {
		return nil, err
	}
	a := &aead12{count12: count12{limit: limit}, aead: aead, explicit: s.ExplicitLen}
	copy(a.iv[:], iv)
	return a, nil
}

// Prefix returns the length of the explicit nonce.
func (a *aead12) Prefix() int { return a.explicit }

// Overhead returns the length of the explicit nonce and the tag.
func (a *aead12) Overhead() int { return a.explicit + suite.TagLen }

// Clear wipes the nonces and lets go of the key.
func (a *aead12) Clear() {
	a.aead = nil
	clear(a.iv[:])
	clear(a.nonce[:])
}

// String hides the key and the nonces.
func (a *aead12) String() string { return "secret" }

// GoString hides the key and the nonces.
func (a *aead12) GoString() string { return "secret" }

// LogValue hides the key and the nonces.
func (a *aead12) LogValue() slog.Value { return slog.StringValue("secret") }

// Seal protects a record in place, as Sealer says.
func (a *aead12) Seal(record []byte, t iana.RecordType, _ int) ([]byte, error) {
	if a.aead == nil {
		return nil, errNoKey
	}
	content := record[HeaderLen+a.explicit:]
	if err := a.spend(uint64(len(content)+aesBlock-1)/aesBlock + 1); err != nil {
		return nil, err
	}
	putHeader(record, t, iana.TLS12, len(content)+a.Overhead())
	if a.explicit != 0 {
		binary.BigEndian.PutUint64(record[HeaderLen:], a.seq)
	}
	ad := a.header(record, len(content))
	sealed := a.aead.Seal(content[:0], a.next(record[HeaderLen:]), content, ad)
	a.seq++
	return record[:HeaderLen+a.explicit+len(sealed)], nil
}

// Open opens a record in place, as Opener says.
func (a *aead12) Open(header, body []byte) (iana.RecordType, []byte, error) {
	return a.OpenInto(body[min(a.explicit, len(body)):], header, body)
}

// OpenInto is Open with the plaintext at the start of dst, as Opener says.
func (a *aead12) OpenInto(dst, header, body []byte) (iana.RecordType, []byte, error) {
	if a.aead == nil {
		return 0, nil, errNoKey
	}
	if err := a.wrapped(); err != nil {
		return 0, nil, err
	}
	if len(body) < a.Overhead() {
		return 0, nil, a.unauthentic(body)
	}
	ad := a.header(header, len(body)-a.Overhead())
	content, err := a.aead.Open(dst[:0], a.next(body), body[a.explicit:], ad)
	if err != nil {
		return 0, nil, a.unauthentic(body)
	}
	a.seq++
	return iana.RecordType(header[0]), content, nil
}

// next returns the nonce of a record, lent until the next call. body begins with what of it
// is on the wire.
func (a *aead12) next(body []byte) []byte {
	a.nonce = a.iv
	if a.explicit != 0 {
		copy(a.nonce[len(a.nonce)-a.explicit:], body)
		return a.nonce[:]
	}
	low := a.nonce[len(a.nonce)-8:]
	binary.BigEndian.PutUint64(low, binary.BigEndian.Uint64(low)^a.seq)
	return a.nonce[:]
}
