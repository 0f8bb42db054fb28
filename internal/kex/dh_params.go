package kex

import (
	"bytes"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"sync/atomic"

	"github.com/s2ngo/s2ngo/iana"
)

// NewDHParams returns the group of the prime p and the generator g, numbers with the highest
// byte first, that the application has configured. p must be a prime of MinDHBits to
// MaxDHBits, g from 2 to p-2; errors are of type *DHError. The test for primes takes 20
// rounds: 0.1 seconds for 2048 bits, 5 seconds for 8192. A group of RFC 7919 is known and
// takes none.
func NewDHParams(p, g []byte) (*DHParams, error) {
	return groupOf(p, g, MinDHBits, 20)
}

// AcceptDHParams is NewDHParams for the group that a server has chosen, of which a client
// wants at least minBits (and never less than MinDHBits). Too small a prime is an
// insufficient_security, all else that is wrong an illegal_parameter.
//
// The test for primes is that of Baillie and PSW alone, against which no number is known to
// have been made; it takes 20 milliseconds for 2048 bits, a second for 8192. The group that
// was accepted last is remembered, so that a client that comes back to its server does not
// pay again.
func AcceptDHParams(p, g []byte, minBits int) (*DHParams, error) {
	p, g = trimZeros(p), trimZeros(g)
	if d := lastAccepted.Load(); d != nil && d.BitLen() >= minBits && bytes.Equal(p, d.p) && bytes.Equal(g, d.g) {
		return d, nil
	}
	d, err := groupOf(p, g, max(minBits, MinDHBits), 0)
	if err == nil && d.id == 0 {
		lastAccepted.Store(d)
	}
	return d, err
}

// lastAccepted is the group that AcceptDHParams had to test last.
var lastAccepted atomic.Pointer[DHParams]

// groupOf tests p in so many rounds of Miller and Rabin besides those of Baillie and PSW.
// Lengths come first, so that nobody makes us test a number of any size.
func groupOf(p, g []byte, minBits, rounds int) (*DHParams, error) {
	p, g = bytes.Clone(trimZeros(p)), bytes.Clone(trimZeros(g))
	var prime, generator big.Int
	bits := prime.SetBytes(p).BitLen()
	wrong := func(alert iana.Alert, reason string) error {
		return &DHError{Bits: bits, Reason: reason, Description: alert}
	}
	if bits < minBits {
		return nil, wrong(iana.InsufficientSecurity, "prime has less than "+strconv.Itoa(minBits)+" bits")
	}
	if id, ok := Recognize(p, g); ok {
		return LookupFFDHE(id), nil
	}
	if bits > MaxDHBits {
		return nil, wrong(iana.IllegalParameter, "prime has more than "+strconv.Itoa(MaxDHBits)+" bits")
	}
	one := big.NewInt(1)
	minusOne := new(big.Int).Sub(&prime, one)
	if generator.SetBytes(g); generator.Cmp(one) <= 0 || generator.Cmp(minusOne) >= 0 {
		return nil, wrong(iana.IllegalParameter, "generator is not in 2 to p-2")
	}
	if p[len(p)-1]&1 == 0 || !prime.ProbablyPrime(rounds) {
		return nil, wrong(iana.IllegalParameter, "modulus is not a prime")
	}
	safe := minusOne.Rsh(minusOne, 1).ProbablyPrime(0)
	return newGroup(p, g, safe), nil
}

// ParsePKCS3 returns the group of the first DH PARAMETERS in a PEM file, in the form of
// PKCS #3 that openssl dhparam writes. Other blocks, as of certificates, are passed over. The
// length of the exponent that may be there is not used: see DHParams.Generate.
func ParsePKCS3(data []byte) (*DHParams, error) {
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return nil, errors.New("kex: no DH PARAMETERS in the PEM data")
		}
		if block.Type != "DH PARAMETERS" {
			continue
		}
		var params struct {
			P, G               *big.Int
			PrivateValueLength int `asn1:"optional"`
		}
		rest, err := asn1.Unmarshal(block.Bytes, &params)
		if err == nil && len(rest) > 0 {
			err = fmt.Errorf("%d bytes left over", len(rest))
		}
		if err == nil && (params.P.Sign() < 0 || params.G.Sign() < 0) {
			err = errors.New("a number is negative")
		}
		if err != nil {
			return nil, fmt.Errorf("kex: read DH PARAMETERS: %w", err)
		}
		return NewDHParams(params.P.Bytes(), params.G.Bytes())
	}
}
