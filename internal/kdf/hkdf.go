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
// must not overlap prk or info where it is longer than h.Size(). RFC 5869, Section 2.3.
func Expand(h crypto.Hash, out, prk, info []byte) {
	expand(h, out, prk, info, nil)
}

// labelPrefix begins each label of TLS 1.3.
const labelPrefix = "tls13 "

// MaxLabel is the length in bytes of the longest label of ExpandLabel.
const MaxLabel = 255 - len(labelPrefix)

// ExpandLabel fills out with HKDF-Expand-Label(secret, label, context, len(out)). label is without
// its "tls13 ". It needs len(label) <= MaxLabel, len(context) <= 255 and
// len(out) <= 255*h.Size(). out may be secret itself where it is of h.Size() bytes.
// RFC 8446, Section 7.1.
func ExpandLabel(h crypto.Hash, out, secret []byte, label string, context []byte) {
	if len(label) > MaxLabel || len(context) > 255 {
		panic("kdf: label of " + strconv.Itoa(len(label)) + " and context of " + strconv.Itoa(len(context)) + " bytes")
	}
	var buf [64]byte // more than the longest label of the RFC; append moves to the heap beyond
	head := append(buf[:0], byte(len(out)>>8), byte(len(out)), byte(len(labelPrefix)+len(label)))
	head = append(head, labelPrefix...)
	head = append(head, label...)
	head = append(head, byte(len(context)))
	expand(h, out, secret, head, context)
}

// expand is HKDF-Expand with an info in two halves.
func expand(h crypto.Hash, out, prk, info1, info2 []byte) {
	size := h.Size()
	if len(out) > 255*size {
		panic("kdf: HKDF output of " + strconv.Itoa(len(out)) + " bytes wanted")
	}
	var block [MaxSize]byte
	var last []byte
	for i := byte(1); len(out) > 0; i++ {
		HMAC(h, block[:size], prk, last, info1, info2, []byte{i})
		last = block[:size]
		out = out[copy(out, last):]
	}
	clear(block[:])
}
