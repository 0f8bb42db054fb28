package conn

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// Hybrid groups alone leave nothing for TLS 1.2 to agree on a key with: it is not offered.
func TestHybridGroupsAloneMeanTLS13(t *testing.T) {
	cfg := clientConfig()
	cfg.Groups = []iana.Group{iana.X25519MLKEM768}
	p, err := cfg.prepare(true)
	if err != nil {
		t.Fatal(err)
	}
	if p.hs.MinVersion != iana.TLS13 || p.hs.MaxVersion != iana.TLS13 {
		t.Errorf("offers %v to %v", p.hs.MinVersion, p.hs.MaxVersion)
	}
	for _, id := range p.hs.Suites {
		if !id.IsTLS13() {
			t.Errorf("offers %v", id)
		}
	}
}
