package wire

import (
	"iter"

	"github.com/s2ngo/s2ngo/iana"
)

// KeyShares is the client's list of key shares, without its length, in the client's order
// of preference. It lends the bytes of its ClientHello. RFC 8446, Section 4.2.8.
type KeyShares []byte

// Get returns the share of group g.
func (k KeyShares) Get(g iana.Group) (share []byte, ok bool) {
	for r := NewReader(k); r.Len() > 0; {
		if got, share := r.keyShareEntry(); r.err == nil && got == g {
			return share, true
		}
	}
	return nil, false
}

// All ranges over the groups and their shares.
func (k KeyShares) All() iter.Seq2[iana.Group, []byte] {
	return func(yield func(iana.Group, []byte) bool) { k.each(yield) }
}

func (k KeyShares) each(yield func(iana.Group, []byte) bool) {
	for r := NewReader(k); r.Len() > 0; {
		if g, share := r.keyShareEntry(); r.err != nil || !yield(g, share) {
			return
		}
	}
}

// Stray returns the first group of which there is a share though it is not in groups.
func (k KeyShares) Stray(groups iana.List[iana.Group]) (g iana.Group, ok bool) {
	var offered seen
	for i := range groups.Len() {
		offered.before(uint16(groups.At(i)))
	}
	for r := NewReader(k); r.Len() > 0; {
		if g, _ := r.keyShareEntry(); r.err == nil && !offered.before(uint16(g)) {
			return g, true
		}
	}
	return 0, false
}

// keyShareEntry reads a group and its share, which must not be empty.
func (r *Reader) keyShareEntry() (iana.Group, []byte) {
	return iana.Group(r.U16()), r.nonEmpty(r.Vec16())
}

// parseKeyShares reads the client's shares, of which there may be none; two of one group
// are forbidden. RFC 8446, Section 4.2.8.
func parseKeyShares(r *Reader) KeyShares {
	r.at = "client_shares"
	shares := r.Vec16()
	var groups seen
	list := Reader{b: shares, at: r.at}
	for list.Len() > 0 {
		g, _ := list.keyShareEntry()
		if list.err == nil && groups.before(uint16(g)) {
			list.illegal("group " + g.String() + " twice")
		}
	}
	r.adopt(&list)
	return shares
}

// BeginKeyShares begins the key_share of a ClientHello: shares follow, then EndKeyShares.
func BeginKeyShares(w *Writer) Mark2 {
	return Mark2{w.BeginExtension(iana.KeyShare), w.Begin16()}
}

// BeginKeyShare begins one share of a ClientHello; its bytes follow, then Writer.End.
func BeginKeyShare(w *Writer, g iana.Group) int {
	w.U16(uint16(g))
	return w.Begin16()
}

// EndKeyShares ends what BeginKeyShares began.
func EndKeyShares(w *Writer, m Mark2) { w.end2(m) }

// BeginServerKeyShare begins the key_share of a ServerHello; the share's bytes follow,
// then EndServerKeyShare.
func BeginServerKeyShare(w *Writer, g iana.Group) Mark2 {
	x := w.BeginExtension(iana.KeyShare)
	w.U16(uint16(g))
	return Mark2{x, w.Begin16()}
}

// EndServerKeyShare ends what BeginServerKeyShare began.
func EndServerKeyShare(w *Writer, m Mark2) { w.end2(m) }

// PutHelloRetryGroup writes the key_share of a HelloRetryRequest: the group for which it
// wants a share.
func PutHelloRetryGroup(w *Writer, g iana.Group) {
	x := w.BeginExtension(iana.KeyShare)
	w.U16(uint16(g))
	w.End(x)
}
