package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/internal/interop"
)

// soon is the time for what ought to happen at once, on a machine that is busy.
const soon = 20 * time.Second

// peer is a server that listens.
type peer struct {
	*interop.Process
	t    *testing.T
	port string
	ca   string // the file of its authority, if it has made one
}

// start starts a server with a throwaway certificate for localhost.
func start(t *testing.T, args ...string) *peer {
	t.Helper()
	server, _ := interop.Binaries(t)
	p := &peer{t: t}
	p.Process = interop.Start(t, server, append(append([]string{"--self-signed", "localhost", "--json"}, args...), "0")...)
	p.port = p.WaitFor(`listening on 127\.0\.0\.1:(\d+)\n`, soon)[1]
	p.ca = p.WaitFor(`CA certificate: (.*)\n`, soon)[1]
	return p
}

// client returns the command line of a client of the server.
func (p *peer) client(args ...string) []string {
	return append(append([]string{"--ca-file", p.ca}, args...), "localhost", p.port)
}

// run runs a client to its end.
func (p *peer) run(args ...string) interop.Result {
	p.t.Helper()
	_, client := interop.Binaries(p.t)
	return interop.Run(p.t, client, p.client(args...)...)
}

// begin starts a client.
func (p *peer) begin(args ...string) *interop.Process {
	p.t.Helper()
	_, client := interop.Binaries(p.t)
	return interop.Start(p.t, client, p.client(args...)...)
}

// stop ends the server, and returns its reports.
func (p *peer) stop() []cli.Report {
	p.t.Helper()
	p.Signal(syscall.SIGTERM)
	if code := p.Exit(soon); code != 0 {
		p.t.Errorf("the server's exit status is %d", code)
	}
	return reports(p.t, p.Stdout())
}

// reports reads lines of JSON.
func reports(t *testing.T, lines string) []cli.Report {
	t.Helper()
	var list []cli.Report
	for line := range strings.Lines(lines) {
		var r cli.Report
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&r); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, r)
	}
	return list
}

// only returns the one report of a program.
func only(t *testing.T, lines string) cli.Report {
	t.Helper()
	list := reports(t, lines)
	if len(list) != 1 {
		t.Fatalf("there are %d reports, not one: %s", len(list), lines)
	}
	return list[0]
}
