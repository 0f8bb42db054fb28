package fuzz

// script is a fuzzed input that is read as instructions. Behind its end it is all zeros,
// and zero is always the plain and honest thing to do.
type script struct{ rest []byte }

// more reports whether there is another instruction.
func (s *script) more() bool { return len(s.rest) > 0 }

func (s *script) byte() byte {
	if len(s.rest) == 0 {
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *script) uint16() int { return int(s.byte())<<8 | int(s.byte()) }

// bytes returns the next n bytes, or as many as there are.
func (s *script) bytes(n int) []byte {
	n = min(n, len(s.rest))
	b := s.rest[:n:n]
	s.rest = s.rest[n:]
	return b
}

// size returns a length: most are small, some are about the size of a record.
func (s *script) size() int {
	switch b := s.byte(); {
	case b < 0xc0:
		return int(b)
	case b < 0xf0:
		return int(b-0xc0)<<8 | int(s.byte())
	default:
		return 16384 - 8 + int(b-0xf0)
	}
}

// bits takes instructions out of one number.
type bits uint32

// take returns the lowest n bits and drops them.
func (b *bits) take(n int) int {
	v := *b & (1<<n - 1)
	*b >>= n
	return int(v)
}

func (b *bits) flag() bool { return b.take(1) == 1 }
