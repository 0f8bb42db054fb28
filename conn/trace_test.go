package conn

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// traced notes what a side's connections do, in order, without the sizes.
func traced(cfg *Config) *[]string {
	lines := new([]string)
	cfg.Trace = func(_ *Conn, e TraceEvent) {
		text := e.String()
		if i := strings.Index(text, " ("); i > 0 && e.Kind == TraceMessage {
			text = text[:i]
		}
		if e.Kind != TraceBlocked {
			*lines = append(*lines, text)
		}
	}
	return lines
}

// The trace of both sides, step by step, is the protocol: messages in the order of RFC
// 8446, keys where they change, questions where they are asked.
func TestTraceIsInTheOrderOfTheProtocol(t *testing.T) {
	client, server := clientConfig(), serverConfig(t)
	client.Groups, server.Groups = []iana.Group{iana.Secp256r1, iana.X25519}, []iana.Group{iana.X25519}
	client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
	server.ClientAuth, client.RequestOCSP = RequireClientAuth, true
	ask := func(_ *Conn, _ operation, give func() error) {
		if err := give(); err != nil {
			t.Error(err)
		}
	}
	client.Hooks, server.Hooks = hooksFor(client.Certificates[0], ask), hooksFor(server.Certificates[0], ask)
	server.OnClientHello = func(_ *Conn, _ *ClientHello, op *async.Op[*Config]) { _ = op.Answer(nil) }
	clientTrace, serverTrace := traced(client), traced(server)
	p := established(t, client, server)
	mustUpdate(t, p.client, true)
	wantRecv(t, p.server, "")
	wantRecv(t, p.client, "")
	_, _ = p.client.Shutdown()
	_, _ = recvError(t, p.server)
	_, _ = p.server.Shutdown()
	_, _ = p.client.Shutdown()

	want := map[string]string{
		"client": `
sent client_hello
received server_hello
sent change_cipher_spec
sent client_hello
received server_hello
read key: handshake
write key: handshake
received encrypted_extensions
received certificate_request
received certificate
asked the application: revocation lists
the application answered: revocation lists
asked the application: certificate verdict
the application answered: certificate verdict
received certificate_verify
asked the application: signature verification
the application answered: signature verification
received finished
read key: application
asked the application: client certificate
the application answered: client certificate
sent certificate
asked the application: private key
the application answered: private key
sent certificate_verify
sent finished
write key: application
the handshake is complete
sent key_update
write key: application
received key_update
read key: application
sent alert close_notify
received alert close_notify`,
		"server": `
received client_hello
asked the application: configuration
the application answered: configuration
sent server_hello
sent change_cipher_spec
received client_hello
sent server_hello
write key: handshake
sent encrypted_extensions
sent certificate_request
asked the application: OCSP response
the application answered: OCSP response
sent certificate
asked the application: private key
the application answered: private key
read key: handshake
sent certificate_verify
sent finished
write key: application
received certificate
asked the application: revocation lists
the application answered: revocation lists
asked the application: certificate verdict
the application answered: certificate verdict
received certificate_verify
asked the application: signature verification
the application answered: signature verification
received finished
read key: application
the handshake is complete
received key_update
read key: application
sent key_update
write key: application
received alert close_notify
sent alert close_notify`,
	}
	for who, got := range map[string][]string{"client": *clientTrace, "server": *serverTrace} {
		wanted := strings.Split(strings.TrimSpace(want[who]), "\n")
		for i := range max(len(got), len(wanted)) {
			g, w := "nothing", "nothing"
			if i < len(got) {
				g = got[i]
			}
			if i < len(wanted) {
				w = wanted[i]
			}
			if g != w {
				t.Errorf("step %d of the %s is %q, want %q\n%s", i, who, g, w, strings.Join(got, "\n"))
				break
			}
		}
	}
}

// A trace says what Negotiate waits for each time it returns.
func TestTraceOfBlocking(t *testing.T) {
	var blocked []string
	s := newSigned(t, server13, func(cfg *Config) {
		cfg.Trace = func(_ *Conn, e TraceEvent) {
			if e.Kind == TraceBlocked {
				blocked = append(blocked, e.Text)
			}
		}
	}, nil)
	step := func() { _, _ = s.server.Negotiate() }
	step()
	_, _ = s.client.Negotiate()
	send := s.server.send
	s.server.send = func([]byte) (int, error) { return 0, ErrWouldBlock }
	step()
	s.server.send = send
	step()
	step()
	s.perform(t, s.ops[0])
	_ = s.server.Apply(s.ops[0])
	step()
	_, _ = s.client.Negotiate()
	step()
	want := []string{"blocked on read", "blocked on write", "blocked on application input", "blocked on application input", "blocked on read"}
	if !slices.Equal(blocked, want) {
		t.Errorf("Negotiate was %q, want %q", blocked, want)
	}
	if st := s.server.State(); st.ReadBlocked != 2 || st.WriteBlocked != 1 || st.ApplicationBlocked != 2 {
		t.Errorf("the state counts %d, %d and %d", st.ReadBlocked, st.WriteBlocked, st.ApplicationBlocked)
	}
}

// lines is a key log for any goroutine.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// byLabel returns the log's lines for one label each.
func (l *lines) byLabel(t *testing.T) map[string]string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	m := map[string]string{}
	for line := range strings.Lines(l.text.String()) {
		label, rest, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		random, secret, ok2 := strings.Cut(rest, " ")
		if !ok || !ok2 || len(random) != 64 || len(secret) < 64 || strings.Trim(random+secret, "0123456789abcdef") != "" || m[label] != "" {
			t.Errorf("the line %q is no line of a key log", line)
		}
		m[label] = rest
	}
	return m
}

// Our key log is that of crypto/tls for the same connection, and both our ends write the
// same.
func TestKeyLogIsThatOfCryptoTLS(t *testing.T) {
	cert := issue(t, testpeer.Template{})
	check := func(t *testing.T, ours, theirs *lines, labels int) {
		t.Helper()
		our, their := ours.byLabel(t), theirs.byLabel(t)
		if len(their) != labels {
			t.Fatalf("crypto/tls wrote %d lines", len(their))
		}
		for label, line := range their {
			if our[label] != line {
				t.Errorf("%s is %s here, %s there", label, our[label], line)
			}
		}
		for label := range our {
			if their[label] == "" && label != "EXPORTER_SECRET" {
				t.Errorf("crypto/tls has no line %s", label)
			}
		}
	}
	for version, labels := range map[uint16]int{tls.VersionTLS12: 1, tls.VersionTLS13: 4} {
		t.Run("our client, "+tls.VersionName(version), func(t *testing.T) {
			ours, theirs := new(lines), new(lines)
			cfg := clientConfig()
			cfg.KeyLog = ours
			greetStd(t, NewClient, cfg, tls.Server, &tls.Config{Certificates: []tls.Certificate{stdCertificate(cert)}, KeyLogWriter: theirs, MaxVersion: version})
			check(t, ours, theirs, labels)
		})
		t.Run("our server, "+tls.VersionName(version), func(t *testing.T) {
			ours, theirs := new(lines), new(lines)
			cfg := &Config{Certificates: []*Certificate{cert}, KeyLog: ours}
			greetStd(t, NewServer, cfg, tls.Client, &tls.Config{RootCAs: pki().Pool(), ServerName: "localhost", KeyLogWriter: theirs, MaxVersion: version})
			check(t, ours, theirs, labels)
		})
	}
	t.Run("both ours", func(t *testing.T) {
		client, server := quick(clientConfig()), quick(serverConfig(t))
		c, s := new(lines), new(lines)
		client.KeyLog, server.KeyLog = c, s
		established(t, client, server)
		if got, want := fmt.Sprint(c.byLabel(t)), fmt.Sprint(s.byLabel(t)); got != want || len(c.byLabel(t)) != 5 {
			t.Errorf("client:\n%s\nserver:\n%s", got, want)
		}
	})
	t.Run("a log that fails", func(t *testing.T) {
		client := quick(clientConfig())
		client.KeyLog = broken{}
		established(t, client, quick(serverConfig(t)))
	})
}

// greetStd shakes hands with crypto/tls, and says goodbye.
func greetStd(t *testing.T, open func(RecvFunc, SendFunc, *Config) (*Conn, error), cfg *Config, std func(net.Conn, *tls.Config) *tls.Conn, stdCfg *tls.Config) {
	t.Helper()
	wire, stdWire := loopback(t)
	done := make(chan error, 1)
	go func() {
		s := std(stdWire, stdCfg)
		_, err := s.Read(make([]byte, 1))
		s.Close()
		done <- err
	}()
	c, err := open(wire.Read, wire.Write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Negotiate(); err != nil {
		t.Error(err)
	}
	if _, err := c.Shutdown(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != io.EOF {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
