package sig

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

func BenchmarkScheme(b *testing.B) {
	message := AppendCertificateVerifyInput(nil, true, make([]byte, 48))
	for _, id := range []iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256, iana.Ed25519} {
		s := Lookup(id)
		key := keysFor(s)[0]
		pub := key.Public()
		digest := s.Digest(nil, message)
		signature, err := s.Sign(nil, key, digest, message)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(id.String()+"/Sign", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Sign(nil, key, digest, message); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(id.String()+"/Verify", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Verify(pub, digest, message, signature); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(id.String()+"/CheckShape", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := s.CheckShape(pub, signature); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
