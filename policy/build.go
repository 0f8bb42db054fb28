package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
)

// Build returns the policy: every entry of its lists can be negotiated, every version has
// suites, schemes and groups, and every rule is kept. The policy is the caller's, for
// Config.SecurityPolicy of package conn. The error is a *BuildError that names all that is
// wrong, or says that there is no policy of the name given to From (ErrUnknown,
// ErrDeprecated).
func (b *Builder) Build() (*Policy, error) {
	d := draft{base: &Policy{}, from: b.base, policy: Policy{Name: b.name}}
	if b.base != "" {
		base, err := Lookup(b.base)
		if err != nil {
			return nil, fmt.Errorf("policy: %q cannot be built: %w", b.name, err)
		}
		d.base = base
	}
	d.checkName()
	d.setVersions(b)
	d.setSchemes(b)
	d.setGroups(b)
	d.setSuites(b)
	d.setCertificates(b)
	d.checkVersions()
	d.setRules(b)
	if len(d.violations) > 0 {
		return nil, &BuildError{b.name, d.violations}
	}
	return &d.policy, nil
}

// draft is a policy while it is built. What its methods set of it, later ones read.
type draft struct {
	policy     Policy
	base       *Policy // what is not said otherwise; without a From, empty
	from       string  // its name, or ""
	versions   []iana.Version
	violations []Violation
}

// refuse notes that an entry, the one at index of its list unless that is -1, cannot be.
func (d *draft) refuse(field, entry string, index int, why string) {
	d.violations = append(d.violations, Violation{Field: field, Entry: entry, Index: index, Why: why})
}

// take returns the list that the builder was given, having refused the entries that
// cannot be; or, if it was given none, of the inherited list what can be. Why returns the
// reason against an entry, or "".
func take[T interface {
	fmt.Stringer
	comparable
}](d *draft, field string, own ownList[T], inherited []T, why func(T) string) []T {
	if !own.set {
		return slices.DeleteFunc(slices.Clone(inherited), func(e T) bool { return why(e) != "" })
	}
	if len(own.list) == 0 {
		d.refuse(field, "", -1, "the list is empty")
	}
	for i, e := range own.list {
		reason := why(e)
		if first := slices.Index(own.list, e); first < i {
			reason = fmt.Sprintf("it is #%d already", first+1)
		}
		if reason != "" {
			d.refuse(field, e.String(), i, reason)
		}
	}
	return slices.Clone(own.list)
}

// needs refuses a list that nothing was put in, unless it was said to be empty, which has
// been refused.
func (d *draft) needs(field string, length int, set bool) {
	switch {
	case length > 0 || set:
	case d.from == "":
		d.refuse(field, "", -1, "the list is empty")
	default:
		d.refuse(field, "", -1, fmt.Sprintf("%q has none that can be negotiated", d.from))
	}
}

func (d *draft) checkName() {
	name := d.policy.Name
	isName := func(n string) bool { return strings.EqualFold(n, name) }
	switch {
	case name == "":
		d.refuse("name", "", -1, "it is empty")
	case slices.ContainsFunc(Names(), isName), slices.ContainsFunc(deprecated[:], isName):
		d.refuse("name", name, -1, "it stands for another policy")
	}
}

// setVersions takes the bounds, or finds out which versions the suites are for.
func (d *draft) setVersions(b *Builder) {
	p := &d.policy
	if b.bounded {
		p.MinVersion, p.MaxVersion = b.min, b.max
		d.versions = negotiated[:] // for what else there is to say, if the bounds are wrong
		switch {
		case d.refuseVersion(b.min) || b.max != b.min && d.refuseVersion(b.max):
		case b.min > b.max:
			d.refuse("version", b.min.String(), -1, "the lowest is above the highest, "+b.max.String())
		default:
			d.versions = slices.DeleteFunc(slices.Clone(d.versions), func(v iana.Version) bool { return v < b.min || v > b.max })
		}
		return
	}
	suites := d.base.Suites()
	if b.suites.set {
		suites = b.suites.list
	}
	for _, v := range negotiated {
		if slices.ContainsFunc(suites, func(s iana.CipherSuite) bool { return whyNotSuite(s) == "" && suiteFits(s, v) }) {
			d.versions = append(d.versions, v)
		}
	}
	if len(d.versions) > 0 {
		p.MinVersion, p.MaxVersion = d.versions[0], d.versions[len(d.versions)-1]
	}
}

func (d *draft) refuseVersion(v iana.Version) bool {
	switch {
	case v >= iana.SSL30 && v < iana.TLS12:
		d.refuse("version", v.String(), -1, "TLSv1.2 is the lowest that is negotiated")
	case v != iana.TLS12 && v != iana.TLS13:
		d.refuse("version", v.String(), -1, "it is not known")
	default:
		return false
	}
	return true
}

func (d *draft) has(v iana.Version) bool { return slices.Contains(d.versions, v) }

func (d *draft) setSchemes(b *Builder) {
	const field = "signature scheme"
	d.policy.SignatureSchemes = take(d, field, b.schemes, d.base.SignatureSchemes, func(s iana.SignatureScheme) string {
		if isShortHash(s) && !d.has(iana.TLS12) && len(d.versions) > 0 {
			return "it signs nothing in TLSv1.3"
		}
		return whyNotScheme(s)
	})
	d.needs(field, len(d.policy.SignatureSchemes), b.schemes.set)
}

func (d *draft) setGroups(b *Builder) {
	p := &d.policy
	inherited := append(slices.Clone(d.base.KEMGroups), d.base.Curves...)
	groups := SplitGroups(take(d, "group", b.groups, inherited, func(g iana.Group) string {
		if isKEM(g) && !d.has(iana.TLS13) && len(d.versions) > 0 {
			return "it is for TLSv1.3 only"
		}
		return whyNotGroup(g)
	}))
	p.KEMGroups, p.Curves = groups.KEM, groups.Curves
	p.StronglyPreferredGroups = take(d, "strongly preferred group", b.strong, d.base.StronglyPreferredGroups, func(g iana.Group) string {
		switch {
		case !d.has(iana.TLS13):
			return "only TLSv1.3 has a HelloRetryRequest to insist on it"
		case !slices.Contains(p.Curves, g):
			return "it is not among the curves"
		}
		return ""
	})
}

func (d *draft) setSuites(b *Builder) {
	const field = "cipher suite"
	p := &d.policy
	p.CipherSuites = take(d, field, b.suites, d.base.CipherSuites, func(s iana.CipherSuite) string {
		if why := whyNotSuite(s); why != "" {
			return why
		}
		if s.IsTLS13() {
			if !d.has(iana.TLS13) {
				return "the policy is not for TLSv1.3"
			}
			return ""
		}
		certificates, exchange := partsOf(s)
		switch {
		case !d.has(iana.TLS12):
			return "the policy is not for TLSv1.2"
		case exchange == "ECDHE" && len(p.Curves) == 0:
			return "there is no curve for its key exchange"
		case exchange != "RSA" && !slices.ContainsFunc(p.SignatureSchemes, certificates):
			return "there is no signature scheme for its certificates"
		}
		return ""
	})
	p.AllowChaCha20Boosting = choose(b.boost, d.base.AllowChaCha20Boosting)
	d.needs(field, len(p.CipherSuites), b.suites.set)
}

// partsOf returns of a suite of TLS 1.2 which schemes sign for its certificates, and the
// key exchange.
func partsOf(s iana.CipherSuite) (signs func(iana.SignatureScheme) bool, exchange string) {
	exchange, rest, _ := strings.Cut(strings.TrimPrefix(s.String(), "TLS_"), "_")
	ecdsa := strings.HasPrefix(rest, "ECDSA_")
	return func(scheme iana.SignatureScheme) bool { return strings.HasPrefix(scheme.String(), "rsa_") != ecdsa }, exchange
}

func (d *draft) setCertificates(b *Builder) {
	p, base := &d.policy, d.base
	if b.anyCertificate {
		p.CertificatePreferencesApplyLocally = choose(b.checkOwn, false)
		return
	}
	const schemes, keys = "certificate signature scheme", "certificate key"
	p.CertificateSignatureSchemes = take(d, schemes, b.certSchemes, base.CertificateSignatureSchemes, whyNotCertificateScheme)
	if base.CertificateSignatureSchemes != nil {
		d.needs(schemes, len(p.CertificateSignatureSchemes), b.certSchemes.set)
	}
	p.CertificateKeys = take(d, keys, b.certKeys, base.CertificateKeys, whyNotKey)
	if base.CertificateKeys != nil {
		d.needs(keys, len(p.CertificateKeys), b.certKeys.set)
	}
	p.CertificatePreferencesApplyLocally = choose(b.checkOwn, base.CertificatePreferencesApplyLocally)
}

// checkVersions refuses versions for which the lists, none of them empty, have nothing.
func (d *draft) checkVersions() {
	p := &d.policy
	for _, v := range d.versions {
		without := func(what string) { d.refuse("version", v.String(), -1, "there is no "+what+" for it") }
		if len(p.CipherSuites) > 0 && !slices.ContainsFunc(p.CipherSuites, func(s iana.CipherSuite) bool { return suiteFits(s, v) }) {
			without("cipher suite")
		}
		if len(p.SignatureSchemes) > 0 && !slices.ContainsFunc(p.SignatureSchemes, func(s iana.SignatureScheme) bool { return schemeFits(s, v) }) {
			without("signature scheme")
		}
		if v == iana.TLS13 && len(p.KEMGroups)+len(p.Curves) == 0 {
			without("group")
		}
	}
}

func (d *draft) setRules(b *Builder) {
	p := &d.policy
	for _, r := range d.base.Rules {
		if !slices.Contains(b.waived, r) {
			p.Rules = append(p.Rules, r)
		}
	}
	for _, r := range b.required {
		if !slices.Contains(p.Rules, r) {
			p.Rules = append(p.Rules, r)
		}
	}
	d.violations = append(d.violations, p.Violations()...)
}

// choose returns what was chosen, if it was.
func choose(chosen *bool, otherwise bool) bool {
	if chosen != nil {
		return *chosen
	}
	return otherwise
}
