package cli

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/s2ngo/s2ngo/conn"
)

// LoadRoots reads the trusted certificates of a file and of all files in a folder; nil if
// both names are empty.
func LoadRoots(file, dir string) (*x509.CertPool, error) {
	if file == "" && dir == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if file != "" {
		n, err := addRoots(pool, file)
		if err == nil && n == 0 {
			err = errors.New("no certificate in PEM that can be read")
		}
		if err != nil {
			return nil, fmt.Errorf("--ca-file %s: %w", file, bare(err))
		}
	}
	if dir != "" {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("--ca-dir %s: %w", dir, bare(err))
		}
		found := 0
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
				continue
			}
			n, err := addRoots(pool, name)
			if err != nil {
				return nil, fmt.Errorf("--ca-dir %s: %w", dir, err)
			}
			found += n
		}
		if found == 0 {
			return nil, fmt.Errorf("--ca-dir %s: no file in it holds a certificate in PEM", dir)
		}
	}
	return pool, nil
}

// addRoots adds what can be read of a file in PEM, and returns how many certificates
// that is.
func addRoots(pool *x509.CertPool, name string) (int, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return 0, err
	}
	found := 0
	for {
		var block *pem.Block
		block, text = pem.Decode(text)
		if block == nil {
			return found, nil
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			continue
		}
		if cert.PublicKey == nil {
			// crypto/x509 does not read a key that is bound to RSASSA-PSS; this module does.
			if own, err := conn.NewCertificate([][]byte{block.Bytes}, nil); err == nil {
				cert = own.Leaf
			}
		}
		pool.AddCert(cert)
		found++
	}
}

// LoadOCSP reads a stapled response.
func LoadOCSP(name string) ([]byte, error) {
	der, err := os.ReadFile(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--ocsp %s: %w", name, bare(err))
	case len(der) == 0 || der[0] != 0x30:
		return nil, fmt.Errorf("--ocsp %s: not an OCSP response in DER", name)
	}
	return der, nil
}

// LoadSCTs reads a SignedCertificateTimestampList (RFC 6962, Section 3.3).
func LoadSCTs(name string) ([]byte, error) {
	list, err := os.ReadFile(name)
	switch {
	case err != nil:
		return nil, fmt.Errorf("--sct %s: %w", name, bare(err))
	case len(list) < 3 || len(list)-2 != int(list[0])<<8|int(list[1]):
		return nil, fmt.Errorf("--sct %s: not a SignedCertificateTimestampList, which begins with its length in two bytes", name)
	}
	return list, nil
}

// LoadDHParams reads a group for DHE suites, as "openssl dhparam" makes it.
func LoadDHParams(name string) (*conn.DHParams, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("--dh-params %s: %w", name, bare(err))
	}
	params, err := conn.ParseDHParams(text)
	if err != nil {
		return nil, fmt.Errorf("--dh-params %s: %w", name, err)
	}
	return params, nil
}

// bare takes the file's name, which the sentence has already, off an error.
func bare(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// OpenKeyLog opens a file to which key log lines are added.
func OpenKeyLog(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--key-log %s: %w", name, bare(err))
	}
	return f, nil
}
