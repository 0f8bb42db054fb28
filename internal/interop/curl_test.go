//go:build unix

package interop

import (
	"fmt"
	"strings"
	"testing"
)

// TestFetch has curl and wget fetch the status page.
func TestFetch(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	open := serve(t, append(with(t, "p256"), "--https", "--alpn", "http/1.1")...)
	closed := serve(t, append(with(t, "rsa"), "--https", "--mutual-auth", "--ca-file", roots(t))...)
	client := []string{"--cert", certFile(t, "client"), "--key", keyFile(t, "client")}
	for _, test := range []struct {
		name    string
		peer    string
		server  *server
		options []string
		want    report
	}{
		{"curl, TLS 1.3", "curl", open, []string{"--tlsv1.3"}, report{Version: "TLSv1.3", ALPN: "http/1.1"}},
		{"curl, TLS 1.2", "curl", open, []string{"--tls-max", "1.2"}, report{Version: "TLSv1.2", ALPN: "http/1.1"}},
		{"curl with a certificate, TLS 1.3", "curl", closed, append(client, "--tlsv1.3"), report{Version: "TLSv1.3", ClientAuth: true}},
		{"curl with a certificate, TLS 1.2", "curl", closed, append(client, "--tls-max", "1.2"), report{Version: "TLSv1.2", ClientAuth: true}},
		{"wget, TLS 1.3", "wget", open, nil, report{Version: "TLSv1.3"}},
		{"wget, TLS 1.2", "wget", open, []string{"--ciphers=NORMAL:-VERS-ALL:+VERS-TLS1.2"}, report{Version: "TLSv1.2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fixed := []string{"--disable", "--silent", "--show-error", "--cacert", roots(t)}
			if test.peer == "wget" {
				fixed = []string{"--no-config", "--quiet", "--output-document=-", "--ca-certificate=" + roots(t)}
			}
			url := fmt.Sprintf("https://localhost:%d/", test.server.port)
			expectPage(t, Run(t, Peer(t, test.peer), append(append(fixed, test.options...), url)...))
			test.server.next().expect(t, test.want)
		})
	}
	t.Run("curl without a certificate", func(t *testing.T) {
		got := Run(t, Peer(t, "curl"), "--silent", "--show-error", "--cacert", roots(t),
			fmt.Sprintf("https://localhost:%d/", closed.port))
		if got.Code == 0 || !strings.Contains(got.Stderr, "certificate required") {
			t.Errorf("curl ended with %d: %s", got.Code, got.Stderr)
		}
	})
}
