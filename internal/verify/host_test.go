package verify_test

import (
	"net"
	"net/url"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

func TestVerifyHost(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{})
	spiffe := must[*url.URL](t)(url.Parse("spiffe://example/service"))
	all := testpeer.Template{
		CommonName: "cn.example", DNSNames: []string{"*.a.example", "b.example"}, URIs: []*url.URL{spiffe},
		IPs: []net.IP{net.IPv4(192, 0, 2, 1), net.ParseIP("2001:db8::1")},
	}
	none := []string{}
	for _, test := range []struct {
		name   string
		tpl    testpeer.Template
		accept string
		asked  []string
		want   string
	}{
		{"each name as text, none accepted", all, "?",
			[]string{"*.a.example", "b.example", "192.0.2.1", "2001:db8::1", "spiffe://example/service"},
			`none of the names of the certificate of "CN=cn.example" was accepted`},
		{"until one is accepted", all, "b.example", []string{"*.a.example", "b.example"}, ""},
		{"a URI alone", testpeer.Template{CommonName: "cn.example", DNSNames: none, URIs: []*url.URL{spiffe}}, "spiffe://example/service",
			[]string{"spiffe://example/service"}, ""},
		{"the common name if there is nothing else", testpeer.Template{CommonName: "cn.example", DNSNames: none}, "cn.example",
			[]string{"cn.example"}, ""},
		{"no common name beside a URI", testpeer.Template{CommonName: "cn.example", DNSNames: none, URIs: []*url.URL{spiffe}}, "cn.example",
			[]string{"spiffe://example/service"}, "none of the names"},
		{"a common name that is an address is not asked about", testpeer.Template{CommonName: "192.0.2.1", DNSNames: none}, "192.0.2.1",
			nil, "none of the names"},
		{"nothing at all", testpeer.Template{Nameless: true, DNSNames: none}, "", []string{""}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			chain := issue(t, root, test.tpl).Parsed
			for _, side := range []string{"server", "client"} {
				var asked []string
				s := settings(root.Root())
				s.VerifyHost = func(name string) bool {
					asked = append(asked, name)
					return name == test.accept
				}
				var err error
				if side == "server" {
					_, err = s.Server(chain, "unrelated.example")
				} else {
					_, err = s.Client(chain)
				}
				wantError(t, err, iana.BadCertificate, test.want)
				if !slices.Equal(asked, test.asked) {
					t.Errorf("as a %s asked about %q", side, asked)
				}
			}
		})
	}
}

func TestVerifyHostIsAskedBeforeTheChain(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{})
	s := settings()
	s.VerifyHost = func(string) bool { return false }
	_, err := s.Server(issue(t, root, testpeer.Template{}).Parsed, "a.example")
	wantError(t, err, iana.BadCertificate, "none of the names")
}
