//go:build unix

package interop

import (
	"slices"
	"strings"
	"testing"
)

// groups are the groups that openssl 3.0 and we both have, by its name and by ours.
var groups = [][2]string{
	{"X25519", "x25519"}, {"P-256", "secp256r1"}, {"P-384", "secp384r1"}, {"P-521", "secp521r1"},
}

// ourGroups is the option that lets us have all of them.
var ourGroups = []string{"--groups", "x25519,secp256r1,secp384r1,secp521r1"}

func TestOpenSSLGroups(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	// Not with ECDSA: TLS 1.2 has its curve among the groups of the client.
	ours := serve(t, slices.Concat(with(t, "rsa"), ourGroups, []string{"--https"})...)
	_, theirs := sServer(t, "rsa")
	for _, version := range versions {
		for _, group := range groups {
			want := report{Version: version.name, Group: group[1]}
			t.Run(version.name+" "+group[0]+" from s_client", func(t *testing.T) {
				got := sClient(t, ours.port, request, version.openssl, "-groups", group[0])
				expectPage(t, got)
				ours.next().expect(t, want)
			})
			t.Run(version.name+" "+group[0]+" to s_server", func(t *testing.T) {
				options := []string{"--echo", "--groups", group[1], "--ciphers", version.policy}
				got := connect(t, theirs, greeting, options...)
				expectReversed(t, got)
				got.expect(t, want)
			})
		}
	}
}

// schemes are the signature schemes that openssl 3.0 and we both have, with a certificate for each.
var schemes = []struct {
	name, identity string
	tls13          bool // TLS 1.2 has them all
}{
	{"ecdsa_secp256r1_sha256", "p256", true},
	{"ecdsa_secp384r1_sha384", "p384", true},
	{"ecdsa_secp521r1_sha512", "p521", true},
	{"rsa_pss_rsae_sha256", "rsa", true},
	{"rsa_pss_rsae_sha384", "rsa", true},
	{"rsa_pss_rsae_sha512", "rsa", true},
	{"rsa_pss_pss_sha256", "rsapss", true},
	{"rsa_pss_pss_sha384", "rsapss", true},
	{"rsa_pss_pss_sha512", "rsapss", true},
	{"ed25519", "ed25519", true},
	{"rsa_pkcs1_sha256", "rsa", false},
	{"rsa_pkcs1_sha384", "rsa", false},
	{"rsa_pkcs1_sha512", "rsa", false},
}

// ourSchemes is the option that lets us have all of them.
var ourSchemes = func() []string {
	var names []string
	for _, scheme := range schemes {
		names = append(names, scheme.name)
	}
	return []string{"--schemes", strings.Join(names, ",")}
}()

// TestOpenSSLSchemes has a server sign with each scheme, and a client too.
func TestOpenSSLSchemes(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range versions {
		for _, scheme := range schemes {
			if version.name == "TLSv1.3" && !scheme.tls13 {
				continue
			}
			theirKey := []string{"-cert", certFile(t, scheme.identity), "-key", keyFile(t, scheme.identity)}
			t.Run(version.name+" "+scheme.name+" with s_client", func(t *testing.T) {
				ours := serve(t, slices.Concat(with(t, scheme.identity), ourSchemes,
					[]string{"--https", "--mutual-auth", "--ca-file", roots(t)})...)
				got := sClient(t, ours.port, request, append(theirKey, version.openssl, "-sigalgs", scheme.name,
					"-client_sigalgs", scheme.name)...)
				expectPage(t, got)
				ours.next().expect(t, report{Version: version.name, SignatureScheme: scheme.name,
					PeerSignatureScheme: scheme.name, ClientAuth: true})
			})
			t.Run(version.name+" "+scheme.name+" with s_server", func(t *testing.T) {
				_, theirs := sServer(t, scheme.identity, version.openssl, "-Verify", "1", "-verify_return_error")
				got := connect(t, theirs, greeting, append(with(t, scheme.identity), "--echo", "--schemes", scheme.name)...)
				expectReversed(t, got)
				got.expect(t, report{Version: version.name, SignatureScheme: scheme.name,
					PeerSignatureScheme: scheme.name, ClientAuth: true})
			})
		}
	}
}

// TestOpenSSLHelloRetry has the client guess the wrong group first.
func TestOpenSSLHelloRetry(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, guess := range groups {
		for _, agreed := range groups {
			if guess == agreed {
				continue
			}
			want := report{Version: "TLSv1.3", Group: agreed[1], HelloRetry: true}
			t.Run(guess[0]+" instead of "+agreed[0]+" from s_client", func(t *testing.T) {
				ours := serve(t, append(with(t, "p256"), "--https", "--groups", agreed[1])...)
				expectPage(t, sClient(t, ours.port, request, "-groups", guess[0]+":"+agreed[0]))
				ours.next().expect(t, want)
			})
			t.Run(guess[0]+" instead of "+agreed[0]+" to s_server", func(t *testing.T) {
				_, theirs := sServer(t, "p256", "-groups", agreed[0])
				got := connect(t, theirs, greeting, "--echo", "--groups", guess[1]+","+agreed[1])
				expectReversed(t, got)
				got.expect(t, want)
			})
		}
	}
}

// TestOpenSSLSuites13 has each cipher suite of TLS 1.3.
func TestOpenSSLSuites13(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	ours := serve(t, append(with(t, "p256"), "--https", "--ciphers", "default_tls13")...)
	for _, suite := range []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"} {
		want := report{Version: "TLSv1.3", CipherSuite: suite}
		t.Run(suite+" from s_client", func(t *testing.T) {
			expectPage(t, sClient(t, ours.port, request, "-ciphersuites", suite))
			ours.next().expect(t, want)
		})
		t.Run(suite+" to s_server", func(t *testing.T) {
			_, theirs := sServer(t, "p256", "-ciphersuites", suite)
			got := connect(t, theirs, greeting, "--echo")
			expectReversed(t, got)
			got.expect(t, want)
		})
	}
}
