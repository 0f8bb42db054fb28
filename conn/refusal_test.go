package conn

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/policy"
)

// ends lets both sides of p go on to their ends: the errors of Negotiate, or of the Recv
// after it, since a client of TLS 1.3 is done before it can know that it is refused.
func (p *pair) ends() (client, server error) {
	errs := [2]error{}
	for range 20 {
		for i, c := range []*Conn{p.client, p.server} {
			if errs[i] != nil {
				continue
			}
			if b, err := c.Negotiate(); err != nil {
				errs[i] = err
			} else if b == NotBlocked {
				_, _, errs[i] = c.Recv(make([]byte, 1))
			}
		}
	}
	return errs[0], errs[1]
}

// anotherPKI is an authority that nobody trusts.
func anotherPKI(t testing.TB) *testpeer.Authority {
	t.Helper()
	a, err := testpeer.NewAuthority(testpeer.AuthorityOptions{Seed: []byte("nobody trusts this"), Name: "stranger"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// issueBy is issue for any authority.
func issueBy(t testing.TB, a *testpeer.Authority, tpl testpeer.Template) *Certificate {
	t.Helper()
	if tpl.DNSNames == nil {
		tpl.DNSNames = []string{"localhost"}
	}
	i, err := a.Issue(tpl)
	if err != nil {
		t.Fatal(err)
	}
	c, err := NewCertificate(i.Chain, i.Key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// own13 is a policy for TLS 1.3 alone.
func own13(t testing.TB, change func(*policy.Policy)) *policy.Policy {
	t.Helper()
	p, err := policy.Lookup(policy.Default)
	if err != nil {
		t.Fatal(err)
	}
	p.Name, p.MinVersion = "tests 1.3", iana.TLS13
	if change != nil {
		change(p)
	}
	return p
}

var (
	expired     = time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC)
	notYetValid = time.Date(2048, 1, 1, 0, 0, 0, 0, time.UTC)
)

// refusal is a handshake that one side refuses, as both see it.
type refusal struct {
	name           string
	change         func(t *testing.T, client, server *Config)
	client, server failure
	as             any // what errors.As finds in the error of the side that refuses
}

// byClient and byServer are what both sides see when one refuses.
func byClient(a iana.Alert, text string) (client, server failure) { return accuses(a, text), told(a) }
func byServer(a iana.Alert, text string) (client, server failure) { return told(a), accuses(a, text) }

func refusals(t *testing.T) (list []refusal) {
	add := func(name string, change func(t *testing.T, client, server *Config), client, server failure) *refusal {
		list = append(list, refusal{name: name, change: change, client: client, server: server})
		return &list[len(list)-1]
	}
	certified := func(make func(t *testing.T) *Certificate) func(t *testing.T, client, server *Config) {
		return func(t *testing.T, _, server *Config) { server.Certificates = []*Certificate{make(t)} }
	}
	issued := func(tpl testpeer.Template) func(t *testing.T, client, server *Config) {
		return certified(func(t *testing.T) *Certificate { return issue(t, tpl) })
	}
	mutual := func(make func(t *testing.T) *Certificate) func(t *testing.T, client, server *Config) {
		return func(t *testing.T, client, server *Config) {
			server.ClientAuth = RequireClientAuth
			if make != nil {
				client.Certificates = []*Certificate{make(t)}
			}
		}
	}
	client := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	serverOnly := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}

	// The server's certificate.
	c, s := byClient(iana.BadCertificate, "other.example")
	add("the server's certificate bears another name", func(_ *testing.T, client, _ *Config) { client.ServerName = "other.example" }, c, s)
	add("the server is reached by an address that its certificate does not bear", func(_ *testing.T, client, _ *Config) { client.ServerName = "192.0.2.7" }, accuses(iana.BadCertificate, "192.0.2.7"), s)
	c, s = byClient(iana.CertificateExpired, "2021")
	add("the server's certificate has expired", issued(testpeer.Template{NotAfter: expired}), c, s).as = new(x509.CertificateInvalidError)
	c, s = byClient(iana.CertificateExpired, "2048")
	add("the server's certificate is not yet valid", issued(testpeer.Template{NotBefore: notYetValid}), c, s)
	c, s = byClient(iana.UnknownCA, "not trusted")
	add("the server's authority is unknown", certified(func(t *testing.T) *Certificate { return issueBy(t, anotherPKI(t), testpeer.Template{}) }), c, s).as = new(x509.UnknownAuthorityError)
	c, s = byClient(iana.UnknownCA, "signed by itself")
	add("the server's certificate is signed by itself", certified(func(t *testing.T) *Certificate {
		i, err := testpeer.SelfSigned([]byte("self"), testpeer.Template{DNSNames: []string{"localhost"}})
		if err != nil {
			t.Fatal(err)
		}
		cert, err := NewCertificate(i.Chain, i.Key)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}), c, s)
	c, s = byClient(iana.UnsupportedCertificate, "not for a server")
	add("the server's certificate is for clients only", issued(testpeer.Template{ExtKeyUsage: client}), c, s)
	c, s = byClient(iana.UnsupportedCertificate, "does not allow its key to be used for signatures")
	add("the server's key must not sign", issued(testpeer.Template{KeyUsage: x509.KeyUsageKeyAgreement}), c, s)
	c, s = byClient(iana.BadCertificate, "1 are allowed")
	add("the server's chain is too long", func(t *testing.T, client, server *Config) {
		ca, err := pki().Intermediate(testpeer.Template{CommonName: "between"})
		if err != nil {
			t.Fatal(err)
		}
		server.Certificates, client.MaxChainDepth = []*Certificate{issueBy(t, ca, testpeer.Template{})}, 1
	}, c, s)
	c, s = byClient(iana.CertificateRevoked, "was revoked")
	add("the server's certificate is revoked", func(t *testing.T, client, server *Config) {
		list, err := pki().CRL(time.Now().Add(-time.Hour), time.Now().Add(time.Hour), nil, server.Certificates[0].Leaf.SerialNumber)
		if err != nil {
			t.Fatal(err)
		}
		client.OnRevocationLists = func(_ *Conn, _ *PeerChain, op *async.Op[[]*x509.RevocationList]) {
			_ = op.Answer([]*x509.RevocationList{list})
		}
	}, c, s)
	c, s = byClient(iana.CertificateUnknown, "no revocation list")
	add("no revocation list covers the server's certificate", func(_ *testing.T, client, _ *Config) {
		client.OnRevocationLists = func(_ *Conn, _ *PeerChain, op *async.Op[[]*x509.RevocationList]) { _ = op.Answer(nil) }
	}, c, s)
	c, s = byClient(iana.AccessDenied, "not on my watch")
	verdict := func(reason error) func(_ *Conn, _ *PeerChain, op *async.Op[Verdict]) {
		return func(_ *Conn, _ *PeerChain, op *async.Op[Verdict]) { _ = op.Answer(Reject(reason)) }
	}
	add("the client's application rejects the server", func(_ *testing.T, client, _ *Config) { client.OnVerify = verdict(errors.New("not on my watch")) }, c, s)
	c, s = byClient(iana.CertificateRevoked, "by our own list")
	add("the client's application rejects the server with an alert of its own", func(_ *testing.T, client, _ *Config) {
		client.OnVerify = verdict(&alarm{iana.CertificateRevoked, "by our own list"})
	}, c, s).as = new(*alarm)
	c, s = byClient(iana.BadCertificate, "localhost")
	add("VerifyHost accepts no name", func(_ *testing.T, client, _ *Config) { client.VerifyHost = func(string) bool { return false } }, c, s)
	c, s = byClient(iana.DecryptError, "signature does not verify")
	add("the client's application finds the signature wrong", func(_ *testing.T, client, _ *Config) {
		client.OnVerifySignature = func(_ *Conn, _ *SignatureCheck, op *async.Op[Verdict]) { _ = op.Answer(Reject(nil)) }
	}, c, s)

	// Nothing in common.
	c, s = byServer(iana.HandshakeFailure, "groups")
	add("no group in common", func(_ *testing.T, client, server *Config) {
		client.Groups, server.Groups = []iana.Group{iana.Secp256r1}, []iana.Group{iana.X25519}
	}, c, s)
	c, s = byServer(iana.HandshakeFailure, "cipher suites")
	add("no cipher suite in common", func(t *testing.T, client, server *Config) {
		client.SecurityPolicy = own13(t, func(p *policy.Policy) { p.CipherSuites = []iana.CipherSuite{iana.TLS_AES_128_GCM_SHA256} })
		server.SecurityPolicy = own13(t, func(p *policy.Policy) { p.CipherSuites = []iana.CipherSuite{iana.TLS_CHACHA20_POLY1305_SHA256} })
	}, c, s)
	c, s = byServer(iana.HandshakeFailure, "signature scheme")
	add("no signature scheme for the server's key", func(_ *testing.T, client, server *Config) { client.Schemes = []iana.SignatureScheme{iana.Ed25519} }, c, s)
	c, s = byServer(iana.NoApplicationProtocol, "application protocols")
	add("no application protocol in common", func(_ *testing.T, client, server *Config) {
		client.ALPN, server.ALPN = []string{"h2"}, []string{"http/1.1"}
	}, c, s)
	c, s = byServer(iana.ProtocolVersion, "version")
	add("no version in common", func(t *testing.T, client, server *Config) {
		client.SecurityPolicy = own13(t, func(p *policy.Policy) {
			p.MinVersion, p.MaxVersion = iana.TLS12, iana.TLS12
			p.CipherSuites = []iana.CipherSuite{iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		})
		server.SecurityPolicy = own13(t, nil)
	}, c, s)

	// The client's certificate.
	c, s = byServer(iana.CertificateRequired, "sent no certificate")
	add("the client has no certificate where one is required", mutual(nil), c, s)
	c, s = byServer(iana.UnknownCA, "not trusted")
	add("the client's authority is unknown", mutual(func(t *testing.T) *Certificate { return issueBy(t, anotherPKI(t), testpeer.Template{}) }), c, s)
	add("an optional client certificate is refused if it is wrong", func(t *testing.T, client, server *Config) {
		server.ClientAuth = OptionalClientAuth
		client.Certificates = []*Certificate{issueBy(t, anotherPKI(t), testpeer.Template{})}
	}, c, s)
	c, s = byServer(iana.CertificateExpired, "2021")
	add("the client's certificate has expired", mutual(func(t *testing.T) *Certificate { return issue(t, testpeer.Template{NotAfter: expired}) }), c, s)
	c, s = byServer(iana.UnsupportedCertificate, "not for a client")
	add("the client's certificate is for servers only", mutual(func(t *testing.T) *Certificate { return issue(t, testpeer.Template{ExtKeyUsage: serverOnly}) }), c, s)
	c, s = byServer(iana.AccessDenied, "not on my watch")
	add("the server's application rejects the client", func(t *testing.T, client, server *Config) {
		mutual(func(t *testing.T) *Certificate { return issue(t, testpeer.Template{DNSNames: []string{"client"}}) })(t, client, server)
		server.OnVerify = verdict(errors.New("not on my watch"))
	}, c, s)
	c, s = byClient(iana.HandshakeFailure, "asks for no client certificate")
	add("the client wants to be asked for its certificate, and is not", func(_ *testing.T, client, _ *Config) { client.ClientAuth = RequireClientAuth }, c, s)
	c, s = byClient(iana.UnexpectedMessage, "does not allow")
	add("the client does not want to be asked for a certificate, and is", func(_ *testing.T, client, server *Config) {
		client.ClientAuth, server.ClientAuth = NoClientAuth, OptionalClientAuth
	}, c, s)

	add("the client says that it has fallen back, to a server that knows better", func(_ *testing.T, client, _ *Config) {
		client.MinVersion, client.MaxVersion, client.Fallback = iana.TLS12, iana.TLS12, true
	}, told(iana.InappropriateFallback), accuses(iana.InappropriateFallback, "fell back to TLSv1.2"))

	// The application's own failures.
	failed := failure{ErrInternal, iana.InternalError, "the token is gone"}
	add("OnClientHello fails", func(_ *testing.T, _, server *Config) {
		server.OnClientHello = func(_ *Conn, _ *ClientHello, op *async.Op[*Config]) { _ = op.Fail(errToken) }
	}, told(iana.InternalError), failed)
	add("OnClientHello fails with an alert of its own", func(_ *testing.T, _, server *Config) {
		server.OnClientHello = func(_ *Conn, _ *ClientHello, op *async.Op[*Config]) {
			_ = op.Fail(&alarm{iana.UnrecognizedName, "no such host"})
		}
	}, told(iana.UnrecognizedName), failure{ErrProtocol, iana.UnrecognizedName, "no such host"})
	add("OnClientHello chooses a Config that is wrong", func(_ *testing.T, _, server *Config) {
		server.OnClientHello = func(_ *Conn, _ *ClientHello, op *async.Op[*Config]) { _ = op.Answer(&Config{Policy: "no such policy"}) }
	}, told(iana.InternalError), failure{ErrInternal, iana.InternalError, "no such policy"})
	add("OnClientHello keeps a Config without certificates", func(_ *testing.T, _, server *Config) {
		server.Certificates = nil
		server.OnClientHello = func(_ *Conn, _ *ClientHello, op *async.Op[*Config]) { _ = op.Answer(nil) }
	}, told(iana.InternalError), failure{ErrInternal, iana.InternalError, "no certificate"})
	add("OnOCSPResponse is canceled", func(_ *testing.T, client, server *Config) {
		client.RequestOCSP = true
		server.OnOCSPResponse = func(_ *Conn, _ *Certificate, op *async.Op[[]byte]) { _ = op.Cancel() }
	}, told(iana.InternalError), failure{ErrInternal, iana.InternalError, "canceled"})
	add("OnVerify fails", func(_ *testing.T, client, _ *Config) {
		client.OnVerify = func(_ *Conn, _ *PeerChain, op *async.Op[Verdict]) { _ = op.Fail(errToken) }
	}, failed, told(iana.InternalError))
	add("OnClientCertificate chooses one that the server has no scheme for", func(t *testing.T, client, server *Config) {
		server.ClientAuth = RequireClientAuth
		client.Schemes = []iana.SignatureScheme{iana.Ed25519, iana.ECDSASecp256r1SHA256}
		cert := issue(t, testpeer.Template{Key: testpeer.KeyEd25519})
		client.OnClientCertificate = func(_ *Conn, _ *CertificateRequest, op *async.Op[*Certificate]) { _ = op.Answer(cert) }
	}, accuses(iana.HandshakeFailure, "no signature scheme"), told(iana.HandshakeFailure))
	return list
}

// alarm is an application's error with an alert of its own.
type alarm struct {
	alert iana.Alert
	text  string
}

func (a *alarm) Error() string     { return a.text }
func (a *alarm) Alert() iana.Alert { return a.alert }

// A handshake that one side refuses ends with the right alert, which the other side
// sees, and with a sentence that says why.
func TestRefusedHandshakes(t *testing.T) {
	for _, r := range refusals(t) {
		t.Run(r.name, func(t *testing.T) {
			client, server := clientConfig(), serverConfig(t)
			quick(client)
			quick(server)
			r.change(t, client, server)
			p := newPair(t, client, server)
			cerr, serr := p.ends()
			r.client.check(t, "client", cerr)
			r.server.check(t, "server", serr)
			if r.as != nil && !errors.As(cerr, r.as) {
				t.Errorf("no %T is in the chain of %q", r.as, cerr)
			}
			for _, c := range []*Conn{p.client, p.server} {
				if c.State().HandshakeDone && c == p.server {
					t.Error("the server calls the handshake done")
				}
				if _, _, err := c.Send([]byte("x")); err == nil {
					t.Errorf("the %s still sends", map[bool]string{true: "client", false: "server"}[c == p.client])
				}
				if b, err := c.Shutdown(); b != NotBlocked || err != nil {
					t.Errorf("Shutdown: %v, %v", b, err)
				}
			}
		})
	}
}
