//go:build unix

package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeConfig writes a configuration into a new folder and returns the folder and the file.
func writeConfig(t testing.TB, name, text string) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	file = filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, file
}

// getPlain fetches a page without TLS.
func getPlain(t testing.TB, port int) string {
	t.Helper()
	return Run(t, Peer(t, "curl"), "--silent", "--show-error", "--disable", fmt.Sprintf("http://127.0.0.1:%d/", port)).Stdout
}

// TestNginx has nginx serve our client, and fetch from our server as a proxy, which proves itself.
func TestNginx(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	nginx := Peer(t, "nginx")
	for _, version := range versions {
		ours := serve(t, append(with(t, "p256"), "--https", "--mutual-auth", "--ca-file", roots(t))...)
		secure, plain := FreePort(t), FreePort(t)
		dir, config := writeConfig(t, "nginx.conf", fmt.Sprintf(`
daemon off; master_process off; pid DIR/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
	server {
		listen 127.0.0.1:%d ssl http2; ssl_protocols %s;
		ssl_certificate %s; ssl_certificate_key %s; ssl_certificate %s; ssl_certificate_key %s;
		ssl_verify_client on; ssl_client_certificate %s;
		location / { return 200 "$ssl_protocol for $ssl_client_s_dn"; }
	}
	server {
		listen 127.0.0.1:%d;
		location / {
			proxy_pass https://127.0.0.1:%d; proxy_ssl_protocols %s; proxy_ssl_server_name on; proxy_ssl_name localhost;
			proxy_ssl_verify on; proxy_ssl_trusted_certificate %s; proxy_ssl_certificate %s; proxy_ssl_certificate_key %s;
		}
	}
}`, secure, version.name, certFile(t, "rsa"), keyFile(t, "rsa"), certFile(t, "p256"), keyFile(t, "p256"), roots(t),
			plain, ours.port, version.name, roots(t), certFile(t, "client"), keyFile(t, "client")))
		theirs := Start(t, nginx, "-p", dir, "-c", config, "-e", "stderr")
		theirs.WaitListening(secure, prompt)
		theirs.WaitListening(plain, prompt)
		t.Run(version.name+" serves s2ngo-client", func(t *testing.T) {
			got := connect(t, secure, "", append(with(t, "client"), "--get", "/", "--alpn", "http/1.1")...)
			if got.Code != 0 || got.Data != version.name+" for CN=client" {
				t.Errorf("s2ngo-client ended with %d and %q: %s", got.Code, got.Data, got.Stderr)
			}
			got.expect(t, report{Version: version.name, ALPN: "http/1.1", ClientAuth: true})
		})
		t.Run(version.name+" fetches from s2ngo-server", func(t *testing.T) {
			if got := getPlain(t, plain); !strings.Contains(got, page) {
				t.Errorf("nginx has %q", got)
			}
			ours.next().expect(t, report{Version: version.name, ClientAuth: true})
		})
	}
}

// TestHAProxy has haproxy serve our client, and fetch from our server, which proves itself.
func TestHAProxy(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	haproxy := Peer(t, "haproxy")
	// It wants a certificate and its key in one file.
	both := func(name string) string {
		var text []byte
		for _, file := range []string{certFile(t, name), keyFile(t, name)} {
			part, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, part...)
		}
		_, file := writeConfig(t, name+".pem", string(text))
		return file
	}
	for _, version := range versions {
		ours := serve(t, append(with(t, "p256"), "--https", "--mutual-auth", "--ca-file", roots(t))...)
		secure, plain := FreePort(t), FreePort(t)
		_, config := writeConfig(t, "haproxy.cfg", fmt.Sprintf(`
defaults
	mode http
	timeout connect 10s
	timeout client 10s
	timeout server 10s
frontend secure
	bind 127.0.0.1:%d ssl crt %s ssl-min-ver %s ssl-max-ver %s alpn http/1.1 verify required ca-file %s
	http-request return status 200 content-type text/plain lf-string "%%[ssl_fc_protocol] for %%[ssl_c_s_dn(cn)]"
frontend plain
	bind 127.0.0.1:%d
	default_backend ours
backend ours
	server ours 127.0.0.1:%d ssl verify required ca-file %s verifyhost localhost sni str(localhost) ssl-min-ver %s ssl-max-ver %s crt %s
`, secure, both("rsa"), version.name, version.name, roots(t), plain, ours.port, roots(t), version.name, version.name, both("client")))
		theirs := Start(t, haproxy, "-db", "-f", config)
		theirs.WaitListening(secure, prompt)
		theirs.WaitListening(plain, prompt)
		t.Run(version.name+" serves s2ngo-client", func(t *testing.T) {
			got := connect(t, secure, "", append(with(t, "client"), "--get", "/", "--alpn", "http/1.1")...)
			if got.Code != 0 || got.Data != version.name+" for client" {
				t.Errorf("s2ngo-client ended with %d and %q: %s", got.Code, got.Data, got.Stderr)
			}
			got.expect(t, report{Version: version.name, ALPN: "http/1.1", ClientAuth: true})
		})
		t.Run(version.name+" fetches from s2ngo-server", func(t *testing.T) {
			if got := getPlain(t, plain); !strings.Contains(got, page) {
				t.Errorf("haproxy has %q", got)
			}
			theirs.Kill()
			ours.next().expect(t, report{Version: version.name, ClientAuth: true})
		})
	}
}
