package wire

import (
	"iter"
	"slices"
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// maxKeyShares bounds the shares of a ClientHello, so that looking for duplicates stays
// cheap. Clients send one to three.
const maxKeyShares = 64

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

// keyShareEntry reads a group and its share, which must not be empty.
func (r *Reader) keyShareEntry() (iana.Group, []byte) {
	return iana.Group(r.U16()), r.nonEmpty(r.Vec16())
}

// parseKeyShares reads the client's shares, of which there may be none; two of one group
// are forbidden. RFC 8446, Section 4.2.8.
func parseKeyShares(r *Reader) KeyShares {
	r.at = "client_shares"
	shares := r.Vec16()
	var seen [maxKeyShares]iana.Group
	list := Reader{b: shares, at: r.at}
	for n := 0; list.Len() > 0; n++ {
		g, _ := list.keyShareEntry()
		if n == maxKeyShares {
			list.Fail("more than " + strconv.Itoa(maxKeyShares))
			break
		}
		if slices.Contains(seen[:n], g) {
			list.illegal("group " + g.String() + " twice")
		}
		seen[n] = g
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
