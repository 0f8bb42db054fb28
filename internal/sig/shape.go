package sig

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"fmt"
)

// CheckShape returns nil if signature could be one by the owner of pub: as long as the
// modulus for RSA, 64 bytes for Ed25519, and for ECDSA the DER encoding of two numbers from
// 1 to the order of the curve less 1 (RFC 8422, Section 5.4). It does no cryptography and
// is for signatures of our own keys, so that its errors carry no alert.
func (s *Scheme) CheckShape(pub crypto.PublicKey, signature []byte) error {
	if !s.algorithm.owns(pub) {
		return fmt.Errorf("sig: %v signature cannot be from %s", s.ID, describe(pub))
	}
	if reason := s.algorithm.shape(pub, signature); reason != "" {
		return fmt.Errorf("sig: %v signature of %d bytes from %s: %s", s.ID, len(signature), describe(pub), reason)
	}
	return nil
}

func (rsaKey) shape(pub crypto.PublicKey, signature []byte) string {
	return length(signature, rsaOf(pub).Size())
}

func (ed25519Key) shape(_ crypto.PublicKey, signature []byte) string {
	return length(signature, ed25519.SignatureSize)
}

func length(signature []byte, want int) string {
	if len(signature) != want {
		return fmt.Sprintf("%d are due", want)
	}
	return ""
}

func (ecdsaKey) shape(pub crypto.PublicKey, signature []byte) string {
	order := orderOf(pub)
	seq, rest, ok := element(signature, 0x30)
	if !ok {
		return "no DER SEQUENCE"
	}
	if len(rest) != 0 {
		return "bytes after the SEQUENCE"
	}
	for _, name := range [...]string{"r", "s"} {
		var n []byte
		if n, seq, ok = element(seq, 0x02); !ok {
			return name + " is no DER INTEGER"
		}
		if reason := scalar(n, order); reason != "" {
			return name + reason
		}
	}
	if len(seq) != 0 {
		return "bytes after s in the SEQUENCE"
	}
	return ""
}

// element splits the DER element of that tag off b. Lengths take one byte, or two for 128
// to 255; the signatures of no curve here are longer.
func element(b []byte, tag byte) (body, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != tag {
		return nil, nil, false
	}
	n, b := int(b[1]), b[2:]
	if n == 0x81 {
		if len(b) == 0 || b[0] < 0x80 {
			return nil, nil, false
		}
		n, b = int(b[0]), b[1:]
	} else if n > 0x7f {
		return nil, nil, false
	}
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// scalar says what is wrong with the contents of an INTEGER that ought to be a positive
// number below order.
func scalar(n, order []byte) string {
	switch {
	case len(n) == 0:
		return " is empty"
	case n[0] >= 0x80:
		return " is negative"
	case len(n) == 1 && n[0] == 0:
		return " is zero"
	case n[0] == 0 && n[1] < 0x80:
		return " has a leading zero too many"
	}
	n = bytes.TrimLeft(n, "\x00")
	if len(n) > len(order) || len(n) == len(order) && bytes.Compare(n, order) >= 0 {
		return " is not below the order of the curve"
	}
	return ""
}
