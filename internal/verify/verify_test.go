package verify_test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/verify"
)

var seed = []byte("verify")

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func authority(t *testing.T, o testpeer.AuthorityOptions) *testpeer.Authority {
	t.Helper()
	o.Seed = seed
	return must[*testpeer.Authority](t)(testpeer.NewAuthority(o))
}

func issue(t *testing.T, a *testpeer.Authority, tpl testpeer.Template) *testpeer.Issued {
	t.Helper()
	if tpl.DNSNames == nil {
		tpl.DNSNames = []string{"a.example"}
	}
	return must[*testpeer.Issued](t)(a.Issue(tpl))
}

func below(t *testing.T, a *testpeer.Authority, tpl testpeer.Template) *testpeer.Authority {
	t.Helper()
	return must[*testpeer.Authority](t)(a.Intermediate(tpl))
}

func year(y int) time.Time { return time.Date(y, 6, 1, 0, 0, 0, 0, time.UTC) }

// settings trust the given certificates, in the year 2030.
func settings(roots ...*x509.Certificate) *verify.Settings {
	s := &verify.Settings{Roots: x509.NewCertPool(), Now: func() time.Time { return year(2030) }}
	for _, root := range roots {
		s.Roots.AddCert(root)
	}
	return s
}

// wantError checks the alert and the sentence of err; what "" is none.
func wantError(t *testing.T, err error, alert iana.Alert, what string) {
	t.Helper()
	if what == "" {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	var e *verify.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want %q", err, what)
	}
	if !strings.Contains(e.Error(), what) || !strings.HasPrefix(e.Error(), "verify: ") {
		t.Errorf("got %q, want %q", e, what)
	}
	if e.Alert() != alert {
		t.Errorf("%q has the alert %v, want %v", e, e.Alert(), alert)
	}
}

func TestChains(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{})
	mid := below(t, root, testpeer.Template{CommonName: "mid"})
	low := below(t, mid, testpeer.Template{CommonName: "low"})
	stranger := authority(t, testpeer.AuthorityOptions{Name: "stranger"})
	impostor := below(t, root, testpeer.Template{CommonName: "low", Key: testpeer.KeyP384})
	leaf := issue(t, low, testpeer.Template{})
	chain := leaf.Parsed
	oid := asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}
	custom := issue(t, root, testpeer.Template{Extensions: []pkix.Extension{{Id: oid, Critical: true, Value: []byte{5, 0}}}})
	selfSigned := must[*testpeer.Issued](t)(testpeer.SelfSigned(seed, testpeer.Template{DNSNames: []string{"a.example"}}))
	rsaRoot := authority(t, testpeer.AuthorityOptions{Key: testpeer.KeyRSA2048})
	oldRoot := authority(t, testpeer.AuthorityOptions{Name: "old", NotBefore: year(2010), NotAfter: year(2029)})
	notCA := issue(t, root, testpeer.Template{CommonName: "no authority", KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature})
	dates := func(from, to int) testpeer.Template {
		return testpeer.Template{NotBefore: year(from), NotAfter: year(to)}
	}
	lateMid := below(t, root, testpeer.Template{CommonName: "late mid", NotBefore: year(2020), NotAfter: year(2029)})
	earlyMid := below(t, root, testpeer.Template{CommonName: "early mid", NotBefore: year(2031), NotAfter: year(2040)})
	short := below(t, root, testpeer.Template{CommonName: "short", PathLen: -1})
	permitted := below(t, root, testpeer.Template{CommonName: "constrained", PermittedDNSDomains: []string{"b.example"}})
	excluded := below(t, root, testpeer.Template{CommonName: "constrained", ExcludedDNSDomains: []string{"a.example"}})

	sent := func(i *testpeer.Issued) []*x509.Certificate { return i.Parsed }
	for _, test := range []struct {
		name   string
		change func(s *verify.Settings)
		roots  []*x509.Certificate // nil = root
		chain  []*x509.Certificate
		alert  iana.Alert
		want   string // "" = valid
		length int    // of the valid chain
	}{
		{"a chain with two intermediates", nil, nil, chain, 0, "", 4},
		{"in the wrong order behind the leaf", nil, nil, []*x509.Certificate{chain[0], chain[2], chain[1]}, 0, "", 4},
		{"with the root and a stranger", nil, nil, append(chain[:3:3], root.Root(), stranger.Root()), 0, "", 4},
		{"an intermediate is trusted", nil, []*x509.Certificate{low.Certificate()}, chain, 0, "", 2},
		{"an intermediate is trusted and the root too", nil, []*x509.Certificate{mid.Certificate(), root.Root()}, chain, 0, "", 3},
		{"a leaf is trusted", nil, []*x509.Certificate{chain[0]}, chain[:1], 0, "", 1},
		{"a self-signed leaf is trusted", nil, []*x509.Certificate{selfSigned.Leaf}, sent(selfSigned), 0, "", 1},

		{"no certificate", nil, nil, nil, iana.BadCertificate, "peer sent no certificate", 0},
		{"a missing intermediate", nil, nil, []*x509.Certificate{chain[0], chain[2]}, iana.UnknownCA,
			`certificate of "CN=a.example" was issued by "CN=low", which is not trusted`, 0},
		{"a stranger's root", nil, []*x509.Certificate{stranger.Root()}, chain, iana.UnknownCA,
			`certificate of "CN=mid" was issued by "CN=s2ngo throwaway root", which is not trusted`, 0},
		{"no root at all", nil, []*x509.Certificate{}, chain, iana.UnknownCA, "which is not trusted", 0},
		{"a root of the same name with another key", nil, []*x509.Certificate{rsaRoot.Root()}, chain, iana.UnknownCA, "which is not trusted", 0},
		{"a self-signed leaf that is not trusted", nil, nil, sent(selfSigned), iana.UnknownCA,
			`certificate of "CN=a.example" is signed by itself and not trusted`, 0},
		{"a leaf issued by a leaf", nil, nil, sent(issue(t, asAuthority(t, notCA), testpeer.Template{})), iana.UnknownCA,
			`certificate of "CN=a.example" was issued by "CN=no authority", which may not issue certificates`, 0},

		{"an intermediate of the same name with another key", nil, nil, []*x509.Certificate{chain[0], impostor.Certificate()}, iana.UnknownCA,
			`certificate of "CN=a.example" was issued by "CN=low", which is not trusted`, 0},
		{"a leaf with a bit flipped in its signature", nil, nil, append([]*x509.Certificate{flipped(t, chain[0])}, chain[1:]...), iana.BadCertificate,
			`signature of "CN=low" on the certificate of "CN=a.example" does not verify`, 0},

		{"below a key that is not supported", nil, nil, []*x509.Certificate{fixture(t, "ed448-leaf"), fixture(t, "ed448-ca")}, iana.UnknownCA,
			`certificate of "CN=below Ed448" was issued by "CN=Ed448 authority" with an algorithm that is not supported`, 0},
		{"a leaf with a key that is not supported", nil, nil, []*x509.Certificate{fixture(t, "ed448-ca")}, iana.UnsupportedCertificate,
			`certificate of "CN=Ed448 authority" holds a key that is not supported: algorithm 1.3.101.113`, 0},
		{"a leaf on a curve that is not supported", nil, nil, sent(issue(t, root, testpeer.Template{Key: testpeer.KeyP224})), iana.UnsupportedCertificate,
			`certificate of "CN=a.example" holds a key that is not supported: ECDSA on P-224`, 0},

		{"an expired leaf", nil, nil, sent(issue(t, root, dates(2020, 2029))), iana.CertificateExpired,
			`certificate of "CN=a.example" expired on 2029-06-01T00:00:00Z, and it is 2030-06-01T00:00:00Z`, 0},
		{"a leaf from the future", nil, nil, sent(issue(t, root, dates(2031, 2032))), iana.CertificateExpired,
			`certificate of "CN=a.example" is not valid before 2031-06-01T00:00:00Z, and it is 2030-06-01T00:00:00Z`, 0},
		{"a leaf on its last second", nil, nil, sent(issue(t, root, dates(2020, 2030))), 0, "", 2},
		{"a leaf on its first second", nil, nil, sent(issue(t, root, dates(2030, 2031))), 0, "", 2},
		{"an expired intermediate", nil, nil, sent(issue(t, lateMid, testpeer.Template{})), iana.CertificateExpired,
			`certificate of "CN=late mid" expired on 2029-06-01`, 0},
		{"an intermediate from the future", nil, nil, sent(issue(t, earlyMid, testpeer.Template{})), iana.CertificateExpired,
			`certificate of "CN=early mid" is not valid before 2031-06-01`, 0},
		{"an expired root", nil, []*x509.Certificate{oldRoot.Root()}, sent(issue(t, oldRoot, dates(2020, 2040))), iana.CertificateExpired,
			`certificate of "CN=old" expired on 2029-06-01`, 0},
		{"expired, but time does not count", skipTime, nil, sent(issue(t, root, dates(2020, 2029))), 0, "", 2},
		{"an expired intermediate, but time does not count", skipTime, nil, sent(issue(t, lateMid, testpeer.Template{})), 0, "", 3},
		{"an expired root, but time does not count", skipTime, []*x509.Certificate{oldRoot.Root()}, sent(issue(t, oldRoot, dates(2020, 2040))), 0, "", 2},
		{"an expired root that is sent too, but time does not count", skipTime, []*x509.Certificate{oldRoot.Root()},
			append(sent(issue(t, oldRoot, dates(2020, 2040))), oldRoot.Root()), 0, "", 2},
		{"an expired root that is sent too", nil, []*x509.Certificate{oldRoot.Root()},
			append(sent(issue(t, oldRoot, dates(2020, 2040))), oldRoot.Root()), iana.CertificateExpired, `certificate of "CN=old" expired on`, 0},
		{"a stranger, though time does not count", skipTime, []*x509.Certificate{stranger.Root()}, chain, iana.UnknownCA, "which is not trusted", 0},
		{"a stranger's expired leaf", nil, []*x509.Certificate{stranger.Root()}, sent(issue(t, root, dates(2020, 2029))),
			iana.CertificateExpired, "expired on", 0},

		{"as many certificates as allowed", maxDepth(3), nil, chain, 0, "", 4},
		{"more certificates than allowed", maxDepth(2), nil, chain, iana.BadCertificate, "peer's chain has 3 certificates, 2 are allowed", 0},
		{"seven by default", nil, nil, append(chain[:3:3], root.Root(), root.Root(), root.Root(), root.Root()), 0, "", 4},
		{"eight", nil, nil, append(chain[:3:3], root.Root(), root.Root(), root.Root(), root.Root(), root.Root()),
			iana.BadCertificate, "peer's chain has 8 certificates, 7 are allowed", 0},
		{"more below an authority than it allows", nil, nil, sent(issue(t, below(t, short, testpeer.Template{CommonName: "deep"}), testpeer.Template{})),
			iana.BadCertificate, `certificate of "CN=short" has more certificates below it than it allows`, 0},

		{"a name that the authority may not certify", nil, nil, sent(issue(t, permitted, testpeer.Template{})), iana.BadCertificate,
			"has a name that its issuer may not certify", 0},
		{"a name that is excluded", nil, nil, sent(issue(t, excluded, testpeer.Template{})), iana.BadCertificate,
			"has a name that its issuer may not certify", 0},
		{"a name that the authority may certify", nil, nil, sent(issue(t, permitted, testpeer.Template{DNSNames: []string{"b.example"}})), 0, "", 3},

		{"an unknown critical extension", nil, nil, sent(custom), iana.CertificateUnknown, "has a critical extension that is not known: 1.3.6.1.4.1.99999.1", 0},
		{"a critical extension that the application knows", func(s *verify.Settings) {
			s.CriticalExtensions = []asn1.ObjectIdentifier{{1, 2, 3}, oid}
		}, nil, sent(custom), 0, "", 2},
		{"another critical extension than the application knows", func(s *verify.Settings) {
			s.CriticalExtensions = []asn1.ObjectIdentifier{{1, 2, 3}}
		}, nil, sent(custom), iana.CertificateUnknown, "critical extension that is not known", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.roots == nil {
				test.roots = []*x509.Certificate{root.Root()}
			}
			s := settings(test.roots...)
			if test.change != nil {
				test.change(s)
			}
			got, err := s.Client(test.chain)
			wantError(t, err, test.alert, test.want)
			if len(got) != test.length {
				t.Fatalf("the valid chain has %d certificates, want %d", len(got), test.length)
			}
			for i, cert := range got {
				if i == 0 && cert != test.chain[0] {
					t.Error("the valid chain does not begin with the leaf that was sent")
				}
				if cert.NotAfter.Year() > 2100 {
					t.Error("the valid chain holds a copy with other dates")
				}
			}
		})
	}
}

func skipTime(s *verify.Settings) { s.SkipTime = true }

func maxDepth(n int) func(*verify.Settings) { return func(s *verify.Settings) { s.MaxDepth = n } }

func fixture(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	text := must[[]byte](t)(os.ReadFile("testdata/" + name + ".pem"))
	block, _ := pem.Decode(text)
	return must[*x509.Certificate](t)(x509.ParseCertificate(block.Bytes))
}

// flipped returns cert with another last byte in its signature.
func flipped(t *testing.T, cert *x509.Certificate) *x509.Certificate {
	t.Helper()
	der := bytes.Clone(cert.Raw)
	der[len(der)-1] ^= 1
	return must[*x509.Certificate](t)(x509.ParseCertificate(der))
}

// asAuthority lets the owner of a certificate issue others, whether it may or not.
func asAuthority(t *testing.T, i *testpeer.Issued) *testpeer.Authority {
	t.Helper()
	return must[*testpeer.Authority](t)(testpeer.AuthorityOf(seed, i))
}

func TestNames(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{})
	ips := []net.IP{net.IPv4(192, 0, 2, 1), net.ParseIP("2001:db8::1")}
	leaf := issue(t, root, testpeer.Template{CommonName: "cn.example", DNSNames: []string{"a.example", "*.w.example"}, IPs: ips}).Parsed
	onlyCN := issue(t, root, testpeer.Template{CommonName: "cn.example", DNSNames: []string{}}).Parsed
	for _, test := range []struct {
		name, server string
		chain        []*x509.Certificate
		want         string
	}{
		{"a name", "a.example", leaf, ""},
		{"in capitals", "A.Example", leaf, ""},
		{"with a dot at its end", "a.example.", leaf, ""},
		{"a wildcard", "x.w.example", leaf, ""},
		{"an IPv4 address", "192.0.2.1", leaf, ""},
		{"an IPv6 address", "2001:db8::1", leaf, ""},
		{"an IPv6 address in another form", "2001:DB8:0::0001", leaf, ""},
		{"an IPv6 address in brackets", "[2001:db8::1]", leaf, ""},
		{"another name", "b.example", leaf, `certificate of "CN=cn.example" is not for "b.example": x509: certificate is valid for a.example, *.w.example, not b.example`},
		{"two labels for a wildcard", "x.y.w.example", leaf, `is not for "x.y.w.example"`},
		{"no label for a wildcard", "w.example", leaf, `is not for "w.example"`},
		{"another address", "192.0.2.2", leaf, `is not for "192.0.2.2"`},
		{"the common name beside others", "cn.example", leaf, `is not for "cn.example"`},
		{"the common name alone", "cn.example", onlyCN, `is not for "cn.example"`},
		{"no name", "", leaf, "there is no server name to compare the certificate of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := settings(root.Root()).Server(test.chain, test.server)
			wantError(t, err, iana.BadCertificate, test.want)
			var host x509.HostnameError
			if err != nil && !errors.As(err, &host) {
				t.Error("x509.HostnameError is out of reach")
			}
		})
	}
}

func TestUsage(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{Key: testpeer.KeyRSA2048})
	serverAuth, clientAuth := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	server := issue(t, root, testpeer.Template{ExtKeyUsage: serverAuth}).Parsed
	client := issue(t, root, testpeer.Template{ExtKeyUsage: clientAuth}).Parsed
	clientsOnly := below(t, root, testpeer.Template{CommonName: "clients", ExtKeyUsage: clientAuth})
	asServer, asClient := true, false
	for _, test := range []struct {
		name     string
		change   func(*verify.Settings)
		roots    []*x509.Certificate
		chain    []*x509.Certificate
		isServer bool
		want     string
	}{
		{"a server's for a server", nil, nil, server, asServer, ""},
		{"a client's for a client", nil, nil, client, asClient, ""},
		{"a client's for a server", nil, nil, client, asServer, `certificate of "CN=a.example" is not for a server of TLS`},
		{"a server's for a client", nil, nil, server, asClient, `certificate of "CN=a.example" is not for a client of TLS`},
		{"any use", nil, nil, issue(t, root, testpeer.Template{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}).Parsed, asServer, ""},
		{"no use said", nil, nil, issue(t, root, testpeer.Template{ExtKeyUsage: []x509.ExtKeyUsage{}}).Parsed, asServer, ""},
		{"a use that nobody knows", nil, nil, issue(t, root, testpeer.Template{ExtKeyUsage: []x509.ExtKeyUsage{}, Extensions: []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Value: must[[]byte](t)(asn1.Marshal([]asn1.ObjectIdentifier{{1, 2, 3}}))}}}).Parsed, asServer,
			"is not for a server of TLS"},
		{"for mail", nil, nil, issue(t, root, testpeer.Template{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}}).Parsed, asServer,
			"is not for a server of TLS"},
		{"below an authority for clients", nil, nil, issue(t, clientsOnly, testpeer.Template{}).Parsed, asServer,
			`certificate of "CN=clients" is not for a server of TLS`},
		{"below it, for a client", nil, nil, issue(t, clientsOnly, testpeer.Template{}).Parsed, asClient, ""},
		{"what is trusted may be for anything", nil, []*x509.Certificate{clientsOnly.Certificate()}, issue(t, clientsOnly, testpeer.Template{}).Parsed, asServer, ""},
		{"a trusted leaf may be for anything", nil, []*x509.Certificate{client[0]}, client, asServer, ""},
		{"no key usage said", nil, nil, issue(t, root, testpeer.Template{NoKeyUsage: true}).Parsed, asServer, ""},
		{"a key that must not sign", nil, nil, issue(t, root, testpeer.Template{KeyUsage: x509.KeyUsageKeyAgreement}).Parsed, asServer,
			`certificate of "CN=a.example" does not allow its key to be used for signatures`},
		{"an authority as a leaf", nil, nil, issue(t, root, testpeer.Template{IsCA: true}).Parsed, asServer, "does not allow its key to be used for signatures"},
		{"an authority as a leaf that may sign", nil, nil, issue(t, root, testpeer.Template{
			IsCA: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}).Parsed, asServer, ""},
		{"a key that only signs where it must decrypt", func(s *verify.Settings) { s.KeyUsage = x509.KeyUsageKeyEncipherment }, nil,
			issue(t, root, testpeer.Template{Key: testpeer.KeyRSA2048, KeyUsage: x509.KeyUsageDigitalSignature}).Parsed, asServer,
			"does not allow its key to be used for key encipherment"},
		{"a key that decrypts where it must", func(s *verify.Settings) { s.KeyUsage = x509.KeyUsageKeyEncipherment }, nil,
			issue(t, root, testpeer.Template{Key: testpeer.KeyRSA2048, KeyUsage: x509.KeyUsageKeyEncipherment}).Parsed, asServer, ""},
		{"a client's for a server, but intent does not count", skipIntent, nil, client, asServer, ""},
		{"a key that must not sign, but intent does not count", skipIntent, nil, issue(t, root, testpeer.Template{KeyUsage: x509.KeyUsageKeyAgreement}).Parsed, asServer, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.roots == nil {
				test.roots = []*x509.Certificate{root.Root()}
			}
			s := settings(test.roots...)
			if test.change != nil {
				test.change(s)
			}
			var err error
			if test.isServer {
				_, err = s.Server(test.chain, "a.example")
			} else {
				_, err = s.Client(test.chain)
			}
			wantError(t, err, iana.UnsupportedCertificate, test.want)
			var invalid x509.CertificateInvalidError
			if err != nil && (!errors.As(err, &invalid) || invalid.Reason != x509.IncompatibleUsage) {
				t.Error("x509.CertificateInvalidError is out of reach")
			}
		})
	}
	agreement := issue(t, root, testpeer.Template{KeyUsage: x509.KeyUsageKeyAgreement}).Leaf
	wantError(t, verify.CheckKeyUsage(agreement, x509.KeyUsageKeyAgreement), 0, "")
	wantError(t, verify.CheckKeyUsage(agreement, x509.KeyUsageKeyAgreement|x509.KeyUsageDigitalSignature),
		iana.UnsupportedCertificate, "does not allow its key to be used for what this connection does with it")
}

func skipIntent(s *verify.Settings) { s.SkipIntent = true }

func TestErrorsOfX509StayInReach(t *testing.T) {
	root, stranger := authority(t, testpeer.AuthorityOptions{}), authority(t, testpeer.AuthorityOptions{Name: "stranger"})
	_, err := settings(stranger.Root()).Client(issue(t, root, testpeer.Template{}).Parsed)
	var unknown x509.UnknownAuthorityError
	if !errors.As(err, &unknown) {
		t.Errorf("%v hides x509.UnknownAuthorityError", err)
	}
	_, err = settings(root.Root()).Client(issue(t, root, testpeer.Template{NotAfter: year(2021)}).Parsed)
	var invalid x509.CertificateInvalidError
	if !errors.As(err, &invalid) || invalid.Reason != x509.Expired || invalid.Cert == nil {
		t.Errorf("%v hides x509.CertificateInvalidError", err)
	}
}

func TestThePeersTextIsCutAndQuoted(t *testing.T) {
	name := "\x1b[31m" + strings.Repeat("x", 500)
	root := authority(t, testpeer.AuthorityOptions{Name: name})
	_, err := settings().Client(issue(t, root, testpeer.Template{CommonName: name}).Parsed)
	if err == nil || len(err.Error()) > 300 || strings.ContainsRune(err.Error(), 0x1b) {
		t.Errorf("got %v", err)
	}
}

func TestTheZeroSettingsUseTheSystemsRoots(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{})
	_, err := new(verify.Settings).Server(issue(t, root, testpeer.Template{}).Parsed, "a.example")
	wantError(t, err, iana.UnknownCA, "which is not trusted")
}
