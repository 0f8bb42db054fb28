//go:build unix

package interop

import (
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tokenOptions are the options by which our programs take keys of a token, with their certificates.
func tokenOptions(tok *Token, names ...string) []string {
	options := []string{"--pkcs11-module", tok.Module, "--pkcs11-uri", tok.URI(""), "--pin-file", tok.PINFile}
	if tok.Reserved != "" {
		options = append(options, "--pkcs11-args", tok.Reserved)
	}
	for _, name := range names {
		options = append(options, "--cert", tok.Keys[name].CertFile)
	}
	return options
}

// tokenSchemes has for each key the scheme by which it signs in TLS 1.3, and its kind of cipher suite in TLS 1.2.
var tokenSchemes = map[string]struct{ scheme, kind string }{
	"rsa2048":          {"rsa_pss_rsae_sha256", "RSA"},
	"rsa3072":          {"rsa_pss_rsae_sha384", "RSA"},
	"p256":             {"ecdsa_secp256r1_sha256", "ECDSA"},
	"p384":             {"ecdsa_secp384r1_sha384", "ECDSA"},
	"p521":             {"ecdsa_secp521r1_sha512", "ECDSA"},
	"ed25519":          {"ed25519", "ECDSA"},
	"ed25519-imported": {"ed25519", "ECDSA"},
}

// TestTokenHandshakes has servers and clients sign, and servers decrypt, with the keys of each token. A server
// with several certificates picks the key that belongs to the one that it shows.
func TestTokenHandshakes(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, test := range tokens {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			names := strings.Fields(test.keys)
			tok := test.start(t, names...)
			// Two keys in each server, of different kinds where there are two.
			slices.SortStableFunc(names, func(a, b string) int { return strings.Compare(tokenSchemes[a].kind, tokenSchemes[b].kind) })
			for i := 0; i < (len(names)+1)/2; i++ {
				pair := slices.Compact([]string{names[i], names[len(names)-1-i]})
				tokenServer(t, tok, pair)
			}
			t.Run("decrypting", func(t *testing.T) {
				ours := serveIn(t, tok.Env, append(tokenOptions(tok, "p256", "rsa2048"), "--https", "--ciphers", policyWith(t, oracleSuite))...)
				expectPage(t, sClient(t, ours.port, request, "-tls1_2", "-cipher", "AES128-GCM-SHA256"))
				ours.next().expect(t, report{Version: "TLSv1.2", CipherSuite: oracleSuite})
			})
			tokenClients(t, tok, names)
		})
	}
}

// tokenServer has openssl and curl shake hands with a server that has so many keys.
func tokenServer(t *testing.T, tok *Token, names []string) {
	ours := serveIn(t, tok.Env, slices.Concat(tokenOptions(tok, names...), ourSchemes, ourGroups, []string{"--https"})...)
	for _, name := range names {
		with := tokenSchemes[name]
		t.Run("server "+name+" TLSv1.3", func(t *testing.T) {
			got := sClient(t, ours.port, request, "-tls1_3", "-sigalgs", with.scheme)
			expectPage(t, got)
			r := ours.next()
			r.expect(t, report{Version: "TLSv1.3", SignatureScheme: with.scheme})
			if r.Blocked.Application == 0 {
				t.Error("the handshake did not wait for the token")
			}
		})
		t.Run("server "+name+" TLSv1.2", func(t *testing.T) {
			got := Run(t, Peer(t, "curl"), "--disable", "--silent", "--show-error", "--cacert", roots(t), "--tls-max", "1.2",
				"--ciphers", "ECDHE-"+with.kind+"-AES128-GCM-SHA256", fmt.Sprintf("https://localhost:%d/", ours.port))
			expectPage(t, got)
			ours.next().expect(t, report{Version: "TLSv1.2",
				CipherSuite: "TLS_ECDHE_" + with.kind + "_WITH_AES_128_GCM_SHA256"})
		})
	}
}

// tokenClients has a client show its certificates to openssl, which asks for one.
func tokenClients(t *testing.T, tok *Token, names []string) {
	for _, version := range versions {
		_, theirs := sServer(t, "p256", version.openssl, "-Verify", "1", "-verify_return_error")
		for _, name := range names {
			scheme := tokenSchemes[name].scheme
			t.Run("client "+name+" "+version.name, func(t *testing.T) {
				got := connectIn(t, tok.Env, theirs, greeting, append(tokenOptions(tok, name), "--echo",
					"--schemes", scheme+strings.ReplaceAll(",ecdsa_secp256r1_sha256,rsa_pkcs1_sha256", ","+scheme, ""))...)
				expectReversed(t, got)
				got.expect(t, report{Version: version.name, SignatureScheme: scheme, ClientAuth: true})
			})
		}
	}
}

// TestTokenOptions has tokens taken in other ways.
func TestTokenOptions(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	tok := SoftHSM(t, "rsa2048", "p256")
	base := []string{"--pkcs11-module", tok.Module, "--pin-file", tok.PINFile, "--https"}
	// fetch shakes hands once and returns the report and how long that took.
	fetch := func(t *testing.T, ours *server, options ...string) (report, time.Duration) {
		t.Helper()
		began := time.Now()
		expectPage(t, sClient(t, ours.port, request, options...))
		return ours.next(), time.Since(began)
	}
	for _, test := range []struct {
		name    string
		options []string
		waits   bool
		atLeast time.Duration
		scheme  string
	}{
		{"the certificate is in the token", []string{"--pkcs11-uri", tok.URI("p256")}, true, 0, "ecdsa_secp256r1_sha256"},
		{"the URI names no object, and one key has a certificate", []string{"--pkcs11-uri", tok.URI("")}, true, 0, "ecdsa_secp256r1_sha256"},
		{"there is no URI", []string{"--cert", tok.Keys["rsa2048"].CertFile}, true, 0, "rsa_pss_rsae_sha256"},
		{"the module's path is in the URI", []string{"--pkcs11-uri", tok.URI("p256") + "?module-path=" + tok.Module}, true, 0, "ecdsa_secp256r1_sha256"},
		{"--async 0", []string{"--pkcs11-uri", tok.URI("p256"), "--async", "0"}, false, 0, "ecdsa_secp256r1_sha256"},
		{"--async-delay", []string{"--pkcs11-uri", tok.URI("p256"), "--async", "1", "--async-delay", "150ms"}, true, 150 * time.Millisecond, "ecdsa_secp256r1_sha256"},
		{"another key is in a file", []string{"--cert", tok.Keys["rsa2048"].CertFile, "--cert", certFile(t, "ed25519"), "--key", keyFile(t, "ed25519")}, true, 0, "rsa_pss_rsae_sha256"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ours := serveIn(t, tok.Env, append(test.options, base...)...)
			got, took := fetch(t, ours, "-tls1_3")
			got.expect(t, report{SignatureScheme: test.scheme})
			if waited := got.Blocked.Application > 0; waited != test.waits || took < test.atLeast {
				t.Errorf("the handshake waited for the key: %v, and took %v", waited, took)
			}
		})
	}
	t.Run("a key of each token", func(t *testing.T) {
		t.Parallel()
		nss := NSSToken(t, "p384")
		ours := serveIn(t, slices.Concat(tok.Env, nss.Env), "--https",
			"--pkcs11-module", tok.Module, "--pkcs11-uri", tok.URI("rsa2048"), "--pkcs11-args", "", "--pin-file", tok.PINFile,
			"--pkcs11-module", nss.Module, "--pkcs11-uri", nss.URI("p384"), "--pkcs11-args", nss.Reserved, "--pin-file", nss.PINFile,
			"--cert", tok.Keys["rsa2048"].CertFile, "--cert", nss.Keys["p384"].CertFile)
		for _, scheme := range []string{"rsa_pss_rsae_sha256", "ecdsa_secp384r1_sha384"} {
			got, _ := fetch(t, ours, "-tls1_3", "-sigalgs", scheme)
			got.expect(t, report{SignatureScheme: scheme})
		}
	})
}

// TestTokenServerSurvives kills p11-kit's server under a server of ours, which says in each handshake why it
// fails, and goes on when the token is back.
func TestTokenServerSurvives(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	p := NewP11Kit(t, SoftHSM(t, "p256"))
	ours := serveIn(t, p.Env, append(tokenOptions(p.Token, "p256"), "--https")...)
	fetch := func() (Result, report) { return sClient(t, ours.port, request, "-tls1_3"), ours.next() }
	got, r := fetch()
	expectPage(t, got)
	r.expect(t, report{Version: "TLSv1.3"})
	p.Kill()
	got, r = fetch()
	if !strings.Contains(got.Stderr, "alert internal error") {
		t.Errorf("openssl says %s", got.Stderr)
	}
	if r.ErrorKind != "internal" || r.Alert != "internal_error" || !r.AlertSent || !strings.Contains(r.Error, "pkcs11: the token is lost") {
		t.Errorf("without its token the server reports %+v", r)
	}
	p.Start(t)
	for end := time.Now().Add(prompt); ; {
		if got, r = fetch(); r.Error == "" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("with its token back the server reports %+v", r)
		}
	}
	expectPage(t, got)

	// A token that hangs does not keep the server from ending in time.
	p.Halt()
	defer p.Go()
	waiting := Start(t, Peer(t, "openssl"), sClientLine(t, ours.port, nil)...)
	time.Sleep(200 * time.Millisecond) // for its handshake to get as far as the token
	began := time.Now()
	ours.Signal(syscall.SIGTERM)
	if code := ours.Exit(prompt); code != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("the server ended with %d after %v", code, time.Since(began))
	}
	waiting.Exit(prompt)
}

// TestTokenHangsInTheLoop halts p11-kit's server under a server of ours that waits for it in its event loop:
// it ends in time all the same.
func TestTokenHangsInTheLoop(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	p := NewP11Kit(t, SoftHSM(t, "p256"))
	ours := serveIn(t, p.Env, append(tokenOptions(p.Token, "p256"), "--async", "0")...)
	p.Halt()
	defer p.Go()
	waiting := Start(t, Peer(t, "openssl"), sClientLine(t, ours.port, nil)...)
	time.Sleep(200 * time.Millisecond) // for its handshake to get as far as the token
	began := time.Now()
	ours.Signal(syscall.SIGTERM)
	if code := ours.Exit(2 * prompt); code != 0 || time.Since(began) > 5*time.Second {
		t.Errorf("the server ended with %d after %v", code, time.Since(began))
	}
	waiting.Exit(prompt)
}

// TestTokenFailures: what is wrong with a token is told in one line, without the PIN.
func TestTokenFailures(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	tok := SoftHSM(t, "rsa2048")
	wrong := tok.write(t, "wrong", []byte("wrong-Pin\n"))
	module, uri, pin := []string{"--pkcs11-module", tok.Module}, []string{"--pkcs11-uri", tok.URI("")}, []string{"--pin-file", tok.PINFile}
	cert := []string{"--cert", tok.Keys["rsa2048"].CertFile}
	for _, test := range []struct {
		name    string
		options [][]string
		code    int
		want    string
	}{
		{"no module", [][]string{{"--pkcs11-module", "/nonesuch.so"}, uri, pin, cert}, 1, `--pkcs11-uri pkcs11:token=eco: pkcs11: module /nonesuch.so does not exist`},
		{"no library", [][]string{{"--pkcs11-module", tok.PINFile}, uri, pin, cert}, 1, `--pkcs11-uri pkcs11:token=eco: pkcs11: module .*pin`},
		{"a library of another kind", [][]string{{"--pkcs11-module", Peer(t, "tcti-swtpm")}, uri, pin, cert}, 1, `has no C_GetFunctionList`},
		{"no such token", [][]string{module, {"--pkcs11-uri", "pkcs11:token=other"}, pin, cert}, 1, `there is no such token as pkcs11:token=other.*: the module has .*"eco"`},
		{"no such key", [][]string{module, uri, pin, {"--cert", certFile(t, "p256")}}, 1, `--cert .*p256/cert.pem: pkcs11: the token has no such private key`},
		{"no certificate", [][]string{module, uri, pin}, 1, `--pkcs11-uri pkcs11:token=eco.*: .*no certificate`},
		{"a wrong PIN", [][]string{module, uri, {"--pin-file", wrong}, cert}, 1, `pkcs11: the token refused the PIN: .*CKR_PIN_INCORRECT`},
		{"no PIN", [][]string{module, uri, cert}, 1, `wants a PIN`},
		{"no PIN file", [][]string{module, uri, {"--pin-file", "/nonesuch"}, cert}, 1, `/nonesuch: no such file`},
		{"two PINs", [][]string{module, {"--pkcs11-uri", tok.URI("") + "?pin-value=" + TokenPIN}, pin, cert}, 2, `--pin-file .*pin: the URI has a PIN of its own; see s2ngo-server --help`},
		{"no URI", [][]string{module, {"--pkcs11-uri", "token"}, pin, cert}, 2, `--pkcs11-uri: pkcs11: a URI begins with "pkcs11:"`},
		{"two modules for one URI", [][]string{module, module, uri, pin, cert}, 2, `--pkcs11-module .*: there are 2 of them for 1 --pkcs11-uri`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			program, _ := Binaries(t)
			expectComplaint(t, tok.Env, program, append(slices.Concat(test.options...), "0"), test.code, test.want)
		})
	}
}

// expectComplaint checks that a program of ours ends with one line that matches.
func expectComplaint(t *testing.T, env []string, program string, args []string, code int, want string) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = Environment(env...)
	got := RunCommand(t, cmd)
	if got.Code != code || strings.Count(got.Stderr, "\n") != 1 || !regexp.MustCompile("^s2ngo-server: .*"+want).MatchString(got.Stderr) {
		t.Errorf("the program ended with %d and said %q, want %d and %q", got.Code, got.Stderr, code, want)
	}
	if strings.Contains(got.Stderr+got.Stdout, TokenPIN) || strings.Contains(got.Stderr, "wrong-Pin") {
		t.Errorf("the program told the PIN: %s", got.Stderr)
	}
}
