package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/internal/interop"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// These tests run the built programs against each other.

func TestMain(m *testing.M) { os.Exit(interop.Main(m)) }

func TestHandshake(t *testing.T) {
	for _, c := range []struct {
		name           string
		server, client []string
		suspended      int // of the server
	}{
		{name: "inline", server: []string{"--negotiate"}},
		{name: "on workers", server: []string{"--async", "2", "--async-delay", "5ms", "--trace"}, client: []string{"--trace"}, suspended: 1},
		{name: "with all its options",
			server: []string{"--async", "1", "--alpn", "h2,http/1.1", "--groups", "secp384r1,x25519", "--prefer-low-latency", "--timeout", "30"},
			client: []string{"--alpn", "http/1.1", "--groups", "x25519,secp384r1", "--schemes", "ecdsa_secp256r1_sha256", "--key-update", "--status", "--timeout", "30"}, suspended: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, append(c.server, "--max-conns", "1")...)
			got := p.run(append(c.client, "--json")...)
			if got.Code != 0 {
				t.Fatalf("exit status %d: %s", got.Code, got.Stderr)
			}
			if code := p.Exit(soon); code != 0 {
				t.Errorf("the server's exit status is %d", code)
			}
			if _, err := os.Stat(p.ca); err == nil {
				t.Errorf("%s is left", p.ca)
			}
			client, server := only(t, got.Stdout), only(t, p.Stdout())
			for _, r := range []cli.Report{client, server} {
				if r.Version != "TLSv1.3" || r.Error != "" || r.ServerName != "localhost" || r.HandshakeMicros <= 0 {
					t.Errorf("it reports %+v", r)
				}
			}
			if client.PeerSignatureScheme != "ecdsa_secp256r1_sha256" || client.SignatureScheme != "" ||
				client.Group != server.Group || client.ALPN != server.ALPN || client.WireIn != server.WireOut || client.WireOut != server.WireIn {
				t.Errorf("the client reports %+v, the server %+v", client, server)
			}
			if server.Blocked.Application != c.suspended {
				t.Errorf("the server was suspended %d times", server.Blocked.Application)
			}
			for _, side := range []string{got.Stderr, p.Stderr()} {
				if drawn := strings.Contains(side, "client_hello"); drawn != (c.name == "on workers") {
					t.Errorf("a ladder is drawn: %v\n%s", drawn, side)
				}
			}
			if c.suspended > 0 && len(c.server) == 5 && !strings.Contains(p.Stderr(), "answered after ") {
				t.Errorf("the ladder does not show the suspension:\n%s", p.Stderr())
			}
		})
	}
}

// Both sides know the same secrets, and so do their key logs.
func TestKeyLog(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "server"), filepath.Join(dir, "client")
	p := start(t, "--key-log", ours)
	if got := p.run("--key-log", theirs); got.Code != 0 {
		t.Fatalf("exit status %d: %s", got.Code, got.Stderr)
	}
	p.stop()
	var logs [2][]string
	for i, name := range []string{ours, theirs} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		logs[i] = slices.Sorted(strings.Lines(string(text)))
	}
	if len(logs[0]) != 5 || !slices.Equal(logs[0], logs[1]) {
		t.Errorf("the server logs %q, the client %q", logs[0], logs[1])
	}
}

// clientCertificate writes a client's certificate, and returns the options for it and
// those for a server that trusts it.
func clientCertificate(t *testing.T, seed string) (client, server []string) {
	t.Helper()
	a, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Name: "clients of " + seed, Seed: []byte(seed)})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := a.Issue(testpeer.Template{CommonName: "a client", Key: testpeer.KeyEd25519})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := issued.WriteFiles(dir); err != nil {
		t.Fatal(err)
	}
	schemes := []string{"--schemes", "ed25519,ecdsa_secp256r1_sha256"}
	return append(schemes, "--cert", filepath.Join(dir, "cert.pem"), "--key", filepath.Join(dir, "key.pem")),
		append(schemes, "--ca-file", filepath.Join(dir, "ca.pem"))
}

func TestClientAuthentication(t *testing.T) {
	good, trusting := clientCertificate(t, "good")
	other, _ := clientCertificate(t, "other")
	p := start(t, append(trusting, "--mutual-auth")...)
	for _, c := range []struct {
		name  string
		args  []string
		alert string
	}{
		{"a certificate", append(good, "--async", "1"), ""},
		{"no certificate", nil, "certificate_required"},
		{"somebody else's certificate", other, "unknown_ca"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := p.run(append(c.args, "--json")...)
			client := only(t, got.Stdout)
			if (got.Code == 0) != (c.alert == "") || client.Alert != c.alert || client.AlertSent {
				t.Errorf("exit status %d, alert %q: %s", got.Code, client.Alert, got.Stderr)
			}
			if c.alert == "" && (client.SignatureScheme != "ed25519" || client.Blocked.Application != 1 || !client.ClientAuth) {
				t.Errorf("the client reports %+v", client)
			}
		})
	}
	list := p.stop()
	if len(list) != 3 {
		t.Fatalf("%d reports", len(list))
	}
	for i, want := range []string{"", "certificate_required", "unknown_ca"} {
		r := list[i]
		if r.Alert != want || r.AlertSent != (want != "") || r.ClientAuth != (want == "") {
			t.Errorf("the server reports %+v", r)
		}
	}
}

func TestGet(t *testing.T) {
	p := start(t, "--https")
	got := p.run("--get", "/index.html")
	if got.Code != 0 || got.Stderr != "" || !strings.HasSuffix(got.Stdout, "</html>\n") || !strings.Contains(got.Stdout, "TLSv1.3") {
		t.Errorf("exit status %d, %q: %s", got.Code, got.Stderr, got.Stdout)
	}
	p.stop()

	const size = 3<<20 + 7
	p = start(t, "--https-bench", fmt.Sprint(size), "--buffered-send", "64k", "--prefer-throughput")
	got = p.run("--get", "/")
	if got.Code != 0 || len(got.Stdout) != size {
		t.Errorf("exit status %d, %d bytes: %s", got.Code, len(got.Stdout), got.Stderr)
	}
	if r := p.stop(); len(r) != 1 || r[0].AppOut < size || r[0].Error != "" {
		t.Errorf("the server reports %+v", r)
	}
}

func TestEcho(t *testing.T) {
	p := start(t)
	text := strings.Repeat("There and back again. ", 100000)
	file := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := p.run("--send-file", file, "--echo", "--key-update"); got.Code != 0 || got.Stdout != text {
		t.Errorf("exit status %d, %d bytes of %d come back: %s", got.Code, len(got.Stdout), len(text), got.Stderr)
	}
	if got := p.run("--send-file", file); got.Code != 0 || !strings.HasPrefix(got.Stdout, "connected to localhost:"+p.port+" (127.0.0.1:"+p.port+")\n") {
		t.Errorf("exit status %d: %q, %s", got.Code, got.Stdout, got.Stderr)
	}
	c := p.begin("--echo")
	c.Write("hello\n")
	c.WaitFor("^hello\n", soon)
	c.Write("again\n")
	c.WaitFor("^hello\nagain\n$", soon)
	c.CloseStdin()
	if code := c.Exit(soon); code != 0 {
		t.Errorf("exit status %d: %s", code, c.Stderr())
	}
	for _, r := range p.stop() {
		if r.Error != "" || r.AppIn < r.AppOut {
			t.Errorf("the server reports %+v", r)
		}
	}
}

func TestWrongAuthority(t *testing.T) {
	p := start(t)
	_, client := interop.Binaries(t)
	_, strangers := clientCertificate(t, "strangers")
	for _, c := range []struct {
		name  string
		args  []string
		alert string
		says  string
	}{
		{"an authority that did not sign", strangers[2:], "unknown_ca", "not trusted"},
		{"another name", []string{"--ca-file", p.ca, "--name", "example.com"}, "bad_certificate", `is not for "example.com"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := interop.Run(t, client, append(c.args, "--json", "localhost", p.port)...)
			r := only(t, got.Stdout)
			if got.Code != 1 || r.Alert != c.alert || !r.AlertSent || r.ErrorKind != "protocol" ||
				!strings.HasPrefix(got.Stderr, "s2ngo-client: handshake with localhost:"+p.port+": tls: ") || !strings.Contains(got.Stderr, c.says) {
				t.Errorf("exit status %d, %+v: %s", got.Code, r, got.Stderr)
			}
		})
	}
	list := p.stop()
	if len(list) != 2 || list[0].Alert != "unknown_ca" || list[1].Alert != "bad_certificate" {
		t.Fatalf("the server reports %+v", list)
	}
	for _, r := range list {
		if r.AlertSent || r.ErrorKind != "alert" {
			t.Errorf("the server reports %+v", r)
		}
	}
}
