//go:build unix

package interop

import (
	"slices"
	"strings"
	"testing"
)

func TestOpenSSLClientAuth(t *testing.T) {
	t.Parallel()
	for _, version := range versions {
		for _, test := range []struct {
			name, mode, theirMode string
			identity              string
			asked                 bool
		}{
			{"a certificate that is required", "--mutual-auth", "-Verify", "client", true},
			{"a certificate that is optional", "--optional-auth", "-verify", "client", true},
			{"no certificate where it is optional", "--optional-auth", "-verify", "", false},
			{"a certificate that nobody asks for", "", "", "client", false},
		} {
			want := report{Version: version.name, ClientAuth: test.asked}
			t.Run(version.name+" "+test.name+" from s_client", func(t *testing.T) {
				options := append(with(t, "p256"), "--https")
				if test.mode != "" {
					options = append(options, test.mode, "--ca-file", roots(t))
				}
				ours := serve(t, options...)
				line := []string{version.openssl}
				if test.identity != "" {
					line = append(line, "-cert", certFile(t, test.identity), "-key", keyFile(t, test.identity))
				}
				expectPage(t, sClient(t, ours.port, request, line...))
				ours.next().expect(t, want)
			})
			t.Run(version.name+" "+test.name+" to s_server", func(t *testing.T) {
				line := []string{version.openssl}
				if test.theirMode != "" {
					line = append(line, test.theirMode, "1", "-verify_return_error")
				}
				theirs, port := sServer(t, "p256", line...)
				options := []string{"--echo"}
				if test.identity != "" {
					options = append(options, with(t, test.identity)...)
				}
				got := connect(t, port, greeting, options...)
				expectReversed(t, got)
				got.expect(t, want)
				theirs.WaitFor("CONNECTION CLOSED", prompt)
				if seen := strings.Contains(theirs.Stderr(), "Peer certificate: CN = client"); seen != test.asked {
					t.Errorf("s_server has seen a certificate: %v, want %v", seen, test.asked)
				}
			})
		}
	}
}

func TestOpenSSLALPN(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range versions {
		for _, test := range []struct{ name, client, server, want string }{
			{"the server's order counts", "h2,http/1.1", "http/1.1,h2", "http/1.1"},
			{"one protocol in common", "spdy/3,h2", "h2,http/1.1", "h2"},
			{"a client without protocols", "", "h2", ""},
		} {
			want := report{Version: version.name, ALPN: test.want}
			t.Run(version.name+" "+test.name+", s_client", func(t *testing.T) {
				ours := serve(t, append(with(t, "p256"), "--https", "--alpn", test.server)...)
				options := []string{version.openssl}
				if test.client != "" {
					options = append(options, "-alpn", test.client)
				}
				expectPage(t, sClient(t, ours.port, request, options...))
				got := ours.next()
				if got.expect(t, want); got.ALPN != test.want {
					t.Errorf("the protocol is %q, want %q", got.ALPN, test.want)
				}
			})
			t.Run(version.name+" "+test.name+", s_server", func(t *testing.T) {
				_, port := sServer(t, "p256", version.openssl, "-alpn", test.server)
				options := []string{"--echo"}
				if test.client != "" {
					options = append(options, "--alpn", test.client)
				}
				got := connect(t, port, greeting, options...)
				expectReversed(t, got)
				if got.expect(t, want); got.ALPN != test.want {
					t.Errorf("the protocol is %q, want %q", got.ALPN, test.want)
				}
			})
		}
	}
}

// TestOpenSSLServerName has a server choose among its certificates by the name.
func TestOpenSSLServerName(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	ours := serve(t, append(with(t, "p256", "a.test", "b.test", "*.wild.test"), "--https")...)
	_, theirs := sServer(t, "p256", "-servername", "b.test", "-cert2", certFile(t, "b.test"), "-key2", keyFile(t, "b.test"))
	for _, version := range versions {
		for _, test := range []struct{ asked, got string }{
			{"a.test", "a.test"}, {"B.TEST", "b.test"}, {"some.wild.test", "some.wild.test"}, {"other.test", localhost},
		} {
			t.Run(version.name+" s_client asks for "+test.asked, func(t *testing.T) {
				expectPage(t, sClient(t, ours.port, request, version.openssl, "-servername", test.asked, "-verify_hostname", test.got))
				ours.next().expect(t, report{Version: version.name, ServerName: test.asked})
			})
		}
		t.Run(version.name+" s_client asks for nothing", func(t *testing.T) {
			expectPage(t, sClient(t, ours.port, request, version.openssl, "-noservername"))
			if got := ours.next(); got.ServerName != "" {
				t.Errorf("the server has heard %q", got.ServerName)
			}
		})
		t.Run(version.name+" s_server is asked", func(t *testing.T) {
			got := connect(t, theirs, greeting, "--echo", "--name", "b.test", "--ciphers", version.policy)
			expectReversed(t, got)
			got.expect(t, report{Version: version.name, ServerName: "b.test"})
		})
	}
}

// TestOpenSSLSuspension has the private key answer late, on another goroutine, on both sides.
func TestOpenSSLSuspension(t *testing.T) {
	t.Parallel()
	late := []string{"--async", "2", "--async-delay", "20ms"}
	expectWait := func(t *testing.T, got report, want report) {
		t.Helper()
		if got.expect(t, want); got.Blocked.Application < 1 {
			t.Error("the handshake never waited for the application")
		}
	}
	for _, version := range versions {
		t.Run(version.name+" of a server, s_client", func(t *testing.T) {
			ours := serve(t, slices.Concat(with(t, "p256"), late, []string{"--https"})...)
			expectPage(t, sClient(t, ours.port, request, version.openssl))
			expectWait(t, ours.next(), report{Version: version.name})
		})
		t.Run(version.name+" of a client, s_server", func(t *testing.T) {
			_, port := sServer(t, "p256", version.openssl, "-Verify", "1")
			got := connect(t, port, greeting, slices.Concat(with(t, "client"), late, []string{"--echo"})...)
			expectReversed(t, got)
			expectWait(t, got.report, report{Version: version.name, ClientAuth: true})
		})
	}
	t.Run("TLSv1.2 of a server that decrypts, s_client", func(t *testing.T) {
		const suite = "TLS_RSA_WITH_AES_128_GCM_SHA256"
		ours := serve(t, slices.Concat(with(t, "rsa"), late, []string{"--https", "--ciphers", policyWith(t, suite)})...)
		expectPage(t, sClient(t, ours.port, request, "-tls1_2", "-cipher", "AES128-GCM-SHA256"))
		expectWait(t, ours.next(), report{Version: "TLSv1.2", CipherSuite: suite})
	})
}
