package handshake

import (
	"bytes"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
)

// TestKeysBesideAnError lets a client of TLS 1.2 fail just after it has handed out its write
// key and master secret: both are still what they were, since what is sent before the alert,
// and the alert, are to be sealed with that key.
func TestKeysBesideAnError(t *testing.T) {
	tls12 := func(c *Config) *Config {
		c.MinVersion, c.MaxVersion, c.KeyLog = iana.TLS12, iana.TLS12, true
		c.Suites = []iana.CipherSuite{iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}
		c.Schemes12, c.Groups12 = c.Schemes, c.GroupOrder
		return c
	}
	ccfg, scfg := tls12(clientConfig(t)), tls12(serverConfig(t))
	ccfg.Asks, scfg.ClientAuth = Questions(0).With(AskClientCertificate), OptionalClientAuth
	client, server := newSide(true, ccfg), newSide(false, scfg)
	defer client.close()
	defer server.close()
	if _, err := client.advance(); err != nil {
		t.Fatal(err)
	}
	for _, p := range client.out {
		if _, err := server.feed(p); err != nil {
			t.Fatal(err)
		}
	}
	var flight []byte
	for _, p := range server.out {
		flight = append(flight, p.data...)
	}
	if err := client.Feed(Initial, flight); err != nil {
		t.Fatal(err)
	}
	events, err := client.Advance()
	if err != nil || len(events) == 0 {
		t.Fatal(events, err)
	}
	question := events[len(events)-1].Op.(*async.Op[*certs.Certificate])
	if err := client.Feed(Initial, []byte{byte(iana.Finished)}); err != nil { // while the client waits
		t.Fatal(err)
	}
	if err := question.Answer(nil); err != nil {
		t.Fatal(err)
	}
	events, err = client.Advance()
	if AlertOf(err) != iana.UnexpectedMessage {
		t.Fatalf("the beginning of a Finished before change_cipher_spec gives %v", err)
	}
	secrets := 0
	for _, e := range events {
		secret := e.Data
		switch e.Kind {
		case KeyLog:
			secret = e.Master
		case SetWriteKey:
		default:
			continue
		}
		secrets++
		if len(bytes.Trim(secret, "\x00")) == 0 {
			t.Errorf("%v holds %d zeros", e.Kind, len(secret))
		}
	}
	if secrets != 2 {
		t.Errorf("%d keys and lines of the key log, want one of each", secrets)
	}
}

// TestKeptMessages stops clients of TLS 1.2 after the server's certificate: only one that may have to
// sign the messages has kept them.
func TestKeptMessages(t *testing.T) {
	for what, c := range map[string]struct {
		config func(*Config)
		keeps  bool
	}{
		"no certificate":         {nil, false},
		"a certificate":          {showsCertificate(t), true},
		"a hook that may choose": {func(c *Config) { c.Asks = Questions(0).With(AskClientCertificate) }, true},
		"a certificate, and none may be asked for": {func(c *Config) {
			showsCertificate(t)(c)
			c.ClientAuth = NoClientAuth
		}, false},
	} {
		h := withServer12{config: c.config, ending: func(*toClient) {},
			flight: func(p *toClient) { p.feed(p.ServerHello(), p.Certificate()) }}
		p := h.play(t)
		if p.err != nil {
			t.Fatal(what, p.err)
		}
		if kept := len(p.x.kept) > 0; kept != c.keeps {
			t.Errorf("%s: %d bytes are kept", what, len(p.x.kept))
		}
		p.side.close()
	}
}
