package kdf

import (
	"crypto"
	"strconv"
)

// MaxSeeds is the number of seeds that PRF12 takes.
const MaxSeeds = 6

// PRF12 fills out with PRF(secret, label, seeds joined) of TLS 1.2, which is P_hash with h. RFC
// 5246, Section 5.
//
//	P_hash(secret, seed) = HMAC_hash(secret, A(1) + seed) + HMAC_hash(secret, A(2) + seed) + ...
//	A(0) = seed, A(i) = HMAC_hash(secret, A(i-1))
//	PRF(secret, label, seed) = P_<hash>(secret, label + seed)
//
// out may be any number of bytes and may overlap secret, but no seed. There are at most MaxSeeds.
func PRF12(h crypto.Hash, out, secret []byte, label string, seeds ...[]byte) {
	var m MAC
	m.Init(h, secret)
	m.PRF12(out, label, seeds...)
	m.Clear()
}

// PRF12 fills out as the function of that name does, with the key of m as the secret.
func (m *MAC) PRF12(out []byte, label string, seeds ...[]byte) {
	var labelBuf [64]byte // a longer label moves to the heap
	var a, block [MaxSize]byte
	size := m.hash.Size()

	// all is A(i), label, seeds. It is filled one by one because what is appended or copied to a
	// slice has to live on the heap, for all that the compiler knows.
	var all [2 + MaxSeeds][]byte
	all[0], all[1] = a[:size], append(labelBuf[:0], label...)
	if len(seeds) > MaxSeeds {
		panic("kdf: PRF of " + strconv.Itoa(len(seeds)) + " seeds wanted")
	}
	for i, s := range seeds {
		all[2+i] = s
	}
	parts := all[:2+len(seeds)]

	m.Sum(a[:size], parts[1:]...)
	for len(out) > size {
		m.Sum(out[:size], parts...)
		m.Sum(a[:size], a[:size])
		out = out[size:]
	}
	m.Sum(block[:len(out)], parts...)
	copy(out, block[:])
	clear(a[:])
	clear(block[:])
}
