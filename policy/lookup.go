package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnknown is the error for a name that no policy has.
var ErrUnknown = errors.New("policy: unknown security policy")

// ErrDeprecated is the error for a name that s2n has retired: it once stood for a policy
// with key exchanges that were never standardized, and is not brought back.
var ErrDeprecated = errors.New("policy: deprecated security policy")

// entry gives a name to a policy. Names of identical content share one policy.
type entry struct {
	name   string
	policy *Policy
}

// registry is every name, s2n's in the order of its table, then this module's own.
var registry = append(named[:], own[:]...)

// Lookup returns the policy of the given name, in which case does not matter. The policy
// is a copy of the caller's own. The error is ErrUnknown, with the closest names in its
// text, or ErrDeprecated.
func Lookup(name string) (*Policy, error) {
	for _, e := range registry {
		if strings.EqualFold(e.name, name) {
			p := e.policy.clone()
			p.Name = e.name
			return p, nil
		}
	}
	for _, d := range deprecated {
		if strings.EqualFold(d, name) {
			return nil, fmt.Errorf("%w %q: s2n retired it, choose a current one", ErrDeprecated, d)
		}
	}
	if near := nearest(name); len(near) > 0 {
		return nil, fmt.Errorf("%w %q: closest is %s", ErrUnknown, name, strings.Join(near, ", "))
	}
	return nil, fmt.Errorf("%w %.64q", ErrUnknown, name)
}

// Names returns the names of all policies, s2n's in the order of its table, then this
// module's own, in a new slice.
func Names() []string {
	names := make([]string, len(registry))
	for i, e := range registry {
		names[i] = e.name
	}
	return names
}

// Aliases returns the other names of the policy that name stands for, in the order of
// Names: for "default", the dated name whose content it has today. It returns nil for a
// policy with one name, and for an unknown name.
func Aliases(name string) []string {
	i := slices.IndexFunc(registry, func(e entry) bool { return strings.EqualFold(e.name, name) })
	if i < 0 {
		return nil
	}
	var others []string
	for j, e := range registry {
		if j != i && e.policy == registry[i].policy {
			others = append(others, e.name)
		}
	}
	return others
}
