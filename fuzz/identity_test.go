package fuzz

import (
	"crypto/ed25519"
	"crypto/x509"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// today is the clock of all targets.
func today() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }

// identity is who there is: a server and a client of one authority, the same in every run.
type identity struct {
	roots       *x509.CertPool
	servers     []*certs.Certificate // with keys of Ed25519, P-256 and RSA
	client      *certs.Certificate
	serverStore *certs.Store
	clientStore *certs.Store
	revocations []*x509.RevocationList // of nobody
}

// identities are made of keys that sign fast: RSA has no more bits than it must.
var identities = sync.OnceValues(func() (*identity, error) {
	a, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Key: testpeer.KeyEd25519, Seed: []byte("fuzz")})
	if err != nil {
		return nil, err
	}
	id := &identity{roots: a.Pool()}
	issue := func(kind testpeer.KeyKind, name string) (c *certs.Certificate) {
		if err != nil {
			return nil
		}
		var i *testpeer.Issued
		if i, err = a.Issue(testpeer.Template{Key: kind, DNSNames: []string{name}}); err == nil {
			c, err = certs.New(i.Chain, i.Key)
		}
		return c
	}
	for _, kind := range []testpeer.KeyKind{testpeer.KeyEd25519, testpeer.KeyP256, testpeer.KeyRSA1024} {
		id.servers = append(id.servers, issue(kind, "localhost"))
	}
	id.client = issue(testpeer.KeyEd25519, "client")
	if err != nil {
		return nil, err
	}
	if id.serverStore, err = certs.NewStore(id.servers, certs.StoreOptions{}); err != nil {
		return nil, err
	}
	if id.clientStore, err = certs.NewStore([]*certs.Certificate{id.client}, certs.StoreOptions{}); err != nil {
		return nil, err
	}
	list, err := a.CRL(today().AddDate(0, -1, 0), today().AddDate(0, 1, 0), nil)
	id.revocations = []*x509.RevocationList{list}
	return id, err
})

func theIdentities(t *testing.T) *identity {
	id, err := identities()
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// fakeSignature has the shape of one by Ed25519, and nothing else.
var fakeSignature = make([]byte, ed25519.SignatureSize)
