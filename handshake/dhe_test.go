package handshake

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kex"
)

// RFC 7919, Section 4: a client that lists finite-field groups gets one of them or no DHE.
func TestServersChoiceOfDHGroup(t *testing.T) {
	for _, c := range []struct {
		name       string
		configured iana.Group
		client     iana.List[iana.Group]
		want       iana.Group // 0 = no DHE
	}{
		{"the client lists none", 0, iana.MakeList(iana.X25519), iana.FFDHE2048},
		{"the client sends no groups", 0, nil, iana.FFDHE2048},
		{"the client lists a larger one", 0, iana.MakeList(iana.X25519, iana.FFDHE3072), iana.FFDHE3072},
		{"the client lists only unknown ones", 0, iana.MakeList(iana.Group(0x01fd)), 0},
		{"a configured one that the client lists", iana.FFDHE4096, iana.MakeList(iana.FFDHE2048, iana.FFDHE4096), iana.FFDHE4096},
		{"a configured one that the client does not list", iana.FFDHE4096, iana.MakeList(iana.FFDHE2048), iana.FFDHE2048},
		{"a configured one, and the client lists none", iana.FFDHE4096, iana.MakeList(iana.X25519), iana.FFDHE4096},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := NewServer(&Config{DHParams: kex.LookupFFDHE(c.configured)})
			var got iana.Group
			if d := m.chooseDH(c.client); d != nil {
				got = d.Group()
			}
			if got != c.want {
				t.Errorf("chose %v, want %v", got, c.want)
			}
		})
	}
}
