package handshake

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// FIPS 140-3 wants extended_master_secret in TLS 1.2; elsewhere it is done without if the
// client does not know it.
func TestServerRequiresExtendedMasterSecret(t *testing.T) {
	for _, c := range []struct {
		name              string
		required, offered bool
		refused           bool
	}{
		{"offered and required", true, true, false},
		{"required and not offered", true, false, true},
		{"not offered", false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewServer(&Config{MaxVersion: iana.TLS12, RequireEMS: c.required})
			err := checkClientHello12(m, &wire.ClientHello{CompressionMethods: []byte{0}, ExtendedMasterSecret: c.offered})
			if refused := err != nil; refused != c.refused || refused && AlertOf(err) != iana.HandshakeFailure {
				t.Errorf("got %v", err)
			}
		})
	}
}
