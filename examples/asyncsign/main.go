// Command asyncsign takes a thousand handshakes forward on one goroutine while a slow
// token signs for them, and shows what becomes of clients that do not wait.
//
//	go run ./examples/asyncsign -handshakes 1000 -latency 20ms -sessions 50
//
// The wires are in memory, so that there is nothing here but the handshakes; package conn's
// callbacks would read and write sockets.
package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"math/big"
	"os"
	"runtime"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
)

func main() {
	n := flag.Int("handshakes", 1000, "handshakes at once")
	latency := flag.Duration("latency", 20*time.Millisecond, "time that the token takes for a signature")
	sessions := flag.Int("sessions", 50, "signatures that the token makes at a time")
	flag.Parse()
	if err := run(os.Stdout, *n, *latency, *sessions); err != nil {
		fmt.Fprintln(os.Stderr, "asyncsign:", err)
		os.Exit(1)
	}
}

// token is a key that is somewhere else. It gives up when the operation is over: its
// connection was closed, or its deadline has passed.
type token struct {
	crypto.Signer
	latency time.Duration
}

func (t token) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	select {
	case <-time.After(t.latency):
		return t.Sign(rand.Reader, digest, opts)
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// run shakes hands n times. Every tenth client hangs up while its signature is awaited.
func run(out io.Writer, n int, latency time.Duration, sessions int) error {
	key, certificate, roots, err := selfSigned()
	if err != nil {
		return err
	}
	pool := asyncpkey.NewPool(asyncpkey.PoolOptions{Workers: sessions, Full: asyncpkey.Wait})
	woken := make(chan *conn.Conn, n) // one wake for each connection: it never blocks
	server := &conn.Config{
		Certificates:     []*conn.Certificate{certificate}, // without a key
		OperationTimeout: time.Minute,
		Wake:             func(c *conn.Conn) { woken <- c },
	}
	server.OnPrivateKey = asyncpkey.Handler[*conn.Conn](pool, token{key, latency})
	client := &conn.Config{RootCAs: roots, ServerName: "localhost"}

	begun, most := time.Now(), 0
	var complete, left, suspended int
	for i := range n {
		h, err := begin(client, server)
		if err != nil {
			return err
		}
		done, err := h.move()
		switch {
		case err != nil:
			return err
		case done:
			complete++
		case i%10 == 9:
			h.close() // a closed connection's signature is never asked of the token
			left++
		default:
			suspended++
		}
	}
	fmt.Fprintf(out, "%d handshakes are suspended, %d clients have hung up\n", suspended, left)
	for suspended > 0 {
		c := <-woken // in an event loop: whatever wakes it, as a pipe or eventfd in its poll
		h := c.Value().(*handshake)
		if h.closed { // in the very moment of its answer
			continue
		}
		done, err := h.move()
		if err != nil {
			return err
		}
		if most = max(most, runtime.NumGoroutine()); done {
			h.close()
			complete++
			suspended--
		}
	}
	took := time.Since(begun)
	if err := pool.Close(context.Background()); err != nil {
		return err
	}
	m := pool.Metrics()
	fmt.Fprintf(out, "%d handshakes complete in %v, %d goroutines at most\n", complete, took.Round(time.Millisecond), most)
	fmt.Fprintf(out, "the token signed %d times, was spared %d times; a signature waited %v and took %v in the mean\n",
		m.Call.Count, m.Skipped, m.Wait.Mean().Round(time.Microsecond), m.Call.Mean().Round(time.Microsecond))
	return nil
}

// handshake is a client and a server over two wires.
type handshake struct {
	client, server *conn.Conn
	up, down       wire
	closed         bool
}

func begin(client, server *conn.Config) (*handshake, error) {
	h := new(handshake)
	var err error
	if h.client, err = conn.NewClient(h.down.recv, h.up.send, client); err != nil {
		return nil, err
	}
	if h.server, err = conn.NewServer(h.up.recv, h.down.send, server); err != nil {
		return nil, err
	}
	h.server.SetValue(h)
	return h, nil
}

// move goes on with both ends until there is nothing to do.
func (h *handshake) move() (done bool, err error) {
	for {
		c, err := h.client.Negotiate()
		if err != nil {
			return false, err
		}
		s, err := h.server.Negotiate()
		if err != nil {
			return false, err
		}
		switch {
		case c == conn.NotBlocked && s == conn.NotBlocked:
			return true, nil
		case len(h.down) > 0: // the server has said something
		case s == conn.BlockedOnApplicationInput:
			return false, nil // Config.Wake will tell
		}
	}
}

func (h *handshake) close() {
	h.closed = true
	h.client.Close()
	h.server.Close()
}

// wire is one direction of a connection that never blocks.
type wire []byte

func (w *wire) send(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}

func (w *wire) recv(p []byte) (int, error) {
	if len(*w) == 0 {
		return 0, conn.ErrWouldBlock
	}
	n := copy(p, *w)
	*w = (*w)[n:]
	return n, nil
}

// selfSigned makes a certificate for localhost, whose key stays elsewhere.
func selfSigned() (crypto.Signer, *conn.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, nil, err
	}
	certificate, err := conn.NewCertificate([][]byte{der}, nil)
	if err != nil {
		return nil, nil, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	return key, certificate, roots, nil
}
