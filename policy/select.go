package policy

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
)

// SelectSuite returns the suite for a handshake: the first of local, which is in the
// server's order, that the peer offers and that is usable. The order of the peer counts
// in one case, s2n's ChaCha20 boosting: when boost is set and the peer's first suite is a
// ChaCha20 one, the ChaCha20 suites of local come before the others. GREASE values at
// the head of the peer's list (RFC 8701) do not hide its first suite.
//
// Local must hold suites of the negotiated version only, as Policy.Suites returns them.
// Usable refuses suites for reasons beyond the lists: no certificate of their kind, or
// a hash that does not fit a PSK; nil refuses none. False is returned when nothing is
// left. SelectSuite keeps none of its arguments and does not allocate.
func SelectSuite(local []iana.CipherSuite, boost bool, peer iana.List[iana.CipherSuite], usable func(iana.CipherSuite) bool) (iana.CipherSuite, bool) {
	boosted := boost && wantsChaCha20(peer)
	var fallback iana.CipherSuite
	found := false
	for _, s := range local {
		if !peer.Has(s) || usable != nil && !usable(s) {
			continue
		}
		if !boosted || isChaCha20(s) {
			return s, true
		}
		if !found {
			fallback, found = s, true
		}
	}
	return fallback, found
}

// wantsChaCha20 reports whether the first suite of a peer's list is a ChaCha20 one.
func wantsChaCha20(peer iana.List[iana.CipherSuite]) bool {
	for i := range peer.Len() {
		if s := peer.At(i); !iana.IsGREASE(uint16(s)) {
			return isChaCha20(s)
		}
	}
	return false
}

// isChaCha20 reports whether s encrypts with ChaCha20-Poly1305.
func isChaCha20(s iana.CipherSuite) bool {
	switch s {
	case iana.TLS_CHACHA20_POLY1305_SHA256,
		iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		iana.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
		return true
	}
	return false
}

// LocalGroups are a server's own groups, most wanted first in each list. The zero
// LocalGroups accepts none.
type LocalGroups struct {
	KEM, Curves       []iana.Group
	StronglyPreferred []iana.Group // of the Curves
}

// SplitGroups divides a list of an application's own into LocalGroups: KEM groups, pure
// and hybrid, and the others, each in the order of the list. None is strongly preferred.
func SplitGroups(groups []iana.Group) LocalGroups {
	var l LocalGroups
	for _, g := range groups {
		if isKEM(g) {
			l.KEM = append(l.KEM, g)
		} else {
			l.Curves = append(l.Curves, g)
		}
	}
	return l
}

// isKEM reports whether key exchange in g encapsulates a secret, alone or beside a curve.
func isKEM(g iana.Group) bool {
	switch g {
	case iana.MLKEM512, iana.MLKEM768, iana.MLKEM1024,
		iana.SecP256r1MLKEM768, iana.X25519MLKEM768, iana.SecP384r1MLKEM1024:
		return true
	}
	return false
}

// SelectGroup returns the group for a server's key exchange, and whether the client must
// be asked by a HelloRetryRequest to send a share for it. It goes by s2n's five steps:
//
//  1. the first KEM group that both have and for which there is a share;
//  2. else the first KEM group that both have, by retry: a client that can do
//     post-quantum key exchange is never talked down to a classical group;
//  3. else the first strongly preferred group that both have, by retry unless there is a
//     share for it;
//  4. else the first curve that both have and for which there is a share;
//  5. else the first curve that both have, by retry.
//
// Peer is the client's supported_groups; hasShare reports whether its key_share has an
// entry for a group. In TLS 1.2, which has no shares, hasShare is always true and local
// has curves only. False is returned for ok when there is no common group. SelectGroup
// keeps none of its arguments and does not allocate.
func SelectGroup(local LocalGroups, peer iana.List[iana.Group], hasShare func(iana.Group) bool) (g iana.Group, retry, ok bool) {
	if g, retry, ok = firstGroup(local.KEM, peer, hasShare); ok {
		return g, retry, true
	}
	for _, g := range local.StronglyPreferred {
		if peer.Has(g) && slices.Contains(local.Curves, g) {
			return g, !hasShare(g), true
		}
	}
	return firstGroup(local.Curves, peer, hasShare)
}

// firstGroup returns the first of local that the peer has and sent a share for, else the
// first that it has, which takes a retry.
func firstGroup(local []iana.Group, peer iana.List[iana.Group], hasShare func(iana.Group) bool) (common iana.Group, retry, ok bool) {
	for _, g := range local {
		if !peer.Has(g) {
			continue
		}
		if hasShare(g) {
			return g, false, true
		}
		if !ok {
			common, ok = g, true
		}
	}
	return common, ok, ok
}

// SelectScheme returns the scheme to sign with: the first of local that the peer offers
// and that fits, which is for the caller to say of the key and the version; a nil fits
// accepts every scheme. A scheme that the peer did not offer is never returned (RFC 8446,
// Section 4.4.3): s2n goes on with one of its own when nothing matches, for the sake of
// faulty peers, which is not done here. False is returned when nothing is left.
// SelectScheme keeps none of its arguments and does not allocate.
func SelectScheme(local []iana.SignatureScheme, peer iana.List[iana.SignatureScheme], fits func(iana.SignatureScheme) bool) (iana.SignatureScheme, bool) {
	for _, s := range local {
		if peer.Has(s) && (fits == nil || fits(s)) {
			return s, true
		}
	}
	return 0, false
}
