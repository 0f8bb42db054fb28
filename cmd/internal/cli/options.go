package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// defaultHandshake is how long a handshake may take if no option says otherwise.
const defaultHandshake = 60 * time.Second

// maxWorkers bounds --async.
const maxWorkers = 10000

// Options are what both programs can be told.
type Options struct {
	Policy       string
	Groups       []iana.Group
	Schemes      []iana.SignatureScheme
	ListPolicies bool
	ShowPolicy   string

	Credentials
	CAFile, CADir string
	Insecure      bool
	ALPN          []string

	Resumption

	Async      int
	AsyncDelay time.Duration
	inline     bool // --async 0 was said

	Limits    Limits
	KeyLog    string
	JSON      bool
	Trace     bool
	TraceHTML string
}

// AddPolicy adds the options about algorithms.
func (o *Options) AddPolicy(f *Flags) {
	o.Policy = policy.Default
	f.Func("ciphers", "NAME", "security policy (default \""+policy.Default+"\")", func(name string) error {
		o.Policy = name
		_, err := policy.Lookup(name)
		return err
	})
	f.Func("groups", "LIST", "groups for the key exchange instead of the policy's:\nIANA's names, comma separated, most wanted first", func(s string) (err error) {
		o.Groups, err = parseNames(knownGroups, s)
		return err
	})
	f.Func("schemes", "LIST", "signature schemes instead of the policy's", func(s string) (err error) {
		o.Schemes, err = parseNames(knownSchemes, s)
		return err
	})
	f.Bool(&o.ListPolicies, "list-policies", "print the names of all security policies")
	f.String(&o.ShowPolicy, "show-policy", "NAME", "print a security policy in full")
}

// AddALPN adds the option for application protocols.
func (o *Options) AddALPN(f *Flags) {
	f.Func("alpn", "LIST", "application protocols, comma separated, most wanted first", func(s string) (err error) {
		o.ALPN, err = splitList(s)
		return err
	})
}

// AddRoots adds the options for what the peer's certificate has to lead to.
func (o *Options) AddRoots(f *Flags, insecure string) {
	f.String(&o.CAFile, "ca-file", "FILE", "trusted certificates, PEM")
	f.String(&o.CADir, "ca-dir", "DIR", "a folder of such files")
	f.Bool(&o.Insecure, "insecure", insecure)
}

// AddKeys adds the options for where private keys are besides files and how they work.
func (o *Options) AddKeys(f *Flags) {
	o.AddTokens(f)
	f.Func("async", "N", "private-key operations on N workers: every handshake\nsuspends; 0 = inline, the default but with a token (4)", func(s string) (err error) {
		o.Async, err = parseInt(s, 0, maxWorkers)
		o.inline = o.Async == 0
		return err
	})
	f.Duration(&o.AsyncDelay, "async-delay", "DUR", "each operation takes DUR longer, as in a slow HSM;\ninline it holds up all other connections")
}

// Workers returns how many workers do private-key operations, 0 for inline.
func (o *Options) Workers() int {
	if o.Async == 0 && !o.inline && o.FromToken() {
		return tokenWorkers
	}
	return o.Async
}

// AddOutput adds the options for limits and for what is told.
func (o *Options) AddOutput(f *Flags) {
	o.Limits.Handshake = defaultHandshake
	f.Seconds(func(d time.Duration) { o.Limits = Limits{d, d} }, "timeout", "SECS",
		"limit for the handshake and for idle time; 0 = none\n(default 60 for the handshake, none for idle time)")
	f.Bool(&o.JSON, "json", "one line of JSON per connection on stdout")
	f.Bool(&o.Trace, "trace", "draw the handshake on stderr as a ladder with times")
	f.String(&o.TraceHTML, "trace-html", "FILE", "the same as a self-contained page")
	f.String(&o.KeyLog, "key-log", "FILE", "NSS key log: who reads it can decrypt the connections")
}

// PrintPolicies does what --list-policies and --show-policy ask for, if they do.
func (o *Options) PrintPolicies(w io.Writer) (done bool, err error) {
	switch {
	case o.ListPolicies:
		for _, name := range policy.Names() {
			if _, err := fmt.Fprintln(w, name); err != nil {
				return true, err
			}
		}
		return true, nil
	case o.ShowPolicy != "":
		p, err := policy.Lookup(o.ShowPolicy)
		if err != nil {
			return true, Usage("--show-policy", "%v", err)
		}
		_, err = p.WriteTo(w)
		return true, err
	}
	return false, nil
}

// Config makes the configuration of connections, but for what one role has alone. close
// ends what belongs to it.
func (o *Options) Config() (cfg *conn.Config, close func(), err error) {
	cfg = &conn.Config{
		Policy: o.Policy, Groups: o.Groups, Schemes: o.Schemes, ALPN: o.ALPN, InsecureSkipVerify: o.Insecure,
	}
	o.apply(cfg)
	if cfg.RootCAs, err = LoadRoots(o.CAFile, o.CADir); err != nil {
		return nil, nil, err
	}
	if cfg.Certificates, close, err = o.load(o.Workers()); err != nil {
		return nil, nil, err
	}
	if o.KeyLog != "" {
		f, err := OpenKeyLog(o.KeyLog)
		if err != nil {
			close()
			return nil, nil, err
		}
		cfg.KeyLog = f
		closeKeys := close
		close = func() { closeKeys(); f.Close() }
	}
	return cfg, close, nil
}

// Output makes what is told of connections.
func (o *Options) Output() *Output {
	return &Output{Stdout: os.Stdout, Stderr: os.Stderr, JSON: o.JSON, Ladder: o.Trace, HTML: o.TraceHTML}
}
