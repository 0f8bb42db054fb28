package policy

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
)

// String returns p in full, for people: every field, a line for each entry, by its
// registered name. The text ends in a newline.
func (p *Policy) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: %s\n", orNone(p.Name))
	fmt.Fprintf(&b, "min version: %s%s\n", p.MinVersion, p.floorNote())
	fmt.Fprintf(&b, "max version: %s\n", p.MaxVersion)
	b.WriteString("rules:\n")
	for _, r := range rules {
		fmt.Fprintf(&b, "- %s: %s\n", r, yesNo(slices.Contains(p.Rules, r)))
	}
	writeList(&b, "cipher suites", p.CipherSuites, p.suiteNote)
	fmt.Fprintf(&b, "chacha20 boosting: %s\n", yesNo(p.AllowChaCha20Boosting))
	writeList(&b, "signature schemes", p.SignatureSchemes, p.schemeNote)
	writeRestriction(&b, "certificate signature schemes", p.CertificateSignatureSchemes, func(s iana.SignatureScheme) string {
		return notice(whyNotCertificateScheme(s) != "", "never accepted")
	})
	writeRestriction(&b, "certificate keys", p.CertificateKeys, func(k CertificateKey) string {
		return notice(whyNotKey(k) != "", "never accepted")
	})
	fmt.Fprintf(&b, "certificate preferences apply locally: %s\n", yesNo(p.CertificatePreferencesApplyLocally))
	writeList(&b, "kem groups", p.KEMGroups, nil)
	writeList(&b, "curves", p.Curves, nil)
	writeList(&b, "strongly preferred groups", p.StronglyPreferredGroups, nil)
	fmt.Fprintf(&b, "flags: %s\n", orNone(strings.Join(p.Flags(), " ")))
	return b.String()
}

// WriteTo writes the text of String to w; the error is w's.
func (p *Policy) WriteTo(w io.Writer) (int64, error) {
	n, err := io.WriteString(w, p.String())
	return int64(n), err
}

// Flags returns what is worth knowing about p at a glance, in s2n's words for it and in
// this order: min_below_tls1.2 rc4 3des cbc rsa_kex dhe sha1_signatures
// sha224_signatures pq_kem pq_sig pq_only_kex. They tell what p names, not what is
// negotiated: see Suites for that.
func (p *Policy) Flags() []string {
	suite := func(part string) bool {
		return slices.ContainsFunc(p.CipherSuites, func(s iana.CipherSuite) bool { return strings.Contains(s.String(), part) })
	}
	scheme := func(part string) bool {
		return slices.ContainsFunc(p.SignatureSchemes, func(s iana.SignatureScheme) bool { return strings.Contains(s.String(), part) })
	}
	all := [...]struct {
		name string
		set  bool
	}{
		{"min_below_tls1.2", p.MinVersion < iana.TLS12 && slices.ContainsFunc(p.CipherSuites, func(s iana.CipherSuite) bool { return !s.IsTLS13() })},
		{"rc4", suite("_RC4_")},
		{"3des", suite("_3DES_")},
		{"cbc", suite("_CBC_")},
		{"rsa_kex", suite("TLS_RSA_")},
		{"dhe", suite("TLS_DHE_")},
		{"sha1_signatures", scheme("_sha1")},
		{"sha224_signatures", scheme("_sha224")},
		{"pq_kem", len(p.KEMGroups) > 0},
		{"pq_sig", scheme("mldsa")},
		{"pq_only_kex", len(p.KEMGroups) > 0 && len(p.Curves) == 0},
	}
	var flags []string
	for _, f := range all {
		if f.set {
			flags = append(flags, f.name)
		}
	}
	return flags
}

// floorNote says where the lowest version that is negotiated is not the coded minimum.
func (p *Policy) floorNote() string {
	switch v := p.EffectiveMinVersion(); v {
	case p.MinVersion:
		return ""
	case 0:
		return " (no version is negotiated)"
	default:
		return fmt.Sprintf(" (negotiates %s at the least)", v)
	}
}

func (p *Policy) suiteNote(s iana.CipherSuite) string {
	return notice(!slices.Contains(p.Suites(), s), "never negotiated")
}

// notice returns text in brackets if it applies.
func notice(applies bool, text string) string {
	if applies {
		return " (" + text + ")"
	}
	return ""
}

// schemeNote says where s cannot sign the handshake of a version that p supports.
func (p *Policy) schemeNote(s iana.SignatureScheme) string {
	signs12 := p.Supports(iana.TLS12) && schemeFits(s, iana.TLS12)
	signs13 := p.Supports(iana.TLS13) && schemeFits(s, iana.TLS13)
	switch {
	case p.EffectiveMinVersion() == 0, whyNotScheme(s) != "":
		return " (never negotiated)"
	case p.Supports(iana.TLS13) && !signs13 && !isShortHash(s):
		return " (in TLSv1.3 for certificates only)"
	case !signs12 && !signs13:
		return " (never negotiated)"
	case p.Supports(iana.TLS13) && !signs13:
		return " (TLSv1.2 only)"
	case p.Supports(iana.TLS12) && !signs12:
		return " (TLSv1.3 only)"
	}
	return ""
}

func writeList[T fmt.Stringer](b *strings.Builder, title string, list []T, note func(T) string) {
	if len(list) == 0 {
		fmt.Fprintf(b, "%s: none\n", title)
		return
	}
	fmt.Fprintf(b, "%s:\n", title)
	for _, e := range list {
		fmt.Fprintf(b, "- %s", e)
		if note != nil {
			b.WriteString(note(e))
		}
		b.WriteByte('\n')
	}
}

// writeRestriction writes a list whose absence means that everything is allowed.
func writeRestriction[T fmt.Stringer](b *strings.Builder, title string, list []T, note func(T) string) {
	if list == nil {
		fmt.Fprintf(b, "%s: any\n", title)
		return
	}
	writeList(b, title, list, note)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
