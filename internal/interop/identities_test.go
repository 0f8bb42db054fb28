package interop

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// localhost is the name in most of the certificates.
const localhost = "localhost"

// certificates describes the tests' certificates by the names of their folders. Each is signed with a
// key of its own kind, by the one authority of that kind.
var certificates = map[string]testpeer.Template{
	"p256":        {Key: testpeer.KeyP256},
	"p384":        {Key: testpeer.KeyP384},
	"p521":        {Key: testpeer.KeyP521},
	"ed25519":     {Key: testpeer.KeyEd25519},
	"rsa":         {Key: testpeer.KeyRSA2048},
	"rsapss":      {Key: testpeer.KeyRSAPSS2048},
	"client":      {Key: testpeer.KeyP256, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}},
	"server":      {Key: testpeer.KeyP256, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}},
	"expired":     {Key: testpeer.KeyP256, NotAfter: time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)},
	"a.test":      {Key: testpeer.KeyP256, DNSNames: []string{"a.test"}},
	"b.test":      {Key: testpeer.KeyP256, DNSNames: []string{"b.test"}},
	"*.wild.test": {Key: testpeer.KeyRSA2048, DNSNames: []string{"*.wild.test"}},
}

// identitiesDir has a folder for each certificate, with ca.pem, cert.pem and key.pem, and a ca.pem of
// all authorities but that of "stranger". It is to be removed when the tests are over.
var identitiesDir string

var identities = sync.OnceValue(func() error {
	dir, err := os.MkdirTemp("", "s2ngo-identities-")
	if err != nil {
		return err
	}
	identitiesDir = dir
	authorities := map[testpeer.KeyKind]*testpeer.Authority{}
	var roots bytes.Buffer
	for name, template := range certificates {
		authority := authorities[template.Key]
		if authority == nil {
			authority, err = testpeer.NewAuthority(authorityOptions(template.Key, "test authority"))
			if err != nil {
				return err
			}
			authorities[template.Key] = authority
			roots.Write(authority.RootPEM())
		}
		if err := issue(authority, name, template); err != nil {
			return err
		}
	}
	stranger, err := testpeer.NewAuthority(authorityOptions(testpeer.KeyP256, "unknown authority"))
	if err != nil {
		return err
	}
	return errors.Join(
		issue(stranger, "stranger", testpeer.Template{Key: testpeer.KeyP256}),
		os.WriteFile(filepath.Join(dir, "ca.pem"), roots.Bytes(), 0o600))
})

// issue makes a certificate and its files.
func issue(authority *testpeer.Authority, name string, template testpeer.Template) error {
	if template.DNSNames == nil {
		template.DNSNames = []string{localhost}
	}
	template.CommonName = name
	issued, err := authority.Issue(template)
	if err != nil {
		return err
	}
	return issued.WriteFiles(filepath.Join(identitiesDir, name))
}

// identityDir returns the folder of all certificates.
func identityDir(t testing.TB) string {
	t.Helper()
	if err := identities(); err != nil {
		t.Fatalf("making certificates: %v", err)
	}
	return identitiesDir
}

// roots returns the file of the trusted authorities.
func roots(t testing.TB) string { return filepath.Join(identityDir(t), "ca.pem") }

// certFile and keyFile return the files of the certificate of that name.
func certFile(t testing.TB, name string) string {
	return filepath.Join(identityDir(t), name, "cert.pem")
}
func keyFile(t testing.TB, name string) string { return filepath.Join(identityDir(t), name, "key.pem") }

// with returns the options by which our programs take these certificates.
func with(t testing.TB, names ...string) (options []string) {
	for _, name := range names {
		options = append(options, "--cert", certFile(t, name), "--key", keyFile(t, name))
	}
	return options
}
