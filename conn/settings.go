package conn

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
)

// settings are what a connection has of its own, over its Config.
type settings struct {
	serverName string
	named      bool
	policy     string
	alpn       []string
	alpnSet    bool
	clientAuth ClientAuth
	min, max   iana.Version
	groups     []iana.Group
	keyShares  []iana.Group
	schemes    []iana.SignatureScheme
	signing    []iana.SignatureScheme
	verifying  []iana.SignatureScheme

	session         *session.Session // of a client, to resume
	psks            []*PSK           // behind the Config's
	maxEarlyData    uint32
	maxEarlyDataSet bool
	context         []byte // for early data; nil = the Config's
}

// wipe clears the secrets, which are copies.
func (s *settings) wipe() {
	if s == nil {
		return
	}
	if s.session != nil {
		s.session.Clear()
	}
	for _, p := range s.psks {
		clear(p.Secret)
	}
	s.session, s.psks = nil, nil
}

// changesResumption reports whether one of the settings is about what is resumed, the session apart, which is
// the Machine's.
func (s *settings) changesResumption() bool {
	return s.psks != nil || s.maxEarlyDataSet || s.context != nil
}

// changesConfig reports whether one of the settings takes the place of what a Config is
// checked and worked out with.
func (s *settings) changesConfig() bool {
	return s.policy != "" || s.min != 0 || s.max != 0 || s.groups != nil || s.keyShares != nil ||
		s.schemes != nil || s.signing != nil || s.verifying != nil
}

// apply puts the settings over the Config's.
func (s *settings) apply(c *Conn) error {
	if !s.changesConfig() && !s.changesResumption() && !s.alpnSet && s.clientAuth == DefaultClientAuth {
		return nil
	}
	base := c.cfg
	if s.changesConfig() {
		base = base.Clone()
		if s.policy != "" {
			base.Policy, base.SecurityPolicy = s.policy, nil
		}
		if s.min != 0 {
			base.MinVersion = s.min
		}
		if s.max != 0 {
			base.MaxVersion = s.max
		}
		if s.groups != nil {
			base.Groups, base.KeyShares = s.groups, nil
		}
		if s.keyShares != nil {
			base.KeyShares = s.keyShares
		}
		if s.schemes != nil {
			base.Schemes, base.SigningSchemes, base.VerifySchemes = s.schemes, nil, nil
		}
		if s.signing != nil {
			base.SigningSchemes = s.signing
		}
		if s.verifying != nil {
			base.VerifySchemes = s.verifying
		}
	}
	p, err := base.prepare(c.client)
	if err != nil {
		return err
	}
	hs := p.hs
	c.prepared = p
	if s.alpnSet {
		hs.ALPN = s.alpn
	}
	if s.clientAuth != DefaultClientAuth {
		hs.ClientAuth = s.clientAuth
	}
	if s.psks != nil {
		hs.PSKs = slices.Concat(hs.PSKs, s.psks)
		if err := checkPSKs(hs.PSKs); err != nil {
			return &Error{ErrUsage, err}
		}
	}
	if s.psks != nil || s.clientAuth != DefaultClientAuth {
		hs.SessionBinding = sessionBinding(p, c.client, &hs)
	}
	if s.maxEarlyDataSet {
		hs.MaxEarlyData = s.maxEarlyData
	}
	if s.context != nil {
		hs.EarlyDataContext = s.context
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
	before, next := c.own, &settings{}
	if before != nil {
		*next = *before
	}
	set(next)
	c.own = next
	if err := c.adopt(c.cfg); err != nil {
		c.own = before
		_ = c.adopt(c.cfg) // as it was accepted before
		return err
	}
	if before != nil && before.session != nil && before.session != next.session {
		before.session.Clear()
	}
	return nil
}

// SetServerName says whom a client wants to talk to: a host name, which is sent in
// server_name, or an IP address, which is not; the server's certificate has to bear it
// (s2n_set_server_name). Before Negotiate; at most 255 bytes of visible
// ASCII.
func (c *Conn) SetServerName(name string) error {
	if !c.client {
		return usage("SetServerName on a server")
	}
	if err := checkServerName(name); err != nil {
		return usage("%w", err)
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

// SetVersions narrows the policy to versions from lowest to highest, in place of the Config's
// MinVersion and MaxVersion; 0 keeps what the Config says. Before Negotiate.
func (c *Conn) SetVersions(lowest, highest iana.Version) error {
	return c.change("SetVersions", func(s *settings) { s.min, s.max = lowest, highest })
}

// SetGroups replaces the groups of the policy and the groups and key shares of the Config,
// SetKeyShares those for which
// a client sends key shares at once (Config.KeyShares); none at all makes it wait for a
// HelloRetryRequest. Before Negotiate.
func (c *Conn) SetGroups(groups ...iana.Group) error {
	return c.change("SetGroups", func(s *settings) { s.groups = append([]iana.Group{}, groups...) })
}

// SetKeyShares is described at SetGroups.
func (c *Conn) SetKeyShares(groups ...iana.Group) error {
	return c.change("SetKeyShares", func(s *settings) { s.keyShares = append([]iana.Group{}, groups...) })
}

// SetSchemes replaces the signature schemes of the policy and of the Config, SetSigningSchemes
// and SetVerifySchemes those of one direction alone: Config.SigningSchemes and
// Config.VerifySchemes. Before Negotiate.
func (c *Conn) SetSchemes(schemes ...iana.SignatureScheme) error {
	return c.change("SetSchemes", func(s *settings) { s.schemes = append([]iana.SignatureScheme{}, schemes...) })
}

// SetSigningSchemes is described at SetSchemes.
func (c *Conn) SetSigningSchemes(schemes ...iana.SignatureScheme) error {
	return c.change("SetSigningSchemes", func(s *settings) { s.signing = append([]iana.SignatureScheme{}, schemes...) })
}

// SetVerifySchemes is described at SetSchemes.
func (c *Conn) SetVerifySchemes(schemes ...iana.SignatureScheme) error {
	return c.change("SetVerifySchemes", func(s *settings) { s.verifying = append([]iana.SignatureScheme{}, schemes...) })
}
