package conn

import (
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/record"
)

// NewClient returns a client's connection (s2n_connection_new). Nothing is sent before
// Negotiate. A nil cfg is the zero Config. Errors are of kind ErrUsage and name what is
// wrong with cfg.
func NewClient(recv RecvFunc, send SendFunc, cfg *Config) (*Conn, error) {
	return newConn(true, recv, send, cfg)
}

// NewServer returns a server's connection; otherwise like NewClient.
func NewServer(recv RecvFunc, send SendFunc, cfg *Config) (*Conn, error) {
	return newConn(false, recv, send, cfg)
}

func newConn(client bool, recv RecvFunc, send SendFunc, cfg *Config) (*Conn, error) {
	c := &Conn{client: client}
	if err := c.begin(recv, send, cfg); err != nil {
		return nil, err
	}
	return c, nil
}

// begin makes c a new connection, but for the buffers it has.
func (c *Conn) begin(recv RecvFunc, send SendFunc, cfg *Config) error {
	if recv == nil || send == nil {
		return usage("a connection needs a RecvFunc and a SendFunc")
	}
	if cfg == nil {
		cfg = &Config{}
	}
	if _, err := cfg.prepare(c.client); err != nil {
		return err
	}
	c.recv, c.send, c.base = recv, send, cfg
	c.own = nil
	if err := c.adopt(cfg); err != nil {
		return err
	}
	if c.client {
		c.wr.SetVersion(iana.TLS10) // the first ClientHello's (RFC 8446, Section 5.1)
	}
	return nil
}

// adopt makes cfg the connection's Config, with the settings of its own on top.
func (c *Conn) adopt(cfg *Config) error {
	p, err := cfg.prepare(c.client)
	if err != nil {
		return err
	}
	c.cfg, c.hs, c.prepared = cfg, &p.hs, p
	if c.own != nil {
		if err := c.own.apply(c); err != nil {
			return err
		}
	}
	size := cfg.RecordSize
	if size == 0 {
		size = DefaultRecordSize
	}
	c.wr.SetMaxFragment(size)
	return nil
}

// SetValue keeps the application's own data with the connection (s2n_connection_set_ctx).
// Any goroutine, any time.
func (c *Conn) SetValue(v any) { c.value.Store(&v) }

// Value returns what SetValue was given, or nil.
func (c *Conn) Value() any {
	if v := c.value.Load(); v != nil {
		return *v
	}
	return nil
}

// start makes the Machine, when the settings are closed.
func (c *Conn) start() error {
	name := c.cfg.ServerName
	if c.own != nil && c.own.named {
		name = c.own.serverName
	}
	switch {
	case !c.client:
		c.machine = handshake.NewServer(c.hs)
		c.rd.AllowSSLv2Hello(c.cfg.AcceptSSLv2ClientHello)
	case name == "" && c.hs.Verify != nil && c.cfg.VerifyHost == nil && c.cfg.OnVerify == nil:
		return usage("a client needs a server name to verify, or a hook of its own: SetServerName, Config.VerifyHost or Config.OnVerify")
	default:
		c.machine = handshake.NewClient(c.hs, name)
		if c.own != nil {
			c.machine.Session = c.own.session
		}
		if c.rd.SetCCS(record.CCSDeliver); c.hs.MaxVersion >= iana.TLS13 {
			c.rd.SetCCS(record.CCSDrop)
		}
	}
	c.machine.Observe = c.observer()
	c.started = true
	return nil
}
