package certs_test

import (
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

func TestSelect(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{})
	named := func(cn string, kind testpeer.KeyKind, names ...string) *certs.Certificate {
		return load(t, a, testpeer.Template{CommonName: cn, DNSNames: names, Key: kind})
	}
	list := []*certs.Certificate{
		named("first", testpeer.KeyP256, "a.example", "B.Example."),
		named("star", testpeer.KeyP256, "*.a.example"),
		named("star rsa", testpeer.KeyRSA2048, "*.a.example"),
		named("rsa", testpeer.KeyRSA2048, "a.example"),
		named("late", testpeer.KeyP256, "a.example", "late.example"),
		named("p384", testpeer.KeyP384, "a.example"),
		named("x.a.example", testpeer.KeyP256), // by its common name
		named("pss", testpeer.KeyRSAPSS2048, "*.b.example"),
	}
	s, err := certs.NewStore(list, certs.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	can := func(schemes ...iana.SignatureScheme) func(*certs.Certificate) bool {
		return func(c *certs.Certificate) bool {
			for _, scheme := range schemes {
				if c.CanSign(scheme, iana.TLS13) {
					return true
				}
			}
			return false
		}
	}
	for _, test := range []struct {
		name, serverName string
		fits             func(*certs.Certificate) bool
		want             string // "" = none
		match            certs.Match
	}{
		{"the name as it is", "a.example", nil, "first", certs.MatchExact},
		{"in capitals", "A.EXAMPLE", nil, "first", certs.MatchExact},
		{"with a dot at its end", "a.example.", nil, "first", certs.MatchExact},
		{"a name that has capitals and a dot in the certificate", "b.example", nil, "first", certs.MatchExact},
		{"RSA for the same name", "a.example", can(iana.RSAPSSRSAESHA256), "rsa", certs.MatchExact},
		{"P-384 beside P-256", "a.example", can(iana.ECDSASecp384r1SHA384), "p384", certs.MatchExact},
		{"what comes first wins if several fit", "a.example", can(iana.RSAPSSRSAESHA256, iana.ECDSASecp384r1SHA384), "rsa", certs.MatchExact},
		{"the second of a type serves its other names", "late.example", nil, "late", certs.MatchExact},
		{"a wildcard", "y.a.example", nil, "star", certs.MatchWildcard},
		{"a wildcard of another type", "y.a.example", can(iana.RSAPSSRSAESHA256), "star rsa", certs.MatchWildcard},
		{"the very name before the wildcard", "x.a.example", nil, "x.a.example", certs.MatchExact},
		{"the wildcard if the very name has no fitting key", "x.a.example", can(iana.RSAPSSRSAESHA256), "star rsa", certs.MatchWildcard},
		{"no default if the name has no fitting key", "x.a.example", can(iana.RSAPSSPSSSHA256), "", certs.MatchExact},
		{"nor if the wildcard has none", "y.a.example", can(iana.RSAPSSPSSSHA256), "", certs.MatchWildcard},
		{"a wildcard is one label", "z.y.a.example", nil, "first", certs.NoMatch},
		{"a wildcard is not no label", "b.example", nil, "first", certs.MatchExact},
		{"an unknown name", "c.example", nil, "first", certs.NoMatch},
		{"an unknown name with RSA", "c.example", can(iana.RSAPSSRSAESHA256), "star rsa", certs.NoMatch},
		{"a name that begins with a dot", ".a.example", nil, "first", certs.NoMatch},
		{"a star is no name", "*.a.example", nil, "star", certs.MatchWildcard},
		{"no name", "", nil, "first", certs.MatchNone},
		{"no name but a dot", ".", nil, "first", certs.MatchNone},
		{"no name with RSA", "", can(iana.RSAPSSRSAESHA256), "star rsa", certs.MatchNone},
		{"no name with RSA-PSS", "", can(iana.RSAPSSPSSSHA256), "pss", certs.MatchNone},
		{"no name and nothing that fits", "", can(iana.Ed25519), "", certs.MatchNone},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, match := s.Select(test.serverName, test.fits)
			got := ""
			if c != nil {
				got = c.Leaf.Subject.CommonName
			}
			if got != test.want || match != test.match {
				t.Errorf("got %q by %v, want %q by %v", got, match, test.want, test.match)
			}
		})
	}
}

func TestAnEmptyStoreHasNothing(t *testing.T) {
	s, err := certs.NewStore(nil, certs.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if c, match := s.Select("a.example", nil); c != nil || match != certs.NoMatch {
		t.Errorf("got %v by %v", c, match)
	}
}

func TestTiebreakAndDefaults(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{})
	one := load(t, a, testpeer.Template{CommonName: "one", DNSNames: []string{"a.example", "*.a.example"}})
	two := load(t, a, testpeer.Template{CommonName: "two", DNSNames: []string{"A.example", "*.a.example"}})
	rsa := load(t, a, testpeer.Template{CommonName: "rsa", DNSNames: []string{"r.example"}, Key: testpeer.KeyRSA2048})
	list := []*certs.Certificate{one, two, rsa, one}

	var asked []string
	s, err := certs.NewStore(list, certs.StoreOptions{
		Tiebreak: func(first, second *certs.Certificate, name string) *certs.Certificate {
			asked = append(asked, name)
			if name == "a.example" {
				return two
			}
			return nil
		},
		Defaults: []*certs.Certificate{rsa, two},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked, " "); got != "a.example *.a.example a.example" {
		t.Errorf("asked about %q", got)
	}
	for _, test := range []struct {
		serverName string
		want       *certs.Certificate
	}{
		{"a.example", two},   // chosen
		{"x.a.example", one}, // no choice made
		{"", rsa},            // the first of the defaults
		{"other.example", rsa},
	} {
		if c, _ := s.Select(test.serverName, nil); c != test.want {
			t.Errorf("%q gets %q", test.serverName, c.Leaf.Subject.CommonName)
		}
	}
}

func TestNewStoreRefuses(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{})
	one := load(t, a, testpeer.Template{})
	two := load(t, a, testpeer.Template{DNSNames: []string{"b.example"}})
	for _, test := range []struct {
		name string
		list []*certs.Certificate
		o    certs.StoreOptions
		want string
	}{
		{"two defaults of a type", nil, certs.StoreOptions{Defaults: []*certs.Certificate{one, two}},
			"certs: two default certificates with a key of type P-256"},
		{"a certificate that is not there", []*certs.Certificate{nil}, certs.StoreOptions{},
			"certs: a certificate in the store was not made by this package"},
		{"a certificate made by hand", []*certs.Certificate{{Chain: one.Chain}}, certs.StoreOptions{},
			"certs: a certificate in the store was not made by this package"},
		{"a default made by hand", nil, certs.StoreOptions{Defaults: []*certs.Certificate{{}}},
			"certs: a default certificate was not made by this package"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := certs.NewStore(test.list, test.o); err == nil || err.Error() != test.want {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSelectDoesNotAllocate(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{})
	s, err := certs.NewStore([]*certs.Certificate{
		load(t, a, testpeer.Template{DNSNames: []string{"a.example", "*.b.example"}}),
	}, certs.StoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	fits := func(c *certs.Certificate) bool { return c.CanSign(iana.ECDSASecp256r1SHA256, iana.TLS13) }
	for _, name := range []string{"", "a.example", "a.example.", "x.b.example", "c.example"} {
		if n := testing.AllocsPerRun(100, func() { s.Select(name, fits) }); n != 0 {
			t.Errorf("%q: %v allocations", name, n)
		}
	}
}

// Of certificates with the same name and type the first comes first; the others stand in where
// it does not fit, and a client chooses among all.
func TestCertificatesThatStandIn(t *testing.T) {
	a := authority(t, testpeer.AuthorityOptions{})
	one := load(t, a, testpeer.Template{CommonName: "one", DNSNames: []string{"a.example"}})
	two := load(t, a, testpeer.Template{CommonName: "two", DNSNames: []string{"a.example"}})
	not := func(refused ...*certs.Certificate) func(*certs.Certificate) bool {
		return func(c *certs.Certificate) bool {
			for _, r := range refused {
				if c == r {
					return false
				}
			}
			return true
		}
	}
	for name, o := range map[string]certs.StoreOptions{
		"in order":  {},
		"by choice": {Tiebreak: func(_, second *certs.Certificate, _ string) *certs.Certificate { return second }},
	} {
		first, second := one, two
		if o.Tiebreak != nil {
			first, second = two, one
		}
		s, err := certs.NewStore([]*certs.Certificate{one, two, two}, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			what      string
			got, want *certs.Certificate
		}{
			{"any", selected(s, "a.example", nil), first},
			{"not the first", selected(s, "a.example", not(first)), second},
			{"neither", selected(s, "a.example", not(one, two)), nil},
			{"a default, of which there is one", selected(s, "", not(one)), nil},
			{"a client's", s.First(nil), one},
			{"a client's, not the first", s.First(not(one)), two},
			{"a client's, neither", s.First(not(one, two)), nil},
		} {
			if test.got != test.want {
				t.Errorf("%s, %s: another one", name, test.what)
			}
		}
	}
}

func selected(s *certs.Store, name string, fits func(*certs.Certificate) bool) *certs.Certificate {
	c, _ := s.Select(name, fits)
	return c
}
