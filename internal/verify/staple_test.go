package verify_test

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/verify"
)

func TestStaple(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{})
	mid := below(t, root, testpeer.Template{CommonName: "mid"})
	twin := below(t, root, testpeer.Template{CommonName: "mid", Key: testpeer.KeyP384})
	stranger := authority(t, testpeer.AuthorityOptions{Name: "stranger"})
	leaf := issue(t, mid, testpeer.Template{})
	other := issue(t, mid, testpeer.Template{DNSNames: []string{"b.example"}})
	chain := append(leaf.Parsed, root.Root())
	rsaRoot := authority(t, testpeer.AuthorityOptions{Name: "rsa root", Key: testpeer.KeyRSA2048})
	rsaChain := append(issue(t, rsaRoot, testpeer.Template{}).Parsed, rsaRoot.Root())
	selfSigned := must[*testpeer.Issued](t)(testpeer.SelfSigned(seed, testpeer.Template{DNSNames: []string{"a.example"}}))
	own := must[*testpeer.Authority](t)(testpeer.AuthorityOf(seed, selfSigned))

	responder := func(a *testpeer.Authority, change func(*testpeer.Template)) *testpeer.Issued {
		tpl := testpeer.Template{CommonName: "responder", ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}}
		if change != nil {
			change(&tpl)
		}
		return issue(t, a, tpl)
	}
	// of makes a's response about cert, in force in 2030.
	of := func(a *testpeer.Authority, cert *x509.Certificate, s testpeer.Status) []byte {
		if s.ThisUpdate.IsZero() {
			s.ThisUpdate, s.NextUpdate = year(2029), year(2031)
		}
		return must[[]byte](t)(a.OCSP(cert, s))
	}
	by := func(i *testpeer.Issued) []byte { return of(mid, leaf.Leaf, testpeer.Status{Responder: i}) }
	good := of(mid, leaf.Leaf, testpeer.Status{})
	noCheck := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}, Value: []byte{5, 0}}
	strange := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 99999, 1}, Critical: true, Value: []byte{5, 0}}

	for _, test := range []struct {
		name     string
		chain    []*x509.Certificate // nil = chain
		response []byte
		now      time.Time // zero = 2030
		want     string    // "" = satisfactory
	}{
		{"good, by the issuer", nil, good, time.Time{}, ""},
		{"by its SHA-256", nil, of(mid, leaf.Leaf, testpeer.Status{Hash: crypto.SHA256}), time.Time{}, ""},
		{"signed with RSA", rsaChain, of(rsaRoot, rsaChain[0], testpeer.Status{}), time.Time{}, ""},
		{"by a responder", nil, by(responder(mid, nil)), time.Time{}, ""},
		{"by a responder that is not to be checked", nil, by(responder(mid, func(tpl *testpeer.Template) { tpl.Extensions = []pkix.Extension{noCheck} })), time.Time{}, ""},
		{"by the issuer, whose certificate is there", nil, by(&testpeer.Issued{Leaf: mid.Certificate(), Key: mid.Key()}), time.Time{}, ""},
		{"an intermediate that is trusted", chain[:2], good, time.Time{}, ""},
		{"a self-signed leaf", selfSigned.Parsed, of(own, selfSigned.Leaf, testpeer.Status{}), time.Time{}, ""},

		{"revoked", nil, of(mid, leaf.Leaf, testpeer.Status{Status: ocsp.Revoked}), time.Time{}, `says that the certificate of "CN=a.example" was revoked on 2029-06-01T00:00:00Z`},
		{"unknown", nil, of(mid, leaf.Leaf, testpeer.Status{Status: ocsp.Unknown}), time.Time{}, "is unknown"},
		{"about another certificate", nil, of(mid, other.Leaf, testpeer.Status{}), time.Time{}, "is no answer"},
		{"by another issuer", nil, of(stranger, leaf.Leaf, testpeer.Status{}), time.Time{}, "is not its issuer's"},
		{"by another of the issuer's name", nil, of(twin, leaf.Leaf, testpeer.Status{}), time.Time{}, "is not its issuer's"},
		{"about another issuer's certificate", nil, must[[]byte](t)(misattributed(mid, stranger, leaf.Leaf)), time.Time{}, "it is about one of another issuer"},
		{"with SHA-1", rsaChain, of(rsaRoot, rsaChain[0], testpeer.Status{Signature: x509.SHA1WithRSA}), time.Time{}, "it is signed with SHA1-RSA"},
		{"no issuer at hand", chain[:1], good, time.Time{}, `the issuer of the certificate of "CN=a.example" is not known`},

		{"by a responder of somebody else's", nil, by(responder(stranger, nil)), time.Time{}, `was certified by "CN=stranger"`},
		{"by a responder of the issuer's namesake", nil, by(responder(twin, nil)), time.Time{}, "is not signed by the issuer"},
		{"by any certificate of the issuer", nil, by(other), time.Time{}, `responder "CN=b.example" is not certified for that`},
		{"by the certificate in question", nil, by(leaf), time.Time{}, "is not certified for that"},
		{"by a responder that may not sign", nil, by(responder(mid, func(tpl *testpeer.Template) { tpl.KeyUsage = x509.KeyUsageKeyEncipherment })), time.Time{}, "may not sign"},
		{"by a responder that has expired", nil, by(responder(mid, func(tpl *testpeer.Template) { tpl.NotAfter = year(2029) })), time.Time{}, "expired on 2029-06-01"},
		{"by a responder with a strange extension", nil, by(responder(mid, func(tpl *testpeer.Template) { tpl.Extensions = []pkix.Extension{strange} })), time.Time{}, "critical extension that is not known"},

		{"on its first second", nil, good, year(2029), ""},
		{"before", nil, good, year(2029).Add(-time.Second), "is not in force before 2029-06-01T00:00:00Z"},
		{"on its last second", nil, good, year(2031), ""},
		{"after", nil, good, year(2031).Add(time.Second), "expired on 2031-06-01T00:00:00Z"},
		{"an hour without a next update", nil, of(mid, leaf.Leaf, testpeer.Status{Endless: true}), year(2029).Add(time.Hour), ""},
		{"more than an hour", nil, of(mid, leaf.Leaf, testpeer.Status{Endless: true}), year(2029).Add(time.Hour + time.Second), "expired on 2029-06-01T01:00:00Z"},

		{"try later", nil, ocsp.TryLaterErrorResponse, time.Time{}, "is no answer"},
		{"nothing", nil, nil, time.Time{}, "is no answer"},
		{"something else", nil, []byte("good"), time.Time{}, "is no answer"},
		{"half of it", nil, good[:len(good)/2], time.Time{}, "is no answer"},
		{"a byte more", nil, append(bytes.Clone(good), 0), time.Time{}, "is no answer"},
		{"a signature that is wrong", nil, flip(good, len(good)-1), time.Time{}, "is not its issuer's"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.chain == nil {
				test.chain = chain
			}
			if test.now.IsZero() {
				test.now = year(2030)
			}
			s := &verify.Settings{Now: func() time.Time { return test.now }}
			wantError(t, s.Staple(test.response, test.chain), iana.BadCertificateStatusResponse, test.want)
		})
	}
	s := &verify.Settings{SkipTime: true, Now: func() time.Time { return year(2048) }}
	wantError(t, s.Staple(by(responder(mid, func(tpl *testpeer.Template) { tpl.NotAfter = year(2029) })), chain), 0, "")
}

// misattributed is signed by a, but says that cert is of b.
func misattributed(a, b *testpeer.Authority, cert *x509.Certificate) ([]byte, error) {
	return ocsp.CreateResponse(b.Certificate(), a.Certificate(), ocsp.Response{
		SerialNumber: cert.SerialNumber, ThisUpdate: year(2029), NextUpdate: year(2031),
	}, a.Key())
}

func flip(data []byte, i int) []byte {
	data = bytes.Clone(data)
	data[i] ^= 1
	return data
}

// Responses come from anywhere: whatever they are, there is an answer.
func FuzzStaple(f *testing.F) {
	root, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: seed})
	if err != nil {
		f.Fatal(err)
	}
	leaf, err := root.Issue(testpeer.Template{})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []testpeer.Status{{}, {Status: ocsp.Revoked}, {Endless: true}, {Responder: leaf}} {
		der, err := root.OCSP(leaf.Leaf, s)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	chain := append(leaf.Parsed, root.Root())
	good, err := root.OCSP(leaf.Leaf, testpeer.Status{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, response []byte) {
		s := &verify.Settings{}
		if err := s.Staple(response, chain); err == nil && len(response) != len(good) {
			r, err := ocsp.ParseResponseForCert(response, leaf.Leaf, root.Root())
			if err != nil || r.Status != ocsp.Good {
				t.Errorf("%x is taken: %v", response, err)
			}
		}
	})
}
