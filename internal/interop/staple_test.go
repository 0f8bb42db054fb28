//go:build unix

package interop

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ocsp"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// stapleFile writes the OCSP response that the authority of a certificate gives about it.
func stapleFile(t testing.TB, name string, status int) string {
	t.Helper()
	text, err := os.ReadFile(certFile(t, name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	response, err := authorityFor(t, certificates[name].Key).OCSP(leaf, testpeer.Status{Status: status})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "staple.der")
	if err := os.WriteFile(file, response, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// summary runs s2ngo-client for what it tells people.
func summary(t testing.TB, port int, options ...string) Result {
	t.Helper()
	_, program := Binaries(t)
	got := Run(t, program, slices.DeleteFunc(clientLine(t, port, options), func(option string) bool { return option == "--json" })...)
	expectSound(t, got.Stderr)
	return got
}

// expectStaple checks that our client, told to ask, has a response that it takes.
func expectStaple(t testing.TB, port int, options ...string) {
	t.Helper()
	if got := summary(t, port, append(options, "--status")...); got.Code != 0 || !strings.Contains(got.Stdout, "a response of") {
		t.Errorf("s2ngo-client ended with %d and no response:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
	if got := summary(t, port, options...); got.Code != 0 || strings.Contains(got.Stdout, "a response of") {
		t.Errorf("s2ngo-client ended with %d, and perhaps a response that it did not ask for:\n%s%s", got.Code, got.Stdout, got.Stderr)
	}
}

// expectRefusal checks that our client refuses a response that says revoked, if it asks for one.
func expectRefusal(t testing.TB, port int, options ...string) {
	t.Helper()
	got := connect(t, port, "", append(options, "--status")...)
	if got.Code != 1 || got.Alert != "bad_certificate_status_response" || !got.AlertSent || !strings.Contains(got.Error, "revoked") {
		t.Errorf("s2ngo-client ended with %d, %q and the alert %q", got.Code, got.Error, got.Alert)
	}
	if got := connect(t, port, "", options...); got.Code != 0 {
		t.Errorf("s2ngo-client, which does not ask, ended with %d: %s", got.Code, got.Error)
	}
}

// TestOpenSSLStaple has a server send an OCSP response with its certificate.
func TestOpenSSLStaple(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	good, revoked := stapleFile(t, "server", ocsp.Good), stapleFile(t, "server", ocsp.Revoked)
	for _, version := range versions {
		t.Run(version.name+" to s_client", func(t *testing.T) {
			ours := serve(t, append(with(t, "server"), "--https", "--ocsp", good)...)
			line := slices.DeleteFunc(sClientLine(t, ours.port, []string{"-ign_eof", "-status", version.openssl}),
				func(option string) bool { return option == "-brief" })
			got := runWith(t, request, Peer(t, "openssl"), line...)
			expectPage(t, got)
			if !strings.Contains(got.Stdout, "Cert Status: good") {
				t.Errorf("s_client has no response: %s", got.Stdout)
			}
			ours.next().expect(t, report{Version: version.name})
		})
		t.Run(version.name+" from s_server", func(t *testing.T) {
			_, port := sServer(t, "server", version.openssl, "-status_file", good)
			expectStaple(t, port)
		})
		t.Run(version.name+" revoked, from s_server", func(t *testing.T) {
			_, port := sServer(t, "server", version.openssl, "-status_file", revoked)
			expectRefusal(t, port)
		})
	}
}

// TestGnuTLSStaple has a server send an OCSP response with its certificate. gnutls-cli verifies it.
func TestGnuTLSStaple(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	good, revoked := stapleFile(t, "server", ocsp.Good), stapleFile(t, "server", ocsp.Revoked)
	for _, version := range gnutlsVersions {
		t.Run(version.name+" to gnutls-cli", func(t *testing.T) {
			ours := serve(t, append(with(t, "server"), "--https", "--ocsp", good)...)
			saved := filepath.Join(t.TempDir(), "saved.der")
			expectPage(t, gnutlsGet(t, ours.port, priority(version.gnutls), "--save-ocsp", saved))
			ours.next().expect(t, report{Version: version.name})
			want, err := os.ReadFile(good)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(saved); err != nil || string(got) != string(want) {
				t.Errorf("gnutls-cli has a response of %d bytes, want %d: %v", len(got), len(want), err)
			}
		})
		t.Run(version.name+" revoked, to gnutls-cli", func(t *testing.T) {
			ours := serve(t, append(with(t, "server"), "--https", "--ocsp", revoked)...)
			if got := gnutlsGet(t, ours.port, priority(version.gnutls)); got.Code == 0 || !strings.Contains(got.Stdout+got.Stderr, "revoked") {
				t.Errorf("gnutls-cli ended with %d:\n%s%s", got.Code, got.Stdout, got.Stderr)
			}
		})
		t.Run(version.name+" from gnutls-serv", func(t *testing.T) {
			expectStaple(t, gnutlsServ(t, "server", priority(version.gnutls), "--disable-client-cert", "--ocsp-response", good, "--ignore-ocsp-response-errors"))
		})
		t.Run(version.name+" revoked, from gnutls-serv", func(t *testing.T) {
			expectRefusal(t, gnutlsServ(t, "server", priority(version.gnutls), "--disable-client-cert", "--ocsp-response", revoked, "--ignore-ocsp-response-errors"))
		})
	}
}
