package conn_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"net"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
)

// The code blocks of README.md stand here, so that they compile.

var roots *x509.CertPool

func client() error {
	raw, err := net.Dial("tcp", "localhost:8443")
	if err != nil {
		return err
	}
	defer raw.Close()
	c, err := conn.NewClient(raw.Read, raw.Write, &conn.Config{ServerName: "localhost", RootCAs: roots})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Negotiate(); err != nil { // the callbacks block, so it comes back when all is done
		return err
	}
	if _, _, err := c.Send([]byte("hello")); err != nil {
		return err
	}
	answer := make([]byte, 1024)
	n, _, err := c.Recv(answer)
	if err != nil {
		return err
	}
	fmt.Printf("%s\n", answer[:n])
	_, err = c.Shutdown()
	return err
}

var (
	certificate *conn.Certificate
	token       interface {
		Sign(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
	}
)

func server() *conn.Config {
	loop := new(loop)
	cfg := &conn.Config{Certificates: []*conn.Certificate{certificate}} // a chain without a private key
	cfg.OnPrivateKey = func(c *conn.Conn, op *asyncpkey.Op) error {
		go func() {
			signature, err := token.Sign(op.Context(), op.Input(), op.SignerOpts())
			if err == nil {
				err = op.SetOutput(signature)
			}
			if err != nil {
				op.Fail(err) // the handshake ends with internal_error and err in the chain
				return
			}
			c.Apply(op)
		}()
		return nil
	}
	cfg.Wake = func(c *conn.Conn) { loop.Ready(c) } // call Negotiate again
	return cfg
}

type loop struct{}

func (l *loop) Ready(*conn.Conn)       {}
func (l *loop) drop(*conn.Conn, error) {}
func (l *loop) wantRead(*conn.Conn)    {}
func (l *loop) wantWrite(*conn.Conn)   {}
func (l *loop) wantWake(*conn.Conn)    {}
func (l *loop) serve(*conn.Conn)       {}

func (l *loop) handshake(c *conn.Conn) {
	blocked, err := c.Negotiate()
	switch {
	case err != nil:
		l.drop(c, err)
	case blocked == conn.BlockedOnRead:
		l.wantRead(c) // and call handshake again
	case blocked == conn.BlockedOnWrite:
		l.wantWrite(c)
	case blocked == conn.BlockedOnApplicationInput:
		l.wantWake(c) // Config.Wake says when
	default:
		l.serve(c) // the handshake is complete: Send, Recv, Shutdown have the same shape
	}
}

func pooledServer(cfg *conn.Config, pool *asyncpkey.Pool, key crypto.Signer) {
	cfg.OnPrivateKey = asyncpkey.Handler[*conn.Conn](pool, key)
}

var _ = []any{client, server, pooledServer, (*loop).handshake}
