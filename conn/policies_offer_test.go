package conn

import (
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/policy"
)

func implementedScheme(id iana.SignatureScheme) bool {
	return handshake.SupportsScheme(id, iana.TLS12) || handshake.SupportsScheme(id, iana.TLS13)
}

func implementedSuite(id iana.CipherSuite) bool {
	s := suite.Lookup(id)
	return s != nil && s.Usable()
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
		wantOnly(t, name+": offered groups", h.SupportedGroups(), handshake.SupportsGroup)
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
