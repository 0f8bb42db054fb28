package handshake

import (
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// PSK is a pre-shared key that both sides have been given outside of TLS (s2n_psk; RFC 8446,
// Section 2.2). The connections that use it share it: read only. It prints as "secret".
type PSK struct {
	Identity []byte      // what the client names it by, in the clear: 1 to 65535 bytes
	Secret   []byte      // 1 to 65535 bytes, not all of them zero
	Hash     crypto.Hash // crypto.SHA256 or crypto.SHA384; 0 = crypto.SHA256

	// Early data (s2n_psk_configure_early_data): most bytes of it, 0 = none; the cipher suite
	// that protects it, whose hash has to be the PSK's; the application protocol that it is of,
	// which the handshake has to agree on; what OfferedEarlyData repeats.
	MaxEarlyData     uint32
	CipherSuite      iana.CipherSuite
	ALPN             string
	EarlyDataContext []byte
}

// Errors of PSK.Check, for errors.Is.
var (
	ErrPSKIdentity  = errors.New("the identity of a PSK has 1 to 65535 bytes")
	ErrPSKSecret    = errors.New("the secret of a PSK has 1 to 65535 bytes, not all of them zero")
	ErrPSKHash      = errors.New("the hash of a PSK is SHA-256 or SHA-384")
	ErrPSKEarlyData = errors.New("the early data of a PSK needs a cipher suite of TLS 1.3 with the PSK's hash, a protocol of at most 255 bytes and a context of at most 65535")
)

// Check says what is wrong with the PSK, if anything.
func (p *PSK) Check() error {
	zero := byte(0)
	for _, b := range p.Secret {
		zero |= b
	}
	switch {
	case len(p.Identity) == 0 || len(p.Identity) > math.MaxUint16:
		return fmt.Errorf("%w, not %d", ErrPSKIdentity, len(p.Identity))
	case len(p.Secret) > math.MaxUint16 || zero == 0:
		return ErrPSKSecret
	case p.hash() != crypto.SHA256 && p.hash() != crypto.SHA384:
		return ErrPSKHash
	case p.MaxEarlyData == 0:
		return nil
	}
	s := suite.Lookup(p.CipherSuite)
	if s == nil || !s.TLS13 || s.Hash != p.hash() || len(p.ALPN) > math.MaxUint8 || len(p.EarlyDataContext) > math.MaxUint16 {
		return ErrPSKEarlyData
	}
	return nil
}

func (p *PSK) hash() crypto.Hash {
	if p.Hash == 0 {
		return crypto.SHA256
	}
	return p.Hash
}

// Format writes "secret", whatever the verb.
func (p PSK) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "secret") }

// LogValue returns "secret".
func (p PSK) LogValue() slog.Value { return slog.StringValue("secret") }

// MarshalText returns "secret".
func (p PSK) MarshalText() ([]byte, error) { return []byte("secret"), nil }
