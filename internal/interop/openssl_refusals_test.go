//go:build unix

package interop

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// expectAlert checks that openssl tells of an alert that it has received.
func expectAlert(t *testing.T, said string, alert iana.Alert) {
	t.Helper()
	if !regexp.MustCompile(fmt.Sprintf(`SSL alert number %d\b`, alert)).MatchString(said) {
		t.Errorf("openssl does not tell of %v: %s", alert, said)
	}
}

// expectRefusal checks that one of our programs has refused its peer, or was refused, with an alert.
func (r report) expectRefusal(t *testing.T, kind string, alert iana.Alert, sentence string) {
	t.Helper()
	sent := kind == "protocol"
	if r.ErrorKind != kind || r.Alert != alert.String() || r.AlertSent != sent {
		t.Errorf("the failure is of kind %s with the alert %q, sent: %v; want %s, %v, %v",
			r.ErrorKind, r.Alert, r.AlertSent, kind, alert, sent)
	}
	if !regexp.MustCompile(sentence).MatchString(r.Error) {
		t.Errorf("the failure is %q, which is not %q", r.Error, sentence)
	}
}

// TestOpenSSLServerRefused has our client refuse the certificate of s_server.
func TestOpenSSLServerRefused(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range versions {
		for _, test := range []struct {
			name, identity, asked string
			alert                 iana.Alert
			sentence              string
		}{
			{"for another name", "a.test", localhost, iana.BadCertificate, "a.test.*localhost|localhost.*a.test"},
			{"that has expired", "expired", localhost, iana.CertificateExpired, "expired|not valid after"},
			{"of an unknown authority", "stranger", localhost, iana.UnknownCA, "unknown authority"},
			{"for clients", "client", localhost, iana.UnsupportedCertificate, "is not for a (client|server) of TLS"},
		} {
			t.Run(version.name+" a certificate "+test.name, func(t *testing.T) {
				theirs, port := sServer(t, test.identity, version.openssl)
				got := connect(t, port, greeting, "--echo", "--name", test.asked)
				if got.Code != 1 || got.Data != "" {
					t.Errorf("s2ngo-client ended with %d and the data %q", got.Code, got.Data)
				}
				got.expectRefusal(t, "protocol", test.alert, test.sentence)
				theirs.WaitFor("SSL alert number", prompt)
				expectAlert(t, theirs.Stderr(), test.alert)
			})
		}
	}
}

// TestOpenSSLClientRefused has our server refuse the certificate of s_client, or its absence.
func TestOpenSSLClientRefused(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	ours := serve(t, append(with(t, "p256"), "--https", "--mutual-auth", "--ca-file", roots(t))...)
	for _, version := range versions {
		absent := iana.CertificateRequired
		if version.name == "TLSv1.2" {
			absent = iana.HandshakeFailure
		}
		for _, test := range []struct {
			name, identity string
			alert          iana.Alert
			sentence       string
		}{
			{"that is not there", "", absent, "certificate"},
			{"that has expired", "expired", iana.CertificateExpired, "expired|not valid after"},
			{"of an unknown authority", "stranger", iana.UnknownCA, "unknown authority"},
			{"for servers", "server", iana.UnsupportedCertificate, "is not for a (client|server) of TLS"},
		} {
			t.Run(version.name+" a certificate "+test.name, func(t *testing.T) {
				options := []string{version.openssl}
				if test.identity != "" {
					options = append(options, "-cert", certFile(t, test.identity), "-key", keyFile(t, test.identity))
				}
				expectAlert(t, sClient(t, ours.port, "", options...).Stderr, test.alert)
				ours.next().expectRefusal(t, "protocol", test.alert, test.sentence)
			})
		}
	}
}

// TestOpenSSLRefusesUs has openssl refuse our certificates, and has us understand why.
func TestOpenSSLRefusesUs(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range versions {
		for _, test := range []struct {
			name, identity string
			alert          iana.Alert
		}{
			{"that has expired", "expired", iana.CertificateExpired},
			{"of an unknown authority", "stranger", iana.UnknownCA},
		} {
			t.Run(version.name+" a server's certificate "+test.name, func(t *testing.T) {
				ours := serve(t, append(with(t, test.identity), "--https")...)
				if got := sClient(t, ours.port, request, version.openssl); got.Code == 0 {
					t.Error("s_client accepts it")
				}
				ours.next().expectRefusal(t, "alert", test.alert, "")
			})
			t.Run(version.name+" a client's certificate "+test.name, func(t *testing.T) {
				_, port := sServer(t, "p256", version.openssl, "-Verify", "1", "-verify_return_error")
				got := connect(t, port, greeting, append(with(t, test.identity), "--echo")...)
				if got.Code != 1 {
					t.Errorf("s2ngo-client ended with %d", got.Code)
				}
				got.expectRefusal(t, "alert", test.alert, "")
			})
		}
	}
}

// TestOpenSSLNothingInCommon has no version, suite, group, scheme or protocol that both sides have.
func TestOpenSSLNothingInCommon(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, test := range []struct {
		name         string
		ours, theirs []string
		sent         iana.Alert // by our server
		sentence     string     // of our server
		received     iana.Alert // by our client
	}{
		{"no version, TLS 1.3 here", []string{"--ciphers", "20200207"}, []string{"-tls1_2"},
			iana.ProtocolVersion, "offers TLSv1.2 at most", iana.ProtocolVersion},
		{"no version, TLS 1.2 here", []string{"--ciphers", "20190214"}, []string{"-tls1_3"},
			iana.ProtocolVersion, "offers no version", iana.ProtocolVersion},
		{"no version, TLS 1.1 there", nil, []string{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"},
			iana.ProtocolVersion, "offers TLSv1.1 at most", iana.ProtocolVersion},
		{"no cipher suite of TLS 1.3", nil, []string{"-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"},
			iana.HandshakeFailure, "cipher suite", iana.HandshakeFailure},
		{"no cipher suite of TLS 1.2", nil, []string{"-tls1_2", "-cipher", "AES128-SHA"},
			iana.HandshakeFailure, "cipher suite", iana.HandshakeFailure},
		{"no group in TLS 1.3", nil, []string{"-tls1_3", "-groups", "X448"},
			iana.HandshakeFailure, "groups", iana.HandshakeFailure},
		{"no group in TLS 1.2", nil, []string{"-tls1_2", "-groups", "X448"},
			iana.HandshakeFailure, "groups", iana.HandshakeFailure},
		// Without a scheme for its certificate, s_server does without TLS 1.3.
		{"no scheme in TLS 1.3", []string{"--schemes", "ecdsa_secp256r1_sha256"}, []string{"-tls1_3", "-sigalgs", "ECDSA+SHA384"},
			iana.HandshakeFailure, "signature scheme", iana.ProtocolVersion},
		{"no scheme in TLS 1.2", []string{"--schemes", "ecdsa_secp256r1_sha256"}, []string{"-tls1_2", "-sigalgs", "ECDSA+SHA384"},
			iana.HandshakeFailure, "fits its certificates", iana.HandshakeFailure},
		{"no application protocol in TLS 1.3", []string{"--alpn", "h2"}, []string{"-tls1_3", "-alpn", "http/1.1"},
			iana.NoApplicationProtocol, "protocol", iana.NoApplicationProtocol},
		{"no application protocol in TLS 1.2", []string{"--alpn", "h2"}, []string{"-tls1_2", "-alpn", "http/1.1"},
			iana.NoApplicationProtocol, "protocol", iana.NoApplicationProtocol},
	} {
		t.Run(test.name+", s_client", func(t *testing.T) {
			ours := serve(t, append(with(t, "p256"), test.ours...)...)
			expectAlert(t, sClient(t, ours.port, "", test.theirs...).Stderr, test.sent)
			ours.next().expectRefusal(t, "protocol", test.sent, test.sentence)
		})
		t.Run(test.name+", s_server", func(t *testing.T) {
			_, port := sServer(t, "p256", test.theirs...)
			got := connect(t, port, "", append(test.ours, "--echo")...)
			if got.Code != 1 {
				t.Errorf("s2ngo-client ended with %d", got.Code)
			}
			got.expectRefusal(t, "alert", test.received, "")
		})
	}
}
