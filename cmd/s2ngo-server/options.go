package main

import (
	"net/netip"
	"sync"

	"github.com/s2ngo/s2ngo/cmd/internal/cli"
	"github.com/s2ngo/s2ngo/conn"
)

// defaultHost is where the server listens if it is not told.
const defaultHost = "127.0.0.1"

type options struct {
	cli.Options
	selfSigned   string
	ocsp, scts   []string
	dhParams     string
	mutual       bool
	optional     bool
	negotiate    bool
	echo         bool
	https        bool
	bench        int
	maxConns     int
	lowLatency   bool
	throughput   bool
	bufferedSend int
	benching     bool
	sessions     sessionOptions
}

func newOptions() (*options, *cli.Flags) {
	o := new(options)
	f := cli.NewFlags(program, "[host] port",
		"Serves TLS on host (default "+defaultHost+") and port (0 = any that is free, which is printed), all\nconnections from one event loop.")
	f.Group("Certificates")
	o.AddCertificates(f)
	f.String(&o.selfSigned, "self-signed", "NAME", "make a throwaway CA and a P-256 certificate for NAME (or\nseveral, comma separated), and print the CA's file")
	f.Strings(&o.ocsp, "ocsp", "FILE", "OCSP response to staple, DER; for the certificates in order")
	f.Strings(&o.scts, "sct", "FILE", "SignedCertificateTimestampList, likewise")
	f.Group("Algorithms")
	o.AddPolicy(f)
	o.AddALPN(f)
	f.String(&o.dhParams, "dh-params", "FILE", "parameters for DHE suites, PEM (default: the groups of RFC 7919)")
	f.Group("Private keys")
	o.AddKeys(f)
	f.Group("Client certificates")
	f.Bool(&o.mutual, "mutual-auth", "insist on a client certificate")
	f.Bool(&o.optional, "optional-auth", "ask for one")
	o.AddRoots(f, "do not verify it")
	f.Group("Sessions")
	o.sessions.add(f)
	o.AddResumption(f)
	f.Group("What to do with connections")
	f.Bool(&o.negotiate, "negotiate", "shake hands, then shut down")
	f.Bool(&o.echo, "echo", "send back what comes (default)")
	f.Bool(&o.https, "https", "answer with a small status page")
	f.Func("https-bench", "N", "answer each GET with N bytes", o.setBench)
	f.Int(&o.maxConns, "max-conns", "N", 1, 1<<30, "exit after N connections")
	f.Group("Records")
	f.Bool(&o.lowLatency, "prefer-low-latency", "records that fit into one TCP segment")
	f.Bool(&o.throughput, "prefer-throughput", "records as long as they may be")
	f.Func("buffered-send", "N", "collect up to N bytes of records before a write", func(s string) (err error) {
		o.bufferedSend, err = cli.ParseSize(s)
		return err
	})
	f.Group("Limits and output")
	o.AddOutput(f)
	f.Examples = []string{
		"--self-signed localhost --https 8443",
		"--cert cert.pem --key key.pem --async 4 --async-delay 20ms --trace 0.0.0.0 4433",
		"--cert cert.pem --key key.pem --mutual-auth --ca-file clients.pem ::1 4433",
	}
	return o, f
}

func (o *options) setBench(s string) error {
	n, err := cli.ParseSize(s)
	o.bench, o.benching = n, true
	return err
}

// check looks for what does not go together, and returns where to listen.
func (o *options) check(args []string) (netip.AddrPort, error) {
	host := defaultHost
	switch len(args) {
	case 0:
		return netip.AddrPort{}, cli.Usage("arguments", "no port to listen on")
	case 1:
	case 2:
		host = args[0]
	default:
		return netip.AddrPort{}, cli.Usage(args[2], "there is nothing behind host and port")
	}
	uses := 0
	for _, set := range []bool{o.negotiate, o.echo, o.https, o.benching} {
		if set {
			uses++
		}
	}
	switch {
	case uses > 1:
		return netip.AddrPort{}, cli.Usage("options", "--negotiate, --echo, --https and --https-bench exclude each other")
	case o.mutual && o.optional:
		return netip.AddrPort{}, cli.Usage("options", "--mutual-auth and --optional-auth exclude each other")
	case o.lowLatency && o.throughput:
		return netip.AddrPort{}, cli.Usage("options", "--prefer-low-latency and --prefer-throughput exclude each other")
	case (o.mutual || o.optional) && o.CAFile == "" && o.CADir == "" && !o.Insecure:
		return netip.AddrPort{}, cli.Usage("client certificates", "need --ca-file, --ca-dir or --insecure, to say whose are good")
	case !o.Any() && o.selfSigned == "" && len(o.PSKs) == 0:
		return netip.AddrPort{}, cli.Usage("certificate", "there is none: give --cert and --key, --pkcs11-uri URI or --self-signed NAME")
	}
	if err := o.sessions.check(o.NoTickets); err != nil {
		return netip.AddrPort{}, err
	}
	port, err := cli.ParsePort(args[len(args)-1], 0)
	if err != nil {
		return netip.AddrPort{}, err
	}
	found, err := cli.Resolve(host, port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return found[0], nil
}

// config makes the connections' configuration. release removes what was made for it, and
// may be called again.
func (o *options) config() (cfg *conn.Config, release func(), err error) {
	cfg, closeLog, err := o.Config()
	if err != nil {
		return nil, nil, err
	}
	release = closeLog
	switch {
	case o.mutual:
		cfg.ClientAuth = conn.RequireClientAuth
	case o.optional:
		cfg.ClientAuth = conn.OptionalClientAuth
	}
	switch {
	case o.lowLatency:
		cfg.RecordSize = conn.LowLatencyRecordSize
	case o.throughput:
		cfg.RecordSize = conn.ThroughputRecordSize
	}
	cfg.SendBufferSize = o.bufferedSend
	if o.dhParams != "" {
		if cfg.DHParams, err = cli.LoadDHParams(o.dhParams); err != nil {
			release()
			return nil, nil, err
		}
	}
	if o.selfSigned != "" {
		own, remove, err := selfSign(o.selfSigned)
		if err != nil {
			return nil, nil, err
		}
		cfg.Certificates = append(cfg.Certificates, own)
		release = func() { remove(); closeLog() } // closing a token may take too long
	}
	if err := o.staple(cfg.Certificates); err != nil {
		release()
		return nil, nil, err
	}
	leave, err := o.sessions.apply(cfg)
	if err != nil {
		release()
		return nil, nil, err
	}
	before := release
	return cfg, sync.OnceFunc(func() { leave(); before() }), nil
}

// staple gives the certificates what goes with them, in order.
func (o *options) staple(certs []*conn.Certificate) (err error) {
	switch {
	case len(o.ocsp) > len(certs):
		return cli.Usage("--ocsp "+o.ocsp[len(certs)], "there is no certificate for it")
	case len(o.scts) > len(certs):
		return cli.Usage("--sct "+o.scts[len(certs)], "there is no certificate for it")
	}
	for i, name := range o.ocsp {
		if certs[i].OCSPStaple, err = cli.LoadOCSP(name); err != nil {
			return err
		}
	}
	for i, name := range o.scts {
		if certs[i].SCTList, err = cli.LoadSCTs(name); err != nil {
			return err
		}
	}
	return nil
}
