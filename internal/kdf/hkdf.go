package kdf

import (
	"crypto"
	"strconv"
)

// Extract fills out, of h.Size() bytes, with HKDF-Extract(salt, ikm). An empty salt is the
// same as h.Size() zero bytes. RFC 5869, Section 2.2.
func Extract(h crypto.Hash, out, salt, ikm []byte) {
	HMAC(h, out, salt, ikm)
}

// Expand fills out with HKDF-Expand(prk, info, len(out)). It needs len(out) <= 255*h.Size(). out
// may overlap prk, and info too where it is not longer than h.Size(). RFC 5869, Section 2.3.
func Expand(h crypto.Hash, out, prk, info []byte) {
	expand(h, out, prk, info, nil)
}

// labelPrefix begins each label of TLS 1.3.
const labelPrefix = "tls13 "

// MaxLabel is the length in bytes of the longest label of ExpandLabel.
const MaxLabel = 255 - len(labelPrefix)

// head holds the part of an HkdfLabel before the context, for labels of up to 54 bytes, more than any
// that an RFC names; a longer one moves to the heap.
type head [2 + 1 + len(labelPrefix) + 54 + 1]byte

// ExpandLabel fills out with HKDF-Expand-Label(secret, label, context, len(out)). label is without
// its "tls13 ". It needs len(label) <= MaxLabel, len(context) <= 255 and
// len(out) <= 255*h.Size(). out may be secret itself. RFC 8446, Section 7.1.
func ExpandLabel(h crypto.Hash, out, secret []byte, label string, context []byte) {
	var buf head
	expand(h, out, secret, appendHead(buf[:0], len(out), label, context), context)
}

// ExpandLabel fills out as the function of that name does, with the key of m as the secret.
func (m *MAC) ExpandLabel(out []byte, label string, context []byte) {
	var buf head
	m.expand(out, appendHead(buf[:0], len(out), label, context), context)
}

func appendHead(dst []byte, length int, label string, context []byte) []byte {
	if len(label) > MaxLabel || len(context) > 255 {
		panic("kdf: label of " + strconv.Itoa(len(label)) + " and context of " + strconv.Itoa(len(context)) + " bytes")
	}
	dst = append(dst, byte(length>>8), byte(length), byte(len(labelPrefix)+len(label)))
	dst = append(dst, labelPrefix...)
	dst = append(dst, label...)
	return append(dst, byte(len(context)))
}

// expand is HKDF-Expand with an info in two halves.
func expand(h crypto.Hash, out, prk, info1, info2 []byte) {
	if len(out) <= h.Size() {
		HMAC(h, out, prk, info1, info2, []byte{1})
		return
	}
	var m MAC
	m.Init(h, prk)
	m.expand(out, info1, info2)
	m.Clear()
}

// expand is HKDF-Expand(key of m, info1 || info2, len(out)).
func (m *MAC) expand(out, info1, info2 []byte) {
	size := m.hash.Size()
	if len(out) > 255*size {
		panic("kdf: HKDF output of " + strconv.Itoa(len(out)) + " bytes wanted")
	}
	if len(out) <= size {
		m.Sum(out, info1, info2, []byte{1})
		return
	}
	var block [MaxSize]byte
	var last []byte
	for i := byte(1); len(out) > 0; i++ {
		m.Sum(block[:size], last, info1, info2, []byte{i})
		last = block[:size]
		out = out[copy(out, last):]
	}
	clear(block[:])
}
