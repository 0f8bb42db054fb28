//go:build unix

package interop

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// nssDatabase makes a database of NSS that trusts the test's authorities and has certificates by their
// names, and returns its name.
func nssDatabase(t testing.TB, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	database := "sql:" + dir
	run := func(command string, args ...string) {
		t.Helper()
		if got := Run(t, Peer(t, command), args...); got.Code != 0 {
			t.Fatalf("%s %v ended with %d: %s%s", command, args, got.Code, got.Stdout, got.Stderr)
		}
	}
	run("certutil", "-N", "-d", database, "--empty-password")
	for _, name := range names {
		ca := filepath.Join(identityDir(t), name, "ca.pem")
		run("certutil", "-A", "-d", database, "-n", "authority of "+name, "-t", "CT,,", "-i", ca)
		bag := filepath.Join(dir, name+".p12")
		run("openssl", "pkcs12", "-export", "-in", certFile(t, name), "-inkey", keyFile(t, name), "-name", name,
			"-out", bag, "-passout", "pass:secret")
		run("pk12util", "-i", bag, "-d", database, "-W", "secret", "-K", "")
	}
	return database
}

// nssVersions has for each version its range of one in NSS.
var nssVersions = []struct{ name, nss, policy string }{
	{"TLSv1.3", "tls1.3:tls1.3", "20200207"},
	{"TLSv1.2", "tls1.2:tls1.2", "20190214"},
}

// nssGroups are the groups of NSS by its name and by ours.
var nssGroups = [][2]string{{"x25519", "x25519"}, {"P256", "secp256r1"}, {"P384", "secp384r1"}, {"P521", "secp521r1"}}

// tstclnt fetches our server's status page. It never ends by itself when its peer was the first to do so.
func tstclnt(t testing.TB, port int, database string, options ...string) {
	t.Helper()
	line := append([]string{"-4", "-h", "127.0.0.1", "-a", localhost, "-p", strconv.Itoa(port), "-d", database, "-v"}, options...)
	p := Start(t, Peer(t, "tstclnt"), line...)
	p.Write(request)
	p.WaitFor(page+"(.|\n)*</html>", prompt)
	p.Kill()
}

// selfserv starts NSS's server, which knows HTTP, and returns its port.
func selfserv(t testing.TB, database, certificate string, options ...string) int {
	t.Helper()
	port := FreePort(t)
	kind := "-e"
	if certificate == "rsa" {
		kind = "-n"
	}
	p := Start(t, Peer(t, "selfserv"), append([]string{"-p", strconv.Itoa(port), "-d", database, kind, certificate, "-v"}, options...)...)
	p.WaitListening(port, prompt)
	return port
}

// expectSelfserv checks that a client of ours has what selfserv answers.
func expectSelfserv(t testing.TB, got visit) {
	t.Helper()
	if got.Code != 0 || !strings.Contains(got.Data, "GET / HTTP/1.1") {
		t.Errorf("s2ngo-client ended with %d and the data %q: %s", got.Code, got.Data, got.Stderr)
	}
}

func TestNSS(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	database := nssDatabase(t, "rsa", "p256", "client")
	for _, version := range nssVersions {
		ours := serve(t, append(with(t, "rsa"), append(ourGroups, "--https")...)...)
		theirs := selfserv(t, database, "rsa", "-V", version.nss, "-I", "x25519,P256,P384,P521")
		for _, group := range nssGroups {
			want := report{Version: version.name, Group: group[1]}
			t.Run(version.name+" "+group[0]+" from tstclnt", func(t *testing.T) {
				tstclnt(t, ours.port, database, "-V", version.nss, "-I", group[0])
				ours.next().expect(t, want)
			})
			t.Run(version.name+" "+group[0]+" to selfserv", func(t *testing.T) {
				got := connect(t, theirs, "", "--get", "/", "--groups", group[1])
				expectSelfserv(t, got)
				got.expect(t, want)
			})
		}
		t.Run(version.name+" ECDSA and a client's certificate from tstclnt", func(t *testing.T) {
			ours := serve(t, append(with(t, "p256"), "--https", "--mutual-auth", "--ca-file", roots(t))...)
			tstclnt(t, ours.port, database, "-V", version.nss, "-n", "client")
			ours.next().expect(t, report{Version: version.name, ClientAuth: true})
		})
		t.Run(version.name+" ECDSA and a client's certificate to selfserv", func(t *testing.T) {
			port := selfserv(t, database, "p256", "-V", version.nss, "-r", "-r")
			got := connect(t, port, "", append(with(t, "client"), "--get", "/")...)
			expectSelfserv(t, got)
			got.expect(t, report{Version: version.name, ClientAuth: true})
		})
		t.Run(version.name+" no client's certificate to selfserv", func(t *testing.T) {
			port := selfserv(t, database, "p256", "-V", version.nss, "-r", "-r")
			if got := connect(t, port, "", "--get", "/"); got.Code != 1 || got.ErrorKind != "alert" {
				t.Errorf("s2ngo-client ended with %d and %q", got.Code, got.Error)
			}
		})
	}
	t.Run("a HelloRetryRequest from selfserv", func(t *testing.T) {
		port := selfserv(t, database, "p256", "-V", "tls1.3:tls1.3", "-I", "P384")
		got := connect(t, port, "", "--get", "/", "--groups", "x25519,secp384r1")
		expectSelfserv(t, got)
		got.expect(t, report{Group: "secp384r1", HelloRetry: true})
	})
	t.Run("a HelloRetryRequest to tstclnt", func(t *testing.T) {
		ours := serve(t, append(with(t, "p256"), "--https", "--groups", "secp384r1")...)
		tstclnt(t, ours.port, database, "-V", "tls1.3:tls1.3", "-I", "x25519,P384")
		ours.next().expect(t, report{Group: "secp384r1", HelloRetry: true})
	})
}

// TestNSSExchanges12 has each kind of key exchange of TLS 1.2.
func TestNSSExchanges12(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	database := nssDatabase(t, "rsa", "p256")
	for _, suite := range []struct{ name, code string }{
		{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ":C02B"},
		{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", ":C014"},
		{"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ":CCA8"},
		{"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", ":009E"},
		{"TLS_RSA_WITH_AES_128_CBC_SHA256", ":003C"},
		{"TLS_RSA_WITH_AES_256_GCM_SHA384", ":009D"},
		{"TLS_RSA_WITH_3DES_EDE_CBC_SHA", ":000A"},
	} {
		want := report{Version: "TLSv1.2", CipherSuite: suite.name}
		ciphers := []string{"--ciphers", policyWith(t, suite.name)}
		t.Run(suite.name+" from tstclnt", func(t *testing.T) {
			ours := serve(t, append(append(with(t, "rsa", "p256"), ciphers...), "--https")...)
			tstclnt(t, ours.port, database, "-V", "tls1.2:tls1.2", "-c", suite.code)
			ours.next().expect(t, want)
		})
		t.Run(suite.name+" to selfserv", func(t *testing.T) {
			port := selfserv(t, database, identityFor(suite.name), "-V", "tls1.2:tls1.2", "-c", suite.code, "-H", "1")
			got := connect(t, port, "", append(ciphers, "--get", "/")...)
			expectSelfserv(t, got)
			got.expect(t, want)
		})
	}
}
