package verify_test

import (
	"crypto/x509"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/policy"
)

type schemes = []iana.SignatureScheme

func TestStrength(t *testing.T) {
	rsaRoot := authority(t, testpeer.AuthorityOptions{Name: "rsa root", Key: testpeer.KeyRSA2048})
	ecRoot := authority(t, testpeer.AuthorityOptions{Name: "ec root", Key: testpeer.KeyP384})
	pssRoot := authority(t, testpeer.AuthorityOptions{Name: "pss root", Key: testpeer.KeyRSAPSS2048})
	sha1Root := asAuthority(t, must[*testpeer.Issued](t)(testpeer.SelfSigned(seed, testpeer.Template{
		CommonName: "sha1 root", IsCA: true, Key: testpeer.KeyRSA2048, Signature: x509.SHA1WithRSA})))
	weakRoot := authority(t, testpeer.AuthorityOptions{Name: "weak root", Key: testpeer.KeyRSA1024})
	sha1Mid := below(t, rsaRoot, testpeer.Template{CommonName: "sha1 mid", Signature: x509.SHA1WithRSA})
	mid := below(t, ecRoot, testpeer.Template{CommonName: "mid", Key: testpeer.KeyRSA3072})
	leaf := func(a *testpeer.Authority, kind testpeer.KeyKind, algorithm x509.SignatureAlgorithm) []*x509.Certificate {
		return issue(t, a, testpeer.Template{Key: kind, Signature: algorithm}).Parsed
	}
	allow := func(list ...iana.SignatureScheme) func(*verify.Settings) {
		return func(s *verify.Settings) { s.SignatureSchemes = list }
	}
	keys := func(list ...policy.CertificateKey) func(*verify.Settings) {
		return func(s *verify.Settings) { s.Keys = list }
	}
	bits := func(low, high int) func(*verify.Settings) {
		return func(s *verify.Settings) { s.MinRSABits, s.MaxRSABits = low, high }
	}
	trust := func(a *testpeer.Authority) func(*verify.Settings) {
		return func(s *verify.Settings) {
			s.Roots = x509.NewCertPool()
			s.Roots.AddCert(a.Certificate())
		}
	}
	const p256, rsa2048 = testpeer.KeyP256, testpeer.KeyRSA2048
	for _, test := range []struct {
		name   string
		change func(*verify.Settings)
		chain  []*x509.Certificate
		want   string
	}{
		{"SHA-1 on the leaf", nil, leaf(rsaRoot, p256, x509.SHA1WithRSA), `certificate of "CN=a.example" is signed with SHA1-RSA`},
		{"SHA-1 by ECDSA", nil, leaf(ecRoot, p256, x509.ECDSAWithSHA1), "is signed with ECDSA-SHA1"},
		{"MD5 on the leaf", nil, leaf(rsaRoot, p256, x509.MD5WithRSA), "is signed with MD5-RSA"},
		{"SHA-1 on an intermediate", nil, leaf(sha1Mid, p256, 0), `certificate of "CN=sha1 mid" is signed with SHA1-RSA`},
		{"SHA-1 on a root that signs itself", nil, leaf(sha1Root, p256, 0), ""},
		{"SHA-1 on such a root, whatever the policy", allow(iana.RSAPKCS1SHA256), leaf(sha1Root, p256, 0), ""},

		{"SHA-1 on an intermediate that is trusted", trust(sha1Mid), leaf(sha1Mid, p256, 0), ""},
		{"which the policy may forbid all the same", func(s *verify.Settings) {
			trust(sha1Mid)(s)
			s.SignatureSchemes = schemes{iana.ECDSASecp256r1SHA256}
		}, leaf(sha1Mid, p256, 0), `certificate of "CN=sha1 mid" is signed with SHA1-RSA, which the policy does not allow`},

		{"RSA-PSS below RSA-PSS", nil, leaf(pssRoot, testpeer.KeyRSAPSS2048, 0), ""},
		{"PKCS #1 below a key for RSA-PSS only", nil, leaf(pssRoot, p256, x509.SHA256WithRSA),
			`certificate of "CN=a.example" is signed with SHA256-RSA by a key that is for RSA-PSS only`},
		{"a scheme of the policy", allow(iana.ECDSASecp384r1SHA384, iana.RSAPKCS1SHA256), leaf(mid, p256, 0), ""},
		{"a scheme that is not the policy's", allow(iana.RSAPKCS1SHA384, iana.ECDSASecp384r1SHA384), leaf(mid, p256, 0),
			`certificate of "CN=a.example" is signed with SHA256-RSA, which the policy does not allow`},
		{"on an intermediate", allow(iana.RSAPKCS1SHA256), leaf(mid, p256, 0),
			`certificate of "CN=mid" is signed with ECDSA-SHA384, which the policy does not allow`},
		{"an ECDSA scheme is its hash on any curve", allow(iana.ECDSASecp256r1SHA256), leaf(ecRoot, p256, x509.ECDSAWithSHA256), ""},
		{"RSA-PSS by an ordinary key", allow(iana.RSAPSSRSAESHA256), leaf(rsaRoot, p256, x509.SHA256WithRSAPSS), ""},
		{"RSA-PSS by an ordinary key as if by one of its own", allow(iana.RSAPSSPSSSHA256), leaf(rsaRoot, p256, x509.SHA256WithRSAPSS),
			"is signed with SHA256-RSAPSS, which the policy does not allow"},
		{"RSA-PSS by a key of its own", allow(iana.RSAPSSPSSSHA256), leaf(pssRoot, p256, 0), ""},
		{"RSA-PSS by a key of its own as if by an ordinary one", allow(iana.RSAPSSRSAESHA256), leaf(pssRoot, p256, 0),
			"which the policy does not allow"},
		{"no list restricts nothing", allow(), leaf(ecRoot, p256, 0), ""},
		{"an empty list allows nothing", func(s *verify.Settings) { s.SignatureSchemes = schemes{} }, leaf(ecRoot, p256, 0),
			"which the policy does not allow"},

		{"keys of the policy", keys(policy.KeyECDSAP384, policy.KeyRSA3072, policy.KeyECDSAP256), leaf(mid, p256, 0), ""},
		{"a leaf's key that is not the policy's", keys(policy.KeyECDSAP384, policy.KeyRSA3072), leaf(mid, p256, 0),
			`certificate of "CN=a.example" holds a key of type ecdsa_p256, which the policy does not allow`},
		{"a root's key that is not the policy's", keys(policy.KeyRSA3072, policy.KeyECDSAP256), leaf(mid, p256, 0),
			`certificate of "CN=ec root" holds a key of type ecdsa_p384, which the policy does not allow`},
		{"a key that no policy names", keys(policy.KeyECDSAP384), leaf(ecRoot, testpeer.KeyEd25519, 0),
			`certificate of "CN=a.example" holds a key that the policy does not allow`},
		{"RSA-PSS keys have names of their own", keys(policy.KeyRSAPSS2048), leaf(pssRoot, testpeer.KeyRSAPSS2048, 0), ""},
		{"RSA keys are no RSA-PSS keys", keys(policy.KeyRSAPSS2048), leaf(pssRoot, rsa2048, 0), "a key of type rsa_2048"},

		{"an RSA root of 1024 bits", nil, leaf(weakRoot, p256, 0), ""},
		{"an RSA root that is too short", bits(2048, 0), leaf(weakRoot, p256, 0),
			`certificate of "CN=weak root" holds an RSA key of 1024 bits, not of 2048 to 8192`},
		{"an RSA leaf that is too short", bits(2049, 0), leaf(ecRoot, rsa2048, 0), "holds an RSA key of 2048 bits, not of 2049 to 8192"},
		{"an RSA leaf that is too long", bits(0, 2047), leaf(ecRoot, rsa2048, 0), "holds an RSA key of 2048 bits, more than 2047"},
		{"a long RSA key that does not belong to the chain", bits(0, 3071), append(leaf(ecRoot, p256, 0), mid.Certificate()),
			`certificate of "CN=mid" holds an RSA key of 3072 bits, more than 3071`},
		{"a short RSA key that does not belong to the chain", bits(2048, 0), append(leaf(ecRoot, p256, 0), weakRoot.Root()), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := settings(rsaRoot.Root(), ecRoot.Root(), pssRoot.Root(), sha1Root.Certificate(), weakRoot.Root())
			if test.change != nil {
				test.change(s)
			}
			_, err := s.Client(test.chain)
			wantError(t, err, iana.BadCertificate, test.want)
		})
	}
}

// TestAnotherPathMayBeStrongEnough has one authority certified by two roots.
func TestAnotherPathMayBeStrongEnough(t *testing.T) {
	rsaRoot := authority(t, testpeer.AuthorityOptions{Name: "rsa root", Key: testpeer.KeyRSA2048})
	ecRoot := authority(t, testpeer.AuthorityOptions{Name: "ec root"})
	mid := below(t, rsaRoot, testpeer.Template{CommonName: "mid"})
	cross := below(t, ecRoot, testpeer.Template{CommonName: "mid", PrivateKey: mid.Key()})
	chain := append(issue(t, mid, testpeer.Template{}).Parsed, cross.Certificate())
	s := settings(rsaRoot.Root(), ecRoot.Root())
	for _, key := range []policy.CertificateKey{policy.KeyRSA2048, policy.KeyECDSAP256} {
		s.Keys = []policy.CertificateKey{key, policy.KeyECDSAP256}
		got, err := s.Client(chain)
		if err != nil || len(got) != 3 {
			t.Errorf("with %v: %d certificates, %v", key, len(got), err)
		}
	}
	s.Keys = []policy.CertificateKey{policy.KeyRSA2048}
	_, err := s.Client(chain)
	wantError(t, err, iana.BadCertificate, "holds a key of type ecdsa_p256")
}

func TestAcceptable(t *testing.T) {
	rsaRoot := authority(t, testpeer.AuthorityOptions{Name: "rsa root", Key: testpeer.KeyRSA2048})
	mid := below(t, rsaRoot, testpeer.Template{CommonName: "mid", Signature: x509.SHA384WithRSA})
	edMid := below(t, rsaRoot, testpeer.Template{CommonName: "ed", Key: testpeer.KeyEd25519})
	pssRoot := authority(t, testpeer.AuthorityOptions{Name: "pss root", Key: testpeer.KeyRSAPSS2048})
	under := func(a *testpeer.Authority, algorithm x509.SignatureAlgorithm) []*x509.Certificate {
		return issue(t, a, testpeer.Template{Signature: algorithm}).Parsed
	}
	for _, test := range []struct {
		name    string
		chain   []*x509.Certificate
		schemes schemes
		want    bool
	}{
		{"each signature is in the list", under(mid, 0), schemes{iana.RSAPKCS1SHA384, iana.ECDSASecp256r1SHA256}, true},
		{"the leaf's is not", under(mid, 0), schemes{iana.RSAPKCS1SHA384, iana.ECDSASecp384r1SHA384}, false},
		{"the intermediate's is not", under(mid, 0), schemes{iana.RSAPKCS1SHA256, iana.ECDSASecp256r1SHA256}, false},
		{"a root that signs itself is not looked at", append(under(mid, 0), rsaRoot.Root()),
			schemes{iana.RSAPKCS1SHA384, iana.ECDSASecp256r1SHA256}, true},
		{"SHA-1 where it is in the list", under(rsaRoot, x509.SHA1WithRSA), schemes{iana.RSAPKCS1SHA1}, true},
		{"SHA-1 where it is not", under(rsaRoot, x509.SHA1WithRSA), schemes{iana.RSAPKCS1SHA256}, false},
		{"SHA-1 by ECDSA", under(mid, x509.ECDSAWithSHA1), schemes{iana.ECDSASHA1, iana.RSAPKCS1SHA384}, true},
		{"SHA-512 by ECDSA", under(mid, x509.ECDSAWithSHA512), schemes{iana.ECDSASecp521r1SHA512, iana.RSAPKCS1SHA384}, true},
		{"SHA-512 by RSA", under(rsaRoot, x509.SHA512WithRSA), schemes{iana.RSAPKCS1SHA512}, true},
		{"MD5 never", under(rsaRoot, x509.MD5WithRSA), schemes{iana.RSAPKCS1SHA1, iana.RSAPKCS1SHA256}, false},
		{"Ed25519", under(edMid, 0), schemes{iana.Ed25519, iana.RSAPKCS1SHA256}, true},
		{"RSA-PSS by a root that is not sent, as either", under(pssRoot, 0), schemes{iana.RSAPSSRSAESHA256}, true},
		{"or as the other", under(pssRoot, 0), schemes{iana.RSAPSSPSSSHA256}, true},
		{"but not with another hash", under(pssRoot, 0), schemes{iana.RSAPSSPSSSHA384, iana.RSAPSSPSSSHA512, iana.RSAPKCS1SHA256}, false},
		{"RSA-PSS by a root that is sent, as what it is", append(under(pssRoot, 0), pssRoot.Root()), schemes{iana.RSAPSSPSSSHA256}, true},
		{"and not as what it is not", append(under(pssRoot, 0), pssRoot.Root()), schemes{iana.RSAPSSRSAESHA256}, false},
		{"RSA-PSS with SHA-384", under(rsaRoot, x509.SHA384WithRSAPSS), schemes{iana.RSAPSSRSAESHA384}, true},
		{"RSA-PSS with SHA-512", under(rsaRoot, x509.SHA512WithRSAPSS), schemes{iana.RSAPSSRSAESHA512}, true},
		{"an empty list", under(mid, 0), nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := iana.MakeList(test.schemes...)
			if got := verify.Acceptable(test.chain, list); got != test.want {
				t.Errorf("acceptable: %v", got)
			}
			if n := testing.AllocsPerRun(10, func() { verify.Acceptable(test.chain[:1], list) }); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestCheckOwn(t *testing.T) {
	root := authority(t, testpeer.AuthorityOptions{})
	chain := issue(t, root, testpeer.Template{}).Parsed
	p := &policy.Policy{
		CertificateSignatureSchemes: schemes{iana.ECDSASecp384r1SHA384},
		CertificateKeys:             []policy.CertificateKey{policy.KeyECDSAP256},
	}
	wantError(t, verify.CheckOwn(chain, p), 0, "")
	p.CertificatePreferencesApplyLocally = true
	wantError(t, verify.CheckOwn(chain, p), iana.BadCertificate, "is signed with ECDSA-SHA256, which the policy does not allow")
	p.CertificateSignatureSchemes = schemes{iana.ECDSASecp256r1SHA256}
	wantError(t, verify.CheckOwn(append(chain, root.Root()), p), 0, "")
	p.CertificateKeys = []policy.CertificateKey{policy.KeyECDSAP384}
	wantError(t, verify.CheckOwn(chain, p), iana.BadCertificate, "holds a key of type ecdsa_p256")
}
