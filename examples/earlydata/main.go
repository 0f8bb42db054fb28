// Command earlydata sends a request with the first bytes of a connection and gets the answer with the
// server's first: one round trip for both, handshake included. Then it repeats the recorded bytes, as an
// attacker could: the server resumes the session, and refuses the request.
//
//	go run ./examples/earlydata
//
// Early data is for requests that change nothing. This server takes it once, and a fleet of
// servers needs a conn.ReplayRecorder that they share: see package redisstore.
package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"time"

	"github.com/s2ngo/s2ngo/conn"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "earlydata:", err)
		os.Exit(1)
	}
}

// run makes a connection, resumes it with early data, and repeats that.
func run(out io.Writer) error {
	certificate, roots, err := selfSigned()
	if err != nil {
		return err
	}
	s := &server{
		cfg: &conn.Config{
			Certificates:   []*conn.Certificate{certificate},
			SessionTickets: true,
			MaxEarlyData:   4096,
		},
		served: make(chan conn.State),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go s.serve(l)

	client := &conn.Config{RootCAs: roots, ServerName: "localhost", SessionTickets: true}
	var session, flight []byte
	for _, name := range []string{"first connection", "second connection"} {
		v, err := visit(l.Addr().String(), client, session, []byte("what is the answer?"))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		<-s.served
		session, flight = v.session, v.sent
		fmt.Fprintf(out, "%s: resumed %v, early data %v: %s\n", name, v.state.Resumed, v.state.EarlyData, v.answer)
	}
	if err := repeat(l.Addr().String(), flight); err != nil {
		return fmt.Errorf("repeating: %w", err)
	}
	state := <-s.served
	_, err = fmt.Fprintf(out, "the same bytes again: resumed %v, early data %v\n", state.Resumed, state.EarlyData)
	return err
}

// visited is what came of a client's connection.
type visited struct {
	state   conn.State
	answer  string
	session []byte // to be resumed
	sent    []byte // all that the client sent
}

// visit asks the server, by early data if there is a session that permits it.
func visit(address string, cfg *conn.Config, session, question []byte) (v visited, err error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return v, err
	}
	defer socket.Close()
	send := func(p []byte) (int, error) {
		v.sent = append(v.sent, p...)
		return socket.Write(p)
	}
	c, err := conn.NewClient(socket.Read, send, cfg)
	if err != nil {
		return v, err
	}
	defer c.Close()
	if err := c.SetSession(session); err != nil {
		return v, err
	}
	n, _, err := c.SendEarlyData(question)
	if err != nil {
		return v, err
	}
	if _, err := c.Negotiate(); err != nil {
		return v, err
	}
	if c.State().EarlyData == conn.EarlyDataRejected {
		n = 0 // the server has read none of it
	}
	if _, _, err := c.Send(question[n:]); err != nil {
		return v, err
	}
	buf := make([]byte, 1024)
	k, _, err := c.Recv(buf)
	if err != nil {
		return v, err
	}
	if _, err := c.Shutdown(); err != nil { // reads what is left, tickets too
		return v, err
	}
	v.state, v.answer, v.session = c.State(), string(buf[:k]), c.Session()
	return v, nil
}

// repeat sends recorded bytes and waits for the server's answer to them.
func repeat(address string, recorded []byte) error {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer socket.Close()
	if _, err := socket.Write(recorded); err != nil {
		return err
	}
	_, err = socket.Read(make([]byte, 1024))
	return err
}

// server answers one question per connection.
type server struct {
	cfg    *conn.Config
	served chan conn.State
}

func (s *server) serve(l net.Listener) {
	for {
		socket, err := l.Accept()
		if err != nil {
			return
		}
		c, err := conn.NewServer(socket.Read, socket.Write, s.cfg)
		if err == nil {
			_ = answer(c) // a client that has gone; State has what was settled
			state := c.State()
			c.Close()
			s.served <- state
		}
		socket.Close()
	}
}

// answer takes the question from early data if it is there, and answers before the handshake is
// done: the client is not confirmed then, and what it sent may be a repetition that another server took.
func answer(c *conn.Conn) error {
	question := make([]byte, 0, 4096)
	for {
		n, b, err := c.RecvEarlyData(question[len(question):cap(question)])
		question = question[:len(question)+n]
		if err != nil {
			return err
		}
		if b == conn.NotBlocked {
			break
		}
	}
	early := len(question) > 0
	if early {
		if _, _, err := c.Send(reply(question, "early")); err != nil {
			return err
		}
	}
	if _, err := c.Negotiate(); err != nil {
		return err
	}
	if !early {
		n, _, err := c.Recv(question[:cap(question)])
		if err != nil {
			return err
		}
		if _, _, err := c.Send(reply(question[:n], "after the handshake")); err != nil {
			return err
		}
	}
	_, err := c.Shutdown()
	return err
}

func reply(question []byte, when string) []byte {
	if !bytes.Equal(question, []byte("what is the answer?")) {
		return []byte("what?")
	}
	return []byte("42, asked " + when)
}

// selfSigned makes a certificate for localhost.
func selfSigned() (*conn.Certificate, *x509.CertPool, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := conn.NewCertificate([][]byte{der}, key)
	if err != nil {
		return nil, nil, err
	}
	roots := x509.NewCertPool()
	roots.AddCert(certificate.Leaf)
	return certificate, roots, nil
}
