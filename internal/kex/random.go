package kex

import (
	cryptorand "crypto/rand"
	"fmt"
	"io"
	"log/slog"
)

// fill fills b from rand, or with production randomness if rand is nil. The detour through
// a buffer keeps b off the heap in production.
func fill(rand io.Reader, b []byte) error {
	if rand == nil {
		cryptorand.Read(b) // never returns an error since Go 1.24
		return nil
	}
	tmp := make([]byte, len(b))
	defer clear(tmp)
	if _, err := io.ReadFull(rand, tmp); err != nil {
		return fmt.Errorf("kex: read %d bytes of randomness: %w", len(b), err)
	}
	copy(b, tmp)
	return nil
}

// extend returns dst longer by n bytes, and these bytes.
func extend(dst []byte, n int) (all, tail []byte) {
	all = append(dst, make([]byte, n)...)
	return all, all[len(dst):]
}

// hidden keeps the type that embeds it out of logs.
type hidden struct{}

// String returns "secret".
func (hidden) String() string { return "secret" }

// GoString returns "secret".
func (hidden) GoString() string { return "secret" }

// LogValue returns "secret".
func (hidden) LogValue() slog.Value { return slog.StringValue("secret") }
