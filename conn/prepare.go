package conn

import (
	"crypto/fips140"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/verify"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/policy"
)

// prepared is a Config as handshakes of one role use it, checked and worked out once.
type prepared struct {
	hs     handshake.Config
	policy *policy.Policy
	left   []string // versions of the policy that are left out, with the reason

	verify   [32]byte       // what Config and policy say of verification, for sessions
	onPSK    string         // the name of OnPSK, for the same
	recorder ReplayRecorder // server: of early data
}

// prepare returns what cfg means for one role; the first call freezes cfg.
func (cfg *Config) prepare(client bool) (*prepared, error) {
	slot := &cfg.server
	if client {
		slot = &cfg.client
	}
	if p := slot.Load(); p != nil {
		return p, nil
	}
	p, err := cfg.work(client)
	if err != nil {
		return nil, &Error{ErrUsage, err}
	}
	slot.CompareAndSwap(nil, p)
	return slot.Load(), nil
}

func (cfg *Config) work(client bool) (*prepared, error) {
	if fips140.Enforced() {
		return nil, errors.New("GODEBUG=fips140=only refuses primitives that TLS needs beside the approved ones; fips140=on negotiates approved algorithms only")
	}
	if err := cfg.checkVersions(); err != nil {
		return nil, err
	}
	p := &prepared{}
	if err := p.usePolicy(cfg); err != nil {
		return nil, err
	}
	h := &p.hs
	h.ClientAuth = cfg.ClientAuth
	if h.ClientAuth == handshake.DefaultClientAuth {
		h.ClientAuth = handshake.NoClientAuth
		if client {
			h.ClientAuth = handshake.OptionalClientAuth
		}
	}
	if err := checkALPN(cfg.ALPN); err != nil {
		return nil, err
	}
	authorities, err := cfg.authorities()
	if err != nil {
		return nil, err
	}
	h.Authorities = authorities
	h.ALPN, h.IgnoreALPN = cfg.ALPN, cfg.ContinueWithoutALPN
	h.RequestOCSP, h.RequestSCT = cfg.RequestOCSP, cfg.RequestSCT
	h.Validation, h.MaxCertificates = cfg.Validation, cfg.MaxCertificateBytes
	h.MaxChain = cfg.MaxChainDepth
	if h.VerifyAfterSign = cfg.VerifyAfterSign; h.VerifyAfterSign {
		h.Validation = asyncpkey.Strict
	}
	h.DHParams, h.RequireEMS = cfg.DHParams, fips140.Enabled()
	h.NoCompatibility, h.NoRenegotiation, h.Fallback = cfg.DisableCompatibilityMode, cfg.ForbidRenegotiation, cfg.Fallback
	h.Asks, h.KeyLog = cfg.asks(), cfg.KeyLog != nil
	h.Now, h.Rand = cfg.Now, cfg.rand
	if !cfg.InsecureSkipVerify {
		h.Verify = &verify.Settings{
			Roots: cfg.RootCAs, MaxDepth: cfg.MaxChainDepth, Now: cfg.Now, VerifyHost: cfg.VerifyHost,
			SkipStaple: cfg.DisableOCSPVerification,
			SkipTime:   cfg.DisableTimeVerification, SkipIntent: cfg.DisableIntentVerification,
			SignatureSchemes: p.policy.CertificateSignatureSchemes, Keys: p.policy.CertificateKeys,
		}
	}
	if err := cfg.checkValues(); err != nil {
		return nil, err
	}
	if err := cfg.checkResumption(); err != nil {
		return nil, err
	}
	p.useResumption(cfg, client)
	if err := p.useCertificates(cfg, client); err != nil {
		return nil, err
	}
	h.SessionBinding = sessionBinding(p, client, h)
	return p, nil
}

// usePolicy takes from the policy, or from what overrides it, what is implemented.
func (p *prepared) usePolicy(cfg *Config) error {
	pol, err := cfg.securityPolicy()
	if err != nil {
		return err
	}
	p.policy = pol
	name := pol.Name
	h := &p.hs
	var versions []iana.Version
	for v := iana.TLS12; v <= iana.TLS13; v++ {
		if !pol.Supports(v) {
			continue
		}
		if v < cfg.MinVersion || cfg.MaxVersion != 0 && v > cfg.MaxVersion {
			p.left = append(p.left, fmt.Sprintf("%v: outside of MinVersion and MaxVersion", v))
			continue
		}
		if why := p.useVersion(cfg, v); why != "" {
			p.left = append(p.left, fmt.Sprintf("%v: %s", v, why))
			continue
		}
		if h.MinVersion == 0 {
			h.MinVersion = v
		}
		h.MaxVersion = v
		versions = append(versions, v)
	}
	if h.MinVersion == 0 {
		why := "it has no cipher suite of TLSv1.2 or TLSv1.3"
		if len(p.left) > 0 {
			why = strings.Join(p.left, "; ")
		}
		if fips140.Enabled() {
			why += "; GODEBUG=fips140=on leaves approved algorithms only"
		}
		return fmt.Errorf("security policy %q cannot be negotiated: %s", name, why)
	}
	h.Suites = usableSuites(pol, versions...)
	h.ChaChaBoost, h.OwnPolicy = pol.AllowChaCha20Boosting, pol
	h.GroupOrder = append(slices.Clone(h.Groups.KEM), h.Groups.Curves...)
	for _, g := range h.Groups12 {
		if !slices.Contains(h.GroupOrder, g) {
			h.GroupOrder = append(h.GroupOrder, g)
		}
	}
	if cfg.Groups != nil { // in their own order
		h.GroupOrder = slices.DeleteFunc(slices.Clone(cfg.Groups), func(g iana.Group) bool { return !slices.Contains(h.GroupOrder, g) })
	}
	if h.OfferedSchemes = cfg.verifySchemes(); h.OfferedSchemes == nil {
		h.OfferedSchemes = pol.OfferedSchemes(h.MaxVersion)
	}
	h.OfferedSchemes = offerable(h.OfferedSchemes)
	h.CertificateSchemes = offerable(pol.CertificateSignatureSchemes)
	if h.MaxVersion < iana.TLS13 {
		return nil
	}
	return p.useKeyShares(cfg)
}

// useKeyShares chooses the groups for which a client sends shares at once, in the order in
// which the groups are offered (RFC 8446, Section 4.2.8).
func (p *prepared) useKeyShares(cfg *Config) error {
	h := &p.hs
	shares := cfg.KeyShares
	if shares == nil {
		// One of the first KEM group and one of the first curve, as s2n sends them.
		for _, list := range [...][]iana.Group{h.Groups.KEM, h.Groups.Curves} {
			shares = append(shares, list[:min(1, len(list))]...)
		}
	}
	for _, g := range shares {
		if !slices.Contains(h.Groups.KEM, g) && !slices.Contains(h.Groups.Curves, g) {
			return fmt.Errorf("key share for %v, which is not among the groups for %v", g, iana.TLS13)
		}
	}
	for _, g := range h.GroupOrder {
		if slices.Contains(shares, g) {
			h.KeyShares = append(h.KeyShares, g)
		}
	}
	return nil
}

// useVersion takes from the policy, or from what overrides it, what is implemented for
// version v, in the policy's order. It returns what is missing, or "".
func (p *prepared) useVersion(cfg *Config, v iana.Version) (missing string) {
	h, pol := &p.hs, p.policy
	signing, wanted := usableSchemes(cfg.signingSchemes(), pol, v)
	verifying, accepted := usableSchemes(cfg.verifySchemes(), pol, v)
	groups := pol.LocalGroups(v)
	if cfg.Groups != nil {
		groups = policy.SplitGroups(cfg.Groups)
	}
	unusable := func(g iana.Group) bool { return !handshake.SupportsGroup(g) }
	groups.KEM = slices.DeleteFunc(slices.Clone(groups.KEM), unusable)
	groups.Curves = slices.DeleteFunc(slices.Clone(groups.Curves), unusable)
	switch {
	case len(usableSuites(pol, v)) == 0:
		return "no cipher suite may be used here"
	case len(signing) == 0 && cfg.SigningSchemes == nil: // else it may do without signatures
		return "none of the signature schemes " + wanted + " is implemented"
	case len(verifying) == 0:
		return "none of the signature schemes " + accepted + " is implemented"
	case v == iana.TLS13 && len(groups.KEM)+len(groups.Curves) == 0:
		return "no group may be used here"
	case v == iana.TLS12 && len(groups.Curves) == 0 && !slices.ContainsFunc(usableSuites(pol, v), doesWithoutCurve):
		return "no curve may be used here"
	}
	if v == iana.TLS12 {
		h.Schemes12, h.VerifySchemes12, h.Groups12 = signing, verifying, groups.Curves
	} else {
		h.Schemes, h.VerifySchemes, h.Groups = signing, verifying, groups
	}
	return ""
}

func doesWithoutCurve(id iana.CipherSuite) bool {
	return suite.Lookup(id).KeyExchange != suite.KeyExchangeECDHE
}

func usableSuites(pol *policy.Policy, versions ...iana.Version) []iana.CipherSuite {
	return slices.DeleteFunc(pol.Suites(versions...), func(id iana.CipherSuite) bool {
		s := suite.Lookup(id)
		return s == nil || !s.Usable() || s.KeyExchange == suite.KeyExchangeDHE && !handshake.SupportsDHE()
	})
}

func (cfg *Config) securityPolicy() (*policy.Policy, error) {
	name := cfg.Policy
	switch {
	case cfg.SecurityPolicy != nil && name != "":
		return nil, fmt.Errorf("both Policy %q and SecurityPolicy %q are set", name, cfg.SecurityPolicy.Name)
	case cfg.SecurityPolicy != nil:
		if broken := cfg.SecurityPolicy.Violations(); len(broken) > 0 {
			return nil, fmt.Errorf("security policy %q does not keep its rules: %v", cfg.SecurityPolicy.Name, broken[0])
		}
		return cfg.SecurityPolicy, nil
	case name == "" && fips140.Enabled():
		name = policy.Default + "_fips"
	case name == "":
		name = policy.Default
	}
	return policy.Lookup(name)
}

func (p *prepared) useCertificates(cfg *Config, client bool) error {
	if len(cfg.Certificates) == 0 {
		if !client && cfg.OnClientHello == nil && cfg.PSKs == nil && cfg.OnPSK == nil {
			return errors.New("a server needs a certificate, or a PSK")
		}
		if cfg.Certificates == nil {
			return nil
		}
	}
	for i, c := range cfg.Certificates {
		if err := p.checkOwn(cfg, c, fmt.Sprintf("certificate %d", i)); err != nil {
			return err
		}
	}
	for i, c := range cfg.DefaultCertificates {
		if err := p.checkOwn(cfg, c, fmt.Sprintf("default certificate %d", i)); err != nil {
			return err
		}
	}
	store, err := certs.NewStore(cfg.Certificates, certs.StoreOptions{Defaults: cfg.DefaultCertificates})
	p.hs.Certificates = store
	return err
}

// checkOwn says what is wrong with a certificate of ours, which name is for.
func (p *prepared) checkOwn(cfg *Config, c *Certificate, name string) error {
	switch {
	case c == nil || c.Leaf == nil:
		return fmt.Errorf("%s is empty; make it with NewCertificate, ParseCertificate or LoadCertificate", name)
	case c.PrivateKey == nil && cfg.OnPrivateKey == nil:
		return fmt.Errorf("%s, for %q, has no private key, and there is no OnPrivateKey to do its work", name, c.Leaf.Subject)
	}
	if c.SCTList != nil {
		if err := wire.CheckSCTList(c.SCTList); err != nil {
			return fmt.Errorf("%s, for %q, has a malformed SCTList: %w", name, c.Leaf.Subject, err)
		}
	}
	if err := verify.CheckOwn(c.X509(), p.policy); err != nil {
		return fmt.Errorf("%s, for %q, does not keep security policy %q: %w", name, c.Leaf.Subject, p.policy.Name, err)
	}
	return nil
}
