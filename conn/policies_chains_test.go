package conn

import (
	"crypto/x509"
	"slices"
	"sync"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/policy"
)

// aChain is a certificate below a root with the same kind of key.
type aChain struct {
	name     string
	own      *Certificate
	upToRoot []*x509.Certificate
}

// A kind of chain: the keys of root and leaf, and what the root signs with.
type chainKind struct {
	name       string
	root, leaf testpeer.KeyKind
	signature  x509.SignatureAlgorithm
}

var chainKinds = []chainKind{
	{"P-256", testpeer.KeyP256, testpeer.KeyP256, x509.ECDSAWithSHA256},
	{"RSA-2048", testpeer.KeyRSA2048, testpeer.KeyRSA2048, x509.SHA256WithRSA},
	{"P-384", testpeer.KeyP384, testpeer.KeyP384, x509.ECDSAWithSHA384},
	{"RSA-3072", testpeer.KeyRSA3072, testpeer.KeyRSA3072, x509.SHA384WithRSA},
	{"P-521", testpeer.KeyP521, testpeer.KeyP521, x509.ECDSAWithSHA512},
	{"RSA-PSS-2048", testpeer.KeyRSA2048, testpeer.KeyRSAPSS2048, x509.SHA256WithRSA},
	{"RSA-PSS-3072", testpeer.KeyRSA3072, testpeer.KeyRSAPSS2048, x509.SHA384WithRSA}, // its root's key
	{"Ed25519", testpeer.KeyEd25519, testpeer.KeyEd25519, x509.PureEd25519},
	{"RSA-1024", testpeer.KeyRSA1024, testpeer.KeyRSA1024, x509.SHA256WithRSA},
}

// chains are one chain of each kind, all for localhost, and the pool of their roots.
var chains = sync.OnceValue(func() (all struct {
	list  []aChain
	roots *x509.CertPool
}) {
	all.roots = x509.NewCertPool()
	for _, k := range chainKinds {
		seed := []byte("chain " + k.name)
		authority, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: seed, Name: k.name + " root", Key: k.root})
		if err != nil {
			panic(err)
		}
		all.roots.AddCert(authority.Root())
		leaf := testpeer.Template{CommonName: k.name, DNSNames: []string{"localhost"}, Key: k.leaf, Signature: k.signature}
		if k.name == "RSA-PSS-3072" {
			leaf.PrivateKey = authority.Key()
		}
		issued, err := authority.Issue(leaf)
		if err != nil {
			panic(err)
		}
		own, err := NewCertificate(issued.Chain, issued.Key)
		if err != nil {
			panic(err)
		}
		all.list = append(all.list, aChain{k.name, own, append(issued.Parsed, authority.Root())})
	}
	return all
})

// chainNamed returns the chain of that name.
func chainNamed(t testing.TB, name string) aChain {
	t.Helper()
	for _, c := range chains().list {
		if c.name == name {
			return c
		}
	}
	t.Fatalf("there is no chain %s", name)
	return aChain{}
}

// fitting returns the certificates whose chains, roots included, keep the preferences of
// p, whether they apply to one's own or not. RSA of 1024 bits is for nobody.
func fitting(p *policy.Policy) (fit []*Certificate) {
	strict := *p
	strict.CertificatePreferencesApplyLocally = true
	for _, c := range chains().list {
		if c.name != "RSA-1024" && verify.CheckOwn(c.upToRoot, &strict) == nil {
			fit = append(fit, c.own)
		}
	}
	return fit
}

// anyCanSign reports whether one of the certificates can sign with id in version v.
func anyCanSign(list []*Certificate, id iana.SignatureScheme, v iana.Version) bool {
	return slices.ContainsFunc(list, func(c *Certificate) bool { return c.CanSign(id, v) })
}
