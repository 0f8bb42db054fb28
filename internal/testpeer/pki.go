package testpeer

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"net"
	"net/url"
	"time"
)

// AuthorityOptions describes a throwaway certificate authority. The zero value is a
// P-256 root with keys of its own that nobody else has, valid for a year.
type AuthorityOptions struct {
	Name string  // common name of the root; "" = "s2ngo throwaway root"
	Key  KeyKind // key of the root and of its intermediates

	// Seed, if not nil, makes every key and serial number a function of Seed and of the
	// template's names, kind of key and dates, in whatever order they are issued: the
	// same certificates, byte for byte, in each run. Such keys are no secret.
	Seed []byte

	// Intermediates is the number of certificate authorities between root and leaf.
	Intermediates int

	NotBefore, NotAfter time.Time // of the root; zero = as for a Template
}

// Template describes a certificate to issue. The zero value of a field is what a usual
// leaf of a TLS server or client has.
type Template struct {
	CommonName string // "" = the first name
	Nameless   bool   // no common name
	DNSNames   []string
	IPs        []net.IP
	URIs       []*url.URL

	Key        KeyKind
	PrivateKey crypto.Signer // to certify a key that exists; nil = a new one of kind Key

	// NotBefore and NotAfter bound the validity. Zero is an hour ago, and a year from
	// then on; with a seed it is 2020 to 2049.
	NotBefore, NotAfter time.Time

	KeyUsage    x509.KeyUsage      // 0 = what fits the key and IsCA
	NoKeyUsage  bool               // leave the extension out
	ExtKeyUsage []x509.ExtKeyUsage // nil = serverAuth and clientAuth, none for an authority

	IsCA                bool
	PathLen             int // of an authority; 0 = no limit, -1 = a limit of 0
	PermittedDNSDomains []string
	ExcludedDNSDomains  []string

	// Signature is the algorithm that the issuer signs with; 0 = what fits its key.
	// SHA-1 is possible, and so is MD5 with RSA.
	Signature x509.SignatureAlgorithm

	CRLDistributionPoints []string
	Extensions            []pkix.Extension
}

// Authority issues throwaway certificates. Its methods may be called from any goroutine.
type Authority struct {
	seed  []byte
	key   crypto.Signer
	kind  KeyKind
	cert  *x509.Certificate // this authority's own
	root  *x509.Certificate
	chain []*x509.Certificate // from this authority up to below the root
}

// Issued is a certificate with its key.
type Issued struct {
	Chain  [][]byte            // DER, leaf first, without the root
	Parsed []*x509.Certificate // Chain, with the keys that crypto/x509 does not read put in
	Root   []byte              // DER of the root; for a self-signed certificate the certificate itself
	Leaf   *x509.Certificate   // Parsed[0]
	Key    crypto.Signer

	kind KeyKind
}

// NewAuthority makes a root and the intermediates that o asks for; the Authority
// returned is the last of them, which issues the leaves.
func NewAuthority(o AuthorityOptions) (*Authority, error) {
	if o.Name == "" {
		o.Name = "s2ngo throwaway root"
	}
	self, err := SelfSigned(o.Seed, Template{
		CommonName: o.Name, Key: o.Key, IsCA: true, NotBefore: o.NotBefore, NotAfter: o.NotAfter,
	})
	if err != nil {
		return nil, err
	}
	a := &Authority{seed: o.Seed, key: self.Key, kind: o.Key, cert: self.Leaf, root: self.Leaf}
	for i := range o.Intermediates {
		a, err = a.Intermediate(Template{CommonName: fmt.Sprintf("s2ngo throwaway intermediate %d", i+1), Key: o.Key})
		if err != nil {
			return nil, err
		}
	}
	return a, nil
}

// Intermediate issues the certificate of an authority and returns that authority. t is
// taken as an authority whether it says IsCA or not.
func (a *Authority) Intermediate(t Template) (*Authority, error) {
	t.IsCA = true
	i, err := a.Issue(t)
	if err != nil {
		return nil, err
	}
	return &Authority{seed: a.seed, key: i.Key, kind: t.Key, cert: i.Leaf, root: a.root, chain: i.Parsed}, nil
}

// AuthorityOf lets the owner of i issue certificates, whether i allows it or not. The seed
// is that of AuthorityOptions.
func AuthorityOf(seed []byte, i *Issued) (*Authority, error) {
	root, err := x509.ParseCertificate(i.Root)
	if err != nil {
		return nil, fmt.Errorf("testpeer: root: %w", err)
	}
	return &Authority{seed: seed, key: i.Key, kind: i.kind, cert: i.Leaf, root: root, chain: i.Parsed}, nil
}

// Issue makes a certificate signed by a.
func (a *Authority) Issue(t Template) (*Issued, error) {
	key, err := t.key(a.seed, a.cert.Subject.CommonName)
	if err != nil {
		return nil, err
	}
	leaf, err := create(t, a.seed, a.cert, key, a.key, a.kind)
	if err != nil {
		return nil, err
	}
	i := &Issued{Root: a.root.Raw, Leaf: leaf, Key: key, kind: t.Key}
	i.Parsed = append([]*x509.Certificate{leaf}, a.chain...)
	for _, cert := range i.Parsed {
		i.Chain = append(i.Chain, cert.Raw)
	}
	return i, nil
}

// SelfSigned makes a certificate that is signed with its own key. The seed is that of
// AuthorityOptions.
func SelfSigned(seed []byte, t Template) (*Issued, error) {
	key, err := t.key(seed, "")
	if err != nil {
		return nil, err
	}
	leaf, err := create(t, seed, nil, key, key, t.Key)
	if err != nil {
		return nil, err
	}
	return &Issued{
		Chain: [][]byte{leaf.Raw}, Parsed: []*x509.Certificate{leaf}, Root: leaf.Raw, Leaf: leaf, Key: key, kind: t.Key,
	}, nil
}

// Root returns the root's certificate, which is shared: change nothing in it.
func (a *Authority) Root() *x509.Certificate { return a.root }

// Certificate returns the certificate of a itself, which is shared: change nothing in it.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Key returns the key that a signs with.
func (a *Authority) Key() crypto.Signer { return a.key }

// Pool returns a new pool that holds the root.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.root)
	return pool
}

func (t *Template) key(seed []byte, issuer string) (crypto.Signer, error) {
	if t.PrivateKey != nil {
		return t.PrivateKey, nil
	}
	return newKey(t.Key, seed, fmt.Sprintf("key %v %q %q %q %v", t.Key, issuer, t.name(), t.DNSNames, t.IPs))
}

func (t *Template) name() string {
	switch {
	case t.Nameless:
		return ""
	case t.CommonName != "":
		return t.CommonName
	case len(t.DNSNames) > 0:
		return t.DNSNames[0]
	case len(t.IPs) > 0:
		return t.IPs[0].String()
	}
	return "s2ngo throwaway leaf"
}
