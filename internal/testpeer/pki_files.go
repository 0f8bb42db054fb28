package testpeer

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
)

// CertPEM returns the chain as PEM, leaf first, without the root.
func (i *Issued) CertPEM() []byte {
	var text []byte
	for _, der := range i.Chain {
		text = append(text, certPEM(der)...)
	}
	return text
}

// RootPEM returns the root as PEM.
func (i *Issued) RootPEM() []byte { return certPEM(i.Root) }

// KeyPEM returns the private key as PEM of PKCS#8.
func (i *Issued) KeyPEM() ([]byte, error) {
	der, err := marshalKey(i.Key, i.kind)
	if err != nil {
		return nil, fmt.Errorf("testpeer: private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// RootPEM returns the root as PEM.
func (a *Authority) RootPEM() []byte { return certPEM(a.root.Raw) }

// WriteFiles writes ca.pem, cert.pem and key.pem into the folder dir, which it makes if
// there is none. The key is readable by its owner only.
func (i *Issued) WriteFiles(dir string) error {
	key, err := i.KeyPEM()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("testpeer: %w", err)
	}
	for _, f := range []struct {
		name string
		text []byte
		mode os.FileMode
	}{
		{"ca.pem", i.RootPEM(), 0o644},
		{"cert.pem", i.CertPEM(), 0o644},
		{"key.pem", key, 0o600},
	} {
		if err := os.WriteFile(filepath.Join(dir, f.name), f.text, f.mode); err != nil {
			return fmt.Errorf("testpeer: %w", err)
		}
	}
	return nil
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
