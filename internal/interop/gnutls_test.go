//go:build unix

package interop

import (
	"io"
	"strconv"
	"strings"
	"testing"
)

// gnutlsVersions has for each version the name in priority strings of gnutls.
var gnutlsVersions = []struct{ name, gnutls string }{{"TLSv1.3", "VERS-TLS1.3"}, {"TLSv1.2", "VERS-TLS1.2"}}

// priority returns a priority string of gnutls with one version and other restrictions.
func priority(version string, others ...string) string {
	return strings.Join(append([]string{"NORMAL:-VERS-ALL:+" + version}, others...), ":")
}

// gnutlsLine is the command line of gnutls-cli.
func gnutlsLine(t testing.TB, port int, priority string, options ...string) []string {
	return append([]string{"--port", strconv.Itoa(port), "--x509cafile", roots(t), "--priority", priority,
		"--sni-hostname", localhost, "--verify-hostname", localhost, "127.0.0.1"}, options...)
}

// gnutlsGet fetches our server's status page by gnutls-cli. Its input stays open: at its end it says
// close_notify, which ends both directions of TLS 1.2.
func gnutlsGet(t testing.TB, port int, priority string, options ...string) Result {
	t.Helper()
	p := Start(t, Peer(t, "gnutls-cli"), gnutlsLine(t, port, priority, options...)...)
	// A client that is refused may be gone before it could read it.
	_, _ = io.WriteString(p.stdin, request)
	code := p.Exit(RunLimit)
	return Result{Code: code, Stdout: p.Stdout(), Stderr: p.Stderr()}
}

// gnutlsServ starts gnutls-serv, which sends back what comes, and returns its port.
func gnutlsServ(t testing.TB, certificate, priority string, options ...string) int {
	t.Helper()
	port := FreePort(t)
	p := Start(t, Peer(t, "gnutls-serv"), append([]string{"--port", strconv.Itoa(port), "--echo", "--priority", priority,
		"--x509certfile", certFile(t, certificate), "--x509keyfile", keyFile(t, certificate), "--x509cafile", roots(t)}, options...)...)
	p.WaitListening(port, prompt)
	return port
}

// expectEcho checks that a client of ours got its greeting back.
func expectEcho(t testing.TB, got visit) {
	t.Helper()
	if got.Code != 0 || got.Data != greeting {
		t.Errorf("s2ngo-client ended with %d and the data %q: %s", got.Code, got.Data, got.Stderr)
	}
}

func TestGnuTLSGroups(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	ours := serve(t, append(with(t, "rsa"), append(ourGroups, "--https")...)...)
	for _, version := range gnutlsVersions {
		port := gnutlsServ(t, "rsa", priority(version.gnutls), "--disable-client-cert")
		for _, group := range [][2]string{
			{"GROUP-X25519", "x25519"}, {"GROUP-SECP256R1", "secp256r1"},
			{"GROUP-SECP384R1", "secp384r1"}, {"GROUP-SECP521R1", "secp521r1"},
		} {
			want := report{Version: version.name, Group: group[1]}
			t.Run(version.name+" "+group[0]+" from gnutls-cli", func(t *testing.T) {
				expectPage(t, gnutlsGet(t, ours.port, priority(version.gnutls, "-GROUP-ALL", "+"+group[0])))
				ours.next().expect(t, want)
			})
			t.Run(version.name+" "+group[0]+" to gnutls-serv", func(t *testing.T) {
				got := connect(t, port, greeting, "--echo", "--groups", group[1])
				expectEcho(t, got)
				got.expect(t, want)
			})
		}
	}
}

// TestGnuTLSHelloRetry has the client guess the wrong group first.
func TestGnuTLSHelloRetry(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	want := report{Version: "TLSv1.3", Group: "secp256r1", HelloRetry: true}
	t.Run("from gnutls-cli", func(t *testing.T) {
		ours := serve(t, append(with(t, "p256"), "--https", "--groups", "secp256r1")...)
		expectPage(t, gnutlsGet(t, ours.port,
			priority("VERS-TLS1.3", "-GROUP-ALL", "+GROUP-SECP521R1", "+GROUP-SECP256R1"), "--single-key-share"))
		ours.next().expect(t, want)
	})
	t.Run("to gnutls-serv", func(t *testing.T) {
		port := gnutlsServ(t, "p256", priority("VERS-TLS1.3", "-GROUP-ALL", "+GROUP-SECP256R1"), "--disable-client-cert")
		got := connect(t, port, greeting, "--echo", "--groups", "x25519,secp256r1")
		expectEcho(t, got)
		got.expect(t, want)
	})
}

// TestGnuTLSClientAuth has both sides prove themselves with each kind of key.
func TestGnuTLSClientAuth(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range gnutlsVersions {
		for _, identity := range []string{"p256", "p384", "p521", "rsa", "rsapss", "ed25519"} {
			want := report{Version: version.name, ClientAuth: true}
			t.Run(version.name+" "+identity+" from gnutls-cli", func(t *testing.T) {
				ours := serve(t, append(with(t, identity), append(ourSchemes, "--https", "--mutual-auth", "--ca-file", roots(t))...)...)
				expectPage(t, gnutlsGet(t, ours.port, priority(version.gnutls),
					"--x509certfile", certFile(t, identity), "--x509keyfile", keyFile(t, identity)))
				ours.next().expect(t, want)
			})
			t.Run(version.name+" "+identity+" to gnutls-serv", func(t *testing.T) {
				port := gnutlsServ(t, identity, priority(version.gnutls), "--require-client-cert")
				got := connect(t, port, greeting, append(with(t, identity), append(ourSchemes, "--echo")...)...)
				expectEcho(t, got)
				got.expect(t, want)
			})
		}
		t.Run(version.name+" none from gnutls-cli", func(t *testing.T) {
			ours := serve(t, append(with(t, "p256"), "--https", "--mutual-auth", "--ca-file", roots(t))...)
			got := gnutlsGet(t, ours.port, priority(version.gnutls))
			if !strings.Contains(got.Stdout+got.Stderr, "fatal alert") || strings.Contains(got.Stdout, page) {
				t.Errorf("gnutls-cli was not refused:\n%s%s", got.Stdout, got.Stderr)
			}
			if got := ours.next(); !got.AlertSent {
				t.Errorf("the server says %q", got.Error)
			}
		})
		t.Run(version.name+" none to gnutls-serv", func(t *testing.T) {
			port := gnutlsServ(t, "p256", priority(version.gnutls), "--require-client-cert")
			got := connect(t, port, greeting, "--echo")
			if got.Code != 1 || got.ErrorKind != "alert" {
				t.Errorf("s2ngo-client ended with %d and %q", got.Code, got.Error)
			}
		})
	}
}

// TestGnuTLSRekey changes keys in the middle of data.
func TestGnuTLSRekey(t *testing.T) {
	t.Parallel()
	t.Run("gnutls-cli asks", func(t *testing.T) {
		ours := serve(t, append(with(t, "p256"), "--trace")...)
		theirs := Start(t, Peer(t, "gnutls-cli"), gnutlsLine(t, ours.port, priority("VERS-TLS1.3"), "--inline-commands")...)
		theirs.WaitFor("Handshake was completed", prompt)
		for _, step := range []struct{ input, output string }{{"one\n", "one"}, {"^rekey^\n", "Rekey was completed"}, {"two\n", "two"}} {
			theirs.Write(step.input)
			theirs.WaitFor(step.output, prompt)
		}
		theirs.CloseStdin()
		theirs.Exit(prompt)
		ours.next().expect(t, report{Version: "TLSv1.3"})
		if updates := strings.Count(ours.Stderr(), "key_update"); updates != 2 {
			t.Errorf("the server tells of %d messages key_update, want one each way", updates)
		}
	})
	t.Run("s2ngo-client asks", func(t *testing.T) {
		port := gnutlsServ(t, "p256", priority("VERS-TLS1.3"), "--disable-client-cert")
		got := connect(t, port, greeting, "--echo", "--key-update", "--trace")
		expectEcho(t, got)
		if updates := strings.Count(got.Stderr, "key_update"); updates != 2 {
			t.Errorf("the client tells of %d messages key_update, want one each way: %s", updates, got.Stderr)
		}
	})
}

// TestGnuTLSTransfer moves much data both ways at once.
func TestGnuTLSTransfer(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	cli := Peer(t, "gnutls-cli")
	_, program := Binaries(t)
	for _, version := range gnutlsVersions {
		t.Run(version.name+" gnutls-cli", func(t *testing.T) {
			ours := serve(t, with(t, "p256")...)
			theirs := Start(t, cli, gnutlsLine(t, ours.port, priority(version.gnutls), "--logfile=/dev/null")...)
			text := bulk()[len(bulk())-1<<20:] // each line is a record
			theirs.Write(text)
			expectBulk(t, theirs, text)
			theirs.CloseStdin()
			theirs.Exit(prompt)
			ours.next().expect(t, report{Version: version.name})
		})
		t.Run(version.name+" gnutls-serv", func(t *testing.T) {
			port := gnutlsServ(t, "p256", priority(version.gnutls), "--disable-client-cert", "--quiet")
			client := Start(t, program, clientLine(t, port, []string{"--echo"})...)
			client.Write(bulk())
			client.CloseStdin()
			code := client.Exit(prompt)
			got := visited(t, Result{code, client.Stdout(), client.Stderr()})
			if code != 0 || got.Data != bulk() {
				t.Errorf("s2ngo-client ended with %d and %d bytes of %d: %s", code, len(got.Data), len(bulk()), got.Stderr)
			}
		})
	}
}
