//go:build unix

package interop

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// What the programs have no option for is tried with the library itself, over sockets that block.

// negotiate makes a connection of a socket, closes both at the end of the test, and shakes hands.
func negotiate(t testing.TB, open func(conn.RecvFunc, conn.SendFunc, *conn.Config) (*conn.Conn, error), raw net.Conn, cfg *conn.Config) *conn.Conn {
	t.Helper()
	t.Cleanup(func() { raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(prompt))
	c, err := open(raw.Read, raw.Write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if b, err := c.Negotiate(); b != conn.NotBlocked || err != nil {
		t.Fatal(b, err)
	}
	return c
}

// dial is a client of ours at a port.
func dial(t testing.TB, port int, cfg *conn.Config) *conn.Conn {
	t.Helper()
	raw, err := net.Dial("tcp", Address(port))
	if err != nil {
		t.Fatal(err)
	}
	return negotiate(t, conn.NewClient, raw, cfg)
}

// listen returns a port, and what waits there for one client of a server of ours.
func listen(t testing.TB, cfg *conn.Config) (port int, accept func() *conn.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port, func() *conn.Conn {
		t.Helper()
		_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(prompt))
		raw, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		return negotiate(t, conn.NewServer, raw, cfg)
	}
}

// configs are those of a client and a server with a certificate for localhost, for one version.
func configs(t testing.TB, version iana.Version) (client, server *conn.Config) {
	t.Helper()
	own, err := conn.LoadCertificate(certFile(t, "p256"), keyFile(t, "p256"))
	if err != nil {
		t.Fatal(err)
	}
	pool := authorityFor(t, testpeer.KeyP256).Pool()
	return &conn.Config{RootCAs: pool, ServerName: localhost, MinVersion: version, MaxVersion: version},
		&conn.Config{RootCAs: pool, Certificates: []*conn.Certificate{own}, MinVersion: version, MaxVersion: version}
}

var exportVersions = []struct {
	version iana.Version
	openssl string
}{{iana.TLS13, "-tls1_3"}, {iana.TLS12, "-tls1_2"}}

// TestOpenSSLExports compares keying material with what openssl exports. It does so without a
// context, which TLS 1.2 tells from an empty one.
func TestOpenSSLExports(t *testing.T) {
	t.Parallel()
	const label, length = "EXPORTER-s2ngo-interop", 45
	expect := func(t *testing.T, theirs *Process, c *conn.Conn) {
		t.Helper()
		text := theirs.WaitFor(`Keying material: ([0-9A-F]+)`, prompt)[1]
		want, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Export(label, nil, length); err != nil || string(got) != string(want) {
			t.Errorf("we export %x and %v, openssl %x", got, err, want)
		}
	}
	for _, v := range exportVersions {
		options := []string{v.openssl, "-keymatexport", label, "-keymatexportlen", "45"}
		client, server := configs(t, v.version)
		t.Run(v.version.String()+" from s_server", func(t *testing.T) {
			theirs, port := sServerRaw(t, "p256", options...)
			expect(t, theirs, dial(t, port, client))
		})
		t.Run(v.version.String()+" from s_client", func(t *testing.T) {
			port, accept := listen(t, server)
			theirs := Start(t, Peer(t, "openssl"), append([]string{"s_client", "-connect", Address(port), "-CAfile", roots(t)}, options...)...)
			expect(t, theirs, accept())
		})
	}
}

// TestOpenSSLAuthorities has s_client show the authorities that our server names.
func TestOpenSSLAuthorities(t *testing.T) {
	t.Parallel()
	for _, v := range exportVersions {
		_, server := configs(t, v.version)
		server.ClientAuth, server.CertificateAuthoritiesFromRoots = conn.OptionalClientAuth, true
		t.Run(v.version.String()+" to s_client", func(t *testing.T) {
			port, accept := listen(t, server)
			theirs := Start(t, Peer(t, "openssl"), "s_client", "-connect", Address(port), "-CAfile", roots(t), v.openssl)
			accept()
			theirs.WaitFor(`Acceptable client certificate CA names\nCN = test authority`, prompt)
		})
	}
}

// TestClientsCertificateIsOfANamedAuthority has servers name the authorities that they trust: of
// two certificates that are alike our client takes the one of these.
func TestClientsCertificateIsOfANamedAuthority(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	both := with(t, "stranger", "client")
	for _, version := range versions {
		t.Run(version.name+" to s_server", func(t *testing.T) {
			theirs, port := sServer(t, "p256", version.openssl, "-Verify", "1", "-verify_return_error")
			got := connect(t, port, greeting, append([]string{"--echo"}, both...)...)
			expectReversed(t, got)
			got.expect(t, report{Version: version.name, ClientAuth: true})
			theirs.WaitFor("Peer certificate: CN = client", prompt)
		})
	}
	for _, version := range gnutlsVersions {
		t.Run(version.name+" to gnutls-serv", func(t *testing.T) {
			got := connect(t, gnutlsServ(t, "p256", priority(version.gnutls), "--require-client-cert", "--verify-client-cert"), greeting, append([]string{"--echo"}, both...)...)
			expectEcho(t, got)
			got.expect(t, report{Version: version.name, ClientAuth: true})
		})
	}
}

// TestClientsSchemes has s_server take one kind of signature of clients, and ours choose its
// certificate by that.
func TestClientsSchemes(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range versions {
		for _, scheme := range []struct{ openssl, want string }{
			{"ECDSA+SHA256", "ecdsa_secp256r1_sha256"}, {"ed25519", "ed25519"}, {"RSA-PSS+SHA384", "rsa_pss_rsae_sha384"},
		} {
			t.Run(version.name+" "+scheme.want, func(t *testing.T) {
				_, port := sServer(t, "p256", version.openssl, "-Verify", "1", "-verify_return_error", "-client_sigalgs", scheme.openssl)
				options := append([]string{"--echo", "--schemes", "ecdsa_secp256r1_sha256,rsa_pss_rsae_sha384,ed25519"}, with(t, "p256", "rsa", "ed25519")...)
				got := connect(t, port, greeting, options...)
				expectReversed(t, got)
				got.expect(t, report{Version: version.name, ClientAuth: true, SignatureScheme: scheme.want})
			})
		}
	}
}

// TestOpenSSLTimestamps has s_client show the timestamp that our server sends: of a log that nobody
// knows, which is of no account.
func TestOpenSSLTimestamps(t *testing.T) {
	t.Parallel()
	// RFC 6962, Section 3.2: version, log, time, extensions, signature.
	sct := slices.Concat([]byte{0}, bytes.Repeat([]byte{0xab}, 32), []byte{0, 0, 1, 0x90, 0, 0, 0, 0}, []byte{0, 0}, []byte{4, 3, 0, 8, 0x30, 6, 2, 1, 1, 2, 1, 1})
	list := slices.Concat([]byte{0, byte(2 + len(sct)), 0, byte(len(sct))}, sct)
	file := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	own, err := conn.LoadCertificate(certFile(t, "p256"), keyFile(t, "p256"))
	if err != nil {
		t.Fatal(err)
	}
	logs := filepath.Join(t.TempDir(), "logs")
	text := "enabled_logs = other\n[other]\ndescription = another log\nkey = " + base64.StdEncoding.EncodeToString(own.Leaf.RawSubjectPublicKeyInfo) + "\n"
	if err := os.WriteFile(logs, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range versions {
		t.Run(version.name, func(t *testing.T) {
			ours := serve(t, append(with(t, "p256"), "--https", "--sct", file)...)
			line := slices.DeleteFunc(sClientLine(t, ours.port, []string{"-ign_eof", "-ct", "-ctlogfile", logs, version.openssl}),
				func(option string) bool { return option == "-brief" })
			got := runWith(t, request, Peer(t, "openssl"), line...)
			expectPage(t, got)
			for _, want := range []string{"SCTs present (1)", "AB:AB:AB:AB"} {
				if !strings.Contains(got.Stdout, want) {
					t.Errorf("s_client does not say %q:\n%s", want, got.Stdout)
				}
			}
			ours.next().expect(t, report{Version: version.name})
		})
	}
}
