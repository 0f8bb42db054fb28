package conn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// pki is the throwaway authority of this package's tests.
var pki = sync.OnceValue(func() *testpeer.Authority {
	a, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: []byte("conn tests")})
	if err != nil {
		panic(err)
	}
	return a
})

func issue(t testing.TB, tpl testpeer.Template) *Certificate {
	t.Helper()
	if tpl.DNSNames == nil {
		tpl.DNSNames = []string{"localhost"}
	}
	issued, err := pki().Issue(tpl)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCertificate(issued.Chain, issued.Key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serverConfig(t testing.TB) *Config {
	return &Config{Certificates: []*Certificate{issue(t, testpeer.Template{})}, RootCAs: pki().Pool()}
}

func clientConfig() *Config {
	return &Config{RootCAs: pki().Pool(), ServerName: "localhost"}
}

// pair is two connections of ours over a wire.
type pair struct {
	pipe           *testpeer.Pipe
	client, server *Conn
}

func newPair(t testing.TB, client, server *Config) *pair {
	t.Helper()
	p := &pair{pipe: testpeer.NewPipe()}
	var err error
	if p.client, err = NewClient(p.pipe.Client.Recv, p.pipe.Client.Send, client); err != nil {
		t.Fatal(err)
	}
	if p.server, err = NewServer(p.pipe.Server.Recv, p.pipe.Server.Send, server); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.client.Close)
	t.Cleanup(p.server.Close)
	return p
}

// negotiate drives both ends until both are done or one fails.
func (p *pair) negotiate() (clientErr, serverErr error) {
	for range 100000 {
		cb, cerr := p.client.Negotiate()
		sb, serr := p.server.Negotiate()
		if cerr != nil || serr != nil {
			// let the other hear of it
			if cerr == nil {
				_, cerr = p.client.Negotiate()
			} else if serr == nil {
				_, serr = p.server.Negotiate()
			}
			return cerr, serr
		}
		if cb == NotBlocked && sb == NotBlocked {
			return nil, nil
		}
	}
	return io.ErrNoProgress, io.ErrNoProgress
}

func (p *pair) mustNegotiate(t testing.TB) {
	t.Helper()
	if cerr, serr := p.negotiate(); cerr != nil || serr != nil {
		t.Fatalf("client: %v; server: %v", cerr, serr)
	}
}

func exchange(t testing.TB, from, to *Conn, data []byte) {
	t.Helper()
	var got []byte
	sent := 0
	buf := make([]byte, 20000)
	for range 1000000 {
		if sent < len(data) {
			n, _, err := from.Send(data[sent:])
			if err != nil {
				t.Fatal(err)
			}
			sent += n
		} else if _, err := from.Flush(); err != nil {
			t.Fatal(err)
		}
		n, b, err := to.Recv(buf)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, buf[:n]...)
		if b == BlockedOnRead && len(got) >= len(data) {
			break
		}
	}
	if !bytes.Equal(got, data) {
		t.Fatalf("received %d bytes, not the %d that were sent", len(got), len(data))
	}
}

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
