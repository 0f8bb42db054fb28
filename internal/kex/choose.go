package kex

import (
	"crypto/fips140"
	"runtime"

	"github.com/s2ngo/s2ngo/iana"
)

// The agreements of which there are two implementations: microseconds per call, the best of
// five runs, and allocations. Xeon with AVX-512, Go 1.26.8, circl 1.6.5. "generic" is the
// code without assembly (-tags purego), on the same machine.
//
//	                         std         circl      std generic  circl generic
//	X25519 generate       35.8 / 6    20.4 / 1         44.6          24.5
//	X25519 encapsulate    70.3 / 8    49.2 / 0         88.2          68.3
//	X25519 shared         34.9 / 3    29.6 / 0         46.4          41.2
//	ML-KEM-768 generate   51.0 / 3    31.5 / 6         51.0          46.1
//	ML-KEM-768 encap      52.7 / 4    31.5 / 3         54.3          48.3
//	ML-KEM-768 shared     51.0 / 2    19.4 / 0         51.7          38.9
//	ML-KEM-1024 generate  79.2 / 3    54.7 / 6         83.0          70.1
//	ML-KEM-1024 encap     83.2 / 4    58.9 / 3         87.3          74.5
//	ML-KEM-1024 shared    82.1 / 2    25.9 / 0         83.3          52.4
//
// circl's X25519 has assembly on amd64 only, so that the generic columns speak for arm64
// too. Its ML-KEM has assembly of its own on arm64, which was not measured: std there.
// FIPS mode takes everything from the standard library.
var table = newTable(fips140.Enabled(), runtime.GOARCH)

func newTable(fips bool, arch string) [8]Scheme {
	var (
		x25519    agreement = &stdX25519
		mlkem768  agreement = &stdMLKEM768
		mlkem1024 agreement = &stdMLKEM1024
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
		approved(newScheme(iana.Secp256r1, secp256r1)),
		approved(newScheme(iana.Secp384r1, secp384r1)),
		approved(newScheme(iana.Secp521r1, secp521r1)),
		// ML-KEM comes first in this one, against the order of its name.
		approved(newScheme(iana.X25519MLKEM768, &hybrid{iana.X25519MLKEM768, mlkem768, x25519})),
		approved(newScheme(iana.SecP256r1MLKEM768, &hybrid{iana.SecP256r1MLKEM768, secp256r1, mlkem768})),
		approved(newScheme(iana.SecP384r1MLKEM1024, &hybrid{iana.SecP384r1MLKEM1024, secp384r1, mlkem1024})),
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
