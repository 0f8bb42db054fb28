package main

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// defaultPort is HTTPS's.
const defaultPort = 443

const (
	// maxReconnects bounds --reconnect.
	maxReconnects = 1 << 20
	// maxTicketFile bounds --ticket-in, in bytes.
	maxTicketFile = 1 << 20
)

type options struct {
	cli.Options
	name      string
	status    bool
	keyUpdate bool
	renego    string
	sendFile  string
	echo      bool
	get       string

	reconnect int
	ticketIn  string
	ticketOut string
	earlyData string

	host string
	port uint16
}

func newOptions() (*options, *cli.Flags) {
	o := new(options)
	f := cli.NewFlags(program, "host [port]",
		"Connects to a TLS server on host and port (default "+strconv.Itoa(defaultPort)+"), shakes hands, prints a summary\nand shuts down, unless there is something else to do.")
	f.Group("Server")
	f.String(&o.name, "name", "NAME", "the name to ask for and to verify (default: host)")
	o.AddRoots(f, "do not verify the server's certificate")
	f.Bool(&o.status, "status", "ask for a stapled OCSP response; one that comes has to\nbe good")
	f.Group("Algorithms")
	o.AddPolicy(f)
	o.AddALPN(f)
	f.Group("Client certificate")
	o.AddCertificates(f)
	o.AddKeys(f)
	f.Group("Sessions")
	f.Int(&o.reconnect, "reconnect", "N", 0, maxReconnects, "connect N times more, and resume the session each time")
	f.String(&o.ticketOut, "ticket-out", "FILE", "save the session, which is as secret as a private key")
	f.String(&o.ticketIn, "ticket-in", "FILE", "resume the session that was saved there")
	f.String(&o.earlyData, "early-data", "FILE", "send FILE as early data, which anyone can repeat, and what\nthe server does not take of it after the handshake")
	o.AddResumption(f)
	f.Group("What to do with the connection")
	f.String(&o.get, "get", "PATH", "fetch PATH by HTTP/1.1, body to stdout")
	f.Bool(&o.echo, "echo", "stdin to the peer, peer to stdout")
	f.String(&o.sendFile, "send-file", "FILE", "send FILE, then shut down; with --echo instead of stdin")
	f.Bool(&o.keyUpdate, "key-update", "ask for new keys, both ways, once")
	f.String(&o.renego, "renegotiation", "accept|reject", "what to do when a server of TLS 1.2 asks for another\nhandshake (default: ignore it)")
	f.Group("Limits and output")
	o.AddOutput(f)
	f.Examples = []string{
		"--ca-file ca.pem --trace localhost 8443",
		"--get /index.html --alpn http/1.1 www.example.com >index.html",
		"--ca-file ca.pem --cert me.pem --key me.key --async 1 --echo localhost 4433",
	}
	return o, f
}

// check looks for what does not go together, and takes host and port.
func (o *options) check(args []string) error {
	switch {
	case len(args) == 0:
		return cli.Usage("arguments", "no host to connect to")
	case len(args) > 2:
		return cli.Usage(args[2], "there is nothing behind host and port")
	case o.renego != "" && o.renego != "accept" && o.renego != "reject":
		return cli.Usage("--renegotiation "+strconv.Quote(o.renego), "neither accept nor reject")
	case o.get != "" && (o.echo || o.sendFile != ""):
		return cli.Usage("options", "--get excludes --echo and --send-file")
	case o.get != "" && (!strings.HasPrefix(o.get, "/") || strings.ContainsAny(o.get, " \t\r\n\x00")):
		return cli.Usage("--get "+strconv.Quote(o.get), "not a path that begins with / and has no blanks")
	}
	switch {
	case o.reconnect > 0 && o.echo && o.sendFile == "":
		return cli.Usage("options", "--reconnect excludes --echo of stdin, which has one end")
	case o.NoTickets && o.earlyData != "":
		return cli.Usage("options", "--early-data needs a ticket, and --no-session-ticket excludes them")
	}
	o.host, o.port = cli.Unbracket(args[0]), defaultPort
	if len(args) == 2 {
		port, err := cli.ParsePort(args[1], 1)
		if err != nil {
			return err
		}
		o.port = port
	}
	if o.name == "" {
		o.name = o.host
	}
	return nil
}

func (o *options) config() (cfg *conn.Config, release func(), err error) {
	cfg, release, err = o.Config()
	if err != nil {
		return nil, nil, err
	}
	cfg.ServerName = cli.Unbracket(o.name)
	cfg.RequestOCSP = o.status
	switch o.renego {
	case "accept":
		cfg.OnHelloRequest = func(*conn.Conn) conn.Renegotiation { return conn.RenegotiationAccept }
	case "reject":
		cfg.OnHelloRequest = func(*conn.Conn) conn.Renegotiation { return conn.RenegotiationReject }
	}
	return cfg, release, nil
}

// resume tells the connections what to begin with.
func (o *options) resume(sessions *cli.Sessions) (err error) {
	if o.ticketIn != "" {
		if sessions.Session, err = cli.LoadLimited("--ticket-in", o.ticketIn, maxTicketFile); err != nil {
			return err
		}
	}
	if o.earlyData != "" {
		sessions.EarlyData, err = cli.LoadLimited("--early-data", o.earlyData, cli.MaxEarlyData)
	}
	return err
}

// save keeps the session for --ticket-in.
func (o *options) save(blob []byte) error {
	if len(blob) == 0 {
		return fmt.Errorf("--ticket-out %s: the server gave no session", o.ticketOut)
	}
	return cli.SaveSecret("--ticket-out", o.ticketOut, blob)
}

// peer names the server in messages.
func (o *options) peer() string { return net.JoinHostPort(o.host, strconv.Itoa(int(o.port))) }

// summary reports whether to tell people what the handshake has settled: not where
// stdout is for something else.
func (o *options) summary() bool { return o.get == "" && !o.echo && !o.JSON }

// app makes what the connection is for. wake is called when it can go on for reasons of
// its own.
func (o *options) app(loop *cli.Loop, wake func()) (app, error) {
	var a app
	var err error
	switch {
	case o.get != "":
		a = newFetch(loop, wake, o.get, o.hostHeader())
	case o.echo || o.sendFile != "":
		a, err = newPump(loop, wake, o.sendFile, o.echo)
	default:
		a = idle{}
	}
	if err == nil && o.keyUpdate {
		a = &withNewKeys{app: a}
	}
	return a, err
}

// hostHeader is the Host of a request (RFC 9110, Section 7.2).
func (o *options) hostHeader() string {
	name := cli.Unbracket(o.name)
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if o.port == defaultPort {
		return name
	}
	return fmt.Sprintf("%s:%d", name, o.port)
}
