package policy

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
)

// negotiated are the versions that exist for a handshake, oldest first; whatever a policy
// allows below them is data only.
var negotiated = [...]iana.Version{iana.TLS12, iana.TLS13}

// Supports reports whether p allows a handshake of version v: TLS 1.2 or TLS 1.3, within
// the policy's bounds, with at least one suite for it. It is false for all older versions.
func (p *Policy) Supports(v iana.Version) bool {
	if v != iana.TLS12 && v != iana.TLS13 || v < p.MinVersion || v > p.MaxVersion {
		return false
	}
	return slices.ContainsFunc(p.CipherSuites, func(s iana.CipherSuite) bool { return suiteFits(s, v) })
}

// EffectiveMinVersion returns the lowest version that p negotiates here: TLS 1.2 at the
// least, TLS 1.3 when p has suites for nothing older, 0 when p supports no version at all.
func (p *Policy) EffectiveMinVersion() iana.Version {
	for _, v := range negotiated {
		if p.Supports(v) {
			return v
		}
	}
	return 0
}

// Suites returns what a handshake of one of the given versions may use of CipherSuites,
// in order; without versions, of any version that p supports. RC4 is never among them.
// The slice is the caller's: filter once for a configuration, not in each handshake.
func (p *Policy) Suites(versions ...iana.Version) []iana.CipherSuite {
	return filter(p, p.CipherSuites, versions, suiteFits)
}

// Schemes returns what a handshake of one of the given versions may use of
// SignatureSchemes to sign or verify its own messages, in order; without versions, of any
// version that p supports. In TLS 1.3 that excludes PKCS #1 v1.5, SHA-1 and SHA-224, in
// TLS 1.2 ML-DSA. What is sent to the peer is OfferedSchemes. The slice is the caller's.
func (p *Policy) Schemes(versions ...iana.Version) []iana.SignatureScheme {
	return filter(p, p.SignatureSchemes, versions, schemeFits)
}

// OfferedSchemes returns what signature_algorithms lists in a hello whose highest version
// is v, or in a CertificateRequest of version v, in order. It is more than Schemes: there is
// no signature_algorithms_cert beside it, so it speaks for the signatures on certificates
// as well, where TLS 1.3 still knows PKCS #1 v1.5 (RFC 8446, Section 4.2.3). Only what
// needs a later version than v is left out. The slice is the caller's.
func (p *Policy) OfferedSchemes(v iana.Version) []iana.SignatureScheme {
	var offered []iana.SignatureScheme
	for _, s := range p.SignatureSchemes {
		if schemeFits(s, iana.TLS12) || v >= iana.TLS13 {
			offered = append(offered, s)
		}
	}
	return offered
}

// Groups returns what a handshake of one of the given versions may use of the groups, in
// the order of supported_groups: KEMGroups, which TLS 1.2 does not have, then Curves;
// without versions, of any version that p supports. The slice is the caller's.
func (p *Policy) Groups(versions ...iana.Version) []iana.Group {
	var groups []iana.Group
	if p.wants(versions, iana.TLS13) {
		groups = append(groups, p.KEMGroups...)
	}
	if p.wants(versions, iana.TLS12) || p.wants(versions, iana.TLS13) {
		groups = append(groups, p.Curves...)
	}
	return groups
}

// LocalGroups returns the groups of p as SelectGroup wants them in a handshake of version
// v. It lends the lists of p, and allocates nothing.
func (p *Policy) LocalGroups(v iana.Version) LocalGroups {
	switch {
	case !p.Supports(v):
		return LocalGroups{}
	case v == iana.TLS13:
		return LocalGroups{KEM: p.KEMGroups, Curves: p.Curves, StronglyPreferred: p.StronglyPreferredGroups}
	}
	// TLS 1.2 has neither KEM groups nor a HelloRetryRequest to insist with.
	return LocalGroups{Curves: p.Curves}
}

// wants reports whether v is a supported version and one of the given ones; none given
// means all.
func (p *Policy) wants(versions []iana.Version, v iana.Version) bool {
	return (len(versions) == 0 || slices.Contains(versions, v)) && p.Supports(v)
}

// filter returns the entries of list that fit one of the versions that are wanted of p.
func filter[T any](p *Policy, list []T, versions []iana.Version, fits func(T, iana.Version) bool) []T {
	var kept []T
	wants12, wants13 := p.wants(versions, iana.TLS12), p.wants(versions, iana.TLS13)
	for _, e := range list {
		if wants12 && fits(e, iana.TLS12) || wants13 && fits(e, iana.TLS13) {
			kept = append(kept, e)
		}
	}
	return kept
}

// suiteFits reports whether s may be negotiated in v. RFC 7465 forbids RC4; the two
// signalling values (RFC 5746, RFC 7507) stand in lists of suites but are none.
func suiteFits(s iana.CipherSuite, v iana.Version) bool {
	switch s {
	case iana.TLS_RSA_WITH_RC4_128_MD5, iana.TLS_RSA_WITH_RC4_128_SHA,
		iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV, iana.TLS_FALLBACK_SCSV:
		return false
	}
	return s.IsTLS13() == (v == iana.TLS13)
}

// schemeFits reports whether s may sign a handshake message in v: RFC 8446, Section
// 4.2.3, keeps PKCS #1 v1.5 and SHA-1 to certificates in TLS 1.3 and has no SHA-224;
// ML-DSA is defined for TLS 1.3 only.
func schemeFits(s iana.SignatureScheme, v iana.Version) bool {
	switch s {
	case iana.RSAPKCS1SHA1, iana.RSAPKCS1SHA224, iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384,
		iana.RSAPKCS1SHA512, iana.ECDSASHA1, iana.ECDSASHA224:
		return v == iana.TLS12
	case iana.MLDSA44, iana.MLDSA65, iana.MLDSA87:
		return v == iana.TLS13
	}
	return true
}
