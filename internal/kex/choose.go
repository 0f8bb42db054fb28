package kex

import (
	"crypto/fips140"
	"runtime"

	"github.com/s2ngo/s2ngo/iana"
)

// The rows that have more than one implementation, in microseconds and allocations per
// call. Xeon with AVX-512, Go 1.26.8, circl 1.6.5; encapsulation includes the parsing of
// the peer's key. "generic" is the code without assembly (-tags purego), on the same
// machine.
//
//	                        std         circl      std generic  circl generic
//	X25519 generate      32.9 / 4    19.2 / 0         42.9          23.7
//	X25519 shared        34.3 / 3    27.0 / 0         42.0          40.3
//	ML-KEM-768 generate  42.3 / 2    26.7 / 4         43.8          38.4
//	ML-KEM-768 encap     52.6 / 4    30.8 / 1         52.6          47.8
//	ML-KEM-768 decap     51.3 / 2    18.8 / 0         51.5          39.5
//	ML-KEM-1024 generate 68.6 / 2    45.9 / 4         67.3          64.8
//	ML-KEM-1024 encap    85.5 / 4    47.1 / 1         84.6          73.1
//	ML-KEM-1024 decap    81.3 / 2    24.3 / 0         81.6          52.7
//
// circl's X25519 has assembly on amd64 only, so that the generic columns speak for arm64
// too. Its ML-KEM has assembly of its own on arm64, which was not measured: std there.
// FIPS mode takes everything from the standard library.
var table = newTable(fips140.Enabled(), runtime.GOARCH)

func newTable(fips bool, arch string) [8]Scheme {
	var (
		p256, p384, p521           = secp256r1, secp384r1, secp521r1
		x25519           agreement = &stdX25519
		mlkem768         agreement = &stdMLKEM768
		mlkem1024        agreement = &stdMLKEM1024
	)
	if !fips && (arch == "amd64" || arch == "arm64") {
		x25519 = circlX25519{}
	}
	if !fips && arch == "amd64" {
		mlkem768, mlkem1024 = &circlMLKEM768, &circlMLKEM1024
	}
	approved := func(s Scheme) Scheme { s.Approved = true; return s }
	return [...]Scheme{
		newScheme(iana.X25519, x25519),
		approved(newScheme(iana.Secp256r1, p256)),
		approved(newScheme(iana.Secp384r1, p384)),
		approved(newScheme(iana.Secp521r1, p521)),
		// ML-KEM comes first in this one, against the order of its name.
		approved(newScheme(iana.X25519MLKEM768, &hybrid{iana.X25519MLKEM768, mlkem768, x25519})),
		approved(newScheme(iana.SecP256r1MLKEM768, &hybrid{iana.SecP256r1MLKEM768, p256, mlkem768})),
		approved(newScheme(iana.SecP384r1MLKEM1024, &hybrid{iana.SecP384r1MLKEM1024, p384, mlkem1024})),
		approved(newScheme(iana.MLKEM1024, mlkem1024)),
	}
}

func newScheme(id iana.Group, a agreement) Scheme {
	n := a.sizes()
	return Scheme{
		ID: id, ClientShareLen: n.client, ServerShareLen: n.server, SecretLen: n.secret,
		agreement: a,
	}
}
