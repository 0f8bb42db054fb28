package conn

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

var update = flag.Bool("update", false, "rewrite docs/POLICIES.md")

const policyPage = "../docs/POLICIES.md"

// TestPolicyPage compares docs/POLICIES.md with what connections make of the policies.
func TestPolicyPage(t *testing.T) {
	want := writePolicyPage(t)
	if *update {
		if err := os.WriteFile(policyPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(policyPage)
	if err != nil {
		t.Fatal(err)
	}
	have, wanted := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	for i := range max(len(have), len(wanted)) {
		switch {
		case i >= len(have):
			t.Fatalf("%s ends before %q; write it with -update", policyPage, wanted[i])
		case i >= len(wanted):
			t.Fatalf("%s goes on with %q; write it with -update", policyPage, have[i])
		case have[i] != wanted[i]:
			t.Fatalf("line %d of %s is\n%s\nwant\n%s\nwrite it with -update", i+1, policyPage, have[i], wanted[i])
		}
	}
}

// row is a line of the page: policies that are alike in all that it tells.
type row struct {
	first string   // the first one's name
	names []string // as they stand in the table
	cells []string
}

// family is a table of the page.
type family struct {
	title  string
	prefix []string // of the first name of a row, in any case
	rows   []*row
}

// page collects what there is to tell.
type page struct {
	t        *testing.T
	families []*family
	certs    []string            // what is asked of certificates, A first
	refused  map[string]string   // the error, by name
	lacking  map[string][]string // names, by what is left out
}

func writePolicyPage(t *testing.T) string {
	p := &page{t: t, refused: map[string]string{}, lacking: map[string][]string{}, families: []*family{
		{title: "The names that move", prefix: []string{"default"}},
		{title: "This module's own", prefix: []string{"s2ngo_"}},
		{title: "Dated, and RFC 9151 and CNSA", prefix: []string{"20", "rfc9151", "cnsa_"}},
		{title: "Elastic Load Balancing", prefix: []string{"ELBSecurityPolicy-"}},
		{title: "CloudFront, for viewers", prefix: []string{"CloudFront-SSL-", "CloudFront-TLS-"}},
		{title: "CloudFront, for origins", prefix: []string{"CloudFront-Upstream"}},
		{title: "AWS Common Runtime", prefix: []string{"AWS-CRT-SDK-"}},
		{title: "Key Management Service", prefix: []string{"KMS-"}},
		{title: "Post-quantum", prefix: []string{"PQ-"}},
	}}
	for _, name := range policy.Names() {
		p.add(lookup(t, name))
	}
	var b strings.Builder
	p.preamble(&b)
	for _, f := range p.families {
		fmt.Fprintf(&b, "\n### %s\n\n", f.title)
		b.WriteString("| Policies | 1.3 | 1.2 | Groups | Rules | Certificates | Old things, too | Left out |\n")
		b.WriteString("|---|---|---|---|---|---|---|---|\n")
		for _, r := range f.rows {
			fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(r.names, ", "), strings.Join(r.cells, " | "))
		}
	}
	return b.String()
}

// add tells of pol, in the row of the policies that are like it if there is one.
func (p *page) add(pol *policy.Policy) {
	cfg := &Config{SecurityPolicy: pol, Certificates: fitting(pol)}
	made, err := cfg.prepare(true)
	var cells []string
	name := "`" + pol.Name + "`"
	if err != nil {
		p.refused[pol.Name] = err.Error()
		cells = []string{"-", "-", "-", rulesOf(pol), p.certificates(pol), "-", "all"}
	} else {
		for _, left := range made.left {
			p.t.Errorf("%s: %s", pol.Name, left)
		}
		h := &made.hs
		count := func(v iana.Version) string {
			n := len(slices.DeleteFunc(slices.Clone(h.Suites), func(s iana.CipherSuite) bool { return s.IsTLS13() != (v == iana.TLS13) }))
			if n == 0 {
				return "-"
			}
			return fmt.Sprint(n)
		}
		groups := fmt.Sprint(len(h.Groups12))
		if h.MaxVersion == iana.TLS13 {
			groups = fmt.Sprintf("%d + %d", len(h.Groups.KEM), len(h.Groups.Curves))
		}
		cells = []string{count(iana.TLS13), count(iana.TLS12), groups, rulesOf(pol), p.certificates(pol), oldThings(made), p.leftOut(pol, made)}
		if pol.MinVersion < pol.EffectiveMinVersion() {
			name += " (" + pol.MinVersion.String() + ")"
		}
	}
	home := p.family(pol.Name)
	for _, f := range p.families {
		for _, r := range f.rows {
			alias := slices.Contains(policy.Aliases(r.first), pol.Name)
			if alias || f == home && slices.Equal(r.cells, cells) && negotiable(lookup(p.t, r.first)) == negotiable(pol) {
				r.names = append(r.names, name)
				return
			}
		}
	}
	home.rows = append(home.rows, &row{pol.Name, []string{name}, cells})
}

func (p *page) family(name string) *family {
	for _, f := range p.families {
		for _, prefix := range f.prefix {
			if strings.HasPrefix(name, prefix) {
				return f
			}
		}
	}
	p.t.Fatalf("policy %s belongs to no family of the page", name)
	return nil
}

func rulesOf(pol *policy.Policy) string {
	var short []string
	for _, r := range pol.Rules {
		short = append(short, map[policy.Rule]string{policy.PerfectForwardSecrecy: "FS", policy.FIPS140_3: "FIPS"}[r])
	}
	return orDash(short)
}

// certificates returns the letter of what pol asks of certificates.
func (p *page) certificates(pol *policy.Policy) string {
	if pol.CertificateSignatureSchemes == nil && pol.CertificateKeys == nil {
		return "any"
	}
	text := "signed with any scheme"
	if pol.CertificateSignatureSchemes != nil {
		text = "signed with " + code(pol.CertificateSignatureSchemes)
	}
	if pol.CertificateKeys != nil {
		text += "; with a key of " + code(pol.CertificateKeys)
	}
	if pol.CertificatePreferencesApplyLocally {
		text += "; one's own certificates, too"
	}
	i := slices.Index(p.certs, text)
	if i < 0 {
		i, p.certs = len(p.certs), append(p.certs, text)
	}
	return string(rune('A' + i))
}

// oldThings tells what is negotiated although few want it today.
func oldThings(made *prepared) string {
	suites, schemes := fmt.Sprint(made.hs.Suites), fmt.Sprint(made.hs.Schemes12)
	var old []string
	for _, x := range []struct{ in, part, name string }{
		{suites, "_3DES_", "3DES"}, {suites, "_CBC_", "CBC"}, {suites, "TLS_RSA_", "RSA key exchange"}, {suites, "TLS_DHE_", "DHE"},
		{schemes, "_sha1", "SHA-1"}, {schemes, "_sha224", "SHA-224"},
	} {
		if strings.Contains(x.in, x.part) {
			old = append(old, x.name)
		}
	}
	return orDash(old)
}

// What may be left out, in the order of the page, and why.
var leavings = []struct{ name, why string }{
	{"old versions", `SSLv3, TLSv1.0 and TLSv1.1 are never negotiated (RFC 7568, RFC 8996). A policy that begins
  with one of them keeps it in its data, which the tables give in brackets; its lowest version is TLSv1.2.`},
	{"RC4", `RC4 is never negotiated (RFC 7465). The suites stay in the data.`},
	{"ML-DSA", `Signatures with ML-DSA are not implemented, neither on handshakes nor on certificates, nor are
  certificates with such keys.`},
	{"SHA-1 and SHA-224 in TLSv1.3", `TLSv1.3 signs no handshake with them, and the policy has no TLSv1.2.`},
	{"SHA-224 on certificates", `crypto/x509 knows no such signatures: the certificates are refused.`},
}

// leftOut tells what of pol connections leave out, and fails if that is nothing the page
// has a reason for.
func (p *page) leftOut(pol *policy.Policy, made *prepared) string {
	h := &made.hs
	var left []string
	note := func(name string) {
		if !slices.Contains(left, name) {
			left = append(left, name)
			p.lacking[name] = append(p.lacking[name], pol.Name)
		}
	}
	other := func(e fmt.Stringer) {
		p.t.Errorf("%s leaves %v out, and the page has no reason", pol.Name, e)
	}
	if pol.MinVersion < iana.TLS12 && h.MinVersion == iana.TLS12 {
		note("old versions")
	}
	for _, s := range pol.CipherSuites {
		switch {
		case slices.Contains(h.Suites, s):
		case strings.Contains(s.String(), "_RC4_"):
			note("RC4")
		default:
			other(s)
		}
	}
	for _, g := range pol.Groups() {
		if !slices.Contains(h.GroupOrder, g) {
			other(g)
		}
	}
	for _, s := range pol.SignatureSchemes {
		switch {
		case slices.Contains(h.Schemes12, s), slices.Contains(h.Schemes, s):
		case isMLDSA(s):
			note("ML-DSA")
		case h.MinVersion == iana.TLS13 && hasShortHash(s):
			note("SHA-1 and SHA-224 in TLSv1.3")
		case h.MinVersion == iana.TLS13 && strings.HasPrefix(s.String(), "rsa_pkcs1_"): // for certificates
		default:
			other(s)
		}
	}
	for _, s := range pol.CertificateSignatureSchemes {
		switch {
		case isMLDSA(s):
			note("ML-DSA")
		case hasShortHash(s):
			note("SHA-224 on certificates")
		}
	}
	return orDash(left)
}

func isMLDSA(s iana.SignatureScheme) bool { return strings.HasPrefix(s.String(), "mldsa") }

func hasShortHash(s iana.SignatureScheme) bool {
	return strings.HasSuffix(s.String(), "_sha1") || strings.HasSuffix(s.String(), "_sha224")
}

func (p *page) preamble(b *strings.Builder) {
	fmt.Fprintf(b, `# Security policies

This page is made by %[1]cgo test ./conn -run TestPolicyPage -update%[1]c from what connections make of each policy, and is not to
be edited. A test compares the two.

A policy says which versions, cipher suites, groups, signature schemes and certificates a connection accepts.
%[1]cConfig.Policy%[1]c and %[1]cConn.SetPolicy%[1]c choose one by its name, in any case; %[1]cConfig.SecurityPolicy%[1]c takes one of your own, which
%[1]cpolicy.NewBuilder%[1]c puts together and checks. %[1]cs2ngo-client --list-policies%[1]c lists the names, and %[1]c--show-policy NAME%[1]c prints one
in full.

There are %[2]d: the %[3]d of s2n-tls, equal to s2n's field by field, and %[4]d of this module's own, which add Ed25519. A dated
name never changes its content; those that begin with "default" move on to a newer date from release to release. Without
any setting the policy is %[1]cdefault%[1]c.

## What is left out

`, '`', len(policy.Names()), len(policy.Names())-2, 2)
	for _, l := range leavings {
		n := len(p.lacking[l.name])
		if n == 0 {
			p.t.Errorf("nothing is left out for being %s", l.name)
		}
		fmt.Fprintf(b, "- **%s** (%d policies). %s\n", l.name, n, l.why)
	}
	fmt.Fprintf(b, "- **All** (%d policies). They sign with ML-DSA only: NewClient, NewServer and SetPolicy refuse them with ErrUsage.\n\n", len(p.refused))
	for _, name := range slices.Sorted(maps.Keys(p.refused)) {
		fmt.Fprintf(b, "      %s\n", p.refused[name])
	}
	fmt.Fprintf(b, `
All others negotiate all that is not left out, in the order of the policy: a test shakes hands with each policy, in each
of its versions, and by each single suite, group and signature scheme of it.

Whatever the policy, certificates signed with SHA-1 or MD5 are refused, unless they are trusted themselves, and RSA keys
have 1024 to 8192 bits.

## FIPS mode

With %[1]cGODEBUG=fips140=on%[1]c the policy without any setting is %[1]cdefault_fips%[1]c, and of every policy only approved algorithms are
negotiated: no X25519 alone, ChaCha20, 3DES, HMAC-SHA-1, SHA-1 signatures, DHE or RSA key exchange. RSA keys of certificates
have 2048 bits or more, and TLSv1.2 needs extended_master_secret. A policy of which nothing is left is refused with a
sentence. No compliance is claimed. With %[1]cGODEBUG=fips140=only%[1]c NewClient and NewServer fail: it refuses primitives that TLS
needs beside the approved ones.

## The policies

%[1]c1.3%[1]c and %[1]c1.2%[1]c are the numbers of cipher suites that are negotiated in that version, "-" if the version is not. Groups are those of
TLSv1.3, post-quantum ones and curves, or the curves of a policy for TLSv1.2 only. The rules that a policy keeps are FS,
forward secrecy, and FIPS, the algorithms of FIPS 140-3. Old things, too, are negotiated: CBC is any suite of CBC mode, and
SHA-1 and SHA-224 are signatures of TLSv1.2 handshakes. A version in brackets is the policy's lowest, which is not
negotiated. Policies stand in one row if handshakes cannot tell them apart. Certificates of the peer's chain are

`, '`')
	for i, text := range p.certs {
		fmt.Fprintf(b, "- %c: %s\n", 'A'+i, text)
	}
}

// code returns the entries as code, with commas.
func code[T fmt.Stringer](list []T) string {
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = "`" + e.String() + "`"
	}
	return strings.Join(names, ", ")
}

func orDash(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	return strings.Join(list, ", ")
}
