package conn

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// loopback returns both ends of a TCP connection, which is closed with the test.
func loopback(t testing.TB) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []net.Conn{ours, theirs} {
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		t.Cleanup(func() { c.Close() })
	}
	return ours, theirs
}

// stdCertificate is cert for crypto/tls.
func stdCertificate(cert *Certificate) tls.Certificate {
	return tls.Certificate{Certificate: cert.Chain, PrivateKey: cert.PrivateKey}
}

// withStd lets a connection of ours and one of crypto/tls go on to their ends: both
// shake hands, and read then.
func withStd(t *testing.T, open func(RecvFunc, SendFunc, *Config) (*Conn, error), cfg *Config, std func(net.Conn, *tls.Config) *tls.Conn, stdCfg *tls.Config) (ours, theirs error) {
	t.Helper()
	wire, stdWire := loopback(t)
	done := make(chan error, 1)
	go func() {
		s := std(stdWire, stdCfg)
		err := s.Handshake()
		if err == nil {
			_, err = s.Read(make([]byte, 1))
		}
		stdWire.Close()
		done <- err
	}()
	c, err := open(wire.Read, wire.Write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, ours = c.Negotiate(); ours == nil {
		_, _, ours = c.Recv(make([]byte, 1))
	}
	_ = wire.(*net.TCPConn).CloseWrite()
	return ours, <-done
}

// What one of both refuses, the other hears of in its own words.
func TestRefusalsWithCryptoTLS(t *testing.T) {
	cert, stranger := issue(t, testpeer.Template{}), issueBy(t, anotherPKI(t), testpeer.Template{})
	old := issue(t, testpeer.Template{NotAfter: expired})
	server := func() *Config { return quick(&Config{Certificates: []*Certificate{cert}, RootCAs: pki().Pool()}) }
	client := func() *Config { return quick(clientConfig()) }
	stdServer := func() *tls.Config { return &tls.Config{Certificates: []tls.Certificate{stdCertificate(cert)}} }
	stdClient := func() *tls.Config { return &tls.Config{RootCAs: pki().Pool(), ServerName: "localhost"} }
	for _, c := range []struct {
		name     string
		ours     *Config // of a client if std is a server
		asServer bool    // ours is
		std      *tls.Config
		change   func(ours *Config, std *tls.Config)
		want     failure
		theirs   string // what crypto/tls says
	}{
		{name: "a server of TLS 1.2 only", ours: client(), std: stdServer(), change: func(ours *Config, std *tls.Config) {
			ours.SecurityPolicy, std.MaxVersion = own13(t, nil), tls.VersionTLS12
		}, want: told(iana.ProtocolVersion), theirs: "unsupported versions"},
		{name: "a client of TLS 1.2 only", ours: server(), asServer: true, std: stdClient(), change: func(ours *Config, std *tls.Config) {
			ours.SecurityPolicy, std.MaxVersion = own13(t, nil), tls.VersionTLS12
		}, want: accuses(iana.ProtocolVersion, "client offers no version"), theirs: "remote error: tls: protocol version not supported"},
		{name: "a client of TLS 1.1 only", ours: server(), asServer: true, std: stdClient(), change: func(_ *Config, std *tls.Config) {
			std.MinVersion, std.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
		}, want: accuses(iana.ProtocolVersion, "client offers no version"), theirs: "remote error: tls: protocol version not supported"},
		{name: "a server of an unknown authority", ours: client(), std: stdServer(), change: func(_ *Config, std *tls.Config) {
			std.Certificates = []tls.Certificate{stdCertificate(stranger)}
		}, want: accuses(iana.UnknownCA, "not trusted"), theirs: "remote error: tls: unknown certificate authority"},
		{name: "a server of another name", ours: client(), std: stdServer(), change: func(ours *Config, _ *tls.Config) { ours.ServerName = "other.example" },
			want: accuses(iana.BadCertificate, "other.example"), theirs: "remote error: tls: bad certificate"},
		{name: "a server whose certificate has expired", ours: client(), std: stdServer(), change: func(_ *Config, std *tls.Config) {
			std.Certificates = []tls.Certificate{stdCertificate(old)}
		}, want: accuses(iana.CertificateExpired, "2021"), theirs: "remote error: tls: expired certificate"},
		{name: "our server has an unknown authority", ours: server(), asServer: true, std: stdClient(), change: func(ours *Config, _ *tls.Config) { ours.Certificates = []*Certificate{stranger} },
			want: told(iana.BadCertificate), theirs: "certificate signed by unknown authority"},
		{name: "a client without a certificate", ours: server(), asServer: true, std: stdClient(), change: func(ours *Config, _ *tls.Config) { ours.ClientAuth = RequireClientAuth },
			want: accuses(iana.CertificateRequired, "sent no certificate"), theirs: "remote error: tls: certificate required"},
		{name: "a client of an unknown authority", ours: server(), asServer: true, std: stdClient(), change: func(ours *Config, std *tls.Config) {
			ours.ClientAuth, std.Certificates = RequireClientAuth, []tls.Certificate{stdCertificate(stranger)}
		}, want: accuses(iana.UnknownCA, "not trusted"), theirs: "remote error: tls: unknown certificate authority"},
		{name: "our client has no certificate", ours: client(), std: stdServer(), change: func(_ *Config, std *tls.Config) { std.ClientAuth = tls.RequireAnyClientCert },
			want: told(iana.CertificateRequired), theirs: "client didn't provide a certificate"},
		{name: "a client without a common group", ours: server(), asServer: true, std: stdClient(), change: func(_ *Config, std *tls.Config) { std.CurvePreferences = []tls.CurveID{tls.CurveP384} },
			want: accuses(iana.HandshakeFailure, "groups"), theirs: "remote error: tls: handshake failure"},
		{name: "a server without a common group", ours: client(), std: stdServer(), change: func(_ *Config, std *tls.Config) { std.CurvePreferences = []tls.CurveID{tls.CurveP384} },
			want: told(iana.HandshakeFailure), theirs: "no key exchanges supported"},
		{name: "a client without a common application protocol", ours: server(), asServer: true, std: stdClient(), change: func(ours *Config, std *tls.Config) {
			ours.ALPN, std.NextProtos = []string{"http/1.1"}, []string{"h2"}
		}, want: accuses(iana.NoApplicationProtocol, "http/1.1"), theirs: "remote error: tls: no application protocol"},
		{name: "a server without a common application protocol", ours: client(), std: stdServer(), change: func(ours *Config, std *tls.Config) {
			ours.ALPN, std.NextProtos = []string{"dot"}, []string{"h2"}
		}, want: told(iana.NoApplicationProtocol), theirs: "application protocols"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.change(c.ours, c.std)
			open, std := NewClient, tls.Server
			if c.asServer {
				open, std = NewServer, tls.Client
			}
			ours, theirs := withStd(t, open, c.ours, std, c.std)
			c.want.check(t, "our side", ours)
			if theirs == nil || !strings.Contains(theirs.Error(), c.theirs) {
				t.Errorf("crypto/tls says %v, want %q", theirs, c.theirs)
			}
		})
	}
}

// A peer that closes the TCP connection without close_notify has cut the data short, as
// far as we can know; one that sends close_notify has not.
func TestTruncationByCryptoTLS(t *testing.T) {
	cert := issue(t, testpeer.Template{})
	for name, c := range map[string]struct {
		end  func(s *tls.Conn, wire net.Conn)
		want error
	}{
		"the wire is closed after the data": {func(_ *tls.Conn, wire net.Conn) { wire.Close() }, io.ErrUnexpectedEOF},
		"close_notify follows the data":     {func(s *tls.Conn, _ net.Conn) { s.Close() }, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			wire, stdWire := loopback(t)
			done := make(chan struct{})
			go func() {
				defer close(done)
				s := tls.Server(stdWire, &tls.Config{Certificates: []tls.Certificate{stdCertificate(cert)}})
				if _, err := io.WriteString(s, "half of a sentence"); err != nil {
					t.Error(err)
				}
				c.end(s, stdWire)
			}()
			our := mustClient(t, wire.Read, wire.Write, clientConfig())
			if b, err := our.Negotiate(); b != NotBlocked || err != nil {
				t.Fatal(b, err)
			}
			data, err := recvError(t, our)
			<-done
			if data != "half of a sentence" {
				t.Errorf("received %q", data)
			}
			if c.want == io.EOF {
				if err != io.EOF {
					t.Errorf("the error is %v", err)
				}
				return
			}
			failure{kind: ErrClosed, text: "without close_notify"}.check(t, "client", err)
		})
	}
}
