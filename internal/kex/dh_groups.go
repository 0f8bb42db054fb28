package kex

import (
	"bytes"
	"crypto/fips140"
	"encoding/hex"
	"sync"

	"filippo.io/bigmod"

	"github.com/s2ngo/s2ngo/iana"
)

// ffdheGenerator is the generator of all groups of RFC 7919.
var ffdheGenerator = []byte{2}

// ffdhe is the table of the groups of RFC 7919, Appendix A. They are safe primes, for which
// a short exponent is as good as the group itself (Section 5.2), and are made when they are
// first asked for.
//
// What one exponentiation takes, of which each side has two, on the machine of choose.go:
//
//	ffdhe2048 0.32 ms   ffdhe3072 3.2 ms   ffdhe4096 6.7 ms   ffdhe6144 17 ms   ffdhe8192 34 ms
//
// bigmod has assembly for 1024, 1536 and 2048 bits, and above that allocates once per
// multiplication, some 0.4 to 1.6 MB in all.
var ffdhe = [...]struct {
	id   iana.Group
	bits int
	get  func() *DHParams
}{
	{iana.FFDHE2048, 2048, namedGroup(iana.FFDHE2048, ffdhe2048Prime)},
	{iana.FFDHE3072, 3072, namedGroup(iana.FFDHE3072, ffdhe3072Prime)},
	{iana.FFDHE4096, 4096, namedGroup(iana.FFDHE4096, ffdhe4096Prime)},
	{iana.FFDHE6144, 6144, namedGroup(iana.FFDHE6144, ffdhe6144Prime)},
	{iana.FFDHE8192, 8192, namedGroup(iana.FFDHE8192, ffdhe8192Prime)},
}

func namedGroup(id iana.Group, prime string) func() *DHParams {
	return sync.OnceValue(func() *DHParams {
		p, err := hex.DecodeString(prime)
		if err != nil {
			panic("kex: prime of " + id.String() + ": " + err.Error())
		}
		d := newGroup(p, ffdheGenerator, true)
		d.id = id
		return d
	})
}

// newGroup returns the group of an odd prime p and a generator g below it, both without
// leading zeros. The exponents of a safe prime are short.
func newGroup(p, g []byte, safe bool) *DHParams {
	m, err := bigmod.NewModulus(p)
	if err != nil {
		panic("kex: modulus of a DH group: " + err.Error())
	}
	base, err := bigmod.NewNat().SetBytes(g, m)
	if err != nil {
		panic("kex: generator of a DH group: " + err.Error())
	}
	d := &DHParams{p: p, g: g, modulus: m, base: base, exponentBits: m.BitLen() - 1}
	if safe {
		d.exponentBits = shortExponent(m.BitLen())
	}
	return d
}

// shortExponent returns the bits of an exponent for a safe prime of that many bits: those
// that RFC 7919, Appendix A, gives for its groups, rounded up to whole bytes.
func shortExponent(prime int) int {
	switch {
	case prime <= 2048:
		return 232 // of at least 225
	case prime <= 3072:
		return 280 // 275
	case prime <= 4096:
		return 328 // 325
	case prime <= 6144:
		return 376 // 375
	}
	return 400
}

// LookupFFDHE returns the group g of RFC 7919, or nil if it is none of them.
func LookupFFDHE(g iana.Group) *DHParams {
	for i := range ffdhe {
		if ffdhe[i].id == g {
			return ffdhe[i].get()
		}
	}
	return nil
}

// Recognize returns the group of RFC 7919 that has the prime p and the generator g, and
// reports whether there is one. Leading zeros do not matter.
func Recognize(p, g []byte) (iana.Group, bool) {
	p, g = trimZeros(p), trimZeros(g)
	for i := range ffdhe {
		if ffdhe[i].bits == 8*len(p) && bytes.Equal(g, ffdheGenerator) && bytes.Equal(p, ffdhe[i].get().p) {
			return ffdhe[i].id, true
		}
	}
	return 0, false
}

// DHEUsable reports whether DHE may be negotiated in this process: not in FIPS mode
// (GODEBUG=fips140=on), as the arithmetic is not that of the validated module.
func DHEUsable() bool { return !fips140.Enabled() }

func trimZeros(b []byte) []byte { return bytes.TrimLeft(b, "\x00") }
