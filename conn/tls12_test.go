package conn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/policy"
)

// onlySuites is a policy of one's own that has nothing but the given suites.
func onlySuites(t testing.TB, suites ...iana.CipherSuite) *policy.Policy {
	t.Helper()
	p, err := policy.Lookup("20141001") // schemes and curves of the old days
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := policy.Lookup(policy.Default)
	if err != nil {
		t.Fatal(err)
	}
	p.Name, p.CipherSuites, p.MinVersion, p.MaxVersion = "test", suites, iana.TLS12, iana.TLS12
	p.SignatureSchemes, p.Curves = fresh.SignatureSchemes, fresh.Curves
	return p
}

// suites12 are the suites of TLS 1.2 that are implemented, by the data.
func suites12(t testing.TB) (all []iana.CipherSuite) {
	seen := map[iana.CipherSuite]bool{}
	for _, name := range policy.Names() {
		p, err := policy.Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range p.Suites(iana.TLS12) {
			if !seen[id] {
				seen[id] = true
				all = append(all, id)
			}
		}
	}
	return all
}

func TestEverySuiteOfTLS12WithOurselves(t *testing.T) {
	certificates := []*Certificate{issue(t, testpeer.Template{}), issue(t, testpeer.Template{Key: testpeer.KeyRSA2048, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment})}
	for _, id := range suites12(t) {
		t.Run(id.String(), func(t *testing.T) {
			server := &Config{Certificates: certificates, SecurityPolicy: onlySuites(t, id), RootCAs: pki().Pool(), ClientAuth: OptionalClientAuth}
			client := clientConfig()
			client.SecurityPolicy = onlySuites(t, id)
			client.Certificates = certificates[:1]
			p := newPair(t, client, server)
			p.mustNegotiate(t)
			s := p.server.State()
			if s.Version != iana.TLS12 || s.CipherSuite != id || !s.ExtendedMasterSecret || !s.ClientAuth {
				t.Errorf("state is %+v", s)
			}
			data := bytes.Repeat([]byte("application data "), 3000)
			exchange(t, p.client, p.server, data)
			exchange(t, p.server, p.client, data)
			if b, err := p.client.Shutdown(); b != BlockedOnRead || err != nil {
				t.Fatal(b, err)
			}
			if n, b, err := p.server.Recv(make([]byte, 1)); n != 0 || b != NotBlocked || err != io.EOF {
				t.Fatal(n, b, err)
			}
			if b, err := p.client.Shutdown(); b != NotBlocked || err != nil {
				t.Fatal(b, err)
			}
		})
	}
}

func TestEverySuiteOfTLS12WithCryptoTLS(t *testing.T) {
	ec, rs := issue(t, testpeer.Template{}), issue(t, testpeer.Template{Key: testpeer.KeyRSA2048, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment})
	std := func(c *Certificate) tls.Certificate {
		return tls.Certificate{Certificate: c.Chain, PrivateKey: c.PrivateKey}
	}
	known := map[uint16]bool{}
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		known[s.ID] = true
	}
	for _, id := range suites12(t) {
		if !known[uint16(id)] {
			continue
		}
		theirs := &tls.Config{
			Certificates: []tls.Certificate{std(ec), std(rs)}, RootCAs: pki().Pool(), ServerName: "localhost",
			MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{uint16(id)},
			ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pki().Pool(), SessionTicketsDisabled: true,
		}
		ours := &Config{
			Certificates: []*Certificate{ec, rs}, RootCAs: pki().Pool(), ServerName: "localhost",
			SecurityPolicy: onlySuites(t, id), ClientAuth: RequireClientAuth,
		}
		t.Run(id.String()+" as client", func(t *testing.T) {
			near, far := net.Pipe()
			defer near.Close()
			done := make(chan error, 1)
			go func() {
				s := tls.Server(far, theirs)
				_, err := io.Copy(s, io.LimitReader(s, 5))
				s.Close()
				done <- err
			}()
			recv, send := blocking(near)
			c, err := NewClient(recv, send, ours)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := c.Negotiate(); b != NotBlocked || err != nil {
				t.Fatal(b, err)
			}
			echo(t, c)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
		t.Run(id.String()+" as server", func(t *testing.T) {
			near, far := net.Pipe()
			defer near.Close()
			done := make(chan error, 1)
			go func() {
				c := tls.Client(far, theirs)
				_, err := io.Copy(c, io.LimitReader(c, 5))
				c.Close()
				done <- err
			}()
			recv, send := blocking(near)
			c, err := NewServer(recv, send, ours)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := c.Negotiate(); b != NotBlocked || err != nil {
				t.Fatal(b, err)
			}
			echo(t, c)
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}
