package session

import "time"

// The lifetimes of s2n, and the bounds of the RFCs.
const (
	DefaultEncryptLifetime        = 2 * time.Hour      // a ticket key seals and opens
	DefaultDecryptLifetime        = 13 * time.Hour     // and opens only, after that
	DefaultSessionLifetime        = 15 * time.Hour     // s2n_config_set_session_state_lifetime
	DefaultKeyingMaterialLifetime = 7 * 24 * time.Hour // s2n_connection_set_server_keying_material_lifetime

	// MaxLifetime is the longest that a ticket may last. RFC 8446, Section 4.6.1.
	MaxLifetime = 7 * 24 * time.Hour

	// unsaidLifetime is for TLS 1.2, where a server may leave the lifetime open: RFC 5246,
	// Appendix F.1.4, suggests a day at most.
	unsaidLifetime = 24 * time.Hour

	// futureTolerance is how far ahead the clock may be by which a ticket was issued.
	futureTolerance = time.Hour
)

// ExpiredAt reports whether the session may not be resumed at now: its lifetime is over, or that of
// its keying material, or it was issued more than an hour after now.
func (s *Session) ExpiredAt(now time.Time) bool {
	lifetime := time.Duration(s.Lifetime) * time.Second
	if s.Lifetime == 0 && !s.tls13() {
		lifetime = unsaidLifetime
	}
	return s.Issued.After(now.Add(futureTolerance)) ||
		!now.Before(s.Issued.Add(min(lifetime, MaxLifetime))) ||
		!s.KeyingMaterialExpires.IsZero() && !now.Before(s.KeyingMaterialExpires)
}

// IssueAt makes now the time of issue, and the lifetime the least of limits, what is left for the
// keying material, and MaxLifetime. It reports whether that is a second at least: else there is
// nothing to issue.
func (s *Session) IssueAt(now time.Time, limits ...time.Duration) bool {
	left := MaxLifetime
	for _, l := range limits {
		left = min(left, l)
	}
	if !s.KeyingMaterialExpires.IsZero() {
		left = min(left, s.KeyingMaterialExpires.Sub(now))
	}
	s.Issued, s.Lifetime = now, uint32(max(left, 0)/time.Second)
	return s.Lifetime > 0
}

// ObfuscatedAge is what a client says of the ticket's age at now. RFC 8446, Section 4.2.11.1.
func (s *Session) ObfuscatedAge(now time.Time) uint32 {
	return uint32(max(now.Sub(s.Issued), 0).Milliseconds()) + s.AgeAdd
}

// AgeError returns how much older at now the client that sent this obfuscated age takes the ticket
// for than the server that issued it; it is negative if the client takes it for younger, as it does by
// the time that its ticket and its hello were under way. RFC 8446, Section 8.3.
func (s *Session) AgeError(obfuscated uint32, now time.Time) time.Duration {
	// Subtraction modulo 2^32 milliseconds, 49 days, exceeds every lifetime.
	return time.Duration(obfuscated-s.AgeAdd)*time.Millisecond - now.Sub(s.Issued)
}
