package conn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

func TestHandshakeWithOurselves(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig(t))
	p.mustNegotiate(t)
	data := bytes.Repeat([]byte("application data "), 5000)
	exchange(t, p.client, p.server, data)
	exchange(t, p.server, p.client, data)
	s := p.client.State()
	if s.Version != iana.TLS13 || s.Group != iana.X25519MLKEM768 || s.PeerScheme != iana.ECDSASecp256r1SHA256 || len(s.VerifiedChain) != 2 {
		t.Errorf("client's state is %+v", s)
	}
	if b, err := p.client.Shutdown(); b != BlockedOnRead || err != nil {
		t.Fatal(b, err)
	}
	if n, b, err := p.server.Recv(make([]byte, 1)); n != 0 || b != NotBlocked || err != io.EOF {
		t.Fatal(n, b, err)
	}
	if b, err := p.server.Shutdown(); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
	if b, err := p.client.Shutdown(); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
}

// blocking makes a Conn's callbacks of a net.Conn.
func blocking(c net.Conn) (RecvFunc, SendFunc) { return c.Read, c.Write }

func TestHandshakeWithCryptoTLS(t *testing.T) {
	cert := issue(t, testpeer.Template{})
	std := tls.Certificate{Certificate: cert.Chain, PrivateKey: cert.PrivateKey}
	t.Run("as client", func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		done := make(chan error, 1)
		go func() {
			s := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{std}, MinVersion: tls.VersionTLS13})
			_, err := io.Copy(s, io.LimitReader(s, 5))
			s.Close()
			done <- err
		}()
		recv, send := blocking(ours)
		c, err := NewClient(recv, send, clientConfig())
		if err != nil {
			t.Fatal(err)
		}
		if b, err := c.Negotiate(); b != NotBlocked || err != nil {
			t.Fatal(b, err)
		}
		echo(t, c)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Run("as server, with a signature that comes later", func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		done := make(chan error, 1)
		go func() {
			c := tls.Client(theirs, &tls.Config{RootCAs: pki().Pool(), ServerName: "localhost"})
			_, err := io.Copy(c, io.LimitReader(c, 5))
			c.Close()
			done <- err
		}()
		recv, send := blocking(ours)
		woken := make(chan *Conn, 1)
		cfg := &Config{Certificates: []*Certificate{cert}, Wake: func(c *Conn) { woken <- c }}
		cfg.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
			go func() {
				time.Sleep(10 * time.Millisecond)
				if err := op.Perform(cert.PrivateKey); err != nil {
					op.Fail(err)
					return
				}
				if err := c.Apply(op); err != nil {
					t.Error(err)
				}
			}()
			return nil
		}
		c, err := NewServer(recv, send, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := c.Negotiate(); b != BlockedOnApplicationInput || err != nil {
			t.Fatal(b, err)
		}
		<-woken
		if b, err := c.Negotiate(); b != NotBlocked || err != nil {
			t.Fatal(b, err)
		}
		echo(t, c)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func echo(t *testing.T, c *Conn) {
	t.Helper()
	if n, b, err := c.Send([]byte("hello")); n != 5 || b != NotBlocked || err != nil {
		t.Fatal(n, b, err)
	}
	buf := make([]byte, 10)
	if n, b, err := c.Recv(buf); string(buf[:n]) != "hello" || b != NotBlocked || err != nil {
		t.Fatal(n, b, err)
	}
	if n, b, err := c.Recv(buf); n != 0 || b != NotBlocked || err != io.EOF {
		t.Fatal(n, b, err)
	}
}
