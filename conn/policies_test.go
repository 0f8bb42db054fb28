package conn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/policy"
)

// refusedPolicies can sign with ML-DSA only, which is not implemented.
var refusedPolicies = []string{"20260219", "cnsa_2"}

func lookup(t testing.TB, name string) *policy.Policy {
	t.Helper()
	p, err := policy.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEveryPolicyNegotiates lets a client and a server of each policy shake hands, whole
// in each version, then with a client that has only one of the suites, groups or schemes
// of the policy: all that the policy has is used. Names whose policies negotiate the same
// take turns in one set of handshakes.
func TestEveryPolicyNegotiates(t *testing.T) {
	alike := map[string][]string{}
	var order []string
	for _, name := range policy.Names() {
		if slices.Contains(refusedPolicies, name) {
			continue
		}
		content := negotiable(lookup(t, name))
		if alike[content] == nil {
			order = append(order, content)
		}
		alike[content] = append(alike[content], name)
	}
	total := 0
	for _, content := range order {
		names := alike[content]
		total += len(names)
		t.Run(names[0], func(t *testing.T) {
			t.Parallel()
			n := &negotiator{t: t, names: names, fit: fitting(lookup(t, names[0]))}
			n.all()
		})
	}
	if want := 158 + 2; total != want {
		t.Errorf("%d policies are negotiated, want %d", total, want)
	}
}

// negotiable returns as text what of p handshakes depend on.
func negotiable(p *policy.Policy) string {
	return fmt.Sprint(p.Suites(), p.Schemes(iana.TLS12), p.Schemes(iana.TLS13), p.Groups(iana.TLS12), p.Groups(iana.TLS13),
		p.StronglyPreferredGroups, p.AllowChaCha20Boosting, p.CertificateSignatureSchemes, p.CertificateKeys, p.CertificatePreferencesApplyLocally)
}

// negotiator runs the handshakes of policies that negotiate the same.
type negotiator struct {
	t     *testing.T
	names []string // in turn
	fit   []*Certificate
	count int
}

func (n *negotiator) next() *policy.Policy {
	n.count++
	return lookup(n.t, n.names[n.count%len(n.names)])
}

func (n *negotiator) all() {
	for _, name := range n.names {
		for _, v := range versionsOf(lookup(n.t, name)) {
			n.whole(lookup(n.t, name), v)
		}
	}
	p := n.next()
	for _, v := range versionsOf(p) {
		for _, id := range p.Suites(v) {
			n.only(v, id.String(), func(q *policy.Policy) { q.CipherSuites = []iana.CipherSuite{id} },
				func(s *State) bool { return s.CipherSuite == id })
		}
		for _, id := range p.Groups(v) {
			n.only(v, id.String(), func(q *policy.Policy) {
				l := policy.SplitGroups([]iana.Group{id})
				q.KEMGroups, q.Curves, q.StronglyPreferredGroups = l.KEM, l.Curves, nil
				q.CipherSuites = slices.DeleteFunc(q.CipherSuites, func(id iana.CipherSuite) bool { return !takesGroup(id) })
			}, func(s *State) bool { return s.Group == id })
		}
		for _, id := range p.Schemes(v) {
			switch {
			case !handshake.SupportsScheme(id, v):
				if !strings.HasPrefix(id.String(), "mldsa") {
					n.t.Errorf("%s in %v: %v is not implemented", p.Name, v, id)
				}
				continue
			case !anyCanSign(n.fit, id, v):
				n.t.Errorf("%s in %v: no certificate of this test signs with %v", p.Name, v, id)
				continue
			}
			n.only(v, id.String(), func(q *policy.Policy) {
				q.SignatureSchemes = []iana.SignatureScheme{id}
				q.CipherSuites = slices.DeleteFunc(q.CipherSuites, func(s iana.CipherSuite) bool { return !signedWith(s, id) })
			}, func(s *State) bool { return s.PeerScheme == id })
		}
	}
}

// whole shakes hands with nothing left out but other versions.
func (n *negotiator) whole(p *policy.Policy, v iana.Version) {
	n.t.Helper()
	state := n.shake(p, inVersion(p, v), v, "all")
	// With certificates of all kinds the server's first suite is taken.
	if first := p.Suites(v)[0]; state.CipherSuite != first && n.hasBothKinds() {
		n.t.Errorf("%s in %v: suite is %v, the first is %v", p.Name, v, state.CipherSuite, first)
	}
}

func (n *negotiator) hasBothKinds() bool {
	return anyCanSign(n.fit, iana.RSAPKCS1SHA256, iana.TLS12) && anyCanSign(n.fit, iana.ECDSASHA1, iana.TLS12)
}

// only shakes hands with a client, on every second turn a server, that has been narrowed
// to one thing, and holds that the thing was used.
func (n *negotiator) only(v iana.Version, thing string, narrow func(*policy.Policy), used func(*State) bool) {
	n.t.Helper()
	narrowed, other := inVersion(n.next(), v), lookup(n.t, n.names[0])
	if narrow(narrowed); !narrowed.Supports(v) {
		return // no suite of TLS 1.2 uses the thing
	}
	if underRace && n.count%8 != 0 {
		return
	}
	client, server := narrowed, other
	if n.count%2 == 0 {
		client, server = other, narrowed
	}
	if state := n.shake(server, client, v, thing); !used(state) {
		n.t.Errorf("%s in %v: %s was not used, but suite %v, group %v, scheme %v",
			narrowed.Name, v, thing, state.CipherSuite, state.Group, state.PeerScheme)
	}
}

// shake negotiates, looks at what was agreed on and returns the client's State.
func (n *negotiator) shake(server, client *policy.Policy, v iana.Version, what string) *State {
	t := n.t
	t.Helper()
	pair := newPair(t,
		&Config{SecurityPolicy: client, RootCAs: chains().roots, ServerName: "localhost"},
		&Config{SecurityPolicy: server, Certificates: n.fit})
	if cerr, serr := pair.negotiate(); cerr != nil || serr != nil {
		t.Fatalf("%s in %v, %s: client: %v; server: %v", server.Name, v, what, cerr, serr)
	}
	s := pair.client.State()
	pair.client.Close()
	pair.server.Close()
	for _, p := range []*policy.Policy{server, client} {
		if s.Version != v || !slices.Contains(p.Suites(v), s.CipherSuite) {
			t.Errorf("%s, %s: %v with %v is not of the policy", p.Name, what, s.Version, s.CipherSuite)
		}
		groupOK, schemeOK := slices.Contains(p.Groups(v), s.Group), slices.Contains(p.Schemes(v), s.PeerScheme)
		switch keyExchange(s.CipherSuite) {
		case suite.KeyExchangeRSA:
			groupOK, schemeOK = s.Group == 0, s.PeerScheme == 0
		case suite.KeyExchangeDHE:
			groupOK = s.Group == iana.FFDHE2048
		}
		if !groupOK || !schemeOK {
			t.Errorf("%s, %s: %v with group %v and scheme %v is not of the policy", p.Name, what, s.CipherSuite, s.Group, s.PeerScheme)
		}
	}
	return &s
}

// inVersion returns a copy of p that is for version v alone.
func inVersion(p *policy.Policy, v iana.Version) *policy.Policy {
	q := *p
	q.MinVersion, q.MaxVersion = v, v
	q.CipherSuites = p.Suites(v)
	return &q
}

func keyExchange(id iana.CipherSuite) suite.KeyExchange { return suite.Lookup(id).KeyExchange }

func versionsOf(p *policy.Policy) []iana.Version {
	return slices.DeleteFunc([]iana.Version{iana.TLS12, iana.TLS13}, func(v iana.Version) bool { return !p.Supports(v) })
}

// signedWith reports whether a server signs in a handshake with suite id by scheme s.
func signedWith(id iana.CipherSuite, s iana.SignatureScheme) bool {
	row := suite.Lookup(id)
	return row.TLS13 || row.KeyExchange != suite.KeyExchangeRSA &&
		strings.HasPrefix(s.String(), "rsa_") == (row.Authentication == suite.AuthenticationRSA)
}

func takesGroup(id iana.CipherSuite) bool {
	return id.IsTLS13() || keyExchange(id) == suite.KeyExchangeECDHE
}

func TestPoliciesOfMLDSAAloneAreRefused(t *testing.T) {
	for _, name := range refusedPolicies {
		want := `tls: security policy "` + name + `" cannot be negotiated: TLSv1.3: none of the signature schemes [mldsa87] is implemented`
		_, cerr := NewClient(nowhere, nowhere, &Config{Policy: name})
		_, serr := NewServer(nowhere, nowhere, &Config{Policy: name, Certificates: []*Certificate{chainNamed(t, "P-256").own}})
		c, err := NewClient(nowhere, nowhere, clientConfig())
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{cerr, serr, c.SetPolicy(name)} {
			if !errors.Is(err, ErrUsage) || err.Error() != want {
				t.Errorf("%s: error is %v, want %s", name, err, want)
			}
		}
		c.Close()
	}
}

func nowhere([]byte) (int, error) { return 0, ErrWouldBlock }

func TestPolicyNamesThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name, want string
		is         error
	}{
		{"defualt", `closest is "default"`, policy.ErrUnknown},
		{"PQ-TLS-1-0-2020-12", "s2n retired it", policy.ErrDeprecated},
	} {
		_, err := NewClient(nowhere, nowhere, &Config{Policy: c.name})
		if !errors.Is(err, ErrUsage) || !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v", c.name, err)
		}
	}
}

func TestPoliciesOfOnesOwnThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		says, want string
		change     func(p *policy.Policy)
	}{
		{"it has no versions", "cannot be negotiated: it has no cipher suite of TLSv1.2 or TLSv1.3",
			func(p *policy.Policy) { p.MinVersion, p.MaxVersion = 0, 0 }},
		{"it has no suites", "cannot be negotiated: it has no cipher suite of TLSv1.2 or TLSv1.3",
			func(p *policy.Policy) { p.CipherSuites = nil }},
		{"it has no suites but RC4", "cannot be negotiated: it has no cipher suite of TLSv1.2 or TLSv1.3",
			func(p *policy.Policy) {
				p.CipherSuites, p.Rules = []iana.CipherSuite{iana.TLS_RSA_WITH_RC4_128_SHA}, nil
			}},
		{"it has no schemes", "cannot be negotiated: TLSv1.2: none of the signature schemes [] is implemented; TLSv1.3: none of the",
			func(p *policy.Policy) { p.SignatureSchemes = nil }},
		{"it has no groups", "cannot be negotiated: TLSv1.3: no group may be used here",
			func(p *policy.Policy) { p.Curves, p.KEMGroups, p.MinVersion = nil, nil, iana.TLS13 }},
		{"it claims more than it keeps",
			"does not keep its rules: cipher suite #1, TLS_RSA_WITH_AES_128_GCM_SHA256, breaks perfect_forward_secrecy: the key exchange is not ephemeral",
			func(p *policy.Policy) { p.CipherSuites[0] = iana.TLS_RSA_WITH_AES_128_GCM_SHA256 }},
	} {
		p := lookup(t, "default")
		p.Name = "mine"
		c.change(p)
		_, err := NewClient(nowhere, nowhere, &Config{SecurityPolicy: p})
		failure{ErrUsage, 0, `security policy "mine" ` + c.want}.check(t, c.says, err)
	}
}

// TestBuiltPolicyNegotiates uses a Builder's policy on both sides.
func TestBuiltPolicyNegotiates(t *testing.T) {
	p := built(t, policy.NewBuilder("mine").From("default").
		Suites(iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, iana.TLS_AES_256_GCM_SHA384).
		Groups(iana.SecP384r1MLKEM1024, iana.Secp384r1).
		Schemes(iana.RSAPSSRSAESHA384))
	for _, v := range []iana.Version{iana.TLS12, iana.TLS13} {
		client, server := clientConfig(), &Config{SecurityPolicy: p, Certificates: []*Certificate{chainNamed(t, "RSA-2048").own}}
		client.SecurityPolicy, client.RootCAs = inVersion(p, v), chains().roots
		s := established(t, client, server).server.State()
		suite, group := iana.TLS_AES_256_GCM_SHA384, iana.SecP384r1MLKEM1024
		if v == iana.TLS12 {
			suite, group = iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, iana.Secp384r1
		}
		if s.Policy != "mine" || s.Version != v || s.CipherSuite != suite || s.Group != group || s.Scheme != iana.RSAPSSRSAESHA384 {
			t.Errorf("%v: state is %+v", v, s)
		}
	}
}

// TestPreferencesOfAPolicy is for the choices that are not the first common entry.
func TestPreferencesOfAPolicy(t *testing.T) {
	const boosted = "CloudFront-TLS-1-2-2021-Chacha20-Boosted"
	chaCha := func(p *policy.Policy) { // first, as a device without AES instructions has it
		slices.SortStableFunc(p.CipherSuites, func(a, b iana.CipherSuite) int {
			return strings.Index(b.String(), "CHACHA20") - strings.Index(a.String(), "CHACHA20")
		})
	}
	p256 := func(p *policy.Policy) { p.KEMGroups, p.Curves = nil, []iana.Group{iana.Secp256r1, iana.Secp384r1} }
	for _, c := range []struct {
		says   string
		server string
		change func(client *policy.Policy)
		used   func(s *State) bool
	}{
		{"a strongly preferred curve is asked for", "20251113", p256,
			func(s *State) bool { return s.Group == iana.Secp384r1 && s.HelloRetry }},
		{"any other curve is not", "default", p256,
			func(s *State) bool { return s.Group == iana.Secp256r1 && !s.HelloRetry }},
		{"ChaCha20 is taken of a client that wants it", boosted, chaCha,
			func(s *State) bool { return s.CipherSuite == iana.TLS_CHACHA20_POLY1305_SHA256 }},
		{"and not of any other client", boosted, func(*policy.Policy) {},
			func(s *State) bool { return s.CipherSuite == iana.TLS_AES_128_GCM_SHA256 }},
		{"nor by a policy that does not boost it", "CloudFront-TLS-1-2-2021", chaCha,
			func(s *State) bool { return s.CipherSuite == iana.TLS_AES_128_GCM_SHA256 }},
	} {
		client := clientConfig()
		client.SecurityPolicy = lookup(t, "default")
		c.change(client.SecurityPolicy)
		server := serverConfig(t)
		server.Policy = c.server
		if s := established(t, client, server).server.State(); !c.used(&s) {
			t.Errorf("%s: %s with group %v, retried: %t", c.says, s.CipherSuite, s.Group, s.HelloRetry)
		}
	}
}
