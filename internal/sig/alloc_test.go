//go:build !race

package sig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestAllocations holds what each call costs the collector above what the standard library
// does in it. (The race detector has allocations of its own.)
func TestAllocations(t *testing.T) {
	message := AppendCertificateVerifyInput(nil, true, make([]byte, 48))
	for _, c := range []struct {
		id     iana.SignatureScheme
		verify func(pub crypto.PublicKey, digest, signature []byte)
		sign   float64 // above the key's own Sign
	}{
		{iana.ECDSASecp256r1SHA256, func(pub crypto.PublicKey, digest, signature []byte) {
			ecdsa.VerifyASN1(pub.(*ecdsa.PublicKey), digest, signature)
		}, 0},
		{iana.RSAPSSRSAESHA256, func(pub crypto.PublicKey, digest, signature []byte) {
			_ = rsa.VerifyPSS(pub.(*rsa.PublicKey), crypto.SHA256, digest, signature, &rsa.PSSOptions{SaltLength: 32})
		}, 0},
		{iana.Ed25519, func(pub crypto.PublicKey, _, signature []byte) {
			ed25519.Verify(pub.(ed25519.PublicKey), message, signature)
		}, 2}, // Public copies the key
	} {
		s := Lookup(c.id)
		key := keysFor(s)[0]
		pub := key.Public()
		digest := s.Digest(nil, message)
		signature, err := s.Sign(nil, key, digest, message)
		if err != nil {
			t.Fatal(err)
		}
		input, err := s.input(digest, message)
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 0, 64)
		nothing := func() {}
		for _, op := range []struct {
			name     string
			ours     func()
			std      func()
			overhead float64
		}{
			{"Sign", func() { _, _ = s.Sign(nil, key, digest, message) },
				func() { _, _ = key.Sign(rand.Reader, input, s.SignerOpts()) }, c.sign},
			{"Verify", func() { _ = s.Verify(pub, digest, message, signature) },
				func() { c.verify(pub, digest, signature) }, 0},
			{"CheckShape", func() { _ = s.CheckShape(pub, signature) }, nothing, 0},
			{"Digest", func() { s.Digest(buf, message) }, nothing, 0},
			{"Fits", func() { s.Fits(pub, iana.TLS13) }, nothing, 0},
			{"Lookup and SignerOpts", func() { Lookup(c.id).SignerOpts() }, nothing, 0},
		} {
			ours, std := testing.AllocsPerRun(20, op.ours), testing.AllocsPerRun(20, op.std)
			if ours > std+op.overhead {
				t.Errorf("%v: %s allocates %v objects, the standard library %v", c.id, op.name, ours, std)
			}
		}
	}
}
