package certs

import (
	"crypto/sha256"
	"crypto/x509"
	"runtime"
	"slices"
	"sync"
	"weak"
)

// cache shares parsed certificates among the connections that hold them: clients mostly
// see the same few servers. It keeps none alive.
var cache = parsedCache{certs: make(map[[sha256.Size]byte]weakCertificate)}

type weakCertificate = weak.Pointer[x509.Certificate]

type parsedCache struct {
	mu    sync.RWMutex
	certs map[[sha256.Size]byte]weakCertificate
}

// parse returns the certificate in der, of which it keeps nothing. The certificate is
// shared.
func (c *parsedCache) parse(der []byte) (*x509.Certificate, error) {
	sum := sha256.Sum256(der)
	c.mu.RLock()
	cert := c.certs[sum].Value()
	c.mu.RUnlock()
	if cert != nil {
		return cert, nil
	}
	cert, err := parse(slices.Clone(der))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.certs[sum].Value(); first != nil {
		return first, nil
	}
	c.certs[sum] = weak.Make(cert)
	runtime.AddCleanup(cert, c.forget, sum)
	return cert, nil
}

// forget drops an entry whose certificate is gone, unless it was parsed again meanwhile.
func (c *parsedCache) forget(sum [sha256.Size]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.certs[sum].Value() == nil {
		delete(c.certs, sum)
	}
}
