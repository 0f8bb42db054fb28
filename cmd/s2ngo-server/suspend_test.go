package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// watched is a connection that tells when something has come.
type watched struct {
	net.Conn
	once sync.Once
	came chan struct{}
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.once.Do(func() { close(w.came) })
	}
	return n, err
}

// handshakes begins as many handshakes with a server, and waits until it has sent all of
// them what it can without its key. done counts those that are complete. leave hangs up.
func (p *peer) handshakes(ctx context.Context, n int) (done *atomic.Int32, leave func()) {
	p.t.Helper()
	done = new(atomic.Int32)
	var running sync.WaitGroup
	var all []*watched
	for range n {
		raw, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", p.port))
		if err != nil {
			p.t.Fatal(err)
		}
		w := &watched{Conn: raw, came: make(chan struct{})}
		all = append(all, w)
		running.Go(func() {
			c := tls.Client(w, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
			if c.HandshakeContext(ctx) == nil {
				done.Add(1)
			}
		})
	}
	for _, w := range all {
		select {
		case <-w.came:
		case <-time.After(soon):
			p.t.Fatal("the server does not answer a ClientHello")
		}
	}
	return done, func() {
		for _, w := range all {
			w.Close()
		}
		running.Wait()
	}
}

// While fifty handshakes wait for one slow key, another connection goes on. SIGTERM ends
// them all.
func TestSuspendedHandshakesDelayNobody(t *testing.T) {
	p := start(t, "--async", "1", "--async-delay", "200ms")
	c := p.begin("--echo", "--json")
	c.Write("hello\n")
	c.WaitFor("^hello\n", soon)
	const waiting = 50
	done, leave := p.handshakes(t.Context(), waiting)
	for i := range 20 {
		line := fmt.Sprintf("line %d\n", i)
		c.Write(line)
		c.WaitFor(line, soon)
	}
	if n := done.Load(); n == waiting {
		t.Error("all handshakes were complete before twenty lines had come back")
	}
	began := time.Now()
	list := p.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the server took %v to end", took)
	}
	leave()
	if code := c.Exit(soon); code != 0 {
		t.Errorf("the client's exit status is %d: %s", code, c.Stderr())
	}
	if r := only(t, c.Stdout()[strings.Index(c.Stdout(), "{"):]); r.Error != "" {
		t.Errorf("the client reports %+v", r)
	}
	stopped := 0
	for _, r := range list {
		if r.Error != "" {
			stopped++
			if r.ErrorKind != "closed" || r.Blocked.Application != 1 {
				t.Errorf("the server reports %+v", r)
			}
		}
	}
	if len(list) != waiting+1 || stopped == 0 {
		t.Errorf("%d connections, %d of them stopped", len(list), stopped)
	}
}

// A client that hangs up ends the operation that its handshake waits for.
func TestHangUpWhileSuspended(t *testing.T) {
	p := start(t, "--async", "1", "--async-delay", "1h", "--trace")
	_, leave := p.handshakes(t.Context(), 2)
	leave()
	p.WaitFor(`(?s)connection \d from .*: tls: peer hung up while the handshake waited for an answer \(private key\)\n.*connection \d from .* hung up`, soon)
	p.WaitFor(`gone after .* ms, without an answer`, soon)
	list := p.stop()
	if len(list) != 2 || list[0].ErrorKind != "closed" || list[1].ErrorKind != "closed" {
		t.Errorf("the server reports %+v", list)
	}
}

// A handshake that takes too long is ended, whatever it waits for.
func TestTimeout(t *testing.T) {
	p := start(t, "--async", "1", "--async-delay", "1h", "--timeout", "0.2", "--max-conns", "2")
	_, leave := p.handshakes(t.Context(), 1)
	defer leave()
	silent, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", p.port))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if code := p.Exit(soon); code != 0 {
		t.Errorf("the server's exit status is %d", code)
	}
	for _, r := range reports(t, p.Stdout()) {
		if r.ErrorKind != "io" || r.Error != "tls: the handshake took longer than 200ms: i/o timeout" {
			t.Errorf("the server reports %+v", r)
		}
	}
}

// A peer that takes nothing does not keep the server from ending, nor does it make it
// keep more than a buffer.
func TestStopWithAPeerThatReadsNothing(t *testing.T) {
	p := start(t, "--https-bench", "1G")
	raw, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", p.port))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	c := tls.Client(raw, &tls.Config{InsecureSkipVerify: true})
	if _, err := fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	list := p.stop()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the server took %v to end", took)
	}
	if len(list) != 1 || list[0].AppOut == 0 || list[0].AppOut > 1<<26 {
		t.Errorf("the server reports %+v", list)
	}
}

// Options that make no sense, and what cannot be had, are told in one line.
func TestFailures(t *testing.T) {
	p := start(t)
	server, client := interop.Binaries(t)
	for _, c := range []struct {
		program string
		args    string
		status  int
		says    string
	}{
		{server, "--frob", 2, "s2ngo-server: --frob: unknown option; see s2ngo-server --help\n"},
		{client, "", 2, "s2ngo-client: arguments: no host to connect to; see s2ngo-client --help\n"},
		{client, "--psk me,53-secret,SHA256 localhost", 2, "s2ngo-client: --psk ...: the secret is not in hexadecimal digits; see s2ngo-client --help\n"},
		{server, "--self-signed localhost " + p.port, 1, "s2ngo-server: listening on 127.0.0.1:" + p.port + ": bind: address already in use\n"},
		{client, "--insecure localhost 1", 1, "s2ngo-client: connecting to localhost:1: connect: connection refused\n"},
		{client, "--ca-file /nonesuch localhost", 1, "s2ngo-client: --ca-file /nonesuch: no such file or directory\n"},
	} {
		got := interop.Run(t, c.program, strings.Fields(c.args)...)
		said := got.Stderr
		if strings.HasPrefix(said, "CA certificate: ") {
			_, said, _ = strings.Cut(said, "\n")
		}
		if got.Code != c.status || said != c.says || got.Stdout != "" {
			t.Errorf("%s %s: exit status %d, %q, %q", c.program, c.args, got.Code, got.Stderr, got.Stdout)
		}
	}
	for _, program := range []string{server, client} {
		got := interop.Run(t, program, "--help")
		if got.Code != 0 || got.Stderr != "" || strings.Count(got.Stdout, "\n  s2ngo-") != 3 {
			t.Errorf("%s --help: exit status %d, %q, %s", program, got.Code, got.Stderr, got.Stdout)
		}
		for line := range strings.Lines(got.Stdout) {
			if len(line) > 100 {
				t.Errorf("a line of %d columns: %s", len(line), line)
			}
		}
	}
	p.stop()
}
