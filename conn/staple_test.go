package conn

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ocsp"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

var staples sync.Map

// staple is an OCSP response that calls c good: always the same for a certificate.
func staple(c *Certificate) []byte {
	if der, ok := staples.Load(string(c.Leaf.Raw)); ok {
		return der.([]byte)
	}
	der, err := pki().OCSP(c.Leaf, testpeer.Status{})
	if err != nil {
		panic(err)
	}
	known, _ := staples.LoadOrStore(string(c.Leaf.Raw), der)
	return known.([]byte)
}

// A response that is stapled satisfies, or ends the handshake, in both versions, and in both
// directions where the version has both.
func TestStapledResponses(t *testing.T) {
	revoked := func(c *Certificate) []byte {
		der, err := pki().OCSP(c.Leaf, testpeer.Status{Status: ocsp.Revoked})
		if err != nil {
			panic(err)
		}
		return der
	}
	late := func() time.Time { return time.Now().Add(48 * time.Hour) }
	for _, d := range []struct {
		name    string
		version iana.Version
		back    bool // the client proves itself, to the server
	}{
		{"TLSv1.2 server", iana.TLS12, false}, {"TLSv1.3 server", iana.TLS13, false}, {"TLSv1.3 client", iana.TLS13, true},
	} {
		for name, c := range map[string]struct {
			response func(c *Certificate) []byte // nil = none
			silent   bool                        // it is not asked for
			hook     bool                        // it comes by OnOCSPResponse
			change   func(judge *Config)
			text     string // of the error, or ""
			seen     bool
		}{
			"good":                               {response: staple, seen: true},
			"good, by the hook":                  {response: staple, hook: true, seen: true},
			"good, and nobody asks":              {response: staple, silent: true},
			"good, by the hook, and nobody asks": {response: staple, hook: true, silent: true},
			"none":                               {response: func(*Certificate) []byte { return nil }},
			"none, by the hook":                  {response: func(*Certificate) []byte { return nil }, hook: true},
			"revoked":                            {response: revoked, text: "was revoked"},
			"revoked, by the hook":               {response: revoked, hook: true, text: "was revoked"},
			"revoked, and nobody asks":           {response: revoked, silent: true},
			"nonsense":                           {response: func(*Certificate) []byte { return []byte("good") }, text: "is no answer"},
			"of yesterday":                       {response: staple, change: func(cfg *Config) { cfg.Now = late }, text: "expired on"},
			"of yesterday to whom dates do not count": {response: staple, change: func(cfg *Config) { cfg.Now, cfg.DisableTimeVerification = late, true }, seen: true},
			"revoked, left to the application":        {response: revoked, change: func(cfg *Config) { cfg.DisableOCSPVerification = true }, seen: true},
			"revoked, without verification":           {response: revoked, change: func(cfg *Config) { cfg.InsecureSkipVerify = true }, seen: true},
		} {
			t.Run(d.name+" "+name, func(t *testing.T) {
				client, server := clientConfig(), serverConfig(t)
				client.MinVersion, client.MaxVersion = d.version, d.version
				proves, judges := server, client
				if d.back {
					client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
					server.ClientAuth = RequireClientAuth
					proves, judges = client, server
				}
				judges.RequestOCSP = !c.silent
				if c.change != nil {
					c.change(judges)
				}
				asked := 0
				if c.hook {
					proves.OnOCSPResponse = func(_ *Conn, cert *Certificate, op *async.Op[[]byte]) {
						asked++
						if err := op.Answer(c.response(cert)); err != nil {
							t.Error(err)
						}
					}
				} else {
					proves.Certificates[0].OCSPStaple = c.response(proves.Certificates[0])
				}
				p := newPair(t, client, server)
				cerr, serr := p.negotiate()
				judge, err, other := p.client, cerr, serr
				if d.back {
					judge, err, other = p.server, serr, cerr
				}
				if c.text != "" {
					failure{ErrProtocol, iana.BadCertificateStatusResponse, c.text}.check(t, "judge", err)
					if !d.back { // a client is done before it is judged
						told(iana.BadCertificateStatusResponse).check(t, "other side", other)
					}
					return
				}
				if cerr != nil || serr != nil {
					t.Fatalf("client: %v; server: %v", cerr, serr)
				}
				var want []byte
				if c.seen {
					want = c.response(proves.Certificates[0])
				}
				if got := judge.State().OCSPResponse; c.seen && !bytes.Equal(got, want) && len(got) == 0 || !c.seen && got != nil {
					t.Errorf("State has a response of %d bytes, want %d", len(got), len(want))
				}
				if asked > 1 || c.hook && (asked == 1) == c.silent {
					t.Errorf("the hook was asked %d times", asked)
				}
			})
		}
	}
}

// A hook's response may come later, on a client as on a server.
func TestStaplesThatComeLater(t *testing.T) {
	client, server := quick(clientConfig()), quick(serverConfig(t))
	client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
	client.RequestOCSP, server.RequestOCSP, server.ClientAuth = true, true, RequireClientAuth
	var open []func()
	later := func(_ *Conn, cert *Certificate, op *async.Op[[]byte]) {
		open = append(open, func() {
			if err := op.Answer(staple(cert)); err != nil {
				t.Error(err)
			}
		})
	}
	client.OnOCSPResponse, server.OnOCSPResponse = later, later
	p := newPair(t, client, server)
	waits := 0
	for range 20 {
		for _, c := range []*Conn{p.client, p.server} {
			b, err := c.Negotiate()
			if err != nil {
				t.Fatal(err)
			}
			if b == BlockedOnApplicationInput {
				waits++
				if w := c.State().Waiting; w != "OCSP response" {
					t.Errorf("it waits for %q", w)
				}
			}
		}
		for _, answer := range open {
			answer()
		}
		open = nil
	}
	c, s := p.client.State(), p.server.State()
	if waits != 2 || !c.HandshakeDone || !s.HandshakeDone || !bytes.Equal(c.OCSPResponse, staple(server.Certificates[0])) || !bytes.Equal(s.OCSPResponse, staple(client.Certificates[0])) {
		t.Errorf("%d waits, done: %v and %v, responses of %d and %d bytes", waits, c.HandshakeDone, s.HandshakeDone, len(c.OCSPResponse), len(s.OCSPResponse))
	}
}
