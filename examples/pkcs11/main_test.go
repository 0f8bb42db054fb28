//go:build unix && cgo

package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/interop"
	"github.com/s2ngo/s2ngo/pkcs11"
)

// TestServe has clients read what the server sends by keys of each kind.
func TestServe(t *testing.T) {
	interop.SkipUnderRace(t)
	tok := interop.SoftHSM(t, "p256", "rsa2048")
	tok.Setenv(t)
	roots := x509.NewCertPool()
	text, err := os.ReadFile(tok.CAFile)
	if err != nil || !roots.AppendCertsFromPEM(text) {
		t.Fatalf("the roots: %v", err)
	}
	for name, want := range map[string]string{
		"p256":    "signed in a token by ecdsa_secp256r1_sha256\n",
		"rsa2048": "signed in a token by rsa_pss_rsae_sha256\n",
	} {
		token, err := pkcs11.Open(pkcs11.Config{Module: tok.Module, URI: tok.URI(name) + "?pin-source=" + tok.PINFile})
		if err != nil {
			t.Fatal(err)
		}
		cfg, err := configure(token, tok.Keys[name].CertFile)
		if err != nil {
			t.Fatal(err)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- serve(listener, cfg) }()
		var clients sync.WaitGroup
		for range 8 {
			clients.Go(func() {
				dialer := &net.Dialer{Timeout: 20 * time.Second}
				c, err := tls.DialWithDialer(dialer, "tcp", listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: "localhost"})
				if err != nil {
					t.Error(err)
					return
				}
				defer c.Close()
				if got, err := io.ReadAll(c); err != nil || string(got) != want {
					t.Errorf("the server sends %q, %v", got, err)
				}
			})
		}
		clients.Wait()
		listener.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := token.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestRun says what is wrong.
func TestRun(t *testing.T) {
	if err := run("/nonesuch.so", "pkcs11:", "", "", "127.0.0.1:0"); err == nil {
		t.Error("the server runs without a module")
	}
}
