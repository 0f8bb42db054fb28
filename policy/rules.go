package policy

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/s2ngo/s2ngo/iana"
)

// Rule is a promise that a policy can make about all of its entries. The rules and what
// they demand are s2n's.
type Rule uint8

// Rules.
const (
	// PerfectForwardSecrecy demands an ephemeral key exchange in each suite. Suites of
	// TLS 1.3 count as such, although it has resumption without a new key exchange.
	PerfectForwardSecrecy Rule = iota + 1

	// FIPS140_3 demands TLS 1.2 or later, the suites of NIST SP 800-52r2, hashes of 112
	// bits of security (SP 800-107r1), the NIST curves (SP 800-56Ar3) or ML-KEM-768 and
	// ML-KEM-1024 (FIPS 203) as the leading share of a group (SP 800-56Cr2), and the
	// signatures of FIPS 186-5 and FIPS 204. It speaks of algorithms: it does not make
	// the module that runs them a validated one.
	FIPS140_3
)

// String returns the name of r in s2n's words, as "perfect_forward_secrecy".
func (r Rule) String() string {
	switch r {
	case PerfectForwardSecrecy:
		return "perfect_forward_secrecy"
	case FIPS140_3:
		return "fips_140_3"
	}
	return "Rule(" + strconv.Itoa(int(r)) + ")"
}

// rules are all rules there are, in the order in which they are printed.
var rules = [...]Rule{FIPS140_3, PerfectForwardSecrecy}

// Violation is something in a policy that cannot be: it breaks a rule, or what a Builder
// asks of every policy.
type Violation struct {
	Rule  Rule   // 0 if it breaks no rule: a Builder refuses it anyway
	Field string // the list that holds the entry, as "cipher suite" or "KEM group"
	Entry string // its name; "" if it is the field as a whole
	Index int    // its place in the list, counted from 0; -1 if it stands in none
	Why   string // what is wrong with it
}

// String returns v as a sentence.
func (v Violation) String() string {
	s := v.Field
	switch {
	case v.Index >= 0:
		s = fmt.Sprintf("%s #%d, %s", v.Field, v.Index+1, v.Entry)
		if v.Rule != 0 {
			s += ","
		}
	case v.Entry != "":
		s += " " + v.Entry
	}
	if v.Rule != 0 {
		s += " breaks " + v.Rule.String()
	}
	return s + ": " + v.Why
}

// Violations returns what breaks the rules that p claims in Rules, in the order of the
// rules; nil when it keeps them all.
func (p *Policy) Violations() []Violation {
	var all []Violation
	for _, r := range p.Rules {
		all = append(all, r.Check(p)...)
	}
	return all
}

// Check returns what in p breaks r, whether p claims r or not, in the order of the
// fields of Policy; nil when p keeps it. Every policy breaks a rule that does not exist.
func (r Rule) Check(p *Policy) []Violation {
	switch r {
	case PerfectForwardSecrecy:
		return broken(nil, r, "cipher suite", p.CipherSuites, isForwardSecret, "the key exchange is not ephemeral")
	case FIPS140_3:
		return checkFIPS(p)
	}
	return []Violation{{Field: "rule", Entry: r.String(), Index: -1, Why: "there is no such rule"}}
}

func checkFIPS(p *Policy) []Violation {
	const r = FIPS140_3
	var v []Violation
	if p.MinVersion < iana.TLS12 {
		v = append(v, Violation{r, "minimum version", p.MinVersion.String(), -1, "only TLS 1.2 and later are approved"})
	}
	v = broken(v, r, "cipher suite", p.CipherSuites, isFIPSSuite, "NIST SP 800-52r2 does not list the suite")
	const weakScheme = "the hash or the signature is not approved"
	v = broken(v, r, "signature scheme", p.SignatureSchemes, isFIPSScheme, weakScheme)
	v = broken(v, r, "certificate signature scheme", p.CertificateSignatureSchemes, isFIPSScheme, weakScheme)
	v = broken(v, r, "curve", p.Curves, isFIPSCurve, "NIST SP 800-56Ar3 does not list the curve")
	return broken(v, r, "KEM group", p.KEMGroups, isFIPSKEMGroup, "the leading share is not of an approved scheme")
}

// broken appends a violation for each entry of list that does not keep r.
func broken[T fmt.Stringer](v []Violation, r Rule, field string, list []T, keeps func(T) bool, why string) []Violation {
	for i, e := range list {
		if !keeps(e) {
			v = append(v, Violation{r, field, e.String(), i, why})
		}
	}
	return v
}

// isForwardSecret goes by the registered name, which begins with the key exchange; a
// suite without a name is none that is known to be ephemeral.
func isForwardSecret(s iana.CipherSuite) bool {
	return s.IsTLS13() || strings.HasPrefix(s.String(), "TLS_ECDHE_") || strings.HasPrefix(s.String(), "TLS_DHE_")
}

// isFIPSSuite reports whether s is in NIST SP 800-52r2: Section 3.3.1.1.1, ECDSA, Section
// 3.3.1.1.2, RSA, or Section 3.3.1.2, TLS 1.3.
func isFIPSSuite(s iana.CipherSuite) bool {
	switch s {
	case iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384,
		iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
		iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384,
		iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, iana.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384,
		iana.TLS_DHE_RSA_WITH_AES_128_CBC_SHA256, iana.TLS_DHE_RSA_WITH_AES_256_CBC_SHA256,
		iana.TLS_DHE_RSA_WITH_AES_128_CBC_SHA, iana.TLS_DHE_RSA_WITH_AES_256_CBC_SHA,
		iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384:
		return true
	}
	return false
}

// isFIPSScheme reports whether s uses a hash from SHA-224 up, or is a signature that
// brings its own: EdDSA (FIPS 186-5) or ML-DSA (FIPS 204).
func isFIPSScheme(s iana.SignatureScheme) bool {
	switch s {
	case iana.RSAPKCS1SHA224, iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA512,
		iana.ECDSASHA224, iana.ECDSASecp256r1SHA256, iana.ECDSASecp384r1SHA384, iana.ECDSASecp521r1SHA512,
		iana.RSAPSSRSAESHA256, iana.RSAPSSRSAESHA384, iana.RSAPSSRSAESHA512,
		iana.RSAPSSPSSSHA256, iana.RSAPSSPSSSHA384, iana.RSAPSSPSSSHA512,
		iana.Ed25519, iana.Ed448, iana.MLDSA44, iana.MLDSA65, iana.MLDSA87:
		return true
	}
	return false
}

func isFIPSCurve(g iana.Group) bool {
	return g == iana.Secp256r1 || g == iana.Secp384r1 || g == iana.Secp521r1
}

// isFIPSKEMGroup reports whether the share that comes first in g is approved, which makes
// the whole secret so (NIST SP 800-56Cr2): ML-KEM in X25519MLKEM768 and MLKEM1024, the
// NIST curve in the two others.
func isFIPSKEMGroup(g iana.Group) bool {
	switch g {
	case iana.MLKEM768, iana.MLKEM1024, iana.X25519MLKEM768, iana.SecP256r1MLKEM768, iana.SecP384r1MLKEM1024:
		return true
	}
	return false
}
