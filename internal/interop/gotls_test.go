//go:build unix

package interop

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"
)

// gotlsGroups are the groups that crypto/tls has, by our names.
var gotlsGroups = []struct {
	name string
	id   tls.CurveID
}{
	{"X25519MLKEM768", tls.X25519MLKEM768},
	{"SecP256r1MLKEM768", tls.SecP256r1MLKEM768},
	{"SecP384r1MLKEM1024", tls.SecP384r1MLKEM1024},
	{"x25519", tls.X25519},
	{"secp256r1", tls.CurveP256},
	{"secp384r1", tls.CurveP384},
	{"secp521r1", tls.CurveP521},
}

// allGroups is the option that lets us have all of them.
const allGroups = "X25519MLKEM768,SecP256r1MLKEM768,SecP384r1MLKEM1024,x25519,secp256r1,secp384r1,secp521r1"

// gotlsVersions has for each version its number.
var gotlsVersions = []struct {
	name string
	id   uint16
}{{"TLSv1.3", tls.VersionTLS13}, {"TLSv1.2", tls.VersionTLS12}}

// gotlsConfig is what crypto/tls needs to trust the test's authorities, and to be trusted as identity.
func gotlsConfig(t testing.TB, identity string, version uint16) *tls.Config {
	t.Helper()
	text, err := os.ReadFile(roots(t))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	config := &tls.Config{RootCAs: pool, ClientCAs: pool, ServerName: localhost, MinVersion: version, MaxVersion: version}
	if identity != "" {
		pair, err := tls.LoadX509KeyPair(certFile(t, identity), keyFile(t, identity))
		if err != nil {
			t.Fatal(err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config
}

// gotlsServe lets crypto/tls send back what comes, until the test is over, and returns the port.
func gotlsServe(t testing.TB, config *tls.Config) int {
	t.Helper()
	listener, err := tls.Listen("tcp", Address(0), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(prompt))
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return listener.Addr().(*net.TCPAddr).Port
}

// gotlsGet fetches our server's status page by crypto/tls.
func gotlsGet(t testing.TB, port int, config *tls.Config) tls.ConnectionState {
	t.Helper()
	raw, err := net.Dial("tcp", Address(port))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(prompt))
	c := tls.Client(raw, config)
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(c)
	if err != nil || !strings.Contains(string(text), page) {
		t.Errorf("crypto/tls has %q and %v", text, err)
	}
	return c.ConnectionState()
}

func TestGoTLSGroups(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	ours := serve(t, append(with(t, "rsa"), "--https", "--groups", allGroups)...)
	for _, version := range gotlsVersions {
		for _, group := range gotlsGroups {
			if version.id == tls.VersionTLS12 && strings.Contains(group.name, "MLKEM") {
				continue
			}
			want := report{Version: version.name, Group: group.name}
			t.Run(version.name+" "+group.name+" from crypto/tls", func(t *testing.T) {
				config := gotlsConfig(t, "", version.id)
				config.CurvePreferences = []tls.CurveID{group.id}
				if got := gotlsGet(t, ours.port, config).CurveID; got != group.id {
					t.Errorf("crypto/tls tells of %v", got)
				}
				ours.next().expect(t, want)
			})
			t.Run(version.name+" "+group.name+" to crypto/tls", func(t *testing.T) {
				got := connect(t, gotlsServe(t, gotlsConfig(t, "rsa", version.id)), greeting, "--echo", "--groups", group.name)
				expectEcho(t, got)
				got.expect(t, want)
			})
		}
	}
}

// TestGoTLSHelloRetry has the client guess the wrong group first.
func TestGoTLSHelloRetry(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, group := range gotlsGroups {
		want := report{Version: "TLSv1.3", Group: group.name, HelloRetry: true}
		if group.id != tls.X25519MLKEM768 && group.id != tls.X25519 { // of which it sends shares always
			t.Run(group.name+" from crypto/tls", func(t *testing.T) {
				ours := serve(t, append(with(t, "p256"), "--https", "--groups", group.name)...)
				gotlsGet(t, ours.port, gotlsConfig(t, "", tls.VersionTLS13))
				ours.next().expect(t, want)
			})
		}
		t.Run(group.name+" to crypto/tls", func(t *testing.T) {
			config := gotlsConfig(t, "p256", tls.VersionTLS13)
			config.CurvePreferences = []tls.CurveID{group.id}
			guess := map[string]string{"secp521r1": "secp384r1", "X25519MLKEM768": "SecP256r1MLKEM768"}[group.name]
			switch {
			case guess != "":
			case strings.Contains(group.name, "MLKEM"): // we have a share of a hybrid, and of another group
				guess = "X25519MLKEM768"
			default:
				guess = "secp521r1"
			}
			got := connect(t, gotlsServe(t, config), greeting, "--echo", "--groups", guess+","+group.name)
			expectEcho(t, got)
			got.expect(t, want)
		})
	}
}

// TestGoTLSClientAuth has both sides prove themselves with each kind of key.
func TestGoTLSClientAuth(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range gotlsVersions {
		for _, identity := range []string{"p256", "p384", "p521", "rsa", "ed25519"} {
			want := report{Version: version.name, ClientAuth: true}
			t.Run(version.name+" "+identity+" from crypto/tls", func(t *testing.T) {
				ours := serve(t, append(with(t, identity), append(ourSchemes, "--https", "--mutual-auth", "--ca-file", roots(t))...)...)
				gotlsGet(t, ours.port, gotlsConfig(t, identity, version.id))
				ours.next().expect(t, want)
			})
			t.Run(version.name+" "+identity+" to crypto/tls", func(t *testing.T) {
				config := gotlsConfig(t, identity, version.id)
				config.ClientAuth = tls.RequireAndVerifyClientCert
				got := connect(t, gotlsServe(t, config), greeting, append(with(t, identity), append(ourSchemes, "--echo")...)...)
				expectEcho(t, got)
				got.expect(t, want)
			})
		}
	}
}

// TestGoTLS3DES has the cipher that no other peer but gnutls still has.
func TestGoTLS3DES(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, suite := range []struct {
		name string
		id   uint16
	}{
		{"TLS_RSA_WITH_3DES_EDE_CBC_SHA", tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA},
		{"TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA},
	} {
		want := report{Version: "TLSv1.2", CipherSuite: suite.name}
		policy := policyWith(t, suite.name)
		t.Run(suite.name+" from crypto/tls", func(t *testing.T) {
			config := gotlsConfig(t, "", tls.VersionTLS12)
			config.CipherSuites = []uint16{suite.id}
			ours := serve(t, append(with(t, "rsa"), "--https", "--ciphers", policy)...)
			gotlsGet(t, ours.port, config)
			ours.next().expect(t, want)
		})
		t.Run(suite.name+" to crypto/tls", func(t *testing.T) {
			config := gotlsConfig(t, "rsa", tls.VersionTLS12)
			config.CipherSuites = []uint16{suite.id}
			got := connect(t, gotlsServe(t, config), greeting, "--echo", "--ciphers", policy)
			expectEcho(t, got)
			got.expect(t, want)
		})
	}
}
