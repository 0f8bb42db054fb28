package certs

import (
	"crypto/x509"
	"runtime"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

func TestCacheSharesAndForgets(t *testing.T) {
	authority, err := testpeer.NewAuthority(testpeer.AuthorityOptions{})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := authority.Issue(testpeer.Template{DNSNames: []string{"cache.test"}})
	if err != nil {
		t.Fatal(err)
	}
	c := parsedCache{certs: make(map[[32]byte]weakCertificate)}
	der := append([]byte(nil), issued.Chain[0]...)
	first, err := c.parse(der)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.parse(der)
	if err != nil || second != first {
		t.Fatalf("parsed twice: %v", err)
	}
	clear(der) // the caller's again
	if err := first.VerifyHostname("cache.test"); err != nil {
		t.Error("the certificate lends its caller's bytes:", err)
	}
	if _, err := x509.ParseCertificate(first.Raw); err != nil {
		t.Error(err)
	}
	if _, err := c.parse(der); err == nil {
		t.Error("zeros were parsed")
	}
	if len(c.certs) != 1 {
		t.Errorf("%d entries", len(c.certs))
	}
	runtime.KeepAlive(first)
	first, second = nil, nil
	for deadline := time.Now().Add(5 * time.Second); ; {
		runtime.GC()
		c.mu.RLock()
		n := len(c.certs)
		c.mu.RUnlock()
		if n == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d entries are left of a certificate that nobody holds", n)
		}
		time.Sleep(time.Millisecond)
	}
}
