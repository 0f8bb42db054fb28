package record

import (
	"crypto"
	"encoding"
	"encoding/binary"
	"hash"
	"math/bits"
)

// Sizes in bytes of the hashes that MACs of TLS 1.2 have: of SHA-384, the largest in each.
const (
	maxMAC   = 48
	maxBlock = 128
	maxState = magicLen + 64 + maxBlock + 8 // a marshalled hash
	magicLen = 4                            // what begins one, before the chaining value
)

// mac12 is the HMAC of TLS 1.2's CBC suites under one key. The two states that the key alone
// decides are kept as the hash marshals them; a record costs no allocation.
type mac12 struct {
	hash  hash.Hash
	state interface {
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	} // the same hash
	size     int // bytes of a MAC
	block    int // bytes of a block of the hash, a power of 2
	shift    int // its logarithm
	lenBytes int // bytes of the length that ends the last block
	stateLen int // bytes of inner and of outer
	inner    [maxState]byte
	outer    [maxState]byte
	scratch  [maxState]byte
	sum      [maxMAC]byte
	final    [maxBlock]byte
}

func (m *mac12) init(h crypto.Hash, key []byte) error {
	m.hash = h.New()
	state, ok := m.hash.(interface {
		encoding.BinaryAppender
		encoding.BinaryUnmarshaler
	})
	if !ok {
		return errNoState
	}
	m.state = state
	m.size, m.block = m.hash.Size(), m.hash.BlockSize()
	m.shift, m.lenBytes = bits.Len(uint(m.block))-1, m.block/8

	pad := m.final[:m.block]
	copy(pad, key)
	for i := range pad {
		pad[i] ^= 0x36
	}
	if _, err := m.hash.Write(pad); err != nil {
		return err // the one hash that ever returns one is SHA-1, where FIPS mode forbids it
	}
	inner, err := m.state.AppendBinary(m.inner[:0])
	if err != nil {
		return err
	}
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	m.hash.Reset()
	m.hash.Write(pad)
	if _, err := m.state.AppendBinary(m.outer[:0]); err != nil {
		return err
	}
	m.stateLen = len(inner)
	clear(pad)
	return nil
}

// clear wipes the key.
func (m *mac12) clear() {
	m.hash.Reset()
	clear(m.inner[:])
	clear(m.outer[:])
	clear(m.scratch[:])
	clear(m.sum[:])
}

// restore goes on from a state of our own, which the hash cannot refuse.
func (m *mac12) restore(state *[maxState]byte) {
	if err := m.state.UnmarshalBinary(state[:m.stateLen]); err != nil {
		panic("record: " + err.Error())
	}
}

// of returns the MAC of header and content, lent until the next call.
func (m *mac12) of(header, content []byte) []byte {
	m.restore(&m.inner)
	m.hash.Write(header)
	m.hash.Write(content)
	return m.finish(m.hash.Sum(m.sum[:0]))
}

// finish returns the MAC whose inner hash is inner, which lies in m.sum.
func (m *mac12) finish(inner []byte) []byte {
	m.restore(&m.outer)
	m.hash.Write(inner)
	return m.hash.Sum(m.sum[:0])
}

// ofCT is of for header and the first n bytes of data, where n is secret: only that least <= n <=
// most is known. What it does, and to which memory, depends on len(data), least and most
// alone. header says n already.
//
// The hash sees whole blocks only. Those that are sure to hold nothing but header and data go
// in at once. Each of the others, up to the last that may be one, is made of data, the bit
// that ends it, zeros and the length, whichever it has by n; the chaining value after each is
// read, and kept where the block was the last by n.
func (m *mac12) ofCT(header, data []byte, n, least, most int) []byte {
	m.restore(&m.inner)
	total := uint32(len(header) + n) // secret
	var length [4]byte
	binary.BigEndian.PutUint32(length[:], (uint32(m.block)+total)<<3)
	last := (total + uint32(m.lenBytes)) >> m.shift // block in which the length ends: secret

	whole := (len(header) + least) >> m.shift
	if whole > 0 {
		m.hash.Write(header)
		m.hash.Write(data[:whole<<m.shift-len(header)])
	}
	clear(m.sum[:])
	sum, block := m.sum[:m.size], m.final[:m.block]
	for i := whole; i <= (len(header)+most+m.lenBytes)>>m.shift; i++ {
		// As if all were data, what is behind it being taken off again.
		clear(block)
		at := i << m.shift // of the first byte
		if at < len(header) {
			copy(block, header) // in a first block
			copy(block[len(header):], data)
		} else if at-len(header) < len(data) {
			copy(block, data[at-len(header):])
		}
		for j := range block {
			pos := uint32(at + j)
			block[j] = block[j]&byte(lessCT(pos, total)) | 0x80&byte(equalCT(pos, total))
		}
		isLast := byte(equalCT(uint32(i), last))
		for j, b := range length {
			block[len(block)-len(length)+j] |= b & isLast
		}
		m.hash.Write(block)
		state, _ := m.state.AppendBinary(m.scratch[:0])
		for j, b := range state[magicLen : magicLen+len(sum)] {
			sum[j] |= b & isLast
		}
	}
	clear(block)
	return m.finish(sum)
}

// lessCT returns all ones if a < b, else 0, for a and b below 2^31.
func lessCT(a, b uint32) uint32 { return uint32(int32(a-b) >> 31) }

// equalCT returns all ones if a == b, else 0, for a and b below 2^31.
func equalCT(a, b uint32) uint32 { return uint32(int32((a^b)-1) >> 31) }
