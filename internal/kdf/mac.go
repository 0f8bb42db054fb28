package kdf

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"encoding"
)

// Lengths of the marshalled state of a hash: an identifier of 4 bytes, the chaining value, a
// block, the length so far in 8 bytes.
const (
	state256 = 4 + sha256.Size + sha256.BlockSize + 8
	state384 = 4 + sha512.Size + sha512.BlockSize + 8
)

// MAC is HMAC under one key, made ready for several messages: it keeps the two states that
// the key alone decides, which is half the work of a short message. The zero value is of no
// use; Init makes it ready. It is a secret, and its owner clears it.
type MAC struct {
	inner, outer [state384]byte
	hash         crypto.Hash
}

// Init makes m the HMAC with hash h under key, of which it keeps no reference.
func (m *MAC) Init(h crypto.Hash, key []byte) {
	m.hash = h
	switch h {
	case crypto.SHA256:
		var pad [sha256.BlockSize]byte
		fill256(&pad, key)
		d := sha256.New()
		d.Write(pad[:])
		_, _ = d.(encoding.BinaryAppender).AppendBinary(m.inner[:0])
		flip(pad[:])
		d.Reset()
		d.Write(pad[:])
		_, _ = d.(encoding.BinaryAppender).AppendBinary(m.outer[:0])
		d.Reset()
		clear(pad[:])
	case crypto.SHA384:
		var pad [sha512.BlockSize]byte
		fill384(&pad, key)
		d := sha512.New384()
		d.Write(pad[:])
		_, _ = d.(encoding.BinaryAppender).AppendBinary(m.inner[:0])
		flip(pad[:])
		d.Reset()
		d.Write(pad[:])
		_, _ = d.(encoding.BinaryAppender).AppendBinary(m.outer[:0])
		d.Reset()
		clear(pad[:])
	default:
		panicHash(h)
	}
}

// Sum fills out with the first len(out) bytes of the HMAC of parts joined. It needs
// len(out) <= h.Size(). out may overlap parts.
func (m *MAC) Sum(out []byte, parts ...[]byte) {
	checkSize(m.hash, out)
	var sum [MaxSize]byte
	switch m.hash {
	case crypto.SHA256:
		d := sha256.New()
		restore(d.(encoding.BinaryUnmarshaler).UnmarshalBinary(m.inner[:state256]))
		for _, p := range parts {
			d.Write(p)
		}
		inner := d.Sum(sum[:0])
		restore(d.(encoding.BinaryUnmarshaler).UnmarshalBinary(m.outer[:state256]))
		d.Write(inner)
		d.Sum(sum[:0])
		d.Reset()
	case crypto.SHA384:
		d := sha512.New384()
		restore(d.(encoding.BinaryUnmarshaler).UnmarshalBinary(m.inner[:state384]))
		for _, p := range parts {
			d.Write(p)
		}
		inner := d.Sum(sum[:0])
		restore(d.(encoding.BinaryUnmarshaler).UnmarshalBinary(m.outer[:state384]))
		d.Write(inner)
		d.Sum(sum[:0])
		d.Reset()
	}
	copy(out, sum[:])
	clear(sum[:])
}

// Clear wipes m.
func (m *MAC) Clear() { *m = MAC{} }

// restore holds that a hash takes its own state back: a MAC over another state would be
// wrong without a sign.
func restore(err error) {
	if err != nil {
		panic("kdf: MAC used before Init: " + err.Error())
	}
}
