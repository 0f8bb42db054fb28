package policy

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
)

// Policy says what a connection accepts, most wanted first in each list. The zero Policy
// accepts nothing. Lookup returns a copy of a registered policy, a Builder one of the
// application's own. A Policy is read only once it is in use: whoever changes one must do
// so before handing it to a connection.
type Policy struct {
	// Name is the name it was looked up by, in the registered spelling.
	Name string

	// MinVersion and MaxVersion bound the protocol version, as s2n codes them: a
	// minimum may lie below TLS 1.2, the lowest version that is negotiated here.
	MinVersion, MaxVersion iana.Version

	// CipherSuites are the suites of all versions in the server's order of preference.
	CipherSuites []iana.CipherSuite

	// AllowChaCha20Boosting lets a client that lists a ChaCha20 suite first, as devices
	// without AES instructions do, have the server's ChaCha20 suites before all others.
	AllowChaCha20Boosting bool

	// SignatureSchemes are the schemes of all versions for the handshake's own
	// signatures, in the order in which signature_algorithms lists them.
	SignatureSchemes []iana.SignatureScheme

	// CertificateSignatureSchemes restricts the signatures on the certificates of the
	// peer's chain, a self-signed root excepted; nil restricts nothing. It is never
	// sent: s2n has no signature_algorithms_cert.
	CertificateSignatureSchemes []iana.SignatureScheme

	// CertificateKeys restricts the public keys of the certificates of the peer's
	// chain; nil restricts nothing.
	CertificateKeys []CertificateKey

	// CertificatePreferencesApplyLocally holds the connection's own certificates to
	// the two restrictions above as well, when they are loaded.
	CertificatePreferencesApplyLocally bool

	// Curves are the classical groups. A client sends a key share for the first.
	Curves []iana.Group

	// KEMGroups are the post-quantum groups, hybrid or pure. They come before Curves in
	// every choice, and exist in TLS 1.3 only. A client sends a key share for the first.
	KEMGroups []iana.Group

	// StronglyPreferredGroups are the curves for which a server spends a
	// HelloRetryRequest although it holds a key share for another curve.
	StronglyPreferredGroups []iana.Group

	// Rules are the rules that the policy claims to keep; Violations checks the claim.
	Rules []Rule
}

// Default is the name of the policy of a configuration that names none.
const Default = "default"

// clone returns a copy of p that shares no list with it.
func (p *Policy) clone() *Policy {
	c := *p
	c.CipherSuites = slices.Clone(p.CipherSuites)
	c.SignatureSchemes = slices.Clone(p.SignatureSchemes)
	c.CertificateSignatureSchemes = slices.Clone(p.CertificateSignatureSchemes)
	c.CertificateKeys = slices.Clone(p.CertificateKeys)
	c.Curves = slices.Clone(p.Curves)
	c.KEMGroups = slices.Clone(p.KEMGroups)
	c.StronglyPreferredGroups = slices.Clone(p.StronglyPreferredGroups)
	c.Rules = slices.Clone(p.Rules)
	return &c
}
