package conn

import (
	"fmt"
	"slices"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// signingSchemes and verifySchemes are what takes the place of the policy's schemes; nil =
// nothing.
func (cfg *Config) signingSchemes() []iana.SignatureScheme {
	if cfg.SigningSchemes != nil {
		return cfg.SigningSchemes
	}
	return cfg.Schemes
}

func (cfg *Config) verifySchemes() []iana.SignatureScheme {
	if cfg.VerifySchemes != nil {
		return cfg.VerifySchemes
	}
	return cfg.Schemes
}

// usableSchemes returns those of list, or of the policy if that is nil, that are implemented
// for version v, and in words what they were taken from.
func usableSchemes(list []iana.SignatureScheme, pol *policy.Policy, v iana.Version) (usable []iana.SignatureScheme, wanted string) {
	if usable = slices.Clone(list); list == nil {
		usable = pol.Schemes(v)
	}
	wanted = fmt.Sprint(usable)
	return slices.DeleteFunc(usable, func(id iana.SignatureScheme) bool { return !handshake.SupportsScheme(id, v) }), wanted
}

// offerable returns those of schemes that can be verified, nil if there is none: who is
// offered a scheme may use it.
func offerable(schemes []iana.SignatureScheme) (list []iana.SignatureScheme) {
	for _, id := range schemes {
		if handshake.SupportsScheme(id, iana.TLS12) || handshake.SupportsScheme(id, iana.TLS13) {
			list = append(list, id)
		}
	}
	return list
}
