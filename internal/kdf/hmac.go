package kdf

import (
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"strconv"
)

// MaxSize is the length in bytes of the longest MAC, and so of the longest secret: SHA-384's.
const MaxSize = sha512.Size384

const ipad, opad = 0x36, 0x5c

// HMAC fills out with the first len(out) bytes of HMAC(key, parts joined). It needs
// len(out) <= h.Size(). out may overlap key and parts. RFC 2104.
func HMAC(h crypto.Hash, out, key []byte, parts ...[]byte) {
	if len(out) > h.Size() {
		panic("kdf: HMAC of " + strconv.Itoa(len(out)) + " bytes wanted")
	}
	var sum [MaxSize]byte
	switch h {
	case crypto.SHA256:
		hmac256((*[sha256.Size]byte)(sum[:]), key, parts...)
	case crypto.SHA384:
		hmac384(&sum, key, parts...)
	default:
		panic("kdf: no HMAC for hash " + strconv.Itoa(int(h)))
	}
	copy(out, sum[:])
	clear(sum[:])
}

// hmac256 is HMAC-SHA-256. Reset wipes the state of a hash that is dropped; its buffer, out of our
// reach, then begins with the inner sum, which is no key.
func hmac256(sum *[sha256.Size]byte, key []byte, parts ...[]byte) {
	var pad [sha256.BlockSize]byte
	if len(key) > len(pad) {
		*sum = sha256.Sum256(key)
		key = sum[:]
	}
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= ipad
	}
	d := sha256.New()
	d.Write(pad[:])
	for _, p := range parts {
		d.Write(p)
	}
	d.Sum(sum[:0])

	for i := range pad {
		pad[i] ^= ipad ^ opad
	}
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
	if len(key) > len(pad) {
		*sum = sha512.Sum384(key)
		key = sum[:]
	}
	copy(pad[:], key)
	for i := range pad {
		pad[i] ^= ipad
	}
	d := sha512.New384()
	d.Write(pad[:])
	for _, p := range parts {
		d.Write(p)
	}
	d.Sum(sum[:0])

	for i := range pad {
		pad[i] ^= ipad ^ opad
	}
	d.Reset()
	d.Write(pad[:])
	d.Write(sum[:])
	d.Sum(sum[:0])
	d.Reset()
	clear(pad[:])
}

// Sum fills out, of h.Size() bytes, with the hash of data.
func Sum(h crypto.Hash, out, data []byte) {
	switch h {
	case crypto.SHA256:
		s := sha256.Sum256(data)
		copy(out, s[:])
	case crypto.SHA384:
		s := sha512.Sum384(data)
		copy(out, s[:])
	default:
		panic("kdf: no hash " + strconv.Itoa(int(h)))
	}
}
