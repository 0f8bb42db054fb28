package wire

import (
	"iter"
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// OfferedPSKs is the pre_shared_key of a ClientHello: as many binders as identities, in
// the same order. RFC 8446, Section 4.2.11.
type OfferedPSKs struct {
	Identities PSKIdentities
	Binders    PSKBinders

	// BindersLen is the number of bytes that the list of binders takes, with its length,
	// at the end of the message: what the binders themselves do not authenticate.
	BindersLen int
}

// PSKIdentities is a list of PSK identities in its wire form, without its length. It
// lends the bytes of its ClientHello.
type PSKIdentities []byte

// All ranges over the identities and the obfuscated ages of their tickets.
func (p PSKIdentities) All() iter.Seq2[[]byte, uint32] {
	return func(yield func([]byte, uint32) bool) { p.each(yield) }
}

func (p PSKIdentities) each(yield func([]byte, uint32) bool) {
	for r := NewReader(p); r.Len() > 0; {
		if identity, age := r.pskIdentity(); r.err != nil || !yield(identity, age) {
			return
		}
	}
}

// PSKBinders is a list of PSK binders in its wire form, without its length. It lends the
// bytes of its ClientHello.
type PSKBinders []byte

// All ranges over the binders, each 1 to 255 bytes. RFC 8446 begins with 32; but a client that
// knows a PSK of another kind writes what it takes for its binder, and a server that has no use for
// that PSK does not look at it. One that has finds that no shorter binder fits.
func (p PSKBinders) All() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) { p.each(yield) }
}

func (p PSKBinders) each(yield func([]byte) bool) {
	for r := NewReader(p); r.Len() > 0; {
		if binder := r.Vec8(); r.err != nil || !yield(binder) {
			return
		}
	}
}

// pskIdentity reads one identity, which must not be empty, and its age.
func (r *Reader) pskIdentity() ([]byte, uint32) { return r.nonEmpty(r.Vec16()), r.U32() }

// parsePreSharedKey reads the client's offer. RFC 8446, Section 4.2.11.
func parsePreSharedKey(r *Reader) (p OfferedPSKs) {
	r.at = "identities"
	p.Identities = r.nonEmpty(r.Vec16())
	list, identities := Reader{b: p.Identities, at: r.at}, 0
	for ; list.Len() > 0; identities++ {
		list.pskIdentity()
	}
	r.adopt(&list)

	r.at = "binders"
	p.Binders = r.nonEmpty(r.Vec16())
	p.BindersLen = 2 + len(p.Binders)
	list, binders := Reader{b: p.Binders, at: r.at}, 0
	for ; list.Len() > 0; binders++ {
		list.nonEmpty(list.Vec8())
	}
	r.adopt(&list)

	if r.err == nil && identities != binders {
		r.illegal(strconv.Itoa(binders) + " for " + strconv.Itoa(identities) + " identities")
	}
	return p
}

// BeginPreSharedKey begins the pre_shared_key of a ClientHello, which must be its last
// extension. Identities follow, then BeginPSKBinders, as many binders, and
// EndPreSharedKey. RFC 8446, Section 4.2.11.
func BeginPreSharedKey(w *Writer) Mark2 {
	return Mark2{w.BeginExtension(iana.PreSharedKey), w.Begin16()}
}

// PutPSKIdentity writes one identity; an external PSK has age 0.
func PutPSKIdentity(w *Writer, identity []byte, obfuscatedAge uint32) {
	w.vec16(identity)
	w.U32(obfuscatedAge)
}

// BeginPSKBinders ends the identities and begins the binders.
func BeginPSKBinders(w *Writer, m Mark2) Mark2 {
	w.End(m.inner)
	return Mark2{m.outer, w.Begin16()}
}

// PutPSKBinder writes one binder, or as many zeros to be overwritten once the message has
// all its lengths.
func PutPSKBinder(w *Writer, binder []byte) { w.vec8(binder) }

// EndPreSharedKey ends the binders and the extension.
func EndPreSharedKey(w *Writer, m Mark2) { w.end2(m) }

// PutSelectedIdentity writes the pre_shared_key of a ServerHello: the number of the chosen
// identity, counted from 0. RFC 8446, Section 4.2.11.
func PutSelectedIdentity(w *Writer, identity uint16) {
	x := w.BeginExtension(iana.PreSharedKey)
	w.U16(identity)
	w.End(x)
}

// parsePSKKeyExchangeModes reads the client's modes. RFC 8446, Section 4.2.9.
func parsePSKKeyExchangeModes(r *Reader) []byte {
	r.at = "ke_modes"
	return r.nonEmpty(r.Vec8())
}

// Modes of key exchange with a PSK. RFC 8446, Section 4.2.9.
const (
	PSKOnly    uint8 = 0 // psk_ke
	PSKWithDHE uint8 = 1 // psk_dhe_ke
)

// PutPSKKeyExchangeModes writes the modes in which a client would use a PSK, one of now or
// one from a ticket of this connection. RFC 8446, Section 4.2.9.
func PutPSKKeyExchangeModes(w *Writer, modes ...uint8) {
	x := w.BeginExtension(iana.PSKKeyExchangeModes)
	w.vec8(modes)
	w.End(x)
}
