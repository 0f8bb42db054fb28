package bogo

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// shimID is what the shim says first on each connection.
const shimID uint64 = 0x0123456789

// material is the certificate of all tests here, in files and for crypto/tls.
type material struct {
	dir         string
	certificate tls.Certificate
	roots       *x509.CertPool
}

func (m *material) file(name string) string { return filepath.Join(m.dir, name) }

func makeMaterial(t *testing.T) *material {
	t.Helper()
	authority, err := testpeer.NewAuthority(testpeer.AuthorityOptions{})
	if err != nil {
		t.Fatal(err)
	}
	issued, err := authority.Issue(testpeer.Template{DNSNames: []string{"localhost"}})
	if err != nil {
		t.Fatal(err)
	}
	m := &material{dir: t.TempDir(), roots: authority.Pool()}
	if err := issued.WriteFiles(m.dir); err != nil {
		t.Fatal(err)
	}
	m.certificate = tls.Certificate{Certificate: issued.Chain, PrivateKey: issued.Key}
	return m
}

// smallRunner does for one start of the shim what BoGo's runner does: it accepts its
// connections, and is the peer on them.
func smallRunner(t *testing.T, peer func(c net.Conn, n int) error, connections int, flags ...string) (status int, stderr string, peerErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	go func() {
		var errs []error
		for n := range connections {
			c, err := l.Accept()
			if err != nil {
				break // the shim ended before
			}
			c.SetDeadline(time.Now().Add(time.Minute))
			var id [8]byte
			if _, err = io.ReadFull(c, id[:]); err == nil && binary.LittleEndian.Uint64(id[:]) != shimID {
				err = fmt.Errorf("the shim says that it is %x", id)
			}
			if err == nil {
				err = peer(c, n)
			}
			c.Close()
			errs = append(errs, err)
		}
		done <- errors.Join(errs...)
	}()
	port := l.Addr().(*net.TCPAddr).Port
	cmd := exec.Command(shim, append([]string{"-port", fmt.Sprint(port), "-shim-id", fmt.Sprint(shimID)}, flags...)...)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		exit := (*exec.ExitError)(nil)
		if !errors.As(err, &exit) {
			t.Fatal(err)
		}
		status = exit.ExitCode()
	}
	l.Close()
	return status, out.String(), <-done
}

// flipped sends a text and wants it back with its bits flipped.
func flipped(c io.ReadWriter, text string) error {
	if _, err := io.WriteString(c, text); err != nil {
		return err
	}
	answer := make([]byte, len(text))
	if _, err := io.ReadFull(c, answer); err != nil {
		return err
	}
	for i := range answer {
		answer[i] ^= 0xff
	}
	if string(answer) != text {
		return fmt.Errorf("%q came back as %q", text, answer)
	}
	return nil
}

// TestShim starts the shim with a small runner, in every mode and with BoGo's own flag for late
// answers.
func TestShim(t *testing.T) {
	m := makeMaterial(t)
	asServer := func(cfg *tls.Config, check func(s tls.ConnectionState, n int) error) func(c net.Conn, n int) error {
		if cfg.Certificates == nil {
			cfg.Certificates = []tls.Certificate{m.certificate}
		}
		return func(raw net.Conn, n int) error { return talk(tls.Server(raw, cfg), n, check) }
	}
	asClient := func(cfg *tls.Config, check func(s tls.ConnectionState, n int) error) func(c net.Conn, n int) error {
		cfg.RootCAs, cfg.ServerName = m.roots, "localhost"
		return func(raw net.Conn, n int) error {
			if n == 0 {
				cfg.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			}
			return talk(tls.Client(raw, cfg), n, check)
		}
	}
	resumes := func(s tls.ConnectionState, n int) error {
		if s.DidResume != (n > 0) {
			return fmt.Errorf("connection %d: resumed: %v", n, s.DidResume)
		}
		return nil
	}
	client := []string{"-trust-cert", m.file("ca.pem")}
	server := []string{"-server", "-cert-file", m.file("cert.pem"), "-key-file", m.file("key.pem")}
	only12 := &tls.Config{MaxVersion: tls.VersionTLS12}

	for _, c := range []struct {
		name        string
		peer        func(c net.Conn, n int) error
		connections int
		flags       []string
		status      int
		stderr      string // a part of it
		peerErr     string // likewise
	}{
		{"a client of TLS 1.3", asServer(&tls.Config{}, nil), 1, append(client, "-expect-version", "772"), 0, "", ""},
		{"a client of TLS 1.2", asServer(only12.Clone(), nil), 1, append(client, "-expect-version", "771"), 0, "", ""},
		{"a server of TLS 1.3", asClient(&tls.Config{}, nil), 1, append(server, "-expect-version", "772"), 0, "", ""},
		{"a server of TLS 1.2", asClient(only12.Clone(), nil), 1, append(server, "-expect-version", "771"), 0, "", ""},
		{"a client that resumes in TLS 1.3", asServer(&tls.Config{}, resumes), 2, append(client, "-resume-count", "1"), 0, "", ""},
		{"a client that resumes in TLS 1.2", asServer(only12.Clone(), resumes), 2, append(client, "-resume-count", "1", "-on-resume-expect-ticket-renewal"), 0, "", ""},
		{"a server that resumes in TLS 1.3", asClient(&tls.Config{}, resumes), 2, append(server, "-resume-count", "1"), 0, "", ""},
		{"a server that resumes in TLS 1.2", asClient(only12.Clone(), resumes), 2, append(server, "-resume-count", "1"), 0, "", ""},
		{"an expected miss that is none", asServer(&tls.Config{}, nil), 2, append(client, "-resume-count", "1", "-on-resume-expect-session-miss"), 1, "resumed: true, expected false", ""},
		{"a server that wants a certificate", asClient(&tls.Config{Certificates: []tls.Certificate{m.certificate}}, nil), 1,
			append(server, "-require-any-client-certificate"), 0, "", ""},
		{"a server that wants a certificate and gets none", asClient(&tls.Config{}, nil), 1, append(server, "-require-any-client-certificate"), 1, "client sent no certificate", "certificate required"},
		{"a client with a certificate", asServer(&tls.Config{ClientAuth: tls.RequireAnyClientCert}, func(s tls.ConnectionState, _ int) error {
			if len(s.PeerCertificates) != 1 {
				return fmt.Errorf("%d certificates of the client", len(s.PeerCertificates))
			}
			return nil
		}), 1, append(client, "-cert-file", m.file("cert.pem"), "-key-file", m.file("key.pem")), 0, "", ""},
		{"a client that refuses the certificate", asServer(&tls.Config{}, nil), 1, append(client, "-verify-peer", "-verify-fail", "-use-custom-verify-callback"), 1, "the verdict refused the certificate", "unknown certificate"},
		{"a group that is not there", asServer(&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}}, nil), 1, append(client, "-curves", "29"), 1, "peer sent alert", ""},
		{"another group than expected", asServer(&tls.Config{CurvePreferences: []tls.CurveID{tls.X25519}}, nil), 1, append(client, "-expect-curve-id", "23"), 1, "group x25519, expected 23", ""},
		{"a policy that the server complies with", asServer(&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}}, nil), 1, append(client, "-fips-202205", "-expect-curve-id", "24"), 0, "", ""},
		{"a policy that the server does not comply with", asServer(&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP256}}, nil), 1, append(client, "-cnsa1-202603"), 1, "peer sent alert", ""},
		{"groups that the client may choose among", asClient(&tls.Config{CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256}}, nil), 1,
			append(server, "-curves", "24", "-curves", "23", "-curves", "29", "-curves-flags", "1", "-curves-flags", "1", "-expect-curve-id", "29"), 0, "", ""},
		{"a hint at the server's groups", asServer(&tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP384}}, nil), 1,
			append(client, "-curves", "29", "-curves", "24", "-server-supported-groups-hint", "24", "-expect-no-hrr", "-expect-curve-id", "24"), 0, "", ""},
		{"a certificate of no authority that the client names", asClient(&tls.Config{}, nil), 1,
			append(server[:1:1], "-new-x509-credential", "-cert-file", m.file("cert.pem"), "-key-file", m.file("key.pem"), "-must-match-issuer"), 1, "no certificate is of an authority that the peer names", "handshake failure"},
		{"a callback against overload", asClient(&tls.Config{}, nil), 1, append(server, "-install-ddos-callback", "-fail-ddos-callback"), 1, "the callback against overload refused", "internal error"},
		{"what Peek promises", asServer(&tls.Config{}, nil), 1, append(client, "-peek-then-read"), 0, "", ""},
		{"an alert of a peer that speaks no TLS", says("\x15\x03\x03\x00\x02\x02\x28"), 1, client, 1, "peer sent alert handshake_failure", ""},
		{"garbage", says("no record"), 1, client, 1, "instead of a TLS record", ""},
		{"keying material", func(raw net.Conn, _ int) error {
			return exported(tls.Server(raw, &tls.Config{Certificates: []tls.Certificate{m.certificate}}))
		}, 1,
			append(client, "-export-keying-material", "40", "-export-label", "label", "-export-context", "context", "-use-export-context"), 0, "", ""},
		{"a flag that nobody knows", nil, 0, []string{"-no-such-flag"}, 89, "unknown flag -no-such-flag", ""},
		{"a flag for one connection that nobody knows", nil, 0, []string{"-on-resume-no-such-flag"}, 89, "unknown flag -no-such-flag", ""},
		{"a version that is not implemented", nil, 0, append(client, "-max-version", "770"), 89, "not implemented", ""},
	} {
		for _, mode := range []string{"", "-suspend", "-chop", "-async"} {
			t.Run(strings.TrimSpace(c.name+" "+mode), func(t *testing.T) {
				flags := c.flags
				if mode != "" {
					flags = append([]string{mode}, flags...)
				}
				status, stderr, err := smallRunner(t, c.peer, c.connections, flags...)
				if status != c.status || !strings.Contains(stderr, c.stderr) || status == 0 && stderr != "" {
					t.Errorf("the shim ends with status %d, want %d\n%s", status, c.status, stderr)
				}
				switch {
				case c.status == 0 && err != nil:
					t.Errorf("its peer: %v", err)
				case c.peerErr != "" && (err == nil || !strings.Contains(err.Error(), c.peerErr)):
					t.Errorf("its peer: %v, want %q", err, c.peerErr)
				}
			})
		}
	}
}

// talk shakes hands, looks, talks and closes. A peer that refuses says so by what it sends after.
func talk(c *tls.Conn, n int, check func(s tls.ConnectionState, n int) error) error {
	if err := c.Handshake(); err != nil {
		return err
	}
	if check != nil {
		if err := check(c.ConnectionState(), n); err != nil {
			return err
		}
	}
	if err := flipped(c, strings.Repeat("BoGo", 500)); err != nil {
		return err
	}
	return c.CloseWrite()
}

// says is a peer that answers the first record by these bytes.
func says(text string) func(c net.Conn, n int) error {
	return func(c net.Conn, _ int) error {
		header := make([]byte, 5)
		if _, err := io.ReadFull(c, header); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, c, int64(binary.BigEndian.Uint16(header[3:]))); err != nil {
			return err
		}
		if _, err := io.WriteString(c, text); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, c) // up to the shim's end
		return err
	}
}

// exported compares the keying material that the shim sends.
func exported(c *tls.Conn) error {
	if err := c.Handshake(); err != nil {
		return err
	}
	state := c.ConnectionState()
	want, err := state.ExportKeyingMaterial("label", []byte("context"), 40)
	if err != nil {
		return err
	}
	got := make([]byte, 40)
	if _, err := io.ReadFull(c, got); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return errors.New("the keying material differs")
	}
	return c.CloseWrite()
}

// TestHandshakerSupported asks the shim what the runner asks first.
func TestHandshakerSupported(t *testing.T) {
	if out, err := exec.Command(shim, "-is-handshaker-supported").Output(); string(out) != "No\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
}
