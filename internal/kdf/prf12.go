package kdf

import "crypto"

// PRF12 fills out with PRF(secret, label, seeds joined) of TLS 1.2, which is P_hash with h. RFC
// 5246, Section 5.
//
//	P_hash(secret, seed) = HMAC_hash(secret, A(1) + seed) + HMAC_hash(secret, A(2) + seed) + ...
//	A(0) = seed, A(i) = HMAC_hash(secret, A(i-1))
//	PRF(secret, label, seed) = P_<hash>(secret, label + seed)
//
// out may be any number of bytes and may overlap secret, but no seed.
func PRF12(h crypto.Hash, out, secret []byte, label string, seeds ...[]byte) {
	var m MAC
	m.Init(h, secret)
	m.PRF12(out, label, seeds...)
	m.Clear()
}

// PRF12 fills out as the function of that name does, with the key of m as the secret.
func (m *MAC) PRF12(out []byte, label string, seeds ...[]byte) {
	// Labels and numbers of seeds that no RFC has move to the heap.
	var labelBuf [64]byte
	var partsBuf [8][]byte
	var a, block [MaxSize]byte
	size := m.hash.Size()

	// parts is A(i), label, seeds: A(1) takes all but the first.
	parts := append(partsBuf[:0], a[:size], append(labelBuf[:0], label...))
	parts = append(parts, seeds...)
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
