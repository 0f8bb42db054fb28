//go:build unix

package interop

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// compile compiles a peer of testdata that uses a library, which is listed by that name, and returns
// the program.
func compile(t testing.TB, library string, link ...string) string {
	t.Helper()
	Peer(t, library)
	program := filepath.Join(t.TempDir(), library)
	source := filepath.Join("testdata", library+"_peer.c")
	if got := Run(t, Peer(t, "gcc"), append([]string{"-Wall", "-o", program, source}, link...)...); got.Code != 0 {
		t.Fatalf("gcc: %s", got.Stderr)
	}
	return program
}

// authorityFile returns the file of the authority of a certificate.
func authorityFile(t testing.TB, name string) string {
	return filepath.Join(identityDir(t), name, "ca.pem")
}

// TestMbedTLS has each suite of TLS 1.2 with mbedTLS 2.28, and client certificates both ways.
func TestMbedTLS(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	program := compile(t, "mbedtls", "-lmbedtls", "-lmbedx509", "-lmbedcrypto")
	curves := []string{"secp256r1", "secp384r1", "secp521r1", "x25519"}
	for i, suite := range suites12 {
		curve := curves[i%len(curves)]
		identity := identityFor(suite[0])
		theirName := strings.ReplaceAll(suite[0], "_", "-")
		ciphers := []string{"--ciphers", policyWith(t, suite[0])}
		want := report{Version: "TLSv1.2", CipherSuite: suite[0], ClientAuth: true}
		if strings.Contains(suite[0], "ECDHE") {
			want.Group = curve
		}
		t.Run(suite[0]+" "+curve+" from mbedTLS", func(t *testing.T) {
			ours := serve(t, append(append(with(t, identity), ciphers...), "--https", "--mutual-auth", "--ca-file", roots(t),
				"--groups", "x25519,secp521r1,secp384r1,secp256r1")...)
			expectPage(t, Run(t, program, "get", strconv.Itoa(ours.port), authorityFile(t, identity), theirName, curve,
				certFile(t, "client"), keyFile(t, "client")))
			ours.next().expect(t, want)
		})
		t.Run(suite[0]+" "+curve+" to mbedTLS", func(t *testing.T) {
			port := FreePort(t)
			Start(t, program, "serve", strconv.Itoa(port), certFile(t, identity), keyFile(t, identity), theirName, curve,
				authorityFile(t, "client")).WaitListening(port, prompt)
			got := connect(t, port, greeting, append(append(with(t, "client"), ciphers...), "--echo",
				"--groups", withCurve(curve, "secp256r1", ","))...)
			expectEcho(t, got)
			got.expect(t, want)
		})
	}
}

// TestWolfSSL has both versions with wolfSSL, which Debian builds without static RSA, and client
// certificates both ways: its server wants those of the same kind as its own.
func TestWolfSSL(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	program := compile(t, "wolfssl", "-lwolfssl")
	for _, test := range []struct{ version, suite, theirs, group, number string }{
		{"TLSv1.3", "TLS_AES_128_GCM_SHA256", "TLS13-AES128-GCM-SHA256", "secp256r1", "23"},
		{"TLSv1.3", "TLS_AES_256_GCM_SHA384", "TLS13-AES256-GCM-SHA384", "secp384r1", "24"},
		{"TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", "TLS13-CHACHA20-POLY1305-SHA256", "secp521r1", "25"},
		{"TLSv1.3", "TLS_AES_128_GCM_SHA256", "TLS13-AES128-GCM-SHA256", "x25519", "29"},
		{"TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256", "secp256r1", "23"},
		{"TLSv1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384", "x25519", "29"},
		{"TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "secp384r1", "24"},
		{"TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA", "secp521r1", "25"},
		{"TLSv1.2", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305", "x25519", "29"},
		{"TLSv1.2", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "DHE-RSA-AES128-GCM-SHA256", "", "23"},
	} {
		identity := identityFor(test.suite)
		want := report{Version: test.version, CipherSuite: test.suite, ClientAuth: true, Group: test.group}
		version := strings.TrimPrefix(test.version, "TLSv1.")
		ciphers := []string{"--ciphers", "20200207"}
		if test.version == "TLSv1.2" {
			ciphers[1] = policyWith(t, test.suite)
		}
		name := strings.Join([]string{test.version, test.suite, test.group}, " ")
		t.Run(name+" from wolfSSL", func(t *testing.T) {
			ours := serve(t, append(append(with(t, identity), ciphers...), "--https", "--mutual-auth", "--ca-file", roots(t),
				"--groups", "x25519,secp521r1,secp384r1,secp256r1")...)
			expectPage(t, Run(t, program, "get", strconv.Itoa(ours.port), authorityFile(t, identity), version, test.theirs,
				test.number, certFile(t, identity), keyFile(t, identity)))
			ours.next().expect(t, want)
		})
		t.Run(name+" to wolfSSL", func(t *testing.T) {
			port := FreePort(t)
			Start(t, program, "serve", strconv.Itoa(port), certFile(t, identity), keyFile(t, identity), version, test.theirs,
				test.number, authorityFile(t, identity)).WaitListening(port, prompt)
			options := append(append(with(t, identity), ciphers...), "--echo")
			switch {
			case test.group != "" && identity == "p256":
				options = append(options, "--groups", withCurve(test.group, "secp256r1", ","))
			case test.group != "":
				options = append(options, "--groups", test.group)
			}
			got := connect(t, port, greeting, options...)
			expectEcho(t, got)
			got.expect(t, want)
		})
	}
}
