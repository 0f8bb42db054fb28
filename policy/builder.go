package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
)

// Builder puts a policy of an application's own together:
//
//	p, err := policy.NewBuilder("payments").
//		From("default").
//		Groups(iana.SecP256r1MLKEM768, iana.Secp256r1).
//		Require(policy.PerfectForwardSecrecy).
//		Build()
//
// Each method but Require and Waive replaces what was said before, by an earlier call or
// by the policy of From, wherever From stands. Nothing is checked before Build. A Builder
// may be built from more than once; it is not for several goroutines at once.
type Builder struct {
	name, base       string
	bounded          bool
	min, max         iana.Version // if bounded
	suites           ownList[iana.CipherSuite]
	schemes          ownList[iana.SignatureScheme]
	groups, strong   ownList[iana.Group]
	certSchemes      ownList[iana.SignatureScheme]
	certKeys         ownList[CertificateKey]
	anyCertificate   bool
	boost, checkOwn  *bool
	required, waived []Rule
}

// ownList is a list of the builder's own, if it was set.
type ownList[T any] struct {
	set  bool
	list []T
}

func ownCopy[T any](list []T) ownList[T] { return ownList[T]{true, slices.Clone(list)} }

// NewBuilder returns a Builder of an empty policy of the given name, which must not be
// that of a registered policy.
func NewBuilder(name string) *Builder { return &Builder{name: name} }

// From takes all that is not said otherwise, rules included, from the registered policy of
// the given name. What is never negotiated stays behind: versions below TLS 1.2, RC4,
// what is not implemented, and suites, groups and schemes for which nothing is left that
// they are negotiated with.
func (b *Builder) From(name string) *Builder {
	b.base = name
	return b
}

// Versions bounds the protocol version, TLS 1.2 to TLS 1.3. Without it the policy is for
// all versions that its suites are for.
func (b *Builder) Versions(lowest, highest iana.Version) *Builder {
	b.bounded, b.min, b.max = true, lowest, highest
	return b
}

// Suites sets the cipher suites of all versions, in the server's order of preference.
func (b *Builder) Suites(suites ...iana.CipherSuite) *Builder {
	b.suites = ownCopy(suites)
	return b
}

// BoostChaCha20 sets Policy.AllowChaCha20Boosting.
func (b *Builder) BoostChaCha20(allow bool) *Builder {
	b.boost = &allow
	return b
}

// Schemes sets the signature schemes of all versions, most wanted first.
func (b *Builder) Schemes(schemes ...iana.SignatureScheme) *Builder {
	b.schemes = ownCopy(schemes)
	return b
}

// Groups sets the groups for key exchange, KEM groups and curves in one list, most wanted
// first. KEM groups come before curves whatever the order of the list.
func (b *Builder) Groups(groups ...iana.Group) *Builder {
	b.groups = ownCopy(groups)
	return b
}

// StronglyPrefer sets the curves for which a server spends a HelloRetryRequest.
func (b *Builder) StronglyPrefer(curves ...iana.Group) *Builder {
	b.strong = ownCopy(curves)
	return b
}

// CertificateSchemes restricts the signatures on the certificates of the peer's chain.
func (b *Builder) CertificateSchemes(schemes ...iana.SignatureScheme) *Builder {
	b.certSchemes, b.anyCertificate = ownCopy(schemes), false
	return b
}

// CertificateKeys restricts the keys of the certificates of the peer's chain.
func (b *Builder) CertificateKeys(keys ...CertificateKey) *Builder {
	b.certKeys, b.anyCertificate = ownCopy(keys), false
	return b
}

// AnyCertificate lifts the restrictions of CertificateSchemes, CertificateKeys and From.
func (b *Builder) AnyCertificate() *Builder {
	b.certSchemes, b.certKeys, b.anyCertificate = ownList[iana.SignatureScheme]{}, ownList[CertificateKey]{}, true
	return b
}

// CheckOwnCertificates sets Policy.CertificatePreferencesApplyLocally: whether the
// restrictions hold for the connection's own certificates, too.
func (b *Builder) CheckOwnCertificates(check bool) *Builder {
	b.checkOwn = &check
	return b
}

// Require adds rules that the policy has to keep.
func (b *Builder) Require(rules ...Rule) *Builder {
	b.required = append(b.required, rules...)
	return b
}

// Waive gives up rules that the policy of From keeps.
func (b *Builder) Waive(rules ...Rule) *Builder {
	b.waived = append(b.waived, rules...)
	return b
}

// BuildError says why a Builder builds no policy: all of it, not the first fault only.
type BuildError struct {
	Name       string      // of the policy
	Violations []Violation // field by field, then rule by rule; never empty
}

// Error returns all violations in one sentence.
func (e *BuildError) Error() string {
	all := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		all[i] = v.String()
	}
	return fmt.Sprintf("policy: %q cannot be built: %s", e.Name, strings.Join(all, "; "))
}
