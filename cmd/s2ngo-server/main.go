// Command s2ngo-server is a TLS server on one event loop. It shows what handshakes that
// suspend are good for, and serves as the peer of other programs' tests.
package main

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

const program = "s2ngo-server"

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
	address, err := o.check(rest)
	if err != nil {
		return err
	}
	cfg, release, err := o.config()
	if err != nil {
		return err
	}
	defer release()
	return serve(o, cfg, address, release)
}

// serve accepts connections until a signal or --max-conns ends it.
func serve(o *options, cfg *conn.Config, address netip.AddrPort, release func()) error {
	loop, err := cli.NewLoop()
	if err != nil {
		return err
	}
	out := o.Output()
	out.Failures = func(s *cli.Session) {
		fmt.Fprintf(os.Stderr, "%s: connection %d from %s: %v\n", program, s.Number, s.Peer(), s.Err)
	}
	sessions := &cli.Sessions{Loop: loop, Role: "server", Limits: o.Limits, Output: out, ReceiveEarlyData: o.sessions.maxEarlyData > 0}
	keys := cli.NewKeys(o.Workers(), o.AsyncDelay)
	defer keys.Close()
	sessions.Attach(cfg, keys)
	if err := tryConfig(cfg); err != nil {
		return err
	}
	if err := out.Start(); err != nil {
		return err
	}
	socket, err := cli.Listen(address)
	if err != nil {
		return fmt.Errorf("listening on %v: %w", address, err)
	}
	l := newListener(o, cfg, sessions, socket)
	cli.OnSignal(loop,
		func(os.Signal) { l.stop(); sessions.Stop() },
		func() { sessions.Abandon(); loop.Stop() },
		func(os.Signal) { cli.Briefly(release); os.Exit(0) })
	fmt.Fprintf(os.Stderr, "listening on %v\n", socket.Local())
	if err := loop.Run(); err != nil {
		return err
	}
	return out.Err()
}

// tryConfig makes a connection that is never used: that tells what is wrong with cfg.
func tryConfig(cfg *conn.Config) error {
	nowhere := func([]byte) (int, error) { return 0, conn.ErrWouldBlock }
	c, err := conn.NewServer(nowhere, nowhere, cfg)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	c.Close()
	return nil
}
