// Command s2ngo-client is a TLS client on one event loop: it shakes hands and tells what
// came of it, fetches a page, or connects standard input and output with the peer.
package main

import (
	"fmt"
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

// connect makes the one connection and takes it to its end.
func connect(o *options, cfg *conn.Config) error {
	loop, err := cli.NewLoop()
	if err != nil {
		return err
	}
	out := o.Output()
	sessions := &cli.Sessions{Loop: loop, Role: "client", Limits: o.Limits, Output: out}
	keys := cli.NewKeys(o.Workers(), o.AsyncDelay)
	defer keys.Close()
	sessions.Attach(cfg, keys)
	if err := tryConfig(cfg); err != nil {
		return err
	}
	if err := out.Start(); err != nil {
		return err
	}
	addresses, err := cli.Resolve(o.host, o.port)
	if err != nil {
		return err
	}
	var session *cli.Session
	app, err := o.app(loop, func() {
		if session != nil {
			session.Drive()
		}
	})
	if err != nil {
		return err
	}
	defer app.Close()
	d := &dialer{loop: loop, limit: o.Limits.Handshake, addresses: addresses}
	d.connected = func(socket *cli.Socket) {
		if session, err = sessions.Begin(socket, cfg, app); err != nil {
			socket.Close()
			loop.Stop()
		}
	}
	d.failed = func(why error) {
		err = fmt.Errorf("connecting to %s: %w", o.peer(), why)
		loop.Stop()
	}
	sessions.Established = func(s *cli.Session) {
		if o.summary() {
			summarize(os.Stdout, o.peer(), s)
		}
	}
	sessions.Ended = func(s *cli.Session) {
		session = s
		loop.Stop()
	}
	var interrupted os.Signal
	cli.OnSignal(loop,
		func(got os.Signal) {
			interrupted = got
			d.close()
			if sessions.Stop(); sessions.Open() == 0 {
				loop.Stop()
			}
		},
		func() { sessions.Abandon(); loop.Stop() },
		func(got os.Signal) { os.Exit(int(statusOf(got))) })
	d.next()
	if looped := loop.Run(); looped != nil {
		return looped
	}
	app.Close() // takes the progress bar off, before anything else is said
	switch {
	case interrupted != nil:
		return statusOf(interrupted)
	case err != nil:
		return err
	case session.Err != nil && !session.Done():
		return fmt.Errorf("handshake with %s: %w", o.peer(), session.Err)
	case session.Err != nil:
		return fmt.Errorf("connection to %s: %w", o.peer(), session.Err)
	case app.Err() != nil:
		return app.Err()
	}
	return out.Err()
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
