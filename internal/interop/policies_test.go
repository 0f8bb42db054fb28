//go:build unix

package interop

import (
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// guidePolicies are the policies that s2n's usage guide has in its tables.
var guidePolicies = []string{
	"default", "20190214", "20170718", "20170405", "20170328", "20170210", "20160824", "20160804", "20160411", "20150306",
	"20150214", "20150202", "20141001", "20140601", "20190120", "20190121", "20190122", "default_tls13", "20190801",
	"20190802", "20200207",
}

// A rival is a peer that has one cipher suite only.
type rival struct {
	suite string
	// get fetches our server's status page.
	get func(t *testing.T, port int) Result
	// port is that of a server, which answers the greeting with reply.
	port  int
	reply string
}

// identityFor returns the certificate that goes with a suite.
func identityFor(suite string) string {
	if strings.Contains(suite, "_RSA_") {
		return "rsa"
	}
	return "p256"
}

// opensslRival has openssl with a suite, of TLS 1.3 if it has no other name there.
func opensslRival(t *testing.T, suite, name string) *rival {
	restriction := []string{"-tls1_3", "-ciphersuites", suite}
	if name != "" {
		restriction = []string{"-tls1_2", "-cipher", name + ":@SECLEVEL=0"}
	}
	_, port := sServer(t, identityFor(suite), restriction...)
	return &rival{suite: suite, port: port, reply: reversed, get: func(t *testing.T, port int) Result {
		return sClient(t, port, request, restriction...)
	}}
}

// gnutlsRival has gnutls with a suite with 3DES, which openssl is built without.
func gnutlsRival(t *testing.T, suite string) *rival {
	exchange, _, _ := strings.Cut(strings.TrimPrefix(suite, "TLS_"), "_WITH_")
	restriction := priority("VERS-TLS1.2", "-KX-ALL", "+"+strings.ReplaceAll(exchange, "_", "-"),
		"-CIPHER-ALL", "+3DES-CBC", "-MAC-ALL", "+SHA1")
	port := gnutlsServ(t, identityFor(suite), restriction, "--disable-client-cert")
	return &rival{suite: suite, port: port, reply: greeting, get: func(t *testing.T, port int) Result {
		return gnutlsGet(t, port, restriction)
	}}
}

// rivals starts a peer for each suite of the policies.
func rivals(t *testing.T, policies []string) map[iana.CipherSuite]*rival {
	t.Helper()
	names := map[string]string{}
	for _, suite := range suites12 {
		names[suite[0]] = suite[1]
	}
	started := map[iana.CipherSuite]*rival{}
	for _, name := range policies {
		p, err := policy.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, suite := range p.Suites() {
			switch {
			case started[suite] != nil:
			case strings.Contains(suite.String(), "3DES"):
				started[suite] = gnutlsRival(t, suite.String())
			default:
				started[suite] = opensslRival(t, suite.String(), names[suite.String()])
			}
		}
	}
	return started
}

// TestGuidePolicies has each suite that a policy keeps, both ways.
func TestGuidePolicies(t *testing.T) {
	SkipUnderRace(t)
	peers := rivals(t, guidePolicies)
	for _, name := range guidePolicies {
		p, err := policy.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours := serve(t, append(with(t, "rsa", "p256"), "--https", "--ciphers", name)...)
			for _, suite := range p.Suites() {
				peer := peers[suite]
				want := report{CipherSuite: suite.String()}
				t.Run(suite.String()+" from its client", func(t *testing.T) {
					expectPage(t, peer.get(t, ours.port))
					want := want
					// It guesses x25519.
					want.HelloRetry = suite.IsTLS13() && !slices.Contains(p.Curves, iana.X25519)
					ours.next().expect(t, want)
				})
				t.Run(suite.String()+" to its server", func(t *testing.T) {
					got := connect(t, peer.port, greeting, "--echo", "--ciphers", name)
					if got.Code != 0 || got.Data != peer.reply {
						t.Errorf("s2ngo-client ended with %d and the data %q: %s", got.Code, got.Data, got.Stderr)
					}
					got.expect(t, want)
				})
			}
		})
	}
}
