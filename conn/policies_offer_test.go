package conn

import (
	"crypto/x509"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/policy"
)

func implementedScheme(id iana.SignatureScheme) bool {
	return handshake.SupportsScheme(id, iana.TLS12) || handshake.SupportsScheme(id, iana.TLS13)
}

func implementedSuite(id iana.CipherSuite) bool {
	s := suite.Lookup(id)
	return s != nil && s.Usable()
}

func usesGroup(id iana.CipherSuite) bool {
	s := suite.Lookup(id)
	return s != nil && (s.TLS13 || s.KeyExchange == suite.KeyExchangeECDHE)
}

// TestNothingIsOfferedThatIsNotImplemented looks at what a client and a server of each
// policy let the other choose from: who offers ML-DSA is answered with it.
func TestNothingIsOfferedThatIsNotImplemented(t *testing.T) {
	for _, name := range policy.Names() {
		if !slices.Contains(refusedPolicies, name) {
			wantImplementedOffers(t, name, fitting(lookup(t, name)))
		}
	}
}

func wantImplementedOffers(t *testing.T, name string, fit []*Certificate) {
	t.Helper()
	server := &Config{Policy: name, Certificates: fit, RootCAs: chains().roots, ClientAuth: OptionalClientAuth}
	heard, asked := false, false
	server.OnClientHello = func(_ *Conn, h *ClientHello, op *async.Op[*Config]) {
		heard = true
		wantOnly(t, name+": offered suites", h.CipherSuites(), func(id iana.CipherSuite) bool {
			return implementedSuite(id) || id == iana.TLS_EMPTY_RENEGOTIATION_INFO_SCSV
		})
		if _, there := h.Extension(iana.SupportedGroups); there || slices.ContainsFunc(h.CipherSuites(), usesGroup) {
			wantOnly(t, name+": offered groups", h.SupportedGroups(), handshake.SupportsGroup)
		}
		wantOnly(t, name+": signature_algorithms", h.SignatureSchemes(), implementedScheme)
		if content, ok := h.Extension(iana.SignatureAlgorithmsCert); ok {
			if len(content) < 4 {
				t.Errorf("%s: signature_algorithms_cert is empty", name)
			} else {
				wantOnly(t, name+": signature_algorithms_cert", iana.List[iana.SignatureScheme](content[2:]).Slice(), implementedScheme)
			}
		}
		op.Answer(nil)
	}
	client := &Config{Policy: name, RootCAs: chains().roots, ServerName: "localhost"}
	client.OnClientCertificate = func(_ *Conn, r *CertificateRequest, op *async.Op[*Certificate]) {
		asked = true
		wantOnly(t, name+": signature_algorithms of the request", r.Schemes, implementedScheme)
		if r.CertificateSchemes != nil {
			wantOnly(t, name+": signature_algorithms_cert of the request", r.CertificateSchemes, implementedScheme)
		}
		op.Answer(nil)
	}
	newPair(t, client, server).mustNegotiate(t)
	if !heard || !asked {
		t.Errorf("%s: hooks were called: %t, %t", name, heard, asked)
	}
}

// Groups and point formats are offered with the suites that use them alone (RFC 8422, Section 4).
func TestCurvesAreOfferedWhereTheyAreUsed(t *testing.T) {
	rsa := issue(t, testpeer.Template{Key: testpeer.KeyRSA2048, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment})
	const aes13 = iana.TLS_AES_128_GCM_SHA256
	for _, c := range []struct {
		what            string
		suites          []iana.CipherSuite
		curves          []iana.Group
		groups, formats bool
	}{
		{"ECDHE", []iana.CipherSuite{iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, []iana.Group{iana.X25519}, true, true},
		{"ECDHE and RSA", []iana.CipherSuite{iana.TLS_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, []iana.Group{iana.X25519}, true, true},
		{"RSA", []iana.CipherSuite{iana.TLS_RSA_WITH_AES_128_GCM_SHA256}, []iana.Group{iana.X25519}, false, false},
		{"DHE", []iana.CipherSuite{iana.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256}, []iana.Group{iana.X25519}, false, false},
		{"RSA and no curve", []iana.CipherSuite{iana.TLS_RSA_WITH_AES_128_GCM_SHA256}, nil, false, false},
		{"TLS 1.3 and RSA", []iana.CipherSuite{aes13, iana.TLS_RSA_WITH_AES_128_GCM_SHA256}, []iana.Group{iana.X25519}, true, false},
		{"TLS 1.3 alone", []iana.CipherSuite{aes13}, []iana.Group{iana.X25519}, true, false},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := onlySuites(t, c.suites...)
			p.Curves = c.curves
			if slices.Contains(c.suites, aes13) {
				p.MaxVersion = iana.TLS13
			}
			client := clientConfig()
			client.SecurityPolicy = p
			server := &Config{Certificates: []*Certificate{rsa}, SecurityPolicy: p}
			server.OnClientHello = func(_ *Conn, h *ClientHello, op *async.Op[*Config]) {
				_, groups := h.Extension(iana.SupportedGroups)
				_, formats := h.Extension(iana.ECPointFormats)
				if groups != c.groups || formats != c.formats {
					t.Errorf("supported_groups is offered: %t, ec_point_formats: %t", groups, formats)
				}
				op.Answer(nil)
			}
			newPair(t, client, server).mustNegotiate(t)
		})
	}
}

// wantOnly holds that there is something in list, and nothing that is not allowed.
func wantOnly[T comparable](t *testing.T, what string, list []T, allowed func(T) bool) {
	t.Helper()
	if len(list) == 0 {
		t.Errorf("%s are none", what)
	}
	for _, e := range list {
		if !allowed(e) {
			t.Errorf("%s have %v", what, e)
		}
	}
}

// TestBuilderKnowsWhatIsImplemented holds the lists of package policy to what handshakes
// can do: a Builder takes a code point if and only if a connection does.
func TestBuilderKnowsWhatIsImplemented(t *testing.T) {
	for n := range 1 << 16 {
		id, group, scheme := iana.CipherSuite(n), iana.Group(n), iana.SignatureScheme(n)
		curves := []iana.Group{iana.Secp256r1, iana.X25519MLKEM768}
		signers := []iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256}
		suites := []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256, iana.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		if slices.Contains(curves, group) || slices.Contains(signers, scheme) || slices.Contains(suites, id) {
			continue // would be there twice
		}
		for _, c := range []struct {
			what            string
			implemented     bool
			suites          []iana.CipherSuite
			groups          []iana.Group
			schemes, onCert []iana.SignatureScheme
		}{
			{"suite " + id.String(), suite.Lookup(id) != nil, append(suites, id), curves, signers, signers},
			{"group " + group.String(), handshake.SupportsGroup(group), suites, append(curves, group), signers, signers},
			{"scheme " + scheme.String(), handshake.SupportsScheme(scheme, iana.TLS12), suites, curves, append(signers, scheme), signers},
			{"certificate scheme " + scheme.String(), handshake.SupportsScheme(scheme, iana.TLS12) && !hasShortHash(scheme),
				suites, curves, signers, append(signers, scheme)},
		} {
			if id.IsTLS13() {
				c.suites = c.suites[1:]
			}
			_, err := policy.NewBuilder("mine").Suites(c.suites...).Groups(c.groups...).Schemes(c.schemes...).CertificateSchemes(c.onCert...).Build()
			if (err == nil) != c.implemented {
				t.Errorf("%s: implemented: %t, the builder says %v", c.what, c.implemented, err)
			}
		}
	}
}
