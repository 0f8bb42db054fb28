package certs

import (
	"crypto/ecdsa"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Match says how Store.Select found a certificate.
type Match uint8

// Matches. MatchNone says that the client sent no name, NoMatch that no certificate is for
// the name it sent; the default stands in for either.
const (
	MatchNone Match = iota
	MatchExact
	MatchWildcard
	NoMatch
)

// String returns what m stands for, in a word or two.
func (m Match) String() string {
	switch m {
	case MatchNone:
		return "none"
	case MatchExact:
		return "exact"
	case MatchWildcard:
		return "wildcard"
	}
	return "no match"
}

// StoreOptions says what a Store does beyond its list. The zero value is first come, first
// served.
type StoreOptions struct {
	// Defaults are what a client gets that names no server, or one that has no
	// certificate: one for each type of key. Nil stands for the first of each type.
	Defaults []*Certificate

	// Tiebreak chooses between two certificates with the same type of key for the same
	// name, in lower case, wildcards with their "*."; nil stands for the first. An
	// answer that is neither keeps the first.
	Tiebreak func(first, second *Certificate, name string) *Certificate
}

// Store finds a server's certificate by the name that the client asks for. It is never
// changed once it is made, and may be used from any goroutine.
type Store struct {
	exact    map[string][]*Certificate
	wildcard map[string][]*Certificate // by what follows the star: ".example.com"
	defaults []*Certificate
	all      []*Certificate
}

// NewStore makes the Store of certificates in the order of list. A certificate stands for
// the DNS names of its leaf, or for the leaf's common name if it has none. Of those with the
// same type of key, a curve being a type of its own, the first for a name goes before the
// others, which stand in only where it does not fit.
func NewStore(list []*Certificate, o StoreOptions) (*Store, error) {
	s := &Store{exact: map[string][]*Certificate{}, wildcard: map[string][]*Certificate{}}
	for _, c := range list {
		if c == nil || c.public == nil {
			return nil, errors.New("certs: a certificate in the store was not made by this package")
		}
		for _, name := range names(c) {
			if suffix, ok := strings.CutPrefix(name, "*"); ok && strings.HasPrefix(suffix, ".") {
				s.wildcard[suffix] = insert(s.wildcard[suffix], c, name, o.Tiebreak)
			} else {
				s.exact[name] = insert(s.exact[name], c, name, o.Tiebreak)
			}
		}
		if !slices.Contains(s.all, c) {
			s.all = append(s.all, c)
		}
		if o.Defaults == nil && !slices.ContainsFunc(s.defaults, func(other *Certificate) bool { return slot(other) == slot(c) }) {
			s.defaults = append(s.defaults, c)
		}
	}
	for _, c := range o.Defaults {
		if c == nil || c.public == nil {
			return nil, errors.New("certs: a default certificate was not made by this package")
		}
		for _, other := range s.defaults {
			if slot(other) == slot(c) {
				return nil, fmt.Errorf("certs: two default certificates with a key of type %v", slot(c))
			}
		}
		s.defaults = append(s.defaults, c)
	}
	return s, nil
}

// Select returns the certificate for the name that a client sent ("" for none): of those
// for the very name the first that fits, else of those for its wildcard of one label. Only
// if there are neither does it fall back to the defaults, since a certificate for another
// name helps nobody whose own is merely of the wrong type. A nil certificate says that none
// fits; a nil fits takes any. The name is compared without case and without a dot at its
// end.
func (s *Store) Select(serverName string, fits func(*Certificate) bool) (*Certificate, Match) {
	name := strings.TrimSuffix(serverName, ".")
	if name == "" {
		return first(s.defaults, fits), MatchNone
	}
	name = strings.ToLower(name)
	exact := s.exact[name]
	if c := first(exact, fits); c != nil {
		return c, MatchExact
	}
	if dot := strings.IndexByte(name, '.'); dot > 0 {
		if wildcard := s.wildcard[name[dot:]]; len(wildcard) > 0 {
			if c := first(wildcard, fits); c != nil || len(exact) == 0 {
				return c, MatchWildcard
			}
		}
	}
	if len(exact) > 0 {
		return nil, MatchExact
	}
	return first(s.defaults, fits), NoMatch
}

// First returns the first certificate of all that fits, whatever its names, or nil: a client's
// choice.
func (s *Store) First(fits func(*Certificate) bool) *Certificate { return first(s.all, fits) }

func first(list []*Certificate, fits func(*Certificate) bool) *Certificate {
	for _, c := range list {
		if fits == nil || fits(c) {
			return c
		}
	}
	return nil
}

// insert adds c to list: in the place of its type if that is free or given up, else at the end.
func insert(list []*Certificate, c *Certificate, name string, tiebreak func(first, second *Certificate, name string) *Certificate) []*Certificate {
	if i := slices.IndexFunc(list, func(other *Certificate) bool { return slot(other) == slot(c) }); i >= 0 {
		if other := list[i]; other != c && tiebreak != nil && tiebreak(other, c, name) == c {
			list = slices.DeleteFunc(list, func(known *Certificate) bool { return known == c })
			list[i], c = c, other
		}
	}
	if slices.Contains(list, c) {
		return list
	}
	return append(list, c)
}

// slot names the place that a certificate takes for each of its names. Curves have places
// of their own because TLS 1.3 ties each to a signature scheme: a client may do one only.
func slot(c *Certificate) string {
	if pub, ok := c.Leaf.PublicKey.(*ecdsa.PublicKey); ok {
		return pub.Curve.Params().Name
	}
	return c.KeyType().String()
}

// names returns the names that c stands for, in lower case.
func names(c *Certificate) []string {
	list := c.Leaf.DNSNames
	if len(list) == 0 && c.Leaf.Subject.CommonName != "" {
		list = []string{c.Leaf.Subject.CommonName}
	}
	out := make([]string, 0, len(list))
	for _, name := range list {
		if name = strings.ToLower(strings.TrimSuffix(name, ".")); name != "" {
			out = append(out, name)
		}
	}
	return out
}
