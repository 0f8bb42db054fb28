package conn

import (
	"bytes"
	"crypto/fips140"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/policy"
)

// inMode reports whether the process runs with GODEBUG=fips140=mode. If it does not, it
// lets one that does run the test t.
func inMode(t *testing.T, mode string) bool {
	t.Helper()
	const child = "S2NGO_TEST_FIPS_MODE"
	if os.Getenv(child) == mode || mode == "on" && fips140.Enabled() {
		if !fips140.Enabled() || fips140.Enforced() != (mode == "only") {
			t.Fatalf("the process is not in FIPS mode %q", mode)
		}
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), child+"="+mode, "GODEBUG=fips140="+mode)
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("with GODEBUG=fips140=%s: %v\n%s", mode, err, out)
	}
	return false
}

// Reasons why FIPS 140-3, or Go's module, approves of none of these.

func unapprovedSuite(id iana.CipherSuite) bool {
	name := id.String()
	return strings.Contains(name, "CHACHA20") || strings.Contains(name, "3DES") || strings.Contains(name, "RC4") ||
		strings.HasSuffix(name, "_SHA") || strings.HasPrefix(name, "TLS_RSA_") || strings.HasPrefix(name, "TLS_DHE_")
}

func unapprovedGroup(id iana.Group) bool { return id == iana.X25519 || id == iana.X448 }

func unapprovedScheme(id iana.SignatureScheme) bool { return strings.HasSuffix(id.String(), "_sha1") }

func wantApproved[T comparable](t *testing.T, what string, list []T, unapproved func(T) bool) {
	t.Helper()
	for _, e := range list {
		if unapproved(e) {
			t.Errorf("%s have %v", what, e)
		}
	}
}

func TestFIPSModeNegotiatesWhatIsApproved(t *testing.T) {
	if !inMode(t, "on") {
		return
	}
	var refused []string
	for _, name := range policy.Names() {
		pol := lookup(t, name)
		fit := fitting(pol)
		client := &Config{Policy: name, RootCAs: chains().roots, ServerName: "localhost", Certificates: fit}
		server := &Config{Policy: name, RootCAs: chains().roots, Certificates: fit, ClientAuth: RequireClientAuth}
		made, err := client.prepare(true)
		_, serr := server.prepare(false)
		if (err == nil) != (serr == nil) {
			t.Errorf("%s: client: %v; server: %v", name, err, serr)
		}
		if err != nil {
			failure{ErrUsage, 0, `security policy "` + name + `" cannot be negotiated: TLSv1.`}.check(t, name, err)
			refused = append(refused, name)
			continue
		}
		h := &made.hs
		wantApproved(t, name+": suites", h.Suites, unapprovedSuite)
		wantApproved(t, name+": groups", slices.Concat(h.GroupOrder, h.KeyShares, h.Groups12, h.Groups.Curves, h.Groups.KEM), unapprovedGroup)
		wantApproved(t, name+": schemes", slices.Concat(h.Schemes12, h.Schemes, h.OfferedSchemes, h.CertificateSchemes), unapprovedScheme)
		wantImplementedOffers(t, name, fit)

		p := newPair(t, client, server)
		p.mustNegotiate(t)
		s := p.client.State()
		if unapprovedSuite(s.CipherSuite) || unapprovedGroup(s.Group) || unapprovedScheme(s.Scheme) || unapprovedScheme(s.PeerScheme) ||
			!s.ExtendedMasterSecret || s.Policy != name {
			t.Errorf("%s: %v, %v, %v, %v, %v is negotiated of %s", name, s.Version, s.CipherSuite, s.Group, s.Scheme, s.PeerScheme, s.Policy)
		}
		p.client.Close()
		p.server.Close()
	}
	// What they have is RSA or DHE key exchange, HMAC-SHA-1 or ML-DSA.
	want := append([]string{"20140601", "20141001", "20150202", "20150214"}, refusedPolicies...)
	slices.Sort(refused)
	if slices.Sort(want); !slices.Equal(refused, want) {
		t.Errorf("refused are %q, want %q", refused, want)
	}
}

func TestFIPSModeHasAnotherDefault(t *testing.T) {
	if !inMode(t, "on") {
		return
	}
	for _, c := range []struct {
		says   string
		change func(*Config)
		want   string
	}{
		{"no policy is named", func(*Config) {}, "default_fips"},
		{"one is named", func(cfg *Config) { cfg.Policy = "default" }, "default"},
		{"one is brought along", func(cfg *Config) { cfg.SecurityPolicy = lookup(t, "20240501") }, "20240501"},
	} {
		client, server := clientConfig(), serverConfig(t)
		c.change(client)
		c.change(server)
		p := established(t, client, server)
		if a, b := p.client.State().Policy, p.server.State().Policy; a != c.want || b != c.want {
			t.Errorf("%s: policies are %s and %s, want %s", c.says, a, b, c.want)
		}
	}
}

// TestFIPSModeRefusesPeers has a peer that offers nothing that is approved: its settings
// are changed behind the back of the checks.
func TestFIPSModeRefusesPeers(t *testing.T) {
	if !inMode(t, "on") {
		return
	}
	rsa := &Config{Policy: "20240501", Certificates: []*Certificate{chainNamed(t, "RSA-2048").own, chainNamed(t, "P-256").own}}
	for _, c := range []struct {
		says   string
		change func(*prepared)
		text   string // of the server's refusal
	}{
		{"X25519 alone", func(p *prepared) {
			p.hs.GroupOrder, p.hs.KeyShares, p.hs.Groups12 = []iana.Group{iana.X25519}, []iana.Group{iana.X25519}, []iana.Group{iana.X25519}
			p.hs.Groups = policy.LocalGroups{Curves: []iana.Group{iana.X25519}}
		}, "client offers no"},
		{"ChaCha20 alone", func(p *prepared) {
			p.hs.Suites = []iana.CipherSuite{iana.TLS_CHACHA20_POLY1305_SHA256, iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}
		}, "client offers no"},
		{"RSA key exchange alone", func(p *prepared) {
			p.hs.MinVersion, p.hs.MaxVersion = iana.TLS12, iana.TLS12
			p.hs.Suites = []iana.CipherSuite{iana.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}, "client offers no"},
		{"SHA-1 signatures alone", func(p *prepared) {
			p.hs.MinVersion, p.hs.MaxVersion = iana.TLS12, iana.TLS12
			p.hs.OfferedSchemes = []iana.SignatureScheme{iana.RSAPKCS1SHA1, iana.ECDSASHA1}
		}, "client offers no"},
	} {
		t.Run(c.says, func(t *testing.T) {
			client := &Config{RootCAs: chains().roots, ServerName: "localhost", Policy: "20240501"}
			made, err := client.prepare(true)
			if err != nil {
				t.Fatal(err)
			}
			c.change(made)
			cerr, serr := newPair(t, client, rsa).negotiate()
			failure{ErrProtocol, iana.HandshakeFailure, c.text}.check(t, "server", serr)
			failure{ErrAlert, iana.HandshakeFailure, "handshake_failure"}.check(t, "client", cerr)
		})
	}
}

// withoutEMS returns a callback that makes another empty extension of the
// extended_master_secret in the first hello that comes.
func withoutEMS(recv RecvFunc, other iana.Extension) RecvFunc {
	found := false
	return func(p []byte) (int, error) {
		n, err := recv(p)
		if i := bytes.Index(p[:n], []byte{0, byte(iana.ExtendedMasterSecret), 0, 0}); i >= 0 && !found {
			found = true
			p[i], p[i+1] = byte(other>>8), byte(other)
		}
		return n, err
	}
}

func TestFIPSModeNeedsExtendedMasterSecret(t *testing.T) {
	if !inMode(t, "on") {
		return
	}
	client := func() *Config {
		cfg := clientConfig()
		cfg.SecurityPolicy = inVersion(lookup(t, "default_fips"), iana.TLS12)
		return cfg
	}
	t.Run("of a client", func(t *testing.T) {
		pipe := testpeer.NewPipe()
		p := &pair{client: mustClient(t, pipe.Client.Recv, pipe.Client.Send, client()),
			server: mustServer(t, withoutEMS(pipe.Server.Recv, 0xfafa), pipe.Server.Send, serverConfig(t))}
		cerr, serr := p.negotiate()
		failure{ErrProtocol, iana.HandshakeFailure, "client offers no extended_master_secret, which FIPS mode requires"}.check(t, "server", serr)
		failure{ErrAlert, iana.HandshakeFailure, "handshake_failure"}.check(t, "client", cerr)
	})
	t.Run("of a server", func(t *testing.T) {
		stapled := client()
		stapled.RequestOCSP = true // so that the other extension is one that was asked for
		pipe := testpeer.NewPipe()
		p := &pair{client: mustClient(t, withoutEMS(pipe.Client.Recv, iana.StatusRequest), pipe.Client.Send, stapled),
			server: mustServer(t, pipe.Server.Recv, pipe.Server.Send, serverConfig(t))}
		cerr, serr := p.negotiate()
		failure{ErrProtocol, iana.HandshakeFailure, "server does not answer extended_master_secret, which FIPS mode requires"}.check(t, "client", cerr)
		failure{ErrAlert, iana.HandshakeFailure, "handshake_failure"}.check(t, "server", serr)
	})
}

func TestFIPSModeRefusesSettings(t *testing.T) {
	if !inMode(t, "on") {
		return
	}
	for _, c := range []struct {
		says   string
		change func(*Config)
		text   string
	}{
		{"X25519 as the one group", func(cfg *Config) { cfg.Groups = []iana.Group{iana.X25519} }, "TLSv1.3: no group may be used here; GODEBUG=fips140=on leaves approved algorithms only"},
		{"SHA-1 as the one scheme", func(cfg *Config) { cfg.Schemes = []iana.SignatureScheme{iana.ECDSASHA1} },
			"none of the signature schemes [ecdsa_sha1] is implemented"},
		{"suites that are not approved", func(cfg *Config) { cfg.Policy = "20140601" }, "no cipher suite may be used here; GODEBUG=fips140=on leaves approved algorithms only"},
		{"an RSA key of 1024 bits", func(cfg *Config) { cfg.Certificates = []*Certificate{chainNamed(t, "RSA-1024").own} },
			"holds an RSA key of 1024 bits, not of 2048 to 8192"},
	} {
		cfg := &Config{Certificates: []*Certificate{chainNamed(t, "P-256").own}, RootCAs: chains().roots, ServerName: "localhost"}
		c.change(cfg)
		_, err := NewClient(nowhere, nowhere, cfg)
		failure{ErrUsage, 0, c.text}.check(t, c.says+": NewClient", err)
		_, err = NewServer(nowhere, nowhere, cfg)
		failure{ErrUsage, 0, c.text}.check(t, c.says+": NewServer", err)
	}
}

// TestFIPSModeRefusesShortKeys is for the keys of the peer's chain; our own are refused
// before, so here they are shown behind the back of the check.
func TestFIPSModeRefusesShortKeys(t *testing.T) {
	show := chainNamed(t, "RSA-1024").own
	fips := inMode(t, "on")
	want, told := failure{}, failure{} // not in FIPS mode: it is accepted
	if fips {
		want = failure{ErrProtocol, iana.BadCertificate, `certificate of "CN=RSA-1024" holds an RSA key of 1024 bits, not of 2048 to 8192`}
		told = failure{ErrAlert, iana.BadCertificate, "bad_certificate"}
	}
	swapped := func(cfg *Config, client bool) *Config {
		made, err := cfg.prepare(client)
		if err != nil {
			t.Fatal(err)
		}
		store, err := certs.NewStore([]*Certificate{show}, certs.StoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		made.hs.Certificates = store
		return cfg
	}
	good := []*Certificate{chainNamed(t, "P-256").own}
	t.Run("of a server", func(t *testing.T) {
		p := newPair(t, &Config{RootCAs: chains().roots, ServerName: "localhost"}, swapped(&Config{Certificates: good}, false))
		cerr, serr := p.negotiate()
		want.check(t, "client", cerr)
		told.check(t, "server", serr)
	})
	t.Run("of a client", func(t *testing.T) {
		client := &Config{RootCAs: chains().roots, ServerName: "localhost", SecurityPolicy: inVersion(lookup(t, "default_fips"), iana.TLS12), Certificates: good}
		p := newPair(t, swapped(client, true), &Config{RootCAs: chains().roots, Certificates: good, ClientAuth: RequireClientAuth})
		cerr, serr := p.negotiate()
		want.check(t, "server", serr)
		told.check(t, "client", cerr)
	})
}

func TestFIPSOnlyModeIsRefused(t *testing.T) {
	if !inMode(t, "only") {
		return
	}
	const sentence = "tls: GODEBUG=fips140=only refuses primitives that TLS needs beside the approved ones; fips140=on negotiates approved algorithms only"
	_, cerr := NewClient(nowhere, nowhere, nil)
	_, serr := NewServer(nowhere, nowhere, &Config{})
	for _, err := range []error{cerr, serr} {
		if !errors.Is(err, ErrUsage) || err.Error() != sentence {
			t.Errorf("error is %v, want %s", err, sentence)
		}
	}
}
