package conn

import (
	"bytes"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

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
	for round := range 100000 {
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
		if round > 1000 { // who answers on another goroutine may wait for a processor
			time.Sleep(100 * time.Microsecond)
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

// stream returns random bytes that are always the same for a seed, for Config.rand.
func stream(seed string) io.Reader {
	var key [32]byte
	copy(key[:], seed)
	return rand.NewChaCha8(key)
}

// quick makes key exchanges cheap, for tests with many handshakes.
func quick(cfg *Config) *Config {
	cfg.Groups = []iana.Group{iana.X25519}
	return cfg
}

// mustClient and mustServer make connections over callbacks of any kind.
func mustClient(t testing.TB, recv RecvFunc, send SendFunc, cfg *Config) *Conn {
	t.Helper()
	c, err := NewClient(recv, send, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func mustServer(t testing.TB, recv RecvFunc, send SendFunc, cfg *Config) *Conn {
	t.Helper()
	c, err := NewServer(recv, send, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// established returns a pair whose handshake is complete.
func established(t testing.TB, client, server *Config) *pair {
	t.Helper()
	p := newPair(t, client, server)
	p.mustNegotiate(t)
	return p
}

// mustSend sends all of data at once over a wire that takes it.
func mustSend(t testing.TB, c *Conn, data string) {
	t.Helper()
	if n, b, err := c.Send([]byte(data)); n != len(data) || b != NotBlocked || err != nil {
		t.Fatalf("Send(%d bytes) = %d, %v, %v", len(data), n, b, err)
	}
}

// wantRecv receives all that there is.
func wantRecv(t testing.TB, c *Conn, want string) {
	t.Helper()
	buf := make([]byte, len(want)+1)
	got := 0
	for {
		n, b, err := c.Recv(buf[got:])
		got += n
		if err != nil {
			t.Fatalf("Recv after %q: %v", buf[:got], err)
		}
		if b == BlockedOnRead || got == len(buf) {
			break
		}
	}
	if string(buf[:got]) != want {
		t.Fatalf("received %q, not %q", buf[:got], want)
	}
}

// recvError receives until there is an error, which is returned with what came before.
func recvError(t testing.TB, c *Conn) (data string, err error) {
	t.Helper()
	buf := make([]byte, 20000)
	for {
		n, b, err := c.Recv(buf)
		data += string(buf[:n])
		if err != nil {
			return data, err
		}
		if b == BlockedOnRead {
			return data, nil
		}
	}
}
