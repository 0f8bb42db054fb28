//go:build unix

package interop

import (
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// TestEarlyDataGnuTLS sends early data from our client to gnutls-serv, with one session twice: no hello
// is like another, so that none is a replay.
func TestEarlyDataGnuTLS(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	port := gnutlsServ(t, "p256", priority("VERS-TLS1.3"), "--disable-client-cert", "--earlydata", "--maxearlydata", "8192")
	cfg := resumable(t, iana.TLS13)
	_, blob := visitOnce(t, cfg, port, nil, greeting, greeting)
	for range 2 {
		if state := echoEarly(t, cfg, port, blob); !state.Resumed || state.EarlyData != conn.EarlyDataEnd {
			t.Errorf("resumed is %v, early data is %v", state.Resumed, state.EarlyData)
		}
	}
}

// echoEarly sends a line early, which gnutls-serv does not echo, and one later.
func echoEarly(t testing.TB, cfg *conn.Config, port int, blob []byte) conn.State {
	t.Helper()
	raw, err := net.Dial("tcp", Address(port))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(prompt))
	c, err := conn.NewClient(raw.Read, raw.Write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetSession(blob); err != nil {
		t.Fatal(err)
	}
	if n, _, err := c.SendEarlyData([]byte(early)); n != len(early) || err != nil {
		t.Fatal(n, err)
	}
	if _, err := c.Negotiate(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Send([]byte(greeting)); err != nil {
		t.Fatal(err)
	}
	for got, buf := "", make([]byte, 100); !strings.Contains(got, greeting); {
		n, _, err := c.Recv(buf)
		if got += string(buf[:n]); err != nil {
			t.Fatalf("%v after %q", err, got)
		}
	}
	defer func() { _, _ = c.Shutdown() }()
	return c.State()
}

// TestPSKGnuTLS uses an external PSK with gnutls in both roles.
func TestPSKGnuTLS(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	psk := &conn.PSK{Identity: []byte("sensor"), Secret: []byte("thirty-two bytes of a secret ...")}
	const withPSK = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+PSK:+ECDHE-PSK:+DHE-PSK"
	t.Run("gnutls-cli", func(t *testing.T) {
		ours := startEarlyServer(t, &conn.Config{PSKs: []*conn.PSK{psk}})
		p := Start(t, Peer(t, "gnutls-cli"), gnutlsLine(t, ours.port, withPSK, "--pskusername", string(psk.Identity), "--pskkey", hex.EncodeToString(psk.Secret))...)
		p.Write("a line\n")
		p.WaitFor(page, prompt)
		if o := ours.next(t); string(o.PSKIdentity) != "sensor" {
			t.Errorf("the PSK is %q", o.PSKIdentity)
		}
	})
	t.Run("gnutls-serv", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "psk")
		if err := os.WriteFile(file, []byte("sensor:"+hex.EncodeToString(psk.Secret)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		port := gnutlsServ(t, "p256", withPSK, "--disable-client-cert", "--pskpasswd", file)
		cfg := resumable(t, iana.TLS13)
		cfg.PSKs, cfg.SessionTickets, cfg.Certificates = []*conn.PSK{psk}, false, nil
		state, _ := visitOnce(t, cfg, port, nil, greeting, greeting)
		if string(state.PSKIdentity) != "sensor" || state.PeerCertificates != nil {
			t.Errorf("the PSK is %q", state.PSKIdentity)
		}
	})
}
