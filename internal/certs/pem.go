package certs

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// LoadFiles reads a chain and its key from files of PEM, which may be one and the same; see
// ParsePEM.
func LoadFiles(certFile, keyFile string) (*Certificate, error) {
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("certs: certificate file: %w", err)
	}
	keyPEM, err := os.ReadFile(keyFile)
	if err != nil {
		return nil, fmt.Errorf("certs: key file: %w", err)
	}
	defer clear(keyPEM)
	c, err := ParsePEM(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", certFile, keyFile, err)
	}
	return c, nil
}

// ParsePEM reads a chain, leaf first, and its key: PKCS#8 (PRIVATE KEY), PKCS#1 (RSA PRIVATE
// KEY) or SEC 1 (EC PRIVATE KEY). Blocks of other types are passed over, so that both
// arguments may be one file's text. The errors are New's, and ErrEncryptedKey.
func ParsePEM(certPEM, keyPEM []byte) (*Certificate, error) {
	chain, err := parseChainPEM(certPEM)
	if err != nil {
		return nil, err
	}
	key, err := parseKeyPEM(keyPEM)
	if err != nil {
		return nil, err
	}
	return New(chain, key)
}

// ParsePublicPEM reads a chain, leaf first, whose private key is elsewhere: the application
// or a token answers each operation with it.
func ParsePublicPEM(certPEM []byte) (*Certificate, error) {
	chain, err := parseChainPEM(certPEM)
	if err != nil {
		return nil, err
	}
	return New(chain, nil)
}

// ParseRoots reads the certificates of a trust store from PEM, ready for
// x509.CertPool.AddCert; unlike x509.CertPool.AppendCertsFromPEM it takes keys that are bound
// to RSASSA-PSS. It returns all that it could read, and an error that names the rest, so
// that the caller decides whether a partial store is one.
func ParseRoots(text []byte) ([]*x509.Certificate, error) {
	var roots []*x509.Certificate
	var wrong []error
	found := 0
	for block := range blocks(text) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		found++
		cert, err := parse(block.Bytes)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("certs: trusted certificate %d: %w", found, err))
			continue
		}
		roots = append(roots, cert)
	}
	if found == 0 {
		return nil, noBlock("certificate", text)
	}
	return roots, errors.Join(wrong...)
}

func parseChainPEM(text []byte) ([][]byte, error) {
	var chain [][]byte
	for block := range blocks(text) {
		if block.Type == "CERTIFICATE" {
			chain = append(chain, block.Bytes)
		}
	}
	if len(chain) == 0 {
		return nil, noBlock("certificate", text)
	}
	return chain, nil
}

func parseKeyPEM(text []byte) (crypto.PrivateKey, error) {
	for block := range blocks(text) {
		if !strings.HasSuffix(block.Type, "PRIVATE KEY") {
			continue
		}
		defer clear(block.Bytes)
		if block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
			return nil, fmt.Errorf("certs: %w with a passphrase: decrypt it first", ErrEncryptedKey)
		}
		key, err := parseKey(block)
		if err != nil {
			return nil, fmt.Errorf("certs: %s: %w", block.Type, err)
		}
		return key, nil
	}
	return nil, noBlock("private key", text)
}

func parseKey(block *pem.Block) (crypto.PrivateKey, error) {
	switch block.Type {
	case "PRIVATE KEY":
		if key, err := pssPrivateKey(block.Bytes); key != nil || err != nil {
			return key, err
		}
		return x509.ParsePKCS8PrivateKey(block.Bytes)
	case "RSA PRIVATE KEY":
		return x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		return x509.ParseECPrivateKey(block.Bytes)
	}
	return nil, errors.New("unknown form of a private key")
}

// blocks goes through the PEM blocks of text.
func blocks(text []byte) func(yield func(*pem.Block) bool) {
	return func(yield func(*pem.Block) bool) {
		for {
			var block *pem.Block
			block, text = pem.Decode(text)
			if block == nil || !yield(block) {
				return
			}
		}
	}
}

// noBlock says that text has no block of the kind that was looked for, and what it has
// instead.
func noBlock(want string, text []byte) error {
	var types []string
	for block := range blocks(text) {
		if !slices.Contains(types, block.Type) {
			types = append(types, block.Type)
		}
	}
	switch {
	case len(types) > 0:
		return fmt.Errorf("certs: no %s in the PEM, which holds %s", want, strings.Join(types, ", "))
	case len(bytes.TrimSpace(text)) == 0:
		return fmt.Errorf("certs: no %s: the PEM is empty", want)
	case text[0] == 0x30:
		return fmt.Errorf("certs: no %s: this is not PEM but DER", want)
	}
	return fmt.Errorf("certs: no %s: this is not PEM", want)
}
