// Command s2ngo-client is a TLS client on one event loop: it shakes hands and tells what
// came of it, fetches a page, or connects standard input and output with the peer.
package main

import (
	"fmt"
	"net/netip"
	"os"
	"syscall"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

const program = "s2ngo-client"

func main() { cli.Main(program, run) }

func run(args []string) error {
	o, f := newOptions()
	rest, help, err := f.Parse(args)
	switch {
	case err != nil:
		return err
	case help:
		return f.WriteHelp(os.Stdout)
	}
	if done, err := o.PrintPolicies(os.Stdout); done {
		return err
	}
	if err := o.check(rest); err != nil {
		return err
	}
	cfg, release, err := o.config()
	if err != nil {
		return err
	}
	defer release()
	return connect(o, cfg)
}

// client makes connections, one after the other.
type client struct {
	o         *options
	cfg       *conn.Config
	loop      *cli.Loop
	sessions  *cli.Sessions
	addresses []netip.AddrPort

	// The connection at hand.
	dialer  *dialer
	session *cli.Session // nil while it is dialed
	app     app

	left        int // connections to make after it
	saved       bool
	interrupted os.Signal
	err         error
}

// connect makes the connections and takes them to their end.
func connect(o *options, cfg *conn.Config) error {
	loop, err := cli.NewLoop()
	if err != nil {
		return err
	}
	out := o.Output()
	c := &client{o: o, cfg: cfg, loop: loop, left: o.reconnect}
	c.sessions = &cli.Sessions{Loop: loop, Role: "client", Limits: o.Limits, Output: out, Established: c.established, Ended: c.ended}
	keys := cli.NewKeys(o.Workers(), o.AsyncDelay)
	defer keys.Close()
	c.sessions.Attach(cfg, keys)
	if err := tryConfig(cfg); err != nil {
		return err
	}
	if err := o.resume(c.sessions); err != nil {
		return err
	}
	if err := out.Start(); err != nil {
		return err
	}
	if c.addresses, err = cli.Resolve(o.host, o.port); err != nil {
		return err
	}
	if err := c.next(); err != nil {
		return err
	}
	cli.OnSignal(loop, c.interrupt,
		func() { c.sessions.Abandon(); loop.Stop() },
		func(got os.Signal) { os.Exit(int(statusOf(got))) })
	if looped := loop.Run(); looped != nil {
		return looped
	}
	switch {
	case c.interrupted != nil:
		return statusOf(c.interrupted)
	case c.err != nil:
		return c.err
	}
	return out.Err()
}

// next begins a connection.
func (c *client) next() (err error) {
	c.session = nil
	c.app, err = c.o.app(c.loop, func() {
		if c.session != nil {
			c.session.Drive()
		}
	})
	if err != nil {
		return err
	}
	c.dialer = &dialer{loop: c.loop, limit: c.o.Limits.Handshake, addresses: c.addresses}
	c.dialer.connected = func(socket *cli.Socket) {
		session, err := c.sessions.Begin(socket, c.cfg, c.app)
		if err != nil {
			socket.Close()
			c.end(err)
			return
		}
		if c.session == nil { // else it is over already
			c.session = session
		}
	}
	c.dialer.failed = func(why error) { c.end(fmt.Errorf("connecting to %s: %w", c.o.peer(), why)) }
	c.dialer.next()
	return nil
}

func (c *client) established(s *cli.Session) {
	if c.o.summary() {
		summarize(os.Stdout, c.o.peer(), s)
	}
}

// ended looks at what came of a connection, and goes on with the next.
func (c *client) ended(s *cli.Session) {
	c.session = s
	if len(s.Resume) > 0 {
		c.sessions.Session = s.Resume
		c.saved = true
	}
	var err error
	switch {
	case s.Err != nil && !s.Done():
		err = fmt.Errorf("handshake with %s: %w", c.o.peer(), s.Err)
	case s.Err != nil:
		err = fmt.Errorf("connection to %s: %w", c.o.peer(), s.Err)
	default:
		err = c.app.Err()
	}
	if err == nil && c.interrupted == nil && c.left > 0 {
		c.left--
		c.app.Close()
		c.loop.Post(func() {
			if c.interrupted != nil {
				c.loop.Stop()
			} else if err := c.next(); err != nil {
				c.end(err)
			}
		})
		return
	}
	if err == nil && c.o.ticketOut != "" {
		var blob []byte
		if c.saved {
			blob = c.sessions.Session
		}
		err = c.o.save(blob)
	}
	c.end(err)
}

// end ends the program.
func (c *client) end(err error) {
	c.err = err
	if c.app != nil {
		c.app.Close() // takes the progress bar off, before anything else is said
	}
	c.loop.Stop()
}

func (c *client) interrupt(got os.Signal) {
	c.interrupted = got
	c.dialer.close()
	if c.sessions.Stop(); c.sessions.Open() == 0 {
		c.loop.Stop()
	}
}

// statusOf is how a shell names the end by a signal.
func statusOf(s os.Signal) cli.ExitStatus {
	const bySignal = 128
	number, _ := s.(syscall.Signal)
	return cli.ExitStatus(bySignal + int(number))
}

// tryConfig makes a connection that is never used: that tells what is wrong with cfg.
func tryConfig(cfg *conn.Config) error {
	nowhere := func([]byte) (int, error) { return 0, conn.ErrWouldBlock }
	c, err := conn.NewClient(nowhere, nowhere, cfg)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	c.Close()
	return nil
}
