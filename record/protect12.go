package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// NewOpener12 returns what opens the records of one direction of TLS 1.2 under suite s. The
// keys have the lengths that s says and are copied. Records are opened as long as their
// sequence number does not wrap, since a peer cannot change keys.
func NewOpener12(s *suite.Suite, macKey, key, iv []byte) (Opener, error) {
	if err := checkKeys(s, macKey, key, iv); err != nil {
		return nil, err
	}
	if s.MAC == 0 {
		a, err := newAEAD12(s, key, iv, 0)
		if err != nil {
			return nil, err
		}
		return a, nil
	}
	c, err := newCBCOpener(s, macKey, key)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// NewSealer12 is NewOpener12 for sealing. The Sealer refuses to seal more than s allows under
// one key, which ends the connection. random is where the IVs of a CBC cipher come from; nil,
// for everything but tests, is crypto/rand.
func NewSealer12(s *suite.Suite, macKey, key, iv []byte, random io.Reader) (Sealer, error) {
	if err := checkKeys(s, macKey, key, iv); err != nil {
		return nil, err
	}
	if s.MAC == 0 {
		a, err := newAEAD12(s, key, iv, s.BlockLimit)
		if err != nil {
			return nil, err
		}
		return a, nil
	}
	c, err := newCBCSealer(s, macKey, key, random)
	if err != nil {
		return nil, err
	}
	return c, nil
}

func checkKeys(s *suite.Suite, macKey, key, iv []byte) error {
	if s.TLS13 || !s.Usable() {
		return fmt.Errorf("record: %v is no suite of TLS 1.2 that may be used here", s.ID)
	}
	if len(macKey) != s.MACKeyLen || len(key) != s.KeyLen || len(iv) != s.FixedIVLen {
		return fmt.Errorf("record: keys of %d and %d bytes and an IV of %d for %v", len(macKey), len(key), len(iv), s.ID)
	}
	return nil
}

// aesBlock is the number of bytes in a block of AES.
const aesBlock = 16

// headerLen12 is the length of what is authenticated beside the content: the sequence number,
// and the header with the length of the content. RFC 5246, Section 6.2.3.
const headerLen12 = 8 + HeaderLen

// count12 counts what is done under one key of TLS 1.2.
type count12 struct {
	seq    uint64 // of the next record
	blocks uint64 // of the cipher, sealed
	limit  uint64 // of blocks
	ad     [headerLen12]byte
}

// Version returns TLS12.
func (c *count12) Version() iana.Version { return iana.TLS12 }

// Exhausted returns false: TLS 1.2 has no other key to go on with, so that it must not be asked for one.
func (c *count12) Exhausted() bool { return false }

// header returns what is authenticated beside n bytes of content, whose type and version are
// those of header. It is lent until the next call.
func (c *count12) header(header []byte, n int) []byte {
	binary.BigEndian.PutUint64(c.ad[:], c.seq)
	copy(c.ad[8:], header[:3])
	binary.BigEndian.PutUint16(c.ad[11:], uint16(n))
	return c.ad[:]
}

// spend counts n blocks that are to be sealed, if there are so many left.
func (c *count12) spend(n uint64) error {
	if c.seq == math.MaxUint64 {
		return errors.New("record: the sequence number would wrap")
	}
	if n > c.limit-c.blocks {
		return fmt.Errorf("record: the limit of %d blocks under one key is reached", c.limit)
	}
	c.blocks += n
	return nil
}

// wrapped refuses to open a record beyond the last number.
func (c *count12) wrapped() error {
	if c.seq == math.MaxUint64 {
		return refuse(iana.InternalError, "peer sent more than %d records under one key", c.seq)
	}
	return nil
}

// unauthentic is the one error of a record that does not open, whatever the reason: which one
// it is would tell who asks about the plaintext (RFC 5246, Section 6.2.3.2).
func (c *count12) unauthentic(body []byte) *Error {
	return refuse(iana.BadRecordMAC, "record %d of %d bytes does not authenticate", c.seq, len(body))
}
