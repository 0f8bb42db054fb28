package conn

import (
	"slices"

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
	c.cfg, c.hs, c.policy = cfg, &p.hs, p.policy.Name
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

// settings are what a connection has of its own, over its Config.
type settings struct {
	serverName string
	named      bool
	policy     string
	alpn       []string
	alpnSet    bool
	clientAuth ClientAuth
	groups     []iana.Group
	schemes    []iana.SignatureScheme
}

// apply puts the settings over the Config's.
func (s *settings) apply(c *Conn) error {
	if s.policy == "" && !s.alpnSet && s.clientAuth == DefaultClientAuth && s.groups == nil && s.schemes == nil {
		return nil
	}
	base := c.cfg
	if s.policy != "" || s.groups != nil || s.schemes != nil {
		base = base.Clone()
		if s.policy != "" {
			base.Policy, base.SecurityPolicy = s.policy, nil
		}
		if s.groups != nil {
			base.Groups = s.groups
		}
		if s.schemes != nil {
			base.Schemes = s.schemes
		}
	}
	p, err := base.prepare(c.client)
	if err != nil {
		return err
	}
	hs := p.hs
	c.policy = p.policy.Name
	if s.alpnSet {
		hs.ALPN = s.alpn
	}
	if s.clientAuth != DefaultClientAuth {
		hs.ClientAuth = s.clientAuth
	}
	c.hs = &hs
	return nil
}

// change makes one setting before the handshake begins.
func (c *Conn) change(method string, set func(s *settings)) error {
	if err := c.enter(both, method); err != nil {
		return err
	}
	defer c.leave(both)
	if c.started {
		return usage("%s after Negotiate has begun", method)
	}
	before := settings{}
	if c.own != nil {
		before = *c.own
	}
	next := before
	set(&next)
	c.own = &next
	if err := c.adopt(c.cfg); err != nil {
		c.own = &before
		_ = c.adopt(c.cfg) // as it was accepted before
		return err
	}
	return nil
}

// SetServerName says whom a client wants to talk to: a host name, which is sent in
// server_name, or an IP address, which is not; the server's certificate has to bear it
// (s2n_set_server_name). Before Negotiate; at most 255 bytes.
func (c *Conn) SetServerName(name string) error {
	switch {
	case !c.client:
		return usage("SetServerName on a server")
	case len(name) > 255:
		return usage("server name of %d bytes is longer than 255", len(name))
	}
	return c.change("SetServerName", func(s *settings) { s.serverName, s.named = name, true })
}

// SetPolicy replaces the Config's security policy (s2n_connection_set_cipher_preferences).
// Before Negotiate.
func (c *Conn) SetPolicy(name string) error {
	return c.change("SetPolicy", func(s *settings) { s.policy = name })
}

// SetALPN replaces the Config's application protocols; none clears them
// (s2n_connection_set_protocol_preferences). Before Negotiate.
func (c *Conn) SetALPN(names ...string) error {
	if err := checkALPN(names); err != nil {
		return &Error{ErrUsage, err}
	}
	return c.change("SetALPN", func(s *settings) { s.alpn, s.alpnSet = slices.Clone(names), true })
}

// SetClientAuth replaces the Config's mode of client authentication
// (s2n_connection_set_client_auth_type). Before Negotiate.
func (c *Conn) SetClientAuth(mode ClientAuth) error {
	if mode > RequireClientAuth {
		return usage("ClientAuth %d is no mode of client authentication", mode)
	}
	return c.change("SetClientAuth", func(s *settings) { s.clientAuth = mode })
}

// SetGroups and SetSchemes replace the groups and the signature schemes of the policy
// and of the Config. Before Negotiate.
func (c *Conn) SetGroups(groups ...iana.Group) error {
	return c.change("SetGroups", func(s *settings) { s.groups = append([]iana.Group{}, groups...) })
}

// SetSchemes is described at SetGroups.
func (c *Conn) SetSchemes(schemes ...iana.SignatureScheme) error {
	return c.change("SetSchemes", func(s *settings) { s.schemes = append([]iana.SignatureScheme{}, schemes...) })
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
		c.rd.SetCCS(record.CCSDrop)
	}
	c.machine.Observe = c.observer()
	c.started = true
	return nil
}
