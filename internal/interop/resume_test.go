//go:build unix

package interop

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// opensslVersion is the option of openssl for one version alone.
var opensslVersion = map[iana.Version]string{iana.TLS13: "-tls1_3", iana.TLS12: "-tls1_2"}

// TestResumeOpenSSL has openssl resume sessions of ours, by tickets and by IDs, and we those of openssl.
func TestResumeOpenSSL(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range resumeVersions {
		for _, way := range []struct {
			name    string
			options []string // of openssl
			store   bool
		}{
			{"by ticket", nil, false},
			{"by ID", []string{"-no_ticket"}, true},
		} {
			options := append([]string{opensslVersion[version.id]}, way.options...)
			t.Run(version.name+" "+way.name+" from s_client", func(t *testing.T) {
				cfg := resumable(t, version.id)
				if way.store {
					cfg.SessionStore = conn.NewMemoryStore(1 << 20)
				}
				ours := startResumeServer(t, cfg)
				file := filepath.Join(t.TempDir(), "session")
				for i := range 3 {
					line := append([]string{"-sess_out", file}, options...)
					if i > 0 {
						line = append(line, "-sess_in", file)
					}
					expectPage(t, sClient(t, ours.port, request, line...))
				}
				ours.expectResumed(t, version.id, 3)
			})
			t.Run(version.name+" "+way.name+" to s_server", func(t *testing.T) {
				_, port := sServer(t, "p256", options...)
				resumeWith(t, resumable(t, version.id), port, greeting, reversed)
			})
		}
	}
	t.Run("-reconnect", func(t *testing.T) {
		ours := startResumeServer(t, resumable(t, iana.TLS12))
		got := runWith(t, request, Peer(t, "openssl"), "s_client", "-connect", Address(ours.port), "-CAfile", roots(t), "-tls1_2",
			"-reconnect", "-ign_eof")
		if !strings.Contains(got.Stdout, page) || strings.Count(got.Stdout, "Reused, TLSv1.2") != 5 {
			t.Errorf("s_client tells %s", got.Stdout)
		}
	})
}

// TestResumeGnuTLS has gnutls resume sessions of ours, and we those of gnutls.
func TestResumeGnuTLS(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for i, version := range resumeVersions {
		t.Run(version.name+" from gnutls-cli", func(t *testing.T) {
			ours := startResumeServer(t, resumable(t, version.id))
			p := Start(t, Peer(t, "gnutls-cli"), gnutlsLine(t, ours.port, priority(gnutlsVersions[i].gnutls), "--resume", "--waitresumption")...)
			p.Write(request)
			p.WaitFor(`This is a resumed session`, prompt)
			p.Write(request)
			p.WaitFor(page, prompt)
			p.Kill()
			ours.expectResumed(t, version.id, 2)
		})
		for _, way := range [][]string{nil, {"--noticket"}} {
			if way != nil && version.id == iana.TLS13 {
				continue // it knows no other
			}
			t.Run(version.name+" "+strings.Join(way, "")+" to gnutls-serv", func(t *testing.T) {
				port := gnutlsServ(t, "p256", priority(gnutlsVersions[i].gnutls), append([]string{"--disable-client-cert"}, way...)...)
				resumeWith(t, resumable(t, version.id), port, greeting, greeting)
			})
		}
	}
}

// TestResumeNSS has NSS resume sessions of ours, and we those of NSS.
func TestResumeNSS(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	database := nssDatabase(t, "p256")
	for i, version := range resumeVersions {
		for _, way := range []struct {
			name    string
			options []string
		}{{"by ticket", []string{"-u"}}, {"by ID", nil}} {
			if way.options == nil && version.id == iana.TLS13 {
				continue // it knows tickets alone
			}
			t.Run(version.name+" "+way.name+" from strsclnt", func(t *testing.T) {
				cfg := resumable(t, version.id)
				if way.options == nil {
					cfg.SessionStore = conn.NewMemoryStore(1 << 20)
				}
				ours := startResumeServer(t, cfg)
				got := Run(t, Peer(t, "strsclnt"), append(way.options, "-4", "-p", strconv.Itoa(ours.port), "-d", database, "-c", "4",
					"-V", nssVersions[i].nss, localhost)...)
				if !strings.Contains(got.Stderr+got.Stdout, "3 cache hits") {
					t.Errorf("strsclnt ended with %d: %s%s", got.Code, got.Stdout, got.Stderr)
				}
				ours.expectResumed(t, version.id, 4)
			})
			t.Run(version.name+" "+way.name+" to selfserv", func(t *testing.T) {
				port := selfserv(t, database, "p256", append(way.options, "-V", nssVersions[i].nss)...)
				resumeWith(t, resumable(t, version.id), port, request, "GET / HTTP/1.0")
			})
		}
	}
}

// TestResumeCurl has curl resume within one call. In TLS 1.2 it knows session IDs alone.
func TestResumeCurl(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for _, version := range resumeVersions {
		t.Run(version.name, func(t *testing.T) {
			cfg := resumable(t, version.id)
			if version.id == iana.TLS12 {
				cfg.SessionStore = conn.NewMemoryStore(1 << 20)
			}
			ours := startResumeServer(t, cfg)
			url := fmt.Sprintf("https://localhost:%d/", ours.port)
			got := Run(t, Peer(t, "curl"), "--disable", "--silent", "--show-error", "--cacert", roots(t), "--http1.0",
				"--tls-max", strings.TrimPrefix(version.name, "TLSv"), url, url, url)
			if strings.Count(got.Stdout, page) != 3 {
				t.Fatalf("curl ended with %d: %s%s", got.Code, got.Stdout, got.Stderr)
			}
			ours.expectResumed(t, version.id, 3)
		})
	}
}

// TestResumeNginx has nginx resume sessions of ours as a proxy, and we those of nginx, by tickets and by IDs.
func TestResumeNginx(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	nginx := Peer(t, "nginx")
	for _, version := range resumeVersions {
		for _, tickets := range []string{"on", "off"} {
			ours := startResumeServer(t, resumable(t, version.id))
			secure, plain := FreePort(t), FreePort(t)
			dir, config := writeConfig(t, "nginx.conf", fmt.Sprintf(`
daemon off; master_process off; pid DIR/pid; error_log stderr;
events {}
http {
	access_log off;
	client_body_temp_path DIR/b; proxy_temp_path DIR/p; fastcgi_temp_path DIR/f; uwsgi_temp_path DIR/u; scgi_temp_path DIR/s;
	server {
		listen 127.0.0.1:%d ssl; ssl_protocols %s;
		ssl_certificate %s; ssl_certificate_key %s;
		ssl_session_tickets %s; ssl_session_cache shared:SSL:1m;
		location / { return 200 "reused: $ssl_session_reused"; }
	}
	server {
		listen 127.0.0.1:%d;
		location / {
			proxy_pass https://127.0.0.1:%d; proxy_ssl_protocols %s; proxy_ssl_server_name on; proxy_ssl_name localhost;
			proxy_ssl_verify on; proxy_ssl_trusted_certificate %s; proxy_ssl_session_reuse on;
		}
	}
}`, secure, version.name, certFile(t, "p256"), keyFile(t, "p256"), tickets, plain, ours.port, version.name, roots(t)))
			theirs := Start(t, nginx, "-p", dir, "-c", config, "-e", "stderr")
			theirs.WaitListening(secure, prompt)
			theirs.WaitListening(plain, prompt)
			t.Run(version.name+" serves us, its tickets "+tickets, func(t *testing.T) {
				resumeWith(t, resumable(t, version.id), secure, request, "reused: ")
			})
			if tickets == "off" {
				continue // this is said to servers alone
			}
			t.Run(version.name+" fetches from us", func(t *testing.T) {
				for range 3 {
					if got := getPlain(t, plain); !strings.Contains(got, page) {
						t.Errorf("nginx has %q", got)
					}
				}
				ours.expectResumed(t, version.id, 3)
			})
		}
	}
}

// TestResumeNode has Node resume sessions of ours, and we those of Node.
func TestResumeNode(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	node := Peer(t, "node")
	for _, version := range resumeVersions {
		t.Run(version.name+" from node", func(t *testing.T) {
			ours := startResumeServer(t, resumable(t, version.id))
			got := Run(t, node, "testdata/resume.js", strconv.Itoa(ours.port), roots(t), version.name)
			if strings.Count(got.Stdout, page) != 3 || strings.Count(got.Stdout, "reused true") != 2 {
				t.Errorf("node ended with %d: %s%s", got.Code, got.Stdout, got.Stderr)
			}
			ours.expectResumed(t, version.id, 3)
		})
		t.Run(version.name+" to node", func(t *testing.T) {
			port := FreePort(t)
			theirs := Start(t, node, "testdata/server.js", strconv.Itoa(port), certFile(t, "p256"), keyFile(t, "p256"), "X25519:P-256", version.name)
			theirs.WaitListening(port, prompt)
			resumeWith(t, resumable(t, version.id), port, greeting, greeting)
		})
	}
}

// TestResumeJava has JSSE resume sessions of ours, and we those of JSSE, with client certificates.
func TestResumeJava(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	java := startJava(t)
	for _, version := range resumeVersions {
		suite := "TLS_AES_128_GCM_SHA256"
		if version.id == iana.TLS12 {
			suite = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
		}
		for _, store := range []bool{false, true} {
			cfg := resumable(t, version.id)
			cfg.ClientAuth = conn.RequireClientAuth
			way := "by ticket"
			if store {
				cfg.SessionStore, way = conn.NewMemoryStore(1<<20), "by ID"
			}
			t.Run(version.name+" "+way+" from JSSE", func(t *testing.T) {
				ours := startResumeServer(t, cfg)
				name := fmt.Sprintf("c%s%v", version.name, store)
				for i := range 3 {
					java.Write(fmt.Sprintf("get %s %d %s %s %s\n", name, ours.port, version.name, suite, keyBag(t, "client")))
					java.WaitFor(fmt.Sprintf(`(?m)(^%s done: .*%s.*\n){%d}`, name, page, i+1), prompt)
				}
				ours.expectResumed(t, version.id, 3)
			})
		}
		t.Run(version.name+" to JSSE", func(t *testing.T) {
			port := FreePort(t)
			java.Write(fmt.Sprintf("serve s%s %d %s %s %s\n", version.name, port, version.name, suite, keyBag(t, "p256")))
			if got := java.WaitFor(fmt.Sprintf(`(?m)^s%s (.*)$`, version.name), prompt)[1]; got != "serves" {
				t.Fatal(got)
			}
			resumeWith(t, resumable(t, version.id), port, greeting, greeting)
		})
	}
}

// TestResumeGoTLS has crypto/tls resume sessions of ours, by tickets and by a store, and we those of crypto/tls.
func TestResumeGoTLS(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	for i, version := range resumeVersions {
		id := gotlsVersions[i].id
		for _, auth := range []conn.ClientAuth{conn.NoClientAuth, conn.RequireClientAuth} {
			for _, store := range []bool{false, true} {
				if store && version.id == iana.TLS12 {
					continue // crypto/tls knows tickets alone
				}
				t.Run(fmt.Sprintf("%s from crypto/tls, a store %v, a client's certificate %v", version.name, store, auth == conn.RequireClientAuth), func(t *testing.T) {
					cfg := resumable(t, version.id)
					if cfg.ClientAuth = auth; store {
						cfg.SessionStore = conn.NewMemoryStore(1 << 20)
					}
					ours := startResumeServer(t, cfg)
					config := gotlsConfig(t, "client", id)
					config.ClientSessionCache = tls.NewLRUClientSessionCache(1)
					for i := range 3 {
						if state := gotlsGet(t, ours.port, config); state.DidResume != (i > 0) {
							t.Errorf("connection %d: crypto/tls resumes %v", i, state.DidResume)
						}
					}
					ours.expectResumed(t, version.id, 3)
				})
			}
			t.Run(fmt.Sprintf("%s to crypto/tls, a client's certificate %v", version.name, auth == conn.RequireClientAuth), func(t *testing.T) {
				config := gotlsConfig(t, "rsa", id)
				if auth == conn.RequireClientAuth {
					config.ClientAuth = tls.RequireAndVerifyClientCert
				}
				resumeWith(t, resumable(t, version.id), gotlsServe(t, config), greeting, greeting)
			})
		}
	}
}

// TestResumeHAProxy has haproxy resume sessions of ours as a proxy, and we those of haproxy.
func TestResumeHAProxy(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	haproxy := Peer(t, "haproxy")
	var both []byte // a certificate and its key, which it wants in one file
	for _, file := range []string{certFile(t, "p256"), keyFile(t, "p256")} {
		part, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		both = append(both, part...)
	}
	_, pem := writeConfig(t, "both.pem", string(both))
	for _, version := range resumeVersions {
		ours := startResumeServer(t, resumable(t, version.id))
		secure, plain := FreePort(t), FreePort(t)
		_, config := writeConfig(t, "haproxy.cfg", fmt.Sprintf(`
global
	nbthread 1
defaults
	mode http
	timeout connect 10s
	timeout client 10s
	timeout server 10s
frontend secure
	bind 127.0.0.1:%d ssl crt %s ssl-min-ver %s ssl-max-ver %s
	http-request return status 200 content-type text/plain lf-string "resumed: %%[ssl_fc_is_resumed]"
frontend plain
	bind 127.0.0.1:%d
	default_backend ours
backend ours
	server ours 127.0.0.1:%d ssl verify required ca-file %s verifyhost localhost sni str(localhost) ssl-min-ver %s ssl-max-ver %s
`, secure, pem, version.name, version.name, plain, ours.port, roots(t), version.name, version.name))
		theirs := Start(t, haproxy, "-db", "-f", config)
		theirs.WaitListening(secure, prompt)
		theirs.WaitListening(plain, prompt)
		t.Run(version.name+" serves us", func(t *testing.T) {
			resumeWith(t, resumable(t, version.id), secure, request, "resumed: ")
		})
		t.Run(version.name+" fetches from us", func(t *testing.T) {
			for range 3 {
				if got := getPlain(t, plain); !strings.Contains(got, page) {
					t.Errorf("haproxy has %q", got)
				}
			}
			ours.expectResumed(t, version.id, 3)
		})
	}
}
