//go:build unix

package interop

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// keyBag puts a certificate and its key into a file of PKCS #12 with the password "secret".
func keyBag(t testing.TB, name string) string {
	t.Helper()
	bag := filepath.Join(t.TempDir(), name+".p12")
	if got := Run(t, Peer(t, "openssl"), "pkcs12", "-export", "-in", certFile(t, name), "-inkey", keyFile(t, name),
		"-name", name, "-out", bag, "-passout", "pass:secret"); got.Code != 0 {
		t.Fatal(got.Stderr)
	}
	return bag
}

// startJava compiles and starts the peer, which goes on for as long as it has input.
func startJava(t testing.TB) *Process {
	t.Helper()
	dir := t.TempDir()
	if got := Run(t, Peer(t, "javac"), "-d", dir, "testdata/Peer.java"); got.Code != 0 {
		t.Fatal(got.Stderr)
	}
	return Start(t, Peer(t, "java"), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", dir, "Peer", roots(t))
}

// TestJava has JSSE on the other side, with client certificates both ways.
func TestJava(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	java := startJava(t)
	bags := map[string]string{}
	for _, name := range []string{"client", "p256", "p384", "rsa", "ed25519"} {
		bags[name] = keyBag(t, name)
	}
	for i, test := range []struct{ version, suite, identity string }{
		{"TLSv1.3", "TLS_AES_128_GCM_SHA256", "p256"},
		{"TLSv1.3", "TLS_AES_256_GCM_SHA384", "p384"},
		{"TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", "rsa"},
		{"TLSv1.3", "TLS_AES_128_GCM_SHA256", "ed25519"},
		{"TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "p256"},
		{"TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ed25519"},
		{"TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "rsa"},
		{"TLSv1.2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "rsa"},
		{"TLSv1.2", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "rsa"},
		{"TLSv1.2", "TLS_RSA_WITH_AES_256_CBC_SHA256", "rsa"},
	} {
		want := report{Version: test.version, CipherSuite: test.suite, ClientAuth: true}
		options := ourSchemes
		if test.version == "TLSv1.2" {
			options = append([]string{"--ciphers", policyWith(t, test.suite)}, ourSchemes...)
		} else {
			options = append([]string{"--ciphers", "20200207"}, ourSchemes...)
		}
		name := strings.Join([]string{test.version, test.suite, test.identity}, " ")
		t.Run(name+" from JSSE", func(t *testing.T) {
			ours := serve(t, append(append(with(t, test.identity), options...), "--https", "--mutual-auth", "--ca-file", roots(t))...)
			java.Write(fmt.Sprintf("get c%d %d %s %s %s\n", i, ours.port, test.version, test.suite, bags["client"]))
			got := java.WaitFor(fmt.Sprintf(`(?m)^c%d (done|failed): (.*)$`, i), prompt)
			if !strings.HasPrefix(got[2], test.version) || !strings.Contains(got[2], page) {
				t.Errorf("JSSE %s: %s", got[1], got[2])
			}
			ours.next().expect(t, want)
		})
		t.Run(name+" to JSSE", func(t *testing.T) {
			port := FreePort(t)
			java.Write(fmt.Sprintf("serve s%d %d %s %s %s\n", i, port, test.version, test.suite, bags[test.identity]))
			if got := java.WaitFor(fmt.Sprintf(`(?m)^s%d (.*)$`, i), prompt)[1]; got != "serves" {
				t.Fatal(got)
			}
			got := connect(t, port, greeting, append(append(with(t, "client"), options...), "--echo")...)
			expectEcho(t, got)
			got.expect(t, want)
		})
	}
}
