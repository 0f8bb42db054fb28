//go:build unix && cgo

// Package faults breaks tokens under servers that use them: real modules, in this process, while
// handshakes go on. The process survives, nothing hangs, no wrong signature reaches a client,
// handshakes end with internal_error and a clear error of ours while the token is away, and are as
// before when it is back.
package faults

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/internal/interop"
	"github.com/s2ngo/s2ngo/pkcs11"
)

const (
	// hang is when a handshake that goes nowhere counts as hanging.
	hang = 20 * time.Second
	// recovery bounds the time after a fault in which handshakes fail.
	recovery = 20 * time.Second
)

// A kind of handshake asks its server's key for something of its own.
type kind struct {
	name    string
	version uint16
	suite   uint16 // of TLS 1.2
	key     string // whose certificate is shown
	decrypt bool
}

var kinds = []kind{
	{"TLS 1.3, ECDSA", tls.VersionTLS13, 0, "p256", false},
	{"TLS 1.3, RSA-PSS", tls.VersionTLS13, 0, "rsa2048", false},
	{"TLS 1.2, RSA", tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "rsa2048", false},
	{"TLS 1.2, RSA key exchange", tls.VersionTLS12, tls.TLS_RSA_WITH_AES_128_GCM_SHA256, "rsa2048", true},
}

// A stand is a server with its keys in a token, and clients.
type stand struct {
	testing.TB
	tok      *interop.Token
	open     pkcs11.Config
	token    atomic.Pointer[pkcs11.Token]
	configs  map[string]*conn.Config // by the name of the key
	roots    *x509.CertPool
	listener net.Listener
	dialing  sync.Mutex

	good, bad atomic.Int64 // handshakes that were completed, and that ended as they should in a fault
}

// newStand opens a token. Time limits are those of a test that has little time. The token's process-wide
// environment is set, so that no two tests may run at once.
func newStand(t testing.TB, tok *interop.Token, timeout time.Duration, keys ...string) *stand {
	t.Helper()
	tok.Setenv(t)
	s := &stand{TB: t, tok: tok, configs: map[string]*conn.Config{}, roots: x509.NewCertPool()}
	s.open = pkcs11.Config{Module: tok.Module, InitArgs: tok.Reserved, URI: tok.URI("") + "?pin-source=" + tok.PINFile,
		Timeout: timeout, CloseTimeout: 10 * time.Second, RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond}
	s.reopen()
	t.Cleanup(func() {
		if err := s.token.Load().Close(); err != nil {
			t.Errorf("closing the token: %v", err)
		}
	})
	for _, name := range keys {
		cert, err := conn.NewCertificate(tok.Key(t, name).Chain, nil)
		if err != nil {
			t.Fatal(err)
		}
		cfg := &conn.Config{Policy: "20241106", Certificates: []*conn.Certificate{cert}, Wake: wake}
		cfg.OnPrivateKey = func(c *conn.Conn, op *asyncpkey.Op) error { return s.token.Load().Handle(op, c.Apply) }
		s.configs[name] = cfg
	}
	text, err := os.ReadFile(tok.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	s.roots.AppendCertsFromPEM(text)
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.listener.Close() })
	return s
}

// reopen opens the token, again if a busy machine takes longer than the tests' short time limit.
func (s *stand) reopen() {
	s.Helper()
	token, err := pkcs11.Open(s.open)
	for end := time.Now().Add(recovery); errors.Is(err, pkcs11.ErrTimeout) && time.Now().Before(end); {
		token, err = pkcs11.Open(s.open)
	}
	if err != nil {
		s.Fatal(err)
	}
	s.token.Store(token)
}

// wake lets serve go on.
func wake(c *conn.Conn) { c.Value().(chan struct{}) <- struct{}{} }

// serve does the server's side of one handshake.
func (s *stand) serve(raw net.Conn, cfg *conn.Config) error {
	defer raw.Close()
	c, err := conn.NewServer(raw.Read, raw.Write, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	answered := make(chan struct{}, 8)
	c.SetValue(answered)
	for {
		blocked, err := c.Negotiate()
		switch {
		case err != nil || blocked == conn.NotBlocked:
			return err
		case blocked != conn.BlockedOnApplicationInput:
			return fmt.Errorf("a blocking connection is %v", blocked)
		}
		select {
		case <-answered:
		case <-time.After(hang):
			return fmt.Errorf("no answer of the token in %v", hang)
		}
	}
}

// connect returns the two ends of a connection.
func (s *stand) connect() (near, far net.Conn, err error) {
	s.dialing.Lock()
	defer s.dialing.Unlock()
	if near, err = net.Dial("tcp", s.listener.Addr().String()); err != nil {
		return nil, nil, err
	}
	if far, err = s.listener.Accept(); err != nil {
		near.Close()
	}
	return near, far, err
}

// shake does one handshake and returns what came of it on both sides.
func (s *stand) shake(k kind) (server, client error) {
	var both sync.WaitGroup
	defer both.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), hang+5*time.Second)
	defer cancel()
	near, far, err := s.connect()
	if err != nil {
		return err, err
	}
	defer near.Close()
	failed := make(chan error, 1)
	both.Go(func() { failed <- s.serve(far, s.configs[k.key]) })
	cfg := &tls.Config{RootCAs: s.roots, ServerName: "localhost", MinVersion: k.version, MaxVersion: k.version}
	if k.suite != 0 {
		cfg.CipherSuites = []uint16{k.suite}
	}
	client = tls.Client(near, cfg).HandshakeContext(ctx)
	near.SetDeadline(time.Now())
	return <-failed, client
}

// judge looks at a handshake: it is completed, or has failed the way that the token's fault explains.
func (s *stand) judge(k kind) (server error) {
	s.Helper()
	server, client := s.shake(k)
	alert := "remote error: tls: internal error"
	if k.decrypt {
		alert = "remote error: tls: bad record MAC"
	}
	switch {
	case server == nil && client == nil:
		s.good.Add(1)
		return nil
	case server == nil || client == nil || client.Error() != alert:
		s.Errorf("%s: the client ended with %v, want %s; the server with %v", k.name, client, alert, server)
	case !k.decrypt && !errors.Is(server, conn.ErrInternal) || !strings.Contains(server.Error(), "pkcs11: "):
		s.Errorf("%s: the server's error is %v", k.name, server)
	}
	s.bad.Add(1)
	return server
}

// load has so many clients shake hands until stop, and then waits for them.
func (s *stand) load(clients int) (stop func()) {
	var running sync.WaitGroup
	ended := make(chan struct{})
	for i := range clients {
		running.Go(func() {
			for n := i; ; n++ {
				select {
				case <-ended:
					return
				default:
				}
				if s.judge(s.kindOf(n)) != nil {
					if s.Failed() {
						return // and has said why
					}
					time.Sleep(5 * time.Millisecond) // clients do not come back at once
				}
			}
		})
	}
	return sync.OnceFunc(func() { close(ended); running.Wait() })
}

// kindOf goes round the kinds for which there is a key.
func (s *stand) kindOf(n int) kind {
	for ; ; n++ {
		if k := kinds[n%len(kinds)]; s.configs[k.key] != nil {
			return k
		}
	}
}

// until waits for a condition.
func (s *stand) until(what string, condition func() bool) {
	s.Helper()
	for end := time.Now().Add(recovery); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("waited %v for %s: %d handshakes were completed and %d failed, %+v", recovery, what,
				s.good.Load(), s.bad.Load(), s.token.Load().Metrics())
		}
	}
}

// more waits until so many more handshakes are completed, or have failed.
func (s *stand) more(what string, counter *atomic.Int64, n int64) {
	s.Helper()
	n += counter.Load()
	s.until(what, func() bool { return counter.Load() >= n })
}

// allGood insists on a few handshakes of each kind, and on a token that is itself again.
func (s *stand) allGood() {
	s.Helper()
	for n := range 3 * len(kinds) {
		if err := s.judge(s.kindOf(n)); err != nil {
			s.Errorf("a handshake after all was well again: %v", err)
		}
	}
	s.until("calls that hang to end", func() bool { return s.token.Load().Metrics().Stuck == 0 })
	if m := s.token.Load().Metrics(); !m.Up || m.Queued > 0 {
		s.Errorf("the token is not itself again: %+v", m)
	}
}
