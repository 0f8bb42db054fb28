package conn

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// The limit of the peer's Certificate message holds to the byte, for either side and version,
// and also where it is far above what TLS 1.2 keeps of a handshake.
func TestMaxCertificateBytes(t *testing.T) {
	large := issue(t, testpeer.Template{Extensions: []pkix.Extension{
		{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 2}, Value: make([]byte, 400<<10)},
	}})
	small := issue(t, testpeer.Template{DNSNames: []string{"localhost", "client"}})
	length := func(c *Certificate, v iana.Version) int { // RFC 5246, Section 7.4.2; RFC 8446, Section 4.4.2
		if v == iana.TLS12 {
			return 3 + 3 + len(c.Chain[0])
		}
		return 1 + 3 + 3 + len(c.Chain[0]) + 2
	}
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		for _, server := range []bool{true, false} { // who judges
			for _, c := range []struct {
				name  string
				cert  *Certificate
				limit int
				text  string
			}{
				{"small, and as much as there may be", small, length(small, version), ""},
				{"small, and a byte too long", small, length(small, version) - 1, "more than"},
				{"large, and as much as there may be", large, length(large, version), ""},
				{"large, and a byte too long", large, length(large, version) - 1, "more than"},
				{"large, without a limit of its own", large, 0, "more than 131072"},
			} {
				t.Run(version.String()+map[bool]string{true: " of a client: ", false: " of a server: "}[server]+c.name, func(t *testing.T) {
					ccfg, scfg := clientConfig(), serverConfig(t)
					ccfg.MinVersion, ccfg.MaxVersion = version, version
					ccfg.Certificates, scfg.Certificates = []*Certificate{small}, []*Certificate{small}
					scfg.ClientAuth = RequireClientAuth
					judge, proves := ccfg, scfg
					if server {
						judge, proves = scfg, ccfg
					}
					judge.MaxCertificateBytes = c.limit
					proves.Certificates = []*Certificate{c.cert}
					p := newPair(t, ccfg, scfg)
					cerr, serr := p.negotiate()
					err := cerr
					if server {
						err = serr
					}
					if c.text != "" {
						failure{ErrProtocol, iana.IllegalParameter, c.text}.check(t, "judge", err)
						return
					}
					if cerr != nil || serr != nil {
						t.Fatalf("client: %v; server: %v", cerr, serr)
					}
					exchange(t, p.client, p.server, []byte("data"))
				})
			}
		}
	}
}

// The number of certificates that a peer may send follows the Config, for either side and
// version.
func TestMaxChainDepth(t *testing.T) {
	one := issue(t, testpeer.Template{DNSNames: []string{"localhost", "client"}})
	times := func(n int) *Certificate {
		var chain [][]byte
		for range n {
			chain = append(chain, one.Chain[0])
		}
		c, err := NewCertificate(chain, one.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		for _, server := range []bool{true, false} { // who judges
			for _, c := range []struct {
				sent, depth int
				alert       iana.Alert
				text        string
			}{
				{7, 0, 0, ""}, {8, 0, iana.BadCertificate, "8 certificates, 7 are allowed"}, {33, 0, iana.CertificateUnknown, "more than 32"},
				{2, 1, iana.BadCertificate, "2 certificates, 1 are allowed"}, {50, 50, 0, ""}, {51, 50, iana.CertificateUnknown, "more than 50"},
			} {
				ccfg, scfg := quick(clientConfig()), quick(serverConfig(t))
				ccfg.Groups, scfg.Groups = append(ccfg.Groups, iana.Secp256r1), append(scfg.Groups, iana.Secp256r1)
				ccfg.MinVersion, ccfg.MaxVersion = version, version
				ccfg.Certificates, scfg.Certificates = []*Certificate{one}, []*Certificate{one}
				scfg.ClientAuth = RequireClientAuth
				judge, proves := ccfg, scfg
				if server {
					judge, proves = scfg, ccfg
				}
				judge.MaxChainDepth = c.depth
				proves.Certificates = []*Certificate{times(c.sent)}
				p := newPair(t, ccfg, scfg)
				cerr, serr := p.negotiate()
				err := cerr
				if server {
					err = serr
				}
				if c.text != "" {
					failure{ErrProtocol, c.alert, c.text}.check(t, "judge", err)
				} else if cerr != nil || serr != nil {
					t.Errorf("%v: %d certificates of %d: client: %v; server: %v", version, c.sent, c.depth, cerr, serr)
				}
			}
		}
	}
}
