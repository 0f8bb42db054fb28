package wire

import "slices"

// seen is a set of code points, for lists in which each may be there once. A peer may list as
// many as there are, and who does not know them has to pass over them (RFC 8446, Section 9.3):
// the first few are looked through, which takes no memory; a longer list costs 8 KiB, and the
// same time for each of its values.
type seen struct {
	few  [32]uint16
	n    int // of few
	many *[1 << 16 / 64]uint64
}

// before puts v into the set and reports whether it was there.
func (s *seen) before(v uint16) bool {
	if s.many == nil {
		if slices.Contains(s.few[:s.n], v) {
			return true
		}
		if s.n < len(s.few) {
			s.few[s.n] = v
			s.n++
			return false
		}
		s.many = new([1 << 16 / 64]uint64)
		for _, v := range s.few {
			s.many[v/64] |= 1 << (v % 64)
		}
	}
	word, bit := &s.many[v/64], uint64(1)<<(v%64)
	if *word&bit != 0 {
		return true
	}
	*word |= bit
	return false
}
