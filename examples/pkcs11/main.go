// Command pkcs11 serves TLS by a private key that never leaves its token: an HSM, a smart card, a
// TPM, or SoftHSM.
//
//	softhsm2-util --init-token --free --label web --so-pin 12345678 --pin 1234
//	pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label web --login --pin 1234 \
//		--keypairgen --key-type EC:prime256v1 --id 01 --label site
//	go run ./examples/pkcs11 -module /usr/lib/softhsm/libsofthsm2.so -uri "pkcs11:token=web;object=site" \
//		-pin-file pin.txt -cert site.pem -listen 127.0.0.1:4433
//
// Handshakes are suspended while the token works. A token that is lost costs those under way; the
// server goes on when it is back.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/pkcs11"
)

func main() {
	module := flag.String("module", "", "the PKCS #11 module, a shared library")
	uri := flag.String("uri", "pkcs11:", "the token and the key in it (RFC 7512)")
	pinFile := flag.String("pin-file", "", "a file with the token's PIN")
	cert := flag.String("cert", "", "the certificate chain of the key, PEM")
	address := flag.String("listen", "127.0.0.1:4433", "host and port")
	flag.Parse()
	err := run(*module, *uri, *pinFile, *cert, *address)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pkcs11:", err)
		os.Exit(1)
	}
}

func run(module, uri, pinFile, certFile, address string) error {
	token, err := pkcs11.Open(pkcs11.Config{
		Module: module,
		URI:    uri + "?pin-source=file:" + url.PathEscape(pinFile),
		// A client that waits longer has gone.
		Timeout: 5 * time.Second,
	})
	if err != nil {
		return err
	}
	defer token.Close()
	cfg, err := configure(token, certFile)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "listening on", listener.Addr())
	return serve(listener, cfg)
}

// configure lets token answer for the key of a certificate.
func configure(token *pkcs11.Token, certFile string) (*conn.Config, error) {
	text, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	public, err := conn.ParseCertificate(text, nil)
	if err != nil {
		return nil, err
	}
	key, err := token.KeyFor(public.Leaf)
	if err != nil {
		return nil, err
	}
	// With its key, the certificate knows which signature schemes the token can do.
	cert, err := conn.NewCertificate(public.Chain, key)
	if err != nil {
		return nil, err
	}
	cfg := &conn.Config{Certificates: []*conn.Certificate{cert}}
	// Handle queues the operation and returns at once. Without this hook the key would be used all the
	// same, but Negotiate would wait for it.
	cfg.OnPrivateKey = func(c *conn.Conn, op *asyncpkey.Op) error { return token.Handle(op, c.Apply) }
	cfg.Wake = func(c *conn.Conn) { c.Value().(chan struct{}) <- struct{}{} }
	return cfg, nil
}

// serve greets clients until the listener is closed.
func serve(listener net.Listener, cfg *conn.Config) error {
	for {
		raw, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer raw.Close()
			if err := greet(raw, cfg); err != nil {
				fmt.Fprintf(os.Stderr, "client %v: %v\n", raw.RemoteAddr(), err)
			}
		}()
	}
}

// greet shakes hands, sends a line and says goodbye. The socket blocks, so that the token is all
// that Negotiate can be blocked on; an event loop would keep c in a list instead of a goroutine.
func greet(raw net.Conn, cfg *conn.Config) error {
	if err := raw.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return err
	}
	c, err := conn.NewServer(raw.Read, raw.Write, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	answered := make(chan struct{}, 1)
	c.SetValue(answered)
	for {
		blocked, err := c.Negotiate()
		if err != nil {
			return err
		}
		if blocked == conn.NotBlocked {
			break
		}
		<-answered
	}
	if _, _, err := c.Send([]byte("signed in a token by " + c.State().Scheme.String() + "\n")); err != nil {
		return err
	}
	_, err = c.Shutdown()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil // this client leaves without a word
	}
	return err
}
