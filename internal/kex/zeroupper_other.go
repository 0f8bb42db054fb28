//go:build !amd64 || purego

package kex

// zeroUpper does nothing: circl has no AVX2 code here.
func zeroUpper() {}
