package conn

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// borrower answers what many connections ask, later, on goroutines of its own and in no order, and looks before
// at what was lent with the question: it has to be what it was, whatever other handshakes do meanwhile with
// the memory that all share, and whether the connection still waits or not.
type borrower struct {
	*testing.T
	asked   chan func()
	working sync.WaitGroup
}

// begin lets the borrower work until asked is closed.
func (b *borrower) begin(seed uint64) {
	b.working.Go(func() {
		rng := rand.New(rand.NewPCG(seed, 1))
		var open []func()
		for more := true; more || len(open) > 0; {
			select {
			case answer, ok := <-b.asked:
				if more = ok; ok {
					open = append(open, answer)
				}
			case <-time.After(100 * time.Microsecond):
			}
			if i := rng.IntN(2 * (len(open) + 1)); i < len(open) {
				open[i]()
				open = slices.Delete(open, i, i+1)
			}
		}
	})
}

// ask has answer called later. lent returns what the question has lent.
func (b *borrower) ask(what string, lent func() []byte, answer func() error) {
	before := lent()
	b.asked <- func() {
		if now := lent(); !bytes.Equal(before, now) {
			b.Errorf("%s: %x was lent, and has become %x", what, before, now)
		}
		err := answer()
		for _, late := range []error{async.ErrClosed, async.ErrAnswered, asyncpkey.ErrAlreadyApplied, asyncpkey.ErrWrongConnection, nil} {
			if errors.Is(err, late) {
				return
			}
		}
		b.Errorf("%s: %v", what, err)
	}
}

// hello answers with cfg.
func (b *borrower) hello(cfg *Config) func(*Conn, *ClientHello, *async.Op[*Config]) {
	return func(_ *Conn, hello *ClientHello, op *async.Op[*Config]) {
		b.ask("ClientHello", func() []byte {
			parsed := slices.Concat(hello.Raw(), hello.Random(), hello.SessionID(), []byte(hello.ServerName()))
			for x, data := range hello.Extensions() {
				parsed = append(append(parsed, byte(x)), data...)
			}
			return parsed
		}, func() error { return op.Answer(cfg) })
	}
}

func (b *borrower) hooks(cert *Certificate) Hooks {
	return Hooks{
		OnPrivateKey: func(c *Conn, op *asyncpkey.Op) error {
			b.ask("private key", func() []byte { return slices.Concat(op.Input(), op.Message()) }, func() error {
				if err := op.Perform(cert.PrivateKey); err != nil {
					return err
				}
				return c.Apply(op)
			})
			return nil
		},
		OnVerifySignature: func(_ *Conn, check *SignatureCheck, op *async.Op[Verdict]) {
			b.ask("signature", func() []byte { return slices.Concat(check.Message, check.Signature) }, func() error { return op.Answer(check.Verdict()) })
		},
		OnVerify: func(_ *Conn, peer *PeerChain, op *async.Op[Verdict]) {
			b.ask("chain", func() []byte { return slices.Concat(peer.Certificates[0].Raw, peer.OCSPResponse) }, func() error { return op.Answer(Accept) })
		},
	}
}

// patience goes on with the handshake of c until it ends, or until it waits for its application once too often.
func patience(c *Conn, times int) error {
	for {
		blocked, err := c.Negotiate()
		if err != nil || blocked == NotBlocked {
			return err
		}
		if times--; times < 0 {
			return errAborted
		}
		<-c.Value().(chan struct{})
	}
}

// TestLentMemory lets connections of many kinds shake hands at once, with each other and with crypto/tls, while
// applications look at what they were lent: they answer late, too late, and after the connection was closed.
func TestLentMemory(t *testing.T) {
	b := &borrower{T: t, asked: make(chan func(), 1000)}
	b.begin(1)
	b.begin(2)
	serverCert, clientCert := issue(t, testpeer.Template{DNSNames: []string{"*.example"}}), issue(t, testpeer.Template{DNSNames: []string{"client"}})
	wake := func(c *Conn) {
		select {
		case c.Value().(chan struct{}) <- struct{}{}:
		default:
		}
	}
	client := &Config{
		RootCAs: pki().Pool(), Groups: []iana.Group{iana.X25519, iana.Secp256r1}, Certificates: []*Certificate{clientCert}, SessionTickets: true,
		VerifyResumed: true, Hooks: b.hooks(clientCert), Wake: wake,
	}
	retried, old := client.Clone(), client.Clone()
	retried.KeyShares, old.MinVersion, old.MaxVersion = []iana.Group{iana.Secp256r1}, iana.TLS12, iana.TLS12
	clients := []*Config{client, retried, old}

	chosen := &Config{
		RootCAs: pki().Pool(), Groups: []iana.Group{iana.X25519}, Certificates: []*Certificate{serverCert}, SessionTickets: true,
		ClientAuth: OptionalClientAuth, VerifyResumed: true, Hooks: b.hooks(serverCert), Wake: wake,
	}
	chosen.OnPSK = func(_ *Conn, offered *OfferedPSKs, op *async.Op[*PSK]) {
		b.ask("PSKs", func() []byte { return bytes.Join(offered.Identities, nil) }, func() error { return op.Answer(nil) })
	}
	hasty := chosen.Clone()
	hasty.OperationTimeout = time.Microsecond
	server, brief, first := &Config{Wake: wake}, &Config{Wake: wake}, &Config{Wake: wake, OperationTimeout: time.Microsecond}
	server.OnClientHello, brief.OnClientHello, first.OnClientHello = b.hello(chosen), b.hello(hasty), b.hello(chosen)

	serve := func(wire net.Conn, cfg *Config, times int) error {
		s, err := NewServer(wire.Read, wire.Write, cfg)
		if err != nil {
			return err
		}
		defer s.Close()
		s.SetValue(make(chan struct{}, 1))
		if err := patience(s, times); err != nil {
			return err
		}
		_, _, err = s.Send([]byte(s.State().ServerName))
		return err
	}
	serveStd := func(wire net.Conn, name string) error {
		s := tls.Server(wire, &tls.Config{Certificates: []tls.Certificate{stdCertificate(serverCert)}, ClientAuth: tls.RequireAnyClientCert})
		_, err := s.Write([]byte(name))
		return err
	}
	ask := func(wire net.Conn, cfg *Config, session *[]byte, name string, read []byte) error {
		c, err := NewClient(wire.Read, wire.Write, cfg)
		if err != nil {
			return err
		}
		defer c.Close()
		c.SetValue(make(chan struct{}, 1))
		if err := errors.Join(c.SetServerName(name), c.SetSession(*session)); err != nil {
			return err
		}
		if err := patience(c, 100); err != nil {
			return err
		}
		_, _, err = c.Recv(read)
		*session = c.Session()
		return err
	}
	askStd := func(wire net.Conn, version uint16, name string, read []byte) error {
		c := tls.Client(wire, &tls.Config{RootCAs: pki().Pool(), ServerName: name, Certificates: []tls.Certificate{stdCertificate(clientCert)}, MaxVersion: version})
		_, err := io.ReadFull(c, read)
		return err
	}

	var working sync.WaitGroup
	for worker := range uint64(8) {
		name, rng, sessions := fmt.Sprintf("w%d.example", worker), rand.New(rand.NewPCG(worker, 2)), make([][]byte, 5)
		working.Go(func() {
			for range rounds(200) {
				cfg, times, kind := server, 100, rng.IntN(len(sessions)+1)
				switch rng.IntN(6) {
				case 0:
					cfg = brief
				case 1:
					cfg = first
				case 2:
					times = rng.IntN(4) // and then it is closed
				}
				wire, peer := loopback(t)
				served := make(chan error, 1)
				go func() {
					defer peer.Close()
					if kind == 3 {
						served <- serveStd(peer, name)
						return
					}
					served <- serve(peer, cfg, times)
				}()
				read := make([]byte, len(name))
				var err error
				if kind > 3 {
					err = askStd(wire, tls.VersionTLS12+uint16(kind-4), name, read)
				} else {
					err = ask(wire, clients[kind%3], &sessions[kind], name, read)
				}
				wire.Close()
				if serr := <-served; cfg == server && times == 100 && (err != nil || serr != nil || string(read) != name) {
					t.Errorf("%s, kind %d: the client ends with %v, the server with %v, and %q was received", name, kind, err, serr, read)
				}
			}
		})
	}
	working.Wait()
	close(b.asked)
	b.working.Wait()
}
