package conn

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// Each direction has signature schemes of its own: what one side signs with, and what it
// offers the other and takes of it.
func TestSchemesOfEachDirection(t *testing.T) {
	const p256, p384, ed = iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384, iana.Ed25519
	schemes := func(list ...iana.SignatureScheme) []iana.SignatureScheme { return list }
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		for name, c := range map[string]struct {
			client, server func(cfg *Config)
			theirs, ours   iana.SignatureScheme // of the server, of the client; 0 = none in common
		}{
			"one list for both": {
				func(cfg *Config) { cfg.Schemes = schemes(ed) }, func(cfg *Config) { cfg.Schemes = schemes(ed) }, ed, ed},
			"a server that signs with another than it takes": {
				func(cfg *Config) { cfg.Schemes = schemes(p256, ed) },
				func(cfg *Config) { cfg.SigningSchemes, cfg.VerifySchemes = schemes(ed), schemes(p256) }, ed, p256},
			"a client that signs with another than it takes": {
				func(cfg *Config) { cfg.SigningSchemes, cfg.VerifySchemes = schemes(p256), schemes(ed) },
				func(cfg *Config) { cfg.Schemes = schemes(p256, ed) }, ed, p256},
			"a list for signing over the one for both": {
				func(cfg *Config) { cfg.Schemes = schemes(p256, ed) },
				func(cfg *Config) { cfg.Schemes, cfg.SigningSchemes = schemes(p256, ed), schemes(ed) }, ed, p256},
			"nothing that the server may sign with": {
				func(cfg *Config) { cfg.VerifySchemes = schemes(p384) }, func(cfg *Config) { cfg.Schemes = schemes(p256, ed) }, 0, 0},
		} {
			t.Run(version.String()+" "+name, func(t *testing.T) {
				client, server := quick(clientConfig()), quick(serverConfig(t))
				client.MinVersion, client.MaxVersion = version, version
				both := func(names ...string) []*Certificate {
					return []*Certificate{issue(t, testpeer.Template{DNSNames: names}), issue(t, testpeer.Template{DNSNames: names, Key: testpeer.KeyEd25519})}
				}
				client.Certificates, server.Certificates = both("client"), both("localhost")
				server.ClientAuth = RequireClientAuth
				c.client(client)
				c.server(server)
				p := newPair(t, client, server)
				if c.theirs == 0 {
					_, err := p.negotiate()
					failure{ErrProtocol, iana.HandshakeFailure, "client offers no"}.check(t, "server", err)
					return
				}
				p.mustNegotiate(t)
				cs, ss := p.client.State(), p.server.State()
				if cs.Version != version || cs.PeerScheme != c.theirs || ss.Scheme != c.theirs || cs.Scheme != c.ours || ss.PeerScheme != c.ours {
					t.Errorf("%v: the server signed with %v, seen as %v; the client with %v, seen as %v", cs.Version, ss.Scheme, cs.PeerScheme, cs.Scheme, ss.PeerScheme)
				}
			})
		}
	}
}

// A client sends the key shares that it is told to, in the order of its groups.
func TestKeySharesAreChosen(t *testing.T) {
	groups := []iana.Group{iana.Secp384r1, iana.X25519, iana.X25519MLKEM768, iana.Secp256r1}
	for name, c := range map[string]struct{ shares, want []iana.Group }{
		"the first of each kind":          {nil, []iana.Group{iana.Secp384r1, iana.X25519MLKEM768}},
		"one":                             {[]iana.Group{iana.Secp256r1}, []iana.Group{iana.Secp256r1}},
		"two, in the order of the groups": {[]iana.Group{iana.X25519, iana.Secp384r1}, []iana.Group{iana.Secp384r1, iana.X25519}},
		"none":                            {[]iana.Group{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := clientConfig()
			cfg.Groups, cfg.KeyShares = groups, c.shares
			hello, err := ParseClientHello(firstFlight(t, cfg)[5:])
			if err != nil {
				t.Fatal(err)
			}
			var got []iana.Group
			for g := range hello.hello.KeyShares.All() {
				got = append(got, g)
			}
			if !slices.Equal(got, c.want) || !slices.Equal(hello.SupportedGroups(), groups) {
				t.Errorf("shares for %v, want %v; groups %v", got, c.want, hello.SupportedGroups())
			}
		})
	}
}
