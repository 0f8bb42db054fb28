package record

import (
	"crypto/cipher"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// The CBC suites of TLS 1.2 take the MAC first and encrypt content, MAC and padding together
// (RFC 5246, Section 6.2.3.2), so that who opens a record looks at plaintext before it is
// authenticated. What that looking costs in time told attackers the plaintext (Vaudenay 2002,
// Lucky Thirteen 2013). Here it costs the same whatever the plaintext is, the way that
// BoringSSL does it: functions that end in CT have no branch and no memory access that
// depends on it.

// errNoState says that a hash cannot lend its state, as one that FIPS mode of another
// toolchain has put in its place might not.
var errNoState = errors.New("record: hash without a state to read")

// cbc12 is what both directions have.
type cbc12 struct {
	count12
	mode interface {
		cipher.BlockMode
		SetIV([]byte)
	}
	block int // bytes of a block, and of an IV
	mac   mac12
}

func (c *cbc12) init(s *suite.Suite, macKey, key []byte, newMode func(cipher.Block, []byte) cipher.BlockMode) error {
	block, err := s.NewBlock(key)
	if err != nil {
		return err
	}
	c.block = block.BlockSize()
	mode, ok := newMode(block, make([]byte, c.block)).(interface {
		cipher.BlockMode
		SetIV([]byte)
	})
	if !ok {
		return fmt.Errorf("record: cipher of %v takes no other IV", s.ID)
	}
	c.mode = mode
	return c.mac.init(s.MAC, macKey)
}

// Clear wipes the MAC key and lets go of the other.
func (c *cbc12) Clear() {
	c.mode = nil
	c.mac.clear()
}

// String hides the keys.
func (c *cbc12) String() string { return "secret" }

// GoString hides the keys.
func (c *cbc12) GoString() string { return "secret" }

// LogValue hides the keys.
func (c *cbc12) LogValue() slog.Value { return slog.StringValue("secret") }

// cbcSealer is a Sealer.
type cbcSealer struct {
	cbc12
	random io.Reader
}

func newCBCSealer(s *suite.Suite, macKey, key []byte, random io.Reader) (*cbcSealer, error) {
	c := &cbcSealer{random: random}
	if random == nil {
		c.random = rand.Reader
	}
	if err := c.init(s, macKey, key, cipher.NewCBCEncrypter); err != nil {
		return nil, err
	}
	c.limit = s.BlockLimit
	return c, nil
}

// Prefix returns the length of the IV.
func (c *cbcSealer) Prefix() int { return c.block }

// Overhead returns the length of the IV, the MAC and the longest padding that is ever added.
func (c *cbcSealer) Overhead() int { return c.block + c.mac.size + c.block }

// Seal protects a record in place, as Sealer says. The IV is random, as RFC 5246, Section
// 6.2.3.2, has it, and the padding no longer than it must be.
func (c *cbcSealer) Seal(record []byte, t iana.RecordType, _ int) ([]byte, error) {
	if c.mode == nil {
		return nil, errNoKey
	}
	start := HeaderLen + c.block
	content := record[start:]
	padding := c.block - (len(content)+c.mac.size)%c.block // 1 to c.block bytes
	end := len(record) + c.mac.size + padding
	if err := c.spend(uint64(end-start) / uint64(c.block)); err != nil {
		return nil, err
	}
	iv := record[HeaderLen:start]
	if _, err := io.ReadFull(c.random, iv); err != nil {
		return nil, fmt.Errorf("record: no random IV: %w", err)
	}
	putHeader(record, t, iana.TLS12, end-HeaderLen)
	mac := c.mac.of(c.header(record, len(content)), content)
	record = append(record, mac...)
	for range padding {
		record = append(record, byte(padding-1))
	}
	c.mode.SetIV(iv)
	c.mode.CryptBlocks(record[start:], record[start:])
	c.seq++
	return record, nil
}

// cbcOpener is an Opener.
type cbcOpener struct {
	cbc12
	rotated, rotated2 [maxMAC]byte
}

func newCBCOpener(s *suite.Suite, macKey, key []byte) (*cbcOpener, error) {
	c := new(cbcOpener)
	if err := c.init(s, macKey, key, cipher.NewCBCDecrypter); err != nil {
		return nil, err
	}
	return c, nil
}

// Overhead returns the length of the IV, the MAC and the shortest padding.
func (c *cbcOpener) Overhead() int { return c.block + c.mac.size + 1 }

// Open opens a record in place, as Opener says.
func (c *cbcOpener) Open(header, body []byte) (iana.RecordType, []byte, error) {
	if c.mode == nil {
		return 0, nil, errNoKey
	}
	if err := c.wrapped(); err != nil {
		return 0, nil, err
	}
	// Nothing of this is secret.
	if len(body) < c.Overhead() || len(body)%c.block != 0 {
		return 0, nil, c.unauthentic(body)
	}
	n, good := c.openCT(header, body)
	if good != 1 {
		return 0, nil, c.unauthentic(body)
	}
	c.seq++
	return iana.RecordType(header[0]), body[c.block : c.block+n], nil
}

// OpenInto is Open with the plaintext at the start of dst, as Opener says. It is opened where it
// is, since the MAC and the padding are part of the ciphertext and would not fit into dst; and
// nothing is left there.
func (c *cbcOpener) OpenInto(dst, header, body []byte) (iana.RecordType, []byte, error) {
	t, content, err := c.Open(header, body)
	if err == nil {
		content = dst[:copy(dst, content)]
	}
	clear(body)
	return t, content, err
}

// openCT decrypts body in place, of at least Overhead bytes and of whole blocks. It returns
// whether MAC and padding are good, as 1 or 0, and the length of the content, which is not
// to be used if they are not. RFC 5246, Section 6.2.3.2.
func (c *cbcOpener) openCT(header, body []byte) (n, good int) {
	c.mode.SetIV(body[:c.block])
	body = body[c.block:]
	c.mode.CryptBlocks(body, body)

	most := len(body) - c.mac.size - 1
	padding, ok := paddingCT(body, most)
	n = most - int(padding)
	received := c.copyMACCT(body, n)
	computed := c.mac.ofCT(c.header(header, n), body[:most], n, max(0, most-255), most)
	return n, subtle.ConstantTimeCompare(received, computed) & int(ok&1)
}

// paddingCT returns the number of bytes of padding before its last byte, which says how many
// they are, and all ones if all of them say so, or 0 and 0 if they do not, or if there are more
// than most. RFC 5246, Section 6.2.3.2: a record with bad padding goes on as one with none.
func paddingCT(body []byte, most int) (padding, ok uint32) {
	last := len(body) - 1
	padding = uint32(body[last])
	ok = ^lessCT(uint32(most), padding)
	for i := range min(last, 255) { // as many as there may be
		inside := lessCT(uint32(i), padding)
		ok &^= inside &^ equalCT(uint32(body[last-1-i]), uint32(body[last]))
	}
	return padding & ok, ok
}

// copyMACCT returns the MAC that begins at n of body, lent until the next call. All that may
// be of a MAC is read, and what is, is added up in a buffer as long as a MAC, wherever in it it
// comes to lie; that is turned then by the powers of 2 that make up the offset.
func (c *cbcOpener) copyMACCT(body []byte, n int) []byte {
	size := c.mac.size
	mac, turned := c.rotated[:size], c.rotated2[:size]
	clear(mac)
	start, end := uint32(n), uint32(n+size)
	var offset uint32
	first := max(0, len(body)-size-256)
	for i, j := first, 0; i < len(body); i, j = i+1, j+1 {
		if j == size {
			j = 0
		}
		pos := uint32(i)
		inside := ^lessCT(pos, start) & lessCT(pos, end)
		mac[j] |= body[i] & byte(inside)
		offset |= uint32(j) & equalCT(pos, start)
	}
	for step := 1; step < size; step <<= 1 {
		skip := byte(offset&1) - 1 // all ones if the bit is not set
		offset >>= 1
		for i := range mac {
			j := i + step
			if j >= size {
				j -= size
			}
			turned[i] = mac[i]&skip | mac[j]&^skip
		}
		mac, turned = turned, mac
	}
	return mac
}
