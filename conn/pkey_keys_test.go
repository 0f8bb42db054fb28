package conn

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// faulty is a key whose signatures have a bit that is wrong.
type faulty struct{ crypto.Signer }

func (f faulty) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signature, err := f.Signer.Sign(rand, digest, opts)
	if err == nil {
		signature[len(signature)-1] ^= 1
	}
	return signature, err
}

// besideStd puts cert on the side that asks, with a peer of crypto/tls that wants it.
func besideStd(who asker, cert *Certificate) (open func(RecvFunc, SendFunc, *Config) (*Conn, error), ours *Config, std func(net.Conn, *tls.Config) *tls.Conn, theirs *tls.Config) {
	ours = quick(&Config{Certificates: []*Certificate{cert}, RootCAs: pki().Pool(), ServerName: "localhost", MaxVersion: who.version})
	ours.Groups = append(ours.Groups, iana.Secp256r1)
	ours.Schemes = []iana.SignatureScheme{iana.ECDSASecp256r1SHA256, iana.Ed25519, iana.RSAPSSRSAESHA256, iana.RSAPKCS1SHA256}
	theirs = &tls.Config{RootCAs: pki().Pool(), ClientCAs: pki().Pool(), ServerName: "localhost"}
	if who.Role == asyncpkey.Server {
		return NewServer, ours, tls.Client, theirs
	}
	theirs.ClientAuth = tls.RequireAndVerifyClientCert
	peers, err := pki().Issue(testpeer.Template{DNSNames: []string{"localhost"}})
	if err != nil {
		panic(err)
	}
	theirs.Certificates = []tls.Certificate{{Certificate: peers.Chain, PrivateKey: peers.Key}}
	return NewClient, ours, tls.Server, theirs
}

// A wrong signature is refused by crypto/tls where it is sent; where it is verified before,
// nothing of it goes out, and the peer hears internal_error.
func TestWrongSignatures(t *testing.T) {
	byHook := func(key func(own crypto.Signer) crypto.PrivateKey) func(*Config) {
		return func(cfg *Config) {
			own := cfg.Certificates[0].PrivateKey.(crypto.Signer)
			cfg.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
				if err := op.Perform(key(own)); err != nil {
					return err
				}
				if err := c.Apply(op); err != nil && !errors.Is(err, asyncpkey.ErrVerifySignature) {
					return err
				}
				return nil
			}
		}
	}
	flips := func(own crypto.Signer) crypto.PrivateKey { return faulty{own} }
	another := func(crypto.Signer) crypto.PrivateKey { return strangersKey(t) }
	inline := func(cfg *Config) {
		cert := *cfg.Certificates[0]
		cert.PrivateKey = faulty{cert.PrivateKey.(crypto.Signer)}
		cfg.Certificates = []*Certificate{&cert}
	}
	for _, c := range []struct {
		name    string
		change  func(cfg *Config)
		kinds   []testpeer.KeyKind
		caught  bool
		refused bool
	}{
		{name: "none", change: func(*Config) {}},
		{name: "none, verified", change: func(cfg *Config) { cfg.VerifyAfterSign = true }},
		{name: "a flipped bit by the key in memory", change: inline, refused: true},
		{name: "a flipped bit by the key in memory, verified", change: func(cfg *Config) { inline(cfg); cfg.VerifyAfterSign = true }, caught: true},
		{name: "a flipped bit by the hook, Fast", change: byHook(flips), refused: true},
		{name: "a flipped bit by the hook, Strict", change: func(cfg *Config) { byHook(flips)(cfg); cfg.Validation = asyncpkey.Strict }, caught: true},
		{name: "a flipped bit by the hook, verified", change: func(cfg *Config) { byHook(flips)(cfg); cfg.VerifyAfterSign = true }, caught: true},
		{name: "another key by the hook, Fast", change: byHook(another), kinds: []testpeer.KeyKind{testpeer.KeyP256}, refused: true},
		{name: "another key by the hook, Strict", change: func(cfg *Config) { byHook(another)(cfg); cfg.Validation = asyncpkey.Strict }, kinds: []testpeer.KeyKind{testpeer.KeyP256}, caught: true},
	} {
		if c.kinds == nil {
			c.kinds = []testpeer.KeyKind{testpeer.KeyP256, testpeer.KeyRSA2048, testpeer.KeyEd25519}
		}
		for _, who := range askers {
			for _, kind := range c.kinds {
				t.Run(fmt.Sprintf("%s, %v, as %v", c.name, kind, who), func(t *testing.T) {
					open, ours, std, theirs := besideStd(who, issue(t, testpeer.Template{Key: kind}))
					c.change(ours)
					if !c.caught && !c.refused {
						speaksWithStd(t, open, ours, std, theirs)
						return
					}
					our, their := withStd(t, open, ours, std, theirs)
					switch {
					case c.caught:
						failure{ErrInternal, iana.InternalError, "does not verify"}.check(t, "our side", our)
						if !errors.Is(our, asyncpkey.ErrVerifySignature) {
							t.Errorf("our error is %v", our)
						}
						if their == nil || !strings.Contains(their.Error(), "remote error: tls: internal error") {
							t.Errorf("crypto/tls says %v", their)
						}
					case c.refused:
						if who.Role == asyncpkey.Server && who.version == iana.TLS12 {
							told(iana.IllegalParameter).check(t, "our side", our) // crypto/tls's choice
						} else if kindOf(t, our) != ErrAlert {
							t.Errorf("our side: %v", our)
						}
						if their == nil || !strings.Contains(their.Error(), "invalid signature") {
							t.Errorf("crypto/tls says %v", their)
						}
					}
				})
			}
		}
	}
}

// speaksWithStd lets a connection of ours shake hands with crypto/tls and say something.
func speaksWithStd(t *testing.T, open func(RecvFunc, SendFunc, *Config) (*Conn, error), cfg *Config, std func(net.Conn, *tls.Config) *tls.Conn, stdCfg *tls.Config) {
	t.Helper()
	wire, stdWire := loopback(t)
	heard := make(chan error, 1)
	go func() {
		_, err := std(stdWire, stdCfg).Read(make([]byte, 1))
		heard <- err
	}()
	c, err := open(wire.Read, wire.Write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if b, err := c.Negotiate(); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
	mustSend(t, c, "x")
	if err := <-heard; err != nil {
		t.Errorf("crypto/tls says %v", err)
	}
}

// limited is a key that says what it can do.
type limited struct {
	crypto.Signer
	schemes []iana.SignatureScheme
}

func (l limited) SignatureSchemes() []iana.SignatureScheme { return l.schemes }

// A key signs by no scheme but those that it can do, whether it says so itself or the
// certificate without a key says it.
func TestSchemesOfKeys(t *testing.T) {
	only := func(schemes ...iana.SignatureScheme) []iana.SignatureScheme { return schemes }
	for _, c := range []struct {
		name    string
		version iana.Version
		schemes []iana.SignatureScheme // of the RSA key
		ec      bool                   // there is a certificate for P-256 behind it
		want    iana.SignatureScheme   // 0 = the handshake fails
	}{
		{"a key for PKCS #1, in TLS 1.2", iana.TLS12, only(iana.RSAPKCS1SHA384), false, iana.RSAPKCS1SHA384},
		{"a key for PKCS #1, in TLS 1.3", iana.TLS13, only(iana.RSAPKCS1SHA384), false, 0},
		{"a key for PKCS #1 beside another certificate, in TLS 1.3", iana.TLS13, only(iana.RSAPKCS1SHA384), true, iana.ECDSASecp256r1SHA256},
		{"a key for one PSS, in TLS 1.3", iana.TLS13, only(iana.RSAPSSRSAESHA512), true, iana.RSAPSSRSAESHA512},
		{"a key for one PSS, in TLS 1.2", iana.TLS12, only(iana.RSAPSSRSAESHA512), false, iana.RSAPSSRSAESHA512},
		{"a key for nothing", iana.TLS13, []iana.SignatureScheme{}, false, 0},
		{"a key that does not say", iana.TLS13, nil, false, iana.RSAPSSRSAESHA256},
	} {
		for _, without := range []bool{false, true} {
			name := c.name
			if without {
				name += ", elsewhere"
			}
			t.Run(name, func(t *testing.T) {
				issued, err := pki().Issue(testpeer.Template{DNSNames: []string{"localhost"}, Key: testpeer.KeyRSA2048})
				if err != nil {
					t.Fatal(err)
				}
				cert, err := NewCertificate(issued.Chain, limited{issued.Key, c.schemes})
				if err != nil {
					t.Fatal(err)
				}
				server := &Config{Certificates: []*Certificate{cert}, MaxVersion: c.version}
				keys := []crypto.PrivateKey{issued.Key}
				if c.ec {
					ec := issue(t, testpeer.Template{})
					server.Certificates = append(server.Certificates, ec)
					keys = append(keys, ec.PrivateKey)
				}
				if without {
					cert.PrivateKey = nil
					server.OnPrivateKey = asyncpkey.Handler[*Conn](nil, keys...)
				}
				client := clientConfig()
				p := newPair(t, client, server)
				cerr, serr := p.negotiate()
				if c.want == 0 {
					failure{ErrProtocol, iana.HandshakeFailure, ""}.check(t, "server", serr)
					told(iana.HandshakeFailure).check(t, "client", cerr)
					return
				}
				if cerr != nil || serr != nil {
					t.Fatal(cerr, serr)
				}
				if got := p.server.State().Scheme; got != c.want {
					t.Errorf("signed by %v, want %v", got, c.want)
				}
			})
		}
	}
}

// RSA key exchange is not negotiated with a key that does not decrypt.
func TestSignOnly(t *testing.T) {
	for _, signOnly := range []bool{false, true} {
		cert := issue(t, testpeer.Template{Key: testpeer.KeyRSA2048})
		key := cert.PrivateKey
		cert.PrivateKey, cert.SignOnly = nil, signOnly
		suites := onlySuites(t, iana.TLS_RSA_WITH_AES_128_GCM_SHA256)
		server := &Config{Certificates: []*Certificate{cert}, SecurityPolicy: suites}
		asked := 0
		server.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
			asked++
			return errors.Join(op.Perform(key), c.Apply(op))
		}
		client := clientConfig()
		client.SecurityPolicy = suites
		cerr, serr := newPair(t, client, server).negotiate()
		if signOnly {
			failure{ErrProtocol, iana.HandshakeFailure, ""}.check(t, "server", serr)
			told(iana.HandshakeFailure).check(t, "client", cerr)
		} else if cerr != nil || serr != nil {
			t.Error(cerr, serr)
		}
		if (asked == 0) != signOnly {
			t.Errorf("SignOnly %v: asked %d times", signOnly, asked)
		}
	}
}

// A certificate without a key is named where nobody can sign for it: at once, or, when a hook
// has chosen it, in the handshake.
func TestCertificateWithoutAKey(t *testing.T) {
	cert := issue(t, testpeer.Template{CommonName: "nobody's"})
	cert.PrivateKey = nil
	cfg := &Config{Certificates: []*Certificate{cert}}
	recv := func([]byte) (int, error) { return 0, ErrWouldBlock }
	_, err := NewServer(recv, recv, cfg)
	failure{kind: ErrUsage, text: "nobody's"}.check(t, "NewServer", err)
	cfg = &Config{Certificates: []*Certificate{issue(t, testpeer.Template{})}, DefaultCertificates: []*Certificate{cert}}
	_, err = NewServer(recv, recv, cfg)
	failure{kind: ErrUsage, text: `default certificate 0, for "CN=nobody's", has no private key`}.check(t, "NewServer", err)

	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		client, server := quick(clientConfig()), serverConfig(t)
		client.MaxVersion = version
		client.Groups = append(client.Groups, iana.Secp256r1)
		server.ClientAuth = RequireClientAuth
		client.OnClientCertificate = func(_ *Conn, _ *CertificateRequest, op *async.Op[*Certificate]) { _ = op.Answer(cert) }
		cerr, serr := newPair(t, client, server).negotiate()
		failure{ErrInternal, iana.InternalError, "nobody's"}.check(t, "client", cerr)
		told(iana.InternalError).check(t, "server", serr)
	}
}

// One pool does a server's signatures and decryptions, by the key of the selected
// certificate, and a client's verifications.
func TestPoolOfConnections(t *testing.T) {
	pool := asyncpkey.NewPool(asyncpkey.PoolOptions{Workers: 2})
	defer func() {
		if err := pool.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	ec, rsa := issue(t, testpeer.Template{}), issue(t, testpeer.Template{Key: testpeer.KeyRSA2048})
	keys := []crypto.PrivateKey{ec.PrivateKey, rsa.PrivateKey}
	woken := make(chan *Conn, 10)
	for name, c := range map[string]struct {
		cert   *Certificate
		suites []iana.CipherSuite
		calls  uint64
	}{
		"ECDSA in TLS 1.3":          {ec, nil, 2},
		"RSA in TLS 1.3":            {rsa, nil, 2},
		"ECDSA in TLS 1.2":          {ec, []iana.CipherSuite{iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, 2},
		"RSA key exchange, TLS 1.2": {rsa, []iana.CipherSuite{iana.TLS_RSA_WITH_AES_128_GCM_SHA256}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			cert := *c.cert
			cert.PrivateKey = nil
			client, server := clientConfig(), &Config{Certificates: []*Certificate{&cert}, Validation: asyncpkey.Strict}
			if c.suites != nil {
				client.SecurityPolicy, server.SecurityPolicy = onlySuites(t, c.suites...), onlySuites(t, c.suites...)
			}
			server.OnPrivateKey = asyncpkey.Handler[*Conn](pool, keys...)
			client.OnVerifySignature = func(_ *Conn, check *SignatureCheck, op *async.Op[Verdict]) {
				err := asyncpkey.Answer(pool, op, func(context.Context) (Verdict, error) { return check.Verdict(), nil })
				if err != nil {
					t.Error(err)
				}
			}
			wake := func(c *Conn) { woken <- c }
			client.Wake, server.Wake = wake, wake
			before := pool.Metrics()
			newPair(t, client, server).mustNegotiate(t)
			// The counters follow the answers.
			for pool.Metrics().InFlight > 0 {
				time.Sleep(time.Millisecond)
			}
			if m := pool.Metrics(); m.Done-before.Done != c.calls || m.Failed+m.Useless+m.Late != 0 {
				t.Errorf("%+v", m)
			}
			for len(woken) > 0 {
				<-woken
			}
		})
	}
}

// A refused signature that a worker has verified ends the handshake as one that Negotiate
// has.
func TestPoolRefusesSignatures(t *testing.T) {
	pool := asyncpkey.NewPool(asyncpkey.PoolOptions{Workers: 1})
	defer pool.Close(t.Context())
	client, server := clientConfig(), serverConfig(t)
	cert := *server.Certificates[0]
	cert.PrivateKey = faulty{cert.PrivateKey.(crypto.Signer)}
	server.Certificates = []*Certificate{&cert}
	client.OnVerifySignature = func(_ *Conn, check *SignatureCheck, op *async.Op[Verdict]) {
		_ = asyncpkey.Answer(pool, op, func(context.Context) (Verdict, error) { return check.Verdict(), nil })
	}
	cerr, serr := newPair(t, client, server).negotiate()
	accuses(iana.DecryptError, "does not verify").check(t, "client", cerr)
	told(iana.DecryptError).check(t, "server", serr)
}
