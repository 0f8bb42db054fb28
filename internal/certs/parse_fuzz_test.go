package certs_test

import (
	"bytes"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
)

func FuzzParseChain(f *testing.F) {
	files, err := filepath.Glob("testdata/*-cert.pem")
	if err != nil || len(files) == 0 {
		f.Fatalf("no certificates to begin with: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		block, _ := pem.Decode(text)
		f.Add(block.Bytes)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		chain, err := certs.ParseChain([][]byte{der}, 1)
		if err != nil {
			return
		}
		leaf := chain[0]
		if !bytes.Equal(leaf.Raw, der) {
			t.Error("the certificate is not what was parsed")
		}
		if certs.KeyTypeOf(leaf) == certs.KeyRSAPSS && leaf.PublicKey == nil {
			t.Error("an RSA-PSS key was left out")
		}
		if c, err := certs.New([][]byte{der}, nil); err == nil {
			c.CanSign(iana.RSAPSSPSSSHA256, iana.TLS13)
			if s, err := certs.NewStore([]*certs.Certificate{c}, certs.StoreOptions{}); err != nil || len(c.Chain) != 1 {
				t.Errorf("store %v, %v", s, err)
			}
		}
	})
}

func FuzzParsePEM(f *testing.F) {
	files, err := filepath.Glob("testdata/*.pem")
	if err != nil || len(files) == 0 {
		f.Fatalf("no files to begin with: %v", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		if c, err := certs.ParsePEM(text, text); err == nil && (c.Leaf == nil || c.PrivateKey == nil) {
			t.Error("a certificate without a leaf or a key")
		}
		if roots, err := certs.ParseRoots(text); err == nil && len(roots) == 0 {
			t.Error("no roots and no error")
		}
		if !bytes.Equal(text, before) {
			t.Error("the text was changed")
		}
	})
}
