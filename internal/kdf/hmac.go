package kdf

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"strconv"
)

// MaxSize is the length in bytes of the longest MAC, and so of the longest secret: SHA-384's.
const MaxSize = sha512.Size384

// What makes the inner pad of a key, and the outer pad of the inner one. RFC 2104, Section 2.
var (
	innerPad  = [sha512.BlockSize]byte(bytes.Repeat([]byte{0x36}, sha512.BlockSize))
	otherPads = [sha512.BlockSize]byte(bytes.Repeat([]byte{0x36 ^ 0x5c}, sha512.BlockSize))
)

// HMAC fills out with the first len(out) bytes of HMAC(key, parts joined). It needs
// len(out) <= h.Size(). out may overlap key and parts. RFC 2104.
func HMAC(h crypto.Hash, out, key []byte, parts ...[]byte) {
	checkSize(h, out)
	var sum [MaxSize]byte
	switch h {
	case crypto.SHA256:
		hmac256((*[sha256.Size]byte)(sum[:]), key, parts...)
	case crypto.SHA384:
		hmac384(&sum, key, parts...)
	default:
		panicHash(h)
	}
	copy(out, sum[:])
	clear(sum[:])
}

// hmac256 is HMAC-SHA-256. Reset wipes the state of a hash that is dropped; its buffer, out of our
// reach, then begins with the inner sum, which is no key.
func hmac256(sum *[sha256.Size]byte, key []byte, parts ...[]byte) {
	var pad [sha256.BlockSize]byte
	fill256(&pad, key)
	d := sha256.New()
	d.Write(pad[:])
	for _, p := range parts {
		d.Write(p)
	}
	d.Sum(sum[:0])

	flip(pad[:])
	d.Reset()
	d.Write(pad[:])
	d.Write(sum[:])
	d.Sum(sum[:0])
	d.Reset()
	clear(pad[:])
}

// hmac384 is hmac256 with SHA-384.
func hmac384(sum *[sha512.Size384]byte, key []byte, parts ...[]byte) {
	var pad [sha512.BlockSize]byte
	fill384(&pad, key)
	d := sha512.New384()
	d.Write(pad[:])
	for _, p := range parts {
		d.Write(p)
	}
	d.Sum(sum[:0])

	flip(pad[:])
	d.Reset()
	d.Write(pad[:])
	d.Write(sum[:])
	d.Sum(sum[:0])
	d.Reset()
	clear(pad[:])
}

// fill256 makes of zeros the inner pad for key.
func fill256(pad *[sha256.BlockSize]byte, key []byte) {
	if len(key) > len(pad) {
		*(*[sha256.Size]byte)(pad[:]) = sha256.Sum256(key)
	} else {
		copy(pad[:], key)
	}
	subtle.XORBytes(pad[:], pad[:], innerPad[:])
}

// fill384 is fill256 for SHA-384.
func fill384(pad *[sha512.BlockSize]byte, key []byte) {
	if len(key) > len(pad) {
		*(*[sha512.Size384]byte)(pad[:]) = sha512.Sum384(key)
	} else {
		copy(pad[:], key)
	}
	subtle.XORBytes(pad[:], pad[:], innerPad[:])
}

// flip makes the outer pad of the inner one.
func flip(pad []byte) { subtle.XORBytes(pad, pad, otherPads[:]) }

// Sum fills out, of h.Size() bytes, with the hash of data.
func Sum(h crypto.Hash, out, data []byte) {
	switch h {
	case crypto.SHA256:
		*(*[sha256.Size]byte)(out) = sha256.Sum256(data)
	case crypto.SHA384:
		*(*[sha512.Size384]byte)(out) = sha512.Sum384(data)
	default:
		panicHash(h)
	}
}

func checkSize(h crypto.Hash, out []byte) {
	if len(out) > h.Size() {
		panic("kdf: HMAC of " + strconv.Itoa(len(out)) + " bytes wanted")
	}
}

func panicHash(h crypto.Hash) {
	panic("kdf: hash " + strconv.Itoa(int(h)) + " is not SHA-256 or SHA-384")
}
