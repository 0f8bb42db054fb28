package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// write makes a file for a test.
func write(t *testing.T, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestReconnect resumes a session again and again, in each way that the server keeps sessions.
func TestReconnect(t *testing.T) {
	key := write(t, "key", "a secret for tickets")
	for _, c := range []struct {
		name           string
		server, client []string
		version        string
		resumed        bool
	}{
		{"tickets of TLS 1.3", nil, nil, "TLSv1.3", true},
		{"tickets under a key of a file", []string{"--stk-file", key}, nil, "TLSv1.3", true},
		{"stateful tickets", []string{"--session-cache", "memory"}, nil, "TLSv1.3", true},
		{"on workers", []string{"--session-cache", "memory", "--async", "2"}, nil, "TLSv1.3", true},
		{"a client without tickets", []string{"--session-cache", "memory"}, []string{"--no-session-ticket"}, "TLSv1.3", false},
		{"a server without tickets", []string{"--no-session-ticket"}, nil, "TLSv1.3", false},
		{"tickets of TLS 1.2", []string{"--ciphers", "ELBSecurityPolicy-TLS-1-2-2017-01"}, nil, "TLSv1.2", true},
		{"session IDs", []string{"--ciphers", "ELBSecurityPolicy-TLS-1-2-2017-01", "--session-cache", "memory", "--no-session-ticket"}, nil, "TLSv1.2", true},
		{"a client of TLS 1.2 that wants no sessions", []string{"--ciphers", "ELBSecurityPolicy-TLS-1-2-2017-01", "--session-cache", "memory"}, []string{"--no-session-ticket"}, "TLSv1.2", false},
		{"neither", []string{"--ciphers", "ELBSecurityPolicy-TLS-1-2-2017-01", "--no-session-ticket"}, nil, "TLSv1.2", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, c.server...)
			got := p.run(append(c.client, "--reconnect", "2", "--json")...)
			if got.Code != 0 {
				t.Fatalf("exit status %d: %s", got.Code, got.Stderr)
			}
			clients, servers := reports(t, got.Stdout), p.stop()
			if len(clients) != 3 || len(servers) != 3 {
				t.Fatalf("%d connections of the client, %d of the server", len(clients), len(servers))
			}
			for i := range clients {
				want := c.resumed && i > 0
				if clients[i].Resumed != want || servers[i].Resumed != want || clients[i].Version != c.version || clients[i].PSK != "" {
					t.Errorf("connection %d: the client reports %+v, the server %+v", i, clients[i], servers[i])
				}
			}
		})
	}
}

// TestTicketFiles lets one process of the client save what another one resumes, and refuses to be
// disturbed by files that hold no session.
func TestTicketFiles(t *testing.T) {
	p := start(t)
	file := filepath.Join(t.TempDir(), "session")
	resumed := func(args ...string) bool {
		t.Helper()
		got := p.run(append(args, "--json")...)
		if got.Code != 0 {
			t.Fatalf("%v: exit status %d: %s", args, got.Code, got.Stderr)
		}
		return only(t, got.Stdout).Resumed
	}
	if resumed("--ticket-out", file) {
		t.Error("the first connection is resumed")
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the session's file: %v, %v", info, err)
	}
	if !resumed("--ticket-in", file, "--ticket-out", file) || !resumed("--ticket-in", file) {
		t.Error("the saved session is not resumed")
	}
	blob, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"garbage": "garbage", "half": string(blob[:len(blob)/2]), "nothing": ""} {
		if resumed("--ticket-in", write(t, "session", text)) {
			t.Errorf("%s is resumed", name)
		}
	}
	for _, c := range []struct{ option, file, says string }{
		{"--ticket-in", "/nonesuch", "--ticket-in /nonesuch: no such file or directory"},
		{"--ticket-out", "/nonesuch/x", "--ticket-out /nonesuch/x: no such file or directory"},
		{"--early-data", "/nonesuch", "--early-data /nonesuch: no such file or directory"},
	} {
		if got := p.run(c.option, c.file); got.Code != 1 || got.Stderr != "s2ngo-client: "+c.says+"\n" {
			t.Errorf("%s: exit status %d, %q", c.option, got.Code, got.Stderr)
		}
	}
	without := start(t, "--no-session-ticket")
	if got := without.run("--ticket-out", file); got.Code != 1 || !strings.Contains(got.Stderr, "the server gave no session") {
		t.Errorf("no ticket: exit status %d, %q", got.Code, got.Stderr)
	}
}

// TestExternalPSK authenticates both sides by what they were given, without a certificate.
func TestExternalPSK(t *testing.T) {
	server, client := interop.Binaries(t)
	p := &peer{t: t, Process: interop.Start(t, server, "--psk", "other,00112233,SHA256", "--psk", "me,000102030405060708090a0b0c0d0e0f,SHA384", "--json", "0")}
	p.port = p.WaitFor(`listening on 127\.0\.0\.1:(\d+)\n`, soon)[1]
	run := func(psk string) interop.Result {
		return interop.Run(t, client, "--psk", psk, "--json", "localhost", p.port)
	}
	got := run("me,000102030405060708090a0b0c0d0e0f,SHA384")
	if got.Code != 0 {
		t.Fatalf("exit status %d: %s", got.Code, got.Stderr)
	}
	if r := only(t, got.Stdout); r.PSK != "me" || r.Resumed || r.CipherSuite != "TLS_AES_256_GCM_SHA384" || r.PeerSignatureScheme != "" {
		t.Errorf("it reports %+v", r)
	}
	for name, psk := range map[string]string{"another secret": "me,01,SHA384", "an unknown identity": "you,01,SHA384"} {
		got := run(psk)
		if r := only(t, got.Stdout); got.Code != 1 || r.Alert != "decrypt_error" || r.AlertSent {
			t.Errorf("%s: exit status %d, %+v", name, got.Code, r)
		}
	}
	if list := p.stop(); len(list) != 3 || list[0].PSK != "me" {
		t.Errorf("the server reports %+v", list)
	}
}

// TestEarlyData sends early data twice under one ticket, and gets it back, early or late.
func TestEarlyData(t *testing.T) {
	text := strings.Repeat("early data, and a lot of it\n", 400)
	file := write(t, "early", text)
	for _, c := range []struct {
		name          string
		server        []string
		first, second string
	}{
		{"sealed tickets", []string{"--max-early-data", "20k"}, "accepted", "accepted"},
		{"stateful tickets, which are used once", []string{"--max-early-data", "20k", "--session-cache", "memory"}, "accepted", "rejected"},
		{"more than the server takes", []string{"--max-early-data", "1k"}, "accepted", "accepted"},
		{"a server that takes none", nil, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, append(c.server, "--echo")...)
			saved := filepath.Join(t.TempDir(), "session")
			if got := p.run("--ticket-out", saved); got.Code != 0 {
				t.Fatal(got.Stderr)
			}
			for i := range 2 {
				got := p.run("--ticket-in", saved, "--early-data", file, "--send-file", write(t, "late", "late\n"), "--echo")
				if got.Code != 0 || got.Stdout != text+"late\n" {
					t.Errorf("time %d: exit status %d, %d bytes came back, %s", i, got.Code, len(got.Stdout), got.Stderr)
				}
			}
			list := p.stop()
			if len(list) != 3 || list[1].EarlyData != c.first || !list[1].Resumed || list[2].EarlyData != c.second || list[2].Resumed != (c.second != "rejected") {
				t.Errorf("the server reports %+v", list)
			}
		})
	}
}
