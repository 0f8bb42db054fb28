// Package policy holds security policies: which protocol versions, cipher suites,
// signature schemes, groups and certificates a connection accepts, and in which order it
// wants them. A policy is chosen by name:
//
//	p, err := policy.Lookup("default")
//
// The names, and what stands behind each, are those of s2n-tls: 160 named policies, equal
// to s2n's field by field. A name that is a date never changes its content; the names
// that begin with "default" move to a newer dated policy from release to release, as
// [Aliases] shows. The policies "s2ngo_default" and "s2ngo_20261120" are this module's
// own: they add Ed25519, which no policy of s2n's has.
//
// A policy is data as s2n codes it. Policies that begin below TLS 1.2 keep their minimum,
// and those that name RC4 keep their lists, but neither is ever negotiated (RFC 8996,
// RFC 7568, RFC 7465): what a handshake may use of a policy are the answers of
// [Policy.Supports], [Policy.Suites], [Policy.Schemes] and [Policy.Groups]. How one value
// is chosen from two such lists is in [SelectSuite], [SelectGroup] and [SelectScheme].
//
// A [Builder] makes a policy of an application's own, from nothing or from a named one,
// and names every entry that cannot be negotiated or that breaks a rule.
package policy

//go:generate go run ./internal/generate
