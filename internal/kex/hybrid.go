package kex

import (
	"io"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
)

// hybrid is two agreements side by side. Shares and secrets are those of the first, then
// those of the second; randomness is taken in the same order. Room for both secrets is made
// before the first is there, so that no copy of it stays behind in a buffer that was too
// small.
type hybrid struct {
	id            iana.Group
	first, second agreement
}

// hybridKey is a key of a hybrid.
type hybridKey struct {
	hidden
	h             *hybrid
	first, second Key
}

func (h *hybrid) sizes() sizes {
	a, b := h.first.sizes(), h.second.sizes()
	return sizes{a.client + b.client, a.server + b.server, a.secret + b.secret}
}

func (h *hybrid) generate(rand io.Reader) (Key, error) {
	first, err := h.first.generate(rand)
	if err != nil {
		return nil, err
	}
	second, err := h.second.generate(rand)
	if err != nil {
		first.Clear()
		return nil, err
	}
	return &hybridKey{h: h, first: first, second: second}, nil
}

func (h *hybrid) encapsulate(rand io.Reader, share, secret, peer []byte) (newShare, newSecret []byte, err error) {
	n := h.sizes()
	if len(peer) != n.client {
		return share, secret, wrongLength(h.id, len(peer), n.client)
	}
	cut := h.first.sizes().client
	newShare, newSecret, err = h.first.encapsulate(rand,
		slices.Grow(share, n.server), slices.Grow(secret, n.secret), peer[:cut])
	if err != nil {
		return share, secret, inHybrid(h.id, err)
	}
	secretOfFirst := newSecret[len(secret):]
	newShare, newSecret, err = h.second.encapsulate(rand, newShare, newSecret, peer[cut:])
	if err != nil {
		clear(secretOfFirst)
		return share, secret, inHybrid(h.id, err)
	}
	return newShare, newSecret, nil
}

// AppendPublic appends the two shares.
func (k *hybridKey) AppendPublic(dst []byte) []byte {
	return k.second.AppendPublic(k.first.AppendPublic(dst))
}

// Shared appends the two secrets.
func (k *hybridKey) Shared(dst, peerShare []byte) ([]byte, error) {
	n := k.h.sizes()
	if len(peerShare) != n.server {
		return dst, wrongLength(k.h.id, len(peerShare), n.server)
	}
	cut := k.h.first.sizes().server
	secret, err := k.first.Shared(slices.Grow(dst, n.secret), peerShare[:cut])
	if err != nil {
		return dst, inHybrid(k.h.id, err)
	}
	secretOfFirst := secret[len(dst):]
	secret, err = k.second.Shared(secret, peerShare[cut:])
	if err != nil {
		clear(secretOfFirst)
		return dst, inHybrid(k.h.id, err)
	}
	return secret, nil
}

// Clear clears both keys.
func (k *hybridKey) Clear() {
	k.first.Clear()
	k.second.Clear()
}
