package conn

import (
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// stdTalk shakes hands with crypto/tls over a new loopback connection and lets both sides say something:
// ours first if it is a server, so that its tickets are read.
func stdTalk(t *testing.T, open func(RecvFunc, SendFunc, *Config) (*Conn, error), cfg *Config, std func(net.Conn, *tls.Config) *tls.Conn, stdCfg *tls.Config, prepare func(*Conn)) (ours State, theirs tls.ConnectionState, blob []byte) {
	t.Helper()
	wire, stdWire := loopback(t)
	type outcome struct {
		state tls.ConnectionState
		err   error
	}
	done := make(chan outcome, 1)
	s := std(stdWire, stdCfg)
	go func() {
		err := s.Handshake()
		buf := make([]byte, 5)
		if err == nil {
			_, err = s.Write([]byte("hello"))
		}
		if err == nil {
			_, err = io.ReadFull(s, buf)
		}
		done <- outcome{s.ConnectionState(), err}
	}()
	c, err := open(wire.Read, wire.Write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if prepare != nil {
		prepare(c)
	}
	if b, err := c.Negotiate(); err != nil || b != NotBlocked {
		t.Fatal(b, err)
	}
	if n, _, err := c.Send([]byte("hello")); n != 5 || err != nil {
		t.Fatal(n, err)
	}
	for buf, n := make([]byte, 5), 0; n < 5; {
		k, _, err := c.Recv(buf[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += k
	}
	other := <-done
	if other.err != nil {
		t.Fatal(other.err)
	}
	return c.State(), other.state, c.Session()
}

// TestResumeWithCryptoTLS resumes sessions of TLS 1.3 with crypto/tls on the other side, in both
// roles: with a HelloRetryRequest, with client certificates, with a cipher suite of SHA-384.
func TestResumeWithCryptoTLS(t *testing.T) {
	cert := issue(t, testpeer.Template{})
	for _, c := range []struct {
		name   string
		change func(ours *Config, std *tls.Config)
		auth   bool
	}{
		{"plain", func(*Config, *tls.Config) {}, false},
		{"HelloRetryRequest", func(ours *Config, std *tls.Config) {
			std.CurvePreferences = []tls.CurveID{tls.CurveP384}
			ours.Groups, ours.KeyShares = []iana.Group{iana.X25519, iana.Secp384r1}, []iana.Group{iana.X25519}
		}, false},
		{"client certificate", func(ours *Config, std *tls.Config) {
			ours.ClientAuth, ours.Certificates = RequireClientAuth, []*Certificate{cert}
			std.ClientAuth, std.ClientCAs, std.Certificates = tls.RequireAndVerifyClientCert, pki().Pool(), []tls.Certificate{stdCertificate(cert)}
		}, true},
	} {
		t.Run(c.name+", our client", func(t *testing.T) {
			cfg, std := quick(clientConfig()), &tls.Config{Certificates: []tls.Certificate{stdCertificate(cert)}, MinVersion: tls.VersionTLS13}
			cfg.SessionTickets = true
			c.change(cfg, std)
			_, _, blob := stdTalk(t, NewClient, cfg, tls.Server, std, nil)
			for range 2 {
				ours, theirs, next := stdTalk(t, NewClient, cfg, tls.Server, std, func(conn *Conn) {
					if err := conn.SetSession(blob); err != nil {
						t.Fatal(err)
					}
				})
				if !ours.Resumed || !theirs.DidResume || len(ours.PeerCertificates) == 0 || (len(theirs.PeerCertificates) > 0) != c.auth || ours.ClientAuth != c.auth {
					t.Errorf("resumed is %v here and %v there, with %d and %d certificates", ours.Resumed, theirs.DidResume, len(ours.PeerCertificates), len(theirs.PeerCertificates))
				}
				blob = next
			}
		})
		t.Run(c.name+", our server", func(t *testing.T) {
			cfg := quick(&Config{Certificates: []*Certificate{cert}, RootCAs: pki().Pool(), SessionTickets: true})
			std := &tls.Config{RootCAs: pki().Pool(), ServerName: "localhost", MinVersion: tls.VersionTLS13, ClientSessionCache: tls.NewLRUClientSessionCache(1)}
			c.change(cfg, std)
			if c.name == "HelloRetryRequest" {
				std.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384}
				cfg.Groups, cfg.KeyShares = []iana.Group{iana.Secp384r1}, nil
			}
			stdTalk(t, NewServer, cfg, tls.Client, std, nil)
			for range 2 {
				ours, theirs, _ := stdTalk(t, NewServer, cfg, tls.Client, std, nil)
				if !ours.Resumed || !theirs.DidResume || (len(ours.PeerCertificates) > 0) != c.auth || ours.ClientAuth != c.auth {
					t.Errorf("resumed is %v here and %v there, with %d certificates", ours.Resumed, theirs.DidResume, len(ours.PeerCertificates))
				}
			}
		})
	}
}
