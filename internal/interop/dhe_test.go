//go:build unix

package interop

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// dheSuite is the suite of the tests of its groups.
const dheSuite = "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"

// dhParams writes a group, by openssl's name, into a file.
func dhParams(t testing.TB, group string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), group+".pem")
	if made := Run(t, Peer(t, "openssl"), "genpkey", "-genparam", "-algorithm", "DH", "-pkeyopt", "group:"+group,
		"-out", file); made.Code != 0 {
		t.Fatal(made.Stderr)
	}
	return file
}

// TestDHEGroups has groups over finite fields that are configured, and those of RFC 7919 that both
// sides have.
func TestDHEGroups(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	want := report{Version: "TLSv1.2", CipherSuite: dheSuite}
	ciphers := []string{"--ciphers", policyWith(t, dheSuite)}
	restriction := []string{"-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"}
	for _, group := range []struct{ name, seen string }{
		{"ffdhe2048", "DH, 2048 bits"}, {"ffdhe3072", "DH, 3072 bits"}, {"ffdhe4096", "DH, 4096 bits"},
		{"modp_2048", "DH, 2048 bits"}, {"modp_3072", "DH, 3072 bits"},
	} {
		t.Run(group.name+" of s2ngo-server", func(t *testing.T) {
			ours := serve(t, append(append(with(t, "rsa"), ciphers...), "--https", "--dh-params", dhParams(t, group.name))...)
			got := sClient(t, ours.port, request, restriction...)
			expectPage(t, got)
			if !strings.Contains(got.Stderr, "Server Temp Key: "+group.seen) {
				t.Errorf("s_client has not seen %s: %s", group.seen, got.Stderr)
			}
			ours.next().expect(t, want)
		})
		t.Run(group.name+" of s_server", func(t *testing.T) {
			_, port := sServer(t, "rsa", append(restriction, "-dhparam", dhParams(t, group.name))...)
			got := connect(t, port, greeting, append(ciphers, "--echo")...)
			expectReversed(t, got)
			got.expect(t, want)
		})
	}
	t.Run("modp_1536 of s_server is too small", func(t *testing.T) {
		theirs, port := sServer(t, "rsa", append(restriction, "-dhparam", dhParams(t, "modp_1536"))...)
		got := connect(t, port, greeting, append(ciphers, "--echo")...)
		got.expectRefusal(t, "protocol", iana.InsufficientSecurity, "1536 bits")
		theirs.WaitFor("SSL alert number", prompt)
		expectAlert(t, theirs.Stderr(), iana.InsufficientSecurity)
	})
	for _, group := range []struct{ name, list string }{
		{"ffdhe2048", "+GROUP-FFDHE2048:+GROUP-FFDHE3072"}, {"ffdhe3072", "+GROUP-FFDHE3072"}, {"ffdhe4096", "+GROUP-FFDHE4096"},
	} {
		t.Run(group.name+" with gnutls-cli", func(t *testing.T) {
			ours := serve(t, append(append(with(t, "rsa"), ciphers...), "--https")...)
			got := gnutlsGet(t, ours.port,
				priority("VERS-TLS1.2", "-KX-ALL", "+DHE-RSA", "-CIPHER-ALL", "+AES-128-GCM", "-GROUP-ALL", group.list))
			expectPage(t, got)
			if !strings.Contains(got.Stdout, "(DHE-"+strings.ToUpper(group.name)+")") {
				t.Errorf("gnutls-cli has not seen %s: %s", group.name, got.Stdout)
			}
			want := want
			want.Group = group.name
			ours.next().expect(t, want)
		})
	}
	t.Run("gnutls-cli with a group that s2ngo-server has not", func(t *testing.T) {
		ours := serve(t, append(append(with(t, "rsa"), ciphers...), "--https")...)
		gnutlsGet(t, ours.port, priority("VERS-TLS1.2", "-KX-ALL", "+DHE-RSA", "-GROUP-ALL", "+GROUP-FFDHE8192"))
		ours.next().expectRefusal(t, "protocol", iana.InsufficientSecurity, "no group for DHE")
	})
	t.Run("gnutls-serv", func(t *testing.T) {
		port := gnutlsServ(t, "rsa", priority("VERS-TLS1.2", "-KX-ALL", "+DHE-RSA", "-CIPHER-ALL", "+AES-128-GCM"), "--disable-client-cert")
		got := connect(t, port, greeting, append(ciphers, "--echo")...)
		expectEcho(t, got)
		got.expect(t, want)
	})
}
