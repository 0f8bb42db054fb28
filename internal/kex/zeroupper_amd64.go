//go:build !purego

package kex

import "golang.org/x/sys/cpu"

// zeroUpper clears the upper halves of the vector registers, which circl's AVX2 code
// (polynomials of ML-KEM, four Keccaks at once) leaves as they are. With dirty halves each
// SSE instruction pays for a merge: SHA-256 of 1500 bytes, by the SHA extensions, took
// 0.95 us before and 86 us after key generation, encapsulation and decapsulation of circl's
// ML-KEM-768 and -1024, until something cleared the registers; with zeroUpper it takes 0.95
// us after them too. It also takes secrets out of the upper halves.
//
// circl's X25519 has no vector code. TestHashSpeedAfter holds the measurement. A goroutine
// that is moved to another thread inside circl leaves the old one dirty until the runtime's
// next large copy there, which is rare and soon over.
func zeroUpper() {
	if cpu.X86.HasAVX {
		vzeroupper()
	}
}

// vzeroupper is the instruction of that name, which a processor without AVX has not.
//
//go:noescape
func vzeroupper()
