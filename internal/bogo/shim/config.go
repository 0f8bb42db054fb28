package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/policy"
)

// BoringSSL's groups and signature schemes, which the runner takes for granted.
var (
	defaultGroups = []iana.Group{iana.X25519MLKEM768, iana.X25519, iana.Secp256r1, iana.Secp384r1}

	verifySchemes = []iana.SignatureScheme{
		iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256, iana.RSAPKCS1SHA256,
		iana.ECDSASecp384r1SHA384, iana.RSAPSSRSAESHA384, iana.RSAPKCS1SHA384,
		iana.RSAPSSRSAESHA512, iana.RSAPKCS1SHA512, iana.RSAPKCS1SHA1,
	}
	signSchemes = []iana.SignatureScheme{
		iana.Ed25519, iana.ECDSASecp256r1SHA256, iana.RSAPSSRSAESHA256, iana.RSAPKCS1SHA256,
		iana.ECDSASecp384r1SHA384, iana.RSAPSSRSAESHA384, iana.RSAPKCS1SHA384,
		iana.ECDSASecp521r1SHA512, iana.RSAPSSRSAESHA512, iana.RSAPKCS1SHA512,
		iana.ECDSASHA1, iana.RSAPKCS1SHA1,
	}
)

// rsaPKCS1SHA256Legacy is for client certificates of TLS 1.3, and not implemented.
const rsaPKCS1SHA256Legacy iana.SignatureScheme = 0x0420

// session is one connection to the runner.
type session struct {
	options  *options
	retry    *options // in place of options once early data is refused
	world    *world
	suspend  suspension
	prefs    preference[iana.CipherSuite]
	messages messages

	verified       bool // the verdict was asked for
	helloSeen      bool
	gotSession     bool                   // a client was given one
	goodEarly      bool                   // for early data
	stored         bool                   // a server has stored one
	opened         bool                   // a ticket of ours was shown
	over           bool                   // the connection has failed
	peerSchemes    []iana.SignatureScheme // that the peer verifies
	certs          []*conn.Certificate
	authorities    [][]byte // that the server named
	secrets        trafficSecrets
	refuse         bool // to renegotiate
	renegotiations int
	wrong          error // what a hook found that is not as expected
}

// config makes the Config of a connection.
func (s *session) config() (*conn.Config, error) {
	o := s.options
	var err error
	if s.prefs, err = preferences(o.cipher); err != nil {
		return nil, err
	}
	cfg := &conn.Config{
		ServerName:              o.hostName,
		VerifyHost:              func(string) bool { return true }, // the runner's certificates are for no name
		MaxCertificateBytes:     o.maxCertList,
		RecordSize:              conn.ThroughputRecordSize,
		RequestOCSP:             o.enableOCSP && !o.server,
		DisableOCSPVerification: true, // the suite staples any bytes
		MaxChainDepth:           100,  // and sends a certificate 51 times
		RequestSCT:              o.enableSCT && !o.server,
		CertificateAuthorities:  o.clientCAs,
		InsecureSkipVerify:      o.trustCert == "",
		IgnoreWarnings:          true,
		AcceptSSLv2ClientHello:  o.server,
		ContinueWithoutALPN:     true,
	}
	if cfg.SecurityPolicy, err = s.policy(nil, nil); err != nil {
		return nil, err
	}
	if !o.server {
		cfg.OnHelloRequest = s.helloRequested
		cfg.ForbidRenegotiation = !o.renegotiateFreely && !o.renegotiateOnce && !o.renegotiateIgnore && !o.renegotiateExplicit
	}
	if o.maxSendFragment > 0 {
		cfg.RecordSize = o.maxSendFragment
	}
	if o.compliance == nil {
		cfg.VerifySchemes = withScheme13(verifySchemes, o.verifyPrefs)
		cfg.SigningSchemes = withScheme13(signSchemes, o.signingPrefs())
		if !o.server {
			cfg.Groups = s.groups()
		}
	}
	if cfg.KeyShares = o.keyShares; o.noKeyShares {
		cfg.KeyShares = []iana.Group{}
	}
	if i := slices.IndexFunc(s.groups(), func(g iana.Group) bool { return slices.Contains(o.groupsHint, g) }); i >= 0 {
		cfg.KeyShares = s.groups()[i : i+1]
	}
	if o.trustCert != "" {
		pem, err := os.ReadFile(o.trustCert)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = x509.NewCertPool()
		cfg.RootCAs.AppendCertsFromPEM(pem)
		for _, file := range []string{o.expectPeerCertFile, s.retry.expectPeerCertFile} {
			if pem, err := os.ReadFile(file); err == nil {
				cfg.RootCAs.AppendCertsFromPEM(pem) // of another authority, which no flag names
			}
		}
	}
	if cfg.Certificates, err = o.certificates(); err != nil {
		return nil, err
	}
	s.certs = cfg.Certificates
	if o.requireClientCertificate {
		cfg.ClientAuth = conn.RequireClientAuth
	} else if o.server && o.verifyPeer {
		cfg.ClientAuth = conn.OptionalClientAuth
	}
	if cfg.ALPN, err = protocols(o.advertiseALPN); err != nil {
		return nil, err
	}
	if o.exportTrafficSecrets {
		cfg.KeyLog = &s.secrets
	}
	cfg.Fallback = o.fallbackSCSV
	cfg.Trace = s.messages.note
	s.resumption(cfg)
	s.hooks(cfg)
	return cfg, nil
}

// policy allows what the flags allow, with a server's suites and groups in the order that the
// client's offer calls for.
func (s *session) policy(offered []iana.CipherSuite, offeredGroups []iana.Group) (*policy.Policy, error) {
	o := s.options
	if o.compliance != nil {
		return o.compliance.Build()
	}
	low, high := iana.TLS12, iana.TLS13
	if o.minVersion > int(low) {
		low = iana.Version(o.minVersion)
	}
	if o.maxVersion != 0 && o.maxVersion < int(high) {
		high = iana.Version(o.maxVersion)
	}
	if o.noTLS13 && high == iana.TLS13 {
		high = iana.TLS12
	}
	if o.noTLS12 && low == iana.TLS12 {
		low = iana.TLS13
	}
	if o.maxVersion != 0 && o.maxVersion < int(iana.TLS12) {
		return nil, fmt.Errorf("no version above %#x: %w", o.maxVersion, errUnimplemented)
	}
	suites := preference[iana.CipherSuite]{suites13}.order(offered)
	if o.cnsaSuites13 {
		suites = []iana.CipherSuite{iana.TLS_AES_256_GCM_SHA384, iana.TLS_AES_128_GCM_SHA256, iana.TLS_CHACHA20_POLY1305_SHA256}
	}
	groups := policy.SplitGroups(s.groupPreference().order(offeredGroups))
	return &policy.Policy{
		Name: "flags", MinVersion: low, MaxVersion: high,
		CipherSuites:     append(suites, s.prefs.order(offered)...),
		SignatureSchemes: signSchemes, KEMGroups: groups.KEM, Curves: groups.Curves,
		StronglyPreferredGroups: groups.Curves, // BoringSSL always takes the first in common
	}, nil
}

func (s *session) groups() []iana.Group {
	if s.options.curves != nil {
		return s.options.curves
	}
	return defaultGroups
}

// groupPreference is what -curves and -curves-flags say together.
func (s *session) groupPreference() (all preference[iana.Group]) {
	equal := false
	for i, g := range s.groups() {
		if equal {
			all[len(all)-1] = append(all[len(all)-1], g)
		} else {
			all = append(all, []iana.Group{g})
		}
		equal = i < len(s.options.curvesFlags) && s.options.curvesFlags[i]&1 != 0
	}
	return all
}

// withScheme13 returns own, or the default. TLS 1.3 is not offered without a scheme of its
// own; the tests that give none want to see a handshake of TLS 1.3 fail, so they get one that
// is of no use to them.
func withScheme13(list, own []iana.SignatureScheme) []iana.SignatureScheme {
	if own != nil {
		list = own
	}
	if !slices.ContainsFunc(list, allowed13) {
		list = append(slices.Clip(list), iana.Ed25519)
	}
	return list
}

// allowed13 reports whether signatures of scheme id are allowed in TLS 1.3.
func allowed13(id iana.SignatureScheme) bool {
	switch id {
	case iana.RSAPKCS1SHA1, iana.RSAPKCS1SHA256, iana.RSAPKCS1SHA384, iana.RSAPKCS1SHA512, iana.ECDSASHA1, rsaPKCS1SHA256Legacy:
		return false
	}
	return true
}

// protocols splits a list of protocols as it stands on the wire.
func protocols(list string) (names []string, err error) {
	for len(list) > 0 {
		n := int(list[0])
		if n == 0 || len(list) < 1+n {
			return nil, fmt.Errorf("bad list of protocols %q", list)
		}
		names = append(names, list[1:1+n])
		list = list[1+n:]
	}
	return names, nil
}

// rejection is a verdict's reason with an alert of its own.
type rejection struct {
	text  string
	alert iana.Alert
}

func (r *rejection) Error() string     { return r.text }
func (r *rejection) Alert() iana.Alert { return r.alert }

// hooks installs what the flags need. A test that suspends has all hooks but
// OnRevocationLists, for which there would have to be lists.
func (s *session) hooks(cfg *conn.Config) {
	o := s.options
	if s.suspend.on {
		cfg.Wake = func(*conn.Conn) { s.suspend.woken.Add(1) }
		cfg.OnVerifySignature = func(_ *conn.Conn, check *conn.SignatureCheck, op *async.Op[conn.Verdict]) {
			ask(&s.suspend, op, func() (conn.Verdict, error) {
				if err := check.Verify(); err != nil {
					return conn.Reject(err), nil
				}
				return conn.Accept, nil
			})
		}
		cfg.OnPrivateKey = func(c *conn.Conn, op *asyncpkey.Op) error {
			s.suspend.sign(c, op, keyOf(s.certs, op.Certificate().Raw))
			return nil
		}
	}
	cfg.OnVerify = func(c *conn.Conn, peer *conn.PeerChain, op *async.Op[conn.Verdict]) {
		ask(&s.suspend, op, func() (conn.Verdict, error) { return s.judge(c, peer), nil })
	}
	if o.server {
		cfg.OnClientHello = func(c *conn.Conn, hello *conn.ClientHello, op *async.Op[*conn.Config]) {
			ask(&s.suspend, op, func() (*conn.Config, error) {
				if !o.noServerNameAck {
					c.ServerNameUsed()
				}
				return s.choose(cfg, hello)
			})
		}
		if o.byDefault.ocspResponse == nil && !o.useOCSPCallback || len(o.credentials) > 0 {
			return
		}
		cfg.OnOCSPResponse = func(_ *conn.Conn, _ *conn.Certificate, op *async.Op[[]byte]) {
			ask(&s.suspend, op, s.staple)
		}
		return
	}
	if len(o.credentials) > 0 && o.expectPeerVerifyPrefs == nil && o.expectClientCAs == nil && !o.mustMatchIssuer() {
		return // one that fits is chosen without a hook
	}
	cfg.OnClientCertificate = func(_ *conn.Conn, request *conn.CertificateRequest, op *async.Op[*conn.Certificate]) {
		s.peerSchemes, s.authorities = slices.Clone(request.Schemes), request.Authorities
		ask(&s.suspend, op, func() (*conn.Certificate, error) {
			if o.failCertCallback {
				return nil, errors.New("the certificate callback refused")
			}
			list, _ := s.issued(s.authorities)
			if len(list) == 0 {
				return nil, nil // the server decides what becomes of a client that has none
			}
			return list[0], nil
		})
	}
}

// judge is the application's verdict on the peer's chain.
func (s *session) judge(c *conn.Conn, peer *conn.PeerChain) conn.Verdict {
	o := s.options
	if !o.server && c.State().EarlyData == conn.EarlyDataRejected {
		o = s.retry
	}
	if s.verified {
		s.wrong = mustFail("the peer's certificate was judged twice")
	}
	s.verified = true
	switch {
	case o.expectOCSPResponse != nil && peer.OCSPResponse == nil:
		s.wrong = errors.New("no OCSP response came to the verdict")
	case o.verifyFail && !o.verifyPeer && !o.requireClientCertificate:
		return conn.Accept // a client that does not verify, in BoringSSL's way
	case o.verifyFail && o.customVerify:
		return conn.Reject(&rejection{"the verdict refused the certificate", iana.CertificateUnknown})
	case o.verifyFail:
		return conn.Reject(&rejection{"the verdict refused the certificate", iana.HandshakeFailure})
	case o.useOCSPCallback && o.failOCSPCallback:
		return conn.Reject(&rejection{"the OCSP callback refused", iana.BadCertificateStatusResponse})
	}
	return conn.Accept
}

// staple is a server's OCSP response.
func (s *session) staple() ([]byte, error) {
	o := s.options
	switch {
	case o.useOCSPCallback && o.failOCSPCallback:
		return nil, errors.New("the OCSP callback refused")
	case o.useOCSPCallback && o.declineOCSPCallback:
		return nil, nil
	}
	return o.byDefault.ocspResponse, nil
}

// choose is a server's choice of a Config by the ClientHello.
func (s *session) choose(cfg *conn.Config, hello *conn.ClientHello) (*conn.Config, error) {
	o := s.options
	s.helloSeen = true
	s.peerSchemes = hello.SignatureSchemes()
	offered, _ := hello.Extension(iana.ApplicationLayerProtocolNegotiation)
	switch {
	case o.failCertCallback:
		return nil, errors.New("the certificate callback refused")
	case o.failEarlyCallback:
		return nil, &rejection{"the early callback refused", iana.HandshakeFailure}
	case o.failDDoSCallback:
		return nil, errors.New("the callback against overload refused")
	case o.expectServerName != "" && hello.ServerName() != o.expectServerName:
		s.wrong = fmt.Errorf("server name %q, expected %q", hello.ServerName(), o.expectServerName)
	case o.expectAdvertisedALPN != "" && (len(offered) < 2 || string(offered[2:]) != o.expectAdvertisedALPN):
		s.wrong = fmt.Errorf("ALPN offer %q, expected %q", offered, o.expectAdvertisedALPN)
	}
	own := cfg.Clone()
	var err error
	if own.Certificates, err = s.issued(hello.CertificateAuthorities()); err != nil {
		return nil, err
	}
	if own.SecurityPolicy, err = s.policy(hello.CipherSuites(), hello.SupportedGroups()); err != nil {
		return nil, err
	}
	if len(offered) > 0 {
		switch {
		case o.rejectALPN:
			own.ALPN, own.ContinueWithoutALPN = []string{"no protocol of the runner's"}, false
		case o.selectEmptyALPN:
			own.ALPN = []string{""}
		case o.selectALPN != "" && !o.declineALPN:
			own.ALPN = []string{o.selectALPN}
		}
	}
	return own, nil
}
