//go:build unix

package interop

import (
	"strconv"
	"strings"
	"testing"
)

// TestNode has Node, whose openssl knows ML-KEM, on the other side.
func TestNode(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	node := Peer(t, "node")
	ours := serve(t, append(with(t, "rsa"), "--https",
		"--groups", "X25519MLKEM768,SecP256r1MLKEM768,SecP384r1MLKEM1024,MLKEM1024,x25519,secp256r1,secp384r1,secp521r1")...)
	for _, test := range []struct{ version, theirs, ours string }{
		{"TLSv1.3", "X25519MLKEM768", "X25519MLKEM768"},
		{"TLSv1.3", "SecP256r1MLKEM768", "SecP256r1MLKEM768"},
		{"TLSv1.3", "SecP384r1MLKEM1024", "SecP384r1MLKEM1024"},
		{"TLSv1.3", "MLKEM1024", "MLKEM1024"},
		{"TLSv1.3", "X25519", "x25519"},
		{"TLSv1.3", "P-521", "secp521r1"},
		{"TLSv1.2", "P-256", "secp256r1"},
		{"TLSv1.2", "X25519", "x25519"},
	} {
		want := report{Version: test.version, Group: test.ours}
		t.Run(test.version+" "+test.theirs+" from node", func(t *testing.T) {
			got := Run(t, node, "testdata/client.js", strconv.Itoa(ours.port), roots(t), test.theirs, test.version)
			expectPage(t, got)
			ours.next().expect(t, want)
			if !strings.Contains(got.Stdout, "version "+test.version+"\n") {
				t.Errorf("node tells of another version: %s", got.Stdout)
			}
		})
		t.Run(test.version+" "+test.theirs+" to node", func(t *testing.T) {
			port := FreePort(t)
			theirs := Start(t, node, "testdata/server.js", strconv.Itoa(port), certFile(t, "p256"), keyFile(t, "p256"),
				test.theirs+":P-256", test.version)
			theirs.WaitListening(port, prompt)
			groups := test.ours
			if test.ours == "x25519" {
				groups += ",secp256r1" // the certificate's, which TLS 1.2 wants
			}
			got := connect(t, port, greeting, "--echo", "--groups", groups)
			expectEcho(t, got)
			got.expect(t, want)
		})
	}
	t.Run("a HelloRetryRequest to node", func(t *testing.T) {
		got := Run(t, node, "testdata/client.js", strconv.Itoa(ours.port), roots(t), "X448:SecP384r1MLKEM1024", "TLSv1.3")
		expectPage(t, got)
		ours.next().expect(t, report{Group: "SecP384r1MLKEM1024", HelloRetry: true})
	})
	t.Run("a HelloRetryRequest from node", func(t *testing.T) {
		port := FreePort(t)
		theirs := Start(t, node, "testdata/server.js", strconv.Itoa(port), certFile(t, "p256"), keyFile(t, "p256"),
			"SecP384r1MLKEM1024", "TLSv1.3")
		theirs.WaitListening(port, prompt)
		got := connect(t, port, greeting, "--echo", "--groups", "X25519MLKEM768,SecP384r1MLKEM1024")
		expectEcho(t, got)
		got.expect(t, report{Group: "SecP384r1MLKEM1024", HelloRetry: true})
	})
	t.Run("a client's certificate from node", func(t *testing.T) {
		ours := serve(t, append(with(t, "p256"), "--https", "--mutual-auth", "--ca-file", roots(t))...)
		expectPage(t, Run(t, node, "testdata/client.js", strconv.Itoa(ours.port), roots(t), "X25519MLKEM768", "TLSv1.3",
			certFile(t, "client"), keyFile(t, "client")))
		ours.next().expect(t, report{Group: "X25519MLKEM768", ClientAuth: true})
	})
	t.Run("a client's certificate to node", func(t *testing.T) {
		port := FreePort(t)
		theirs := Start(t, node, "testdata/server.js", strconv.Itoa(port), certFile(t, "p256"), keyFile(t, "p256"),
			"X25519MLKEM768", "TLSv1.3", roots(t))
		theirs.WaitListening(port, prompt)
		got := connect(t, port, greeting, append(with(t, "client"), "--echo")...)
		expectEcho(t, got)
		got.expect(t, report{Group: "X25519MLKEM768", ClientAuth: true})
		theirs.WaitFor("version TLSv1.3 client client\n", prompt)
	})
}
