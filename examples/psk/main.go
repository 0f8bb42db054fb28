// Command psk lets devices talk to a gateway by pre-shared keys, without certificates. The gateway
// looks their keys up in a database that takes its time, and no handshake holds a goroutine
// meanwhile: the hook returns at once, and the answer comes when it comes.
//
//	go run ./examples/psk -latency 20ms
package main

import (
	"crypto"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/conn"
)

func main() {
	latency := flag.Duration("latency", 20*time.Millisecond, "time that the database takes for a lookup")
	flag.Parse()
	if err := run(os.Stdout, *latency); err != nil {
		fmt.Fprintln(os.Stderr, "psk:", err)
		os.Exit(1)
	}
}

// database has the devices' secrets. It is asked for all that a client offers.
type database struct {
	secrets map[string]string
	latency time.Duration
}

// lookUp is the gateway's OnPSK. No device that is known means no PSK, and since the gateway has no
// certificate the client hears the same as if its secret were wrong.
func (d *database) lookUp(_ *conn.Conn, offered *conn.OfferedPSKs, op *async.Op[*conn.PSK]) {
	var identities []string // offered is lent until the answer: this is the time to copy
	for _, identity := range offered.Identities {
		identities = append(identities, string(identity))
	}
	ctx := op.Context() // done when the client has gone
	go func() {
		select {
		case <-time.After(d.latency):
		case <-ctx.Done():
			return
		}
		for _, identity := range identities {
			if secret, ok := d.secrets[identity]; ok {
				_ = op.Answer(psk(identity, secret)) // an error means that nobody waits any more
				return
			}
		}
		_ = op.Answer(nil)
	}()
}

func psk(identity, secret string) *conn.PSK {
	return &conn.PSK{Identity: []byte(identity), Secret: []byte(secret), Hash: crypto.SHA256}
}

// run lets a few devices call the gateway.
func run(out io.Writer, latency time.Duration) error {
	devices := &database{map[string]string{"sensor-17": "a secret of 32 bytes, or longer!"}, latency}
	gateway := &conn.Config{
		Wake: func(c *conn.Conn) { c.Value().(chan struct{}) <- struct{}{} },
	}
	gateway.OnPSK = devices.lookUp
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer l.Close()
	go serve(l, gateway)

	for _, device := range []struct{ name, identity, secret string }{
		{"a device that is known", "sensor-17", devices.secrets["sensor-17"]},
		{"one with another secret", "sensor-17", "a secret that was never agreed on"},
		{"one that is unknown", "sensor-99", "a secret of its own, whatever it is"},
	} {
		said, err := call(l.Addr().String(), psk(device.identity, device.secret), "21.5 degrees")
		if err != nil {
			said = err.Error()
		}
		if _, err := fmt.Fprintf(out, "%s: %s\n", device.name, said); err != nil {
			return err
		}
	}
	return nil
}

// serve answers what devices report.
func serve(l net.Listener, cfg *conn.Config) {
	for {
		socket, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer socket.Close()
			_ = answer(socket, cfg) // the device knows by its alert
		}()
	}
}

func answer(socket net.Conn, cfg *conn.Config) error {
	c, err := conn.NewServer(socket.Read, socket.Write, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	woken := make(chan struct{}, 1)
	c.SetValue(woken)
	for {
		b, err := c.Negotiate()
		if err != nil {
			return err
		}
		if b == conn.NotBlocked {
			break
		}
		<-woken // an event loop would do something else instead
	}
	buf := make([]byte, 1024)
	n, _, err := c.Recv(buf)
	if err != nil {
		return err
	}
	_, _, err = c.Send(fmt.Appendf(nil, "%s has reported %s", c.State().PSKIdentity, buf[:n]))
	if err == nil {
		_, err = c.Shutdown()
	}
	return err
}

// call reports something to the gateway and returns what it says.
func call(address string, key *conn.PSK, report string) (string, error) {
	socket, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer socket.Close()
	c, err := conn.NewClient(socket.Read, socket.Write, &conn.Config{ServerName: "gateway", PSKs: []*conn.PSK{key}})
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.Negotiate(); err != nil {
		return "", err
	}
	if _, _, err := c.Send([]byte(report)); err != nil {
		return "", err
	}
	buf := make([]byte, 1024)
	n, _, err := c.Recv(buf)
	if err != nil {
		return "", err
	}
	_, err = c.Shutdown()
	return string(buf[:n]), err
}
