package conn

import (
	"bytes"
	"crypto/x509"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// guild is three authorities, the last one below another, that certify everybody alike.
type guild struct {
	first, second, third *testpeer.Authority
	roots                *x509.CertPool
}

func newGuild(t *testing.T) *guild {
	t.Helper()
	found := func(name string, intermediates int) *testpeer.Authority {
		a, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Name: name, Seed: []byte(name), Intermediates: intermediates})
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	g := &guild{first: found("first", 0), second: found("second", 0), third: found("third", 1), roots: x509.NewCertPool()}
	for _, a := range []*testpeer.Authority{g.first, g.second, g.third} {
		g.roots.AddCert(a.Root())
	}
	return g
}

// certificates for one name, of the same type of key, one of each authority in order.
func (g *guild) certificates(t *testing.T, name string) (list []*Certificate) {
	t.Helper()
	for _, a := range []*testpeer.Authority{g.first, g.second, g.third} {
		issued, err := a.Issue(testpeer.Template{DNSNames: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		c, err := NewCertificate(issued.Chain, issued.Key)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

// The names that one side says guide the other's choice among certificates that are alike.
func TestCertificateAuthoritiesGuideTheChoice(t *testing.T) {
	g := newGuild(t)
	first, second := g.first.Root().RawSubject, g.second.Root().RawSubject
	third, below := g.third.Root().RawSubject, g.third.Certificate().RawSubject
	stranger := pki().Root().RawSubject
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		for _, client := range []bool{true, false} { // whose choice it is
			for name, c := range map[string]struct {
				say  func(cfg *Config)
				want int
			}{
				"nothing is said":                  {func(*Config) {}, 0},
				"the first":                        {func(cfg *Config) { cfg.CertificateAuthorities = [][]byte{first} }, 0},
				"the second":                       {func(cfg *Config) { cfg.CertificateAuthorities = [][]byte{second} }, 1},
				"the root above an intermediate":   {func(cfg *Config) { cfg.CertificateAuthorities = [][]byte{third} }, 2},
				"an intermediate":                  {func(cfg *Config) { cfg.CertificateAuthorities = [][]byte{below} }, 2},
				"a stranger":                       {func(cfg *Config) { cfg.CertificateAuthorities = [][]byte{stranger} }, 0},
				"several: the order is not theirs": {func(cfg *Config) { cfg.CertificateAuthorities = [][]byte{stranger, third, second} }, 1},
				"the roots": {func(cfg *Config) {
					cfg.RootCAs, cfg.CertificateAuthoritiesFromRoots = x509.NewCertPool(), true
					cfg.RootCAs.AddCert(g.second.Root())
				}, 1},
			} {
				t.Run(version.String()+map[bool]string{true: " to a client: ", false: " to a server: "}[client]+name, func(t *testing.T) {
					ccfg := &Config{RootCAs: g.roots, ServerName: "localhost", Certificates: g.certificates(t, "client"), MinVersion: version, MaxVersion: version}
					scfg := &Config{RootCAs: g.roots, Certificates: g.certificates(t, "localhost"), ClientAuth: RequireClientAuth}
					says, chooses, want := ccfg, scfg, c.want
					if client {
						says, chooses = scfg, ccfg
					} else if version == iana.TLS12 { // a ClientHello says it in TLS 1.3 alone
						want = 0
						if name == "the roots" {
							return
						}
					}
					c.say(says)
					p := newPair(t, ccfg, scfg)
					p.mustNegotiate(t)
					chosen := p.server
					if client {
						chosen = p.client
					}
					if got := slices.Index(chooses.Certificates, chosen.State().Certificate); got != want {
						t.Errorf("certificate %d was chosen, want %d", got, want)
					}
				})
			}
		}
	}
}

// Whoever chooses by a hook sees the names.
func TestHooksSeeCertificateAuthorities(t *testing.T) {
	names := [][]byte{pki().Root().RawSubject, []byte("any bytes at all")}
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		client, server := clientConfig(), serverConfig(t)
		client.MinVersion, client.MaxVersion = version, version
		client.CertificateAuthorities, server.CertificateAuthorities = names, names
		server.ClientAuth = OptionalClientAuth
		var ofClient, ofServer [][]byte
		client.OnClientCertificate = func(_ *Conn, r *CertificateRequest, op *async.Op[*Certificate]) {
			ofServer = r.Authorities
			_ = op.Answer(nil)
		}
		server.OnClientHello = func(_ *Conn, h *ClientHello, op *async.Op[*Config]) {
			for _, name := range h.CertificateAuthorities() {
				ofClient = append(ofClient, bytes.Clone(name))
			}
			_ = op.Answer(nil)
		}
		established(t, client, server)
		if !slices.EqualFunc(ofServer, names, bytes.Equal) {
			t.Errorf("%v: the client sees %q", version, ofServer)
		}
		if want := version == iana.TLS13; want != slices.EqualFunc(ofClient, names, bytes.Equal) || !want && ofClient != nil {
			t.Errorf("%v: the server sees %q", version, ofClient)
		}
	}
}

func TestCertificateAuthoritiesThatAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(cfg *Config)
		text   string
	}{
		"of the system's roots": {func(cfg *Config) { cfg.RootCAs, cfg.CertificateAuthoritiesFromRoots = nil, true }, "without RootCAs"},
		"of no roots":           {func(cfg *Config) { cfg.RootCAs, cfg.CertificateAuthoritiesFromRoots = x509.NewCertPool(), true }, "empty"},
		"two ways at once": {func(cfg *Config) {
			cfg.CertificateAuthorities, cfg.CertificateAuthoritiesFromRoots = [][]byte{{1}}, true
		}, "both"},
		"an empty name": {func(cfg *Config) { cfg.CertificateAuthorities = [][]byte{{1}, {}} }, "certificate authority 1"},
		"20001 bytes":   {func(cfg *Config) { cfg.CertificateAuthorities = [][]byte{make([]byte, 19999)} }, "20001 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := serverConfig(t)
			c.change(cfg)
			end := &callbacks{in: &lane{}, out: &lane{}}
			_, err := NewServer(end.recv, end.send, cfg)
			failure{kind: ErrUsage, text: c.text}.check(t, "NewServer", err)
		})
	}
	client, server := clientConfig(), serverConfig(t)
	server.ClientAuth = OptionalClientAuth
	server.CertificateAuthorities = [][]byte{make([]byte, 19998)} // as much as there may be
	client.CertificateAuthorities = server.CertificateAuthorities
	established(t, client, server)
}
