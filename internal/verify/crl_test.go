package verify_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/verify"
)

func TestRevocation(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{})
	mid := below(t, root, testpeer.Template{CommonName: "mid", CRLDistributionPoints: []string{"http://crl.example/ca"}})
	impostor := below(t, root, testpeer.Template{CommonName: "mid", Key: testpeer.KeyP384})
	leaf := issue(t, mid, testpeer.Template{CRLDistributionPoints: []string{"http://crl.example/1"}})
	chain := append(leaf.Parsed, root.Root())
	pss := authority(t, testpeer.AuthorityOptions{Name: "pss root", Key: testpeer.KeyRSAPSS2048})
	pssChain := append(issue(t, pss, testpeer.Template{}).Parsed, pss.Root())
	mute := below(t, root, testpeer.Template{CommonName: "mute", KeyUsage: x509.KeyUsageCertSign})
	muteChain := issue(t, mute, testpeer.Template{}).Parsed

	crl := func(a *testpeer.Authority, from, to int, extensions []pkix.Extension, serials ...*big.Int) *x509.RevocationList {
		return must[*x509.RevocationList](t)(a.CRL(year(from), year(to), extensions, serials...))
	}
	ofRoot, ofMid := crl(root, 2029, 2031, nil), crl(mid, 2029, 2031, nil, big.NewInt(12345))
	leafRevoked := crl(mid, 2029, 2031, nil, big.NewInt(12345), leaf.Leaf.SerialNumber)
	midRevoked := crl(root, 2029, 2031, nil, mid.Certificate().SerialNumber)
	point := func(p any) []pkix.Extension {
		return []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 28}, Critical: true, Value: must[[]byte](t)(asn1.Marshal(p))}}
	}
	type full struct {
		Name []asn1.RawValue `asn1:"optional,tag:0"`
	}
	at := func(uri string) []pkix.Extension {
		return point(struct {
			Point full `asn1:"tag:0"`
		}{full{[]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 6, Bytes: []byte(uri)}}}})
	}
	flag := func(tag int) []pkix.Extension {
		return point([]asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: tag, Bytes: []byte{0xff}}})
	}
	type lists = []*x509.RevocationList
	for _, test := range []struct {
		name  string
		chain []*x509.Certificate
		lists lists
		now   time.Time
		alert iana.Alert
		want  string
	}{
		{"lists that name nobody of the chain", chain, lists{ofMid, ofRoot}, time.Time{}, 0, ""},
		{"a revoked leaf", chain, lists{leafRevoked, ofRoot}, time.Time{}, iana.CertificateRevoked,
			`certificate of "CN=a.example" was revoked on 2029-06-01T00:00:00Z`},
		{"a revoked intermediate", chain, lists{ofMid, midRevoked}, time.Time{}, iana.CertificateRevoked, `certificate of "CN=mid" was revoked`},
		{"revoked in the second of two lists", chain, lists{ofMid, leafRevoked, ofRoot}, time.Time{}, iana.CertificateRevoked, "was revoked"},
		{"what is trusted is not looked up", chain[2:], nil, time.Time{}, 0, ""},
		{"an intermediate that is trusted is not looked up", chain[:2], lists{ofMid}, time.Time{}, 0, ""},
		{"nothing to look up", nil, nil, time.Time{}, 0, ""},
		{"no list for the leaf", chain, lists{ofRoot, nil}, time.Time{}, iana.CertificateUnknown,
			`no revocation list of "CN=mid" covers the certificate of "CN=a.example"`},
		{"no list for the intermediate", chain, lists{ofMid}, time.Time{}, iana.CertificateUnknown, `no revocation list of "CN=s2ngo throwaway root" covers`},
		{"a list signed by another of the name", chain, lists{crl(impostor, 2029, 2031, nil), ofRoot}, time.Time{}, iana.CertificateUnknown,
			`no usable revocation list covers the certificate of "CN=a.example": the list is not signed by its issuer`},
		{"it revokes nothing either", chain, lists{crl(impostor, 2029, 2031, nil, leaf.Leaf.SerialNumber), ofMid, ofRoot}, time.Time{}, 0, ""},
		{"an issuer that may not sign lists", muteChain, lists{crlOf(t, mute)}, time.Time{}, iana.CertificateUnknown, "the list is not signed by its issuer"},

		{"dates do not count", chain, lists{crl(mid, 2001, 2002, nil), crl(root, 2040, 2041, nil)}, time.Time{}, 0, ""},
		{"dates that hold", chain, lists{ofMid, ofRoot}, year(2030), 0, ""},
		{"an expired list", chain, lists{crl(mid, 2001, 2002, nil), ofRoot}, year(2030), iana.CertificateUnknown,
			`revocation list of "CN=mid" expired on 2002-06-01T00:00:00Z`},
		{"a list from the future", chain, lists{crl(mid, 2031, 2032, nil), ofRoot}, year(2030), iana.CertificateUnknown,
			`revocation list of "CN=mid" is not in force before 2031-06-01T00:00:00Z`},
		{"a list that names no next one", chain, lists{endless(ofMid), endless(ofRoot)}, year(2040), 0, ""},

		{"the leaf's distribution point", chain, lists{crl(mid, 2029, 2031, at("http://crl.example/1")), ofRoot}, time.Time{}, 0, ""},
		{"another distribution point", chain, lists{crl(mid, 2029, 2031, at("http://crl.example/2")), ofRoot}, time.Time{},
			iana.CertificateUnknown, "the list is of another distribution point than the certificate names"},
		{"two parts of a list", chain, lists{crl(mid, 2029, 2031, at("http://crl.example/2")), crl(mid, 2029, 2031, at("http://crl.example/1"),
			leaf.Leaf.SerialNumber), ofRoot}, time.Time{}, iana.CertificateRevoked, "was revoked"},
		{"a list for end entities", chain, lists{crl(mid, 2029, 2031, flag(1)), ofRoot}, time.Time{}, 0, ""},
		{"a list for end entities, and an authority", chain, lists{ofMid, crl(root, 2029, 2031, flag(1))}, time.Time{},
			iana.CertificateUnknown, "the list is for end entities only"},
		{"a list for authorities", chain, lists{ofMid, crl(root, 2029, 2031, flag(2))}, time.Time{}, 0, ""},
		{"a list for authorities, and a leaf", chain, lists{crl(mid, 2029, 2031, flag(2)), ofRoot}, time.Time{},
			iana.CertificateUnknown, "the list is for authorities only"},
		{"an indirect list", chain, lists{crl(mid, 2029, 2031, flag(4)), ofRoot}, time.Time{}, iana.CertificateUnknown, "the list is indirect"},
		{"a list of attribute certificates", chain, lists{crl(mid, 2029, 2031, flag(5)), ofRoot}, time.Time{}, iana.CertificateUnknown, "attribute certificates"},
		{"a list for some reasons", chain, lists{crl(mid, 2029, 2031, point([]asn1.RawValue{
			{Class: asn1.ClassContextSpecific, Tag: 3, Bytes: []byte{5, 0x60}}})), ofRoot}, time.Time{}, iana.CertificateUnknown, "for some reasons only"},
		{"a distribution point below the issuer's name", chain, lists{crl(mid, 2029, 2031, point(struct {
			Point struct{ Name asn1.RawValue } `asn1:"tag:0"`
		}{struct{ Name asn1.RawValue }{asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 1, IsCompound: true}}})), ofRoot}, time.Time{},
			iana.CertificateUnknown, "the list is for a distribution point below its issuer's name"},
		{"a malformed distribution point", chain, lists{crl(mid, 2029, 2031, point(7)), ofRoot}, time.Time{},
			iana.CertificateUnknown, "the list has a malformed issuing distribution point"},
		{"a list of changes only", chain, lists{crl(mid, 2029, 2031, []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 27}, Critical: true, Value: []byte{2, 1, 1}}}), ofRoot}, time.Time{},
			iana.CertificateUnknown, "the list has the critical extension 2.5.29.27, which is not known"},
		{"an unknown extension that is not critical", chain, lists{crl(mid, 2029, 2031, []pkix.Extension{
			{Id: asn1.ObjectIdentifier{2, 5, 29, 46}, Value: []byte{5, 0}}}), ofRoot}, time.Time{}, 0, ""},
		{"entries of another issuer", chain, lists{foreign(t, mid), ofRoot}, time.Time{}, iana.CertificateUnknown,
			"the list has entries with the critical extension 2.5.29.29, which is not known"},
		{"a list signed with RSA-PSS", pssChain, lists{crlOf(t, pss)}, time.Time{}, 0, ""},
		{"a list signed with PKCS #1 by a key for RSA-PSS only", pssChain, lists{plainList(t, pss)}, time.Time{}, iana.CertificateUnknown,
			"the list is not signed with RSA-PSS by a key that is for RSA-PSS only"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, verify.CheckRevocation(test.chain, test.lists, test.now), test.alert, test.want)
		})
	}
}

func crlOf(t *testing.T, a *testpeer.Authority) *x509.RevocationList {
	t.Helper()
	return must[*x509.RevocationList](t)(a.CRL(year(2029), year(2031), nil))
}

func endless(list *x509.RevocationList) *x509.RevocationList {
	l := *list
	l.NextUpdate = time.Time{}
	return &l
}

// foreign returns a list whose only entry names another issuer, as in an indirect list.
func foreign(t *testing.T, a *testpeer.Authority) *x509.RevocationList {
	t.Helper()
	return must[*x509.RevocationList](t)(a.SignCRL(&x509.RevocationList{
		ThisUpdate: year(2029), NextUpdate: year(2031),
		RevokedCertificateEntries: []x509.RevocationListEntry{{
			SerialNumber: big.NewInt(1), RevocationTime: year(2029),
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 29}, Critical: true, Value: []byte{0x30, 0}}},
		}},
	}))
}

func plainList(t *testing.T, a *testpeer.Authority) *x509.RevocationList {
	t.Helper()
	return must[*x509.RevocationList](t)(a.SignCRL(&x509.RevocationList{
		ThisUpdate: year(2029), NextUpdate: year(2031), SignatureAlgorithm: x509.SHA256WithRSA,
	}))
}
