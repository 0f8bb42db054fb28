package conn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// Timestamps come with the certificate of either side, in the version that has room for them,
// and only if they are asked for.
func TestSignedCertificateTimestamps(t *testing.T) {
	list := []byte{0, 7, 0, 2, 1, 2, 0, 1, 9}
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		for _, asked := range []bool{true, false} {
			client, server := clientConfig(), serverConfig(t)
			client.MinVersion, client.MaxVersion = version, version
			client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
			server.ClientAuth = RequireClientAuth
			client.RequestSCT, server.RequestSCT = asked, asked
			client.Certificates[0].SCTList, server.Certificates[0].SCTList = list, list
			p := established(t, client, server)
			c, s := p.client.State(), p.server.State()
			if got := bytes.Equal(c.SCTList, list); got != asked || !asked && c.SCTList != nil {
				t.Errorf("%v: the client, asking %v, has %x", version, asked, c.SCTList)
			}
			if got, want := bytes.Equal(s.SCTList, list), asked && version == iana.TLS13; got != want || !want && s.SCTList != nil {
				t.Errorf("%v: the server, asking %v, has %x", version, asked, s.SCTList)
			}
		}
	}
}

// What a server of crypto/tls staples reaches State, in both versions.
func TestWhatCryptoTLSStaples(t *testing.T) {
	cert := issue(t, testpeer.Template{})
	std := tls.Certificate{
		Certificate: cert.Chain, PrivateKey: cert.PrivateKey,
		OCSPStaple: staple(cert), SignedCertificateTimestamps: [][]byte{{1, 2}, {9}},
	}
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		ours, theirs := net.Pipe()
		done := make(chan error, 1)
		go func() { done <- tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{std}}).Handshake() }()
		cfg := clientConfig()
		cfg.MinVersion, cfg.MaxVersion, cfg.RequestOCSP, cfg.RequestSCT = version, version, true, true
		recv, send := blocking(ours)
		c := mustClient(t, recv, send, cfg)
		if b, err := c.Negotiate(); b != NotBlocked || err != nil {
			t.Fatal(b, err)
		}
		go io.Copy(io.Discard, ours) // its tickets
		if err := <-done; err != nil {
			t.Error(err)
		}
		ours.Close()
		if s := c.State(); s.Version != version || !bytes.Equal(s.OCSPResponse, std.OCSPStaple) || !bytes.Equal(s.SCTList, []byte{0, 7, 0, 2, 1, 2, 0, 1, 9}) {
			t.Errorf("%v: a response of %d bytes, timestamps %x", s.Version, len(s.OCSPResponse), s.SCTList)
		}
	}
}

// A list that every peer would refuse is refused before it is sent.
func TestMalformedTimestampsOfOurOwn(t *testing.T) {
	for name, list := range map[string][]byte{
		"nothing":            {},
		"an empty list":      {0, 0},
		"an empty timestamp": {0, 5, 0, 1, 7, 0, 0},
		"a list cut short":   {0, 4, 0, 2, 1},
		"a timestamp beyond": {0, 3, 0, 2, 1},
		"a byte more":        {0, 3, 0, 1, 7, 0},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := serverConfig(t)
			cfg.Certificates[0].SCTList = list
			end := &callbacks{in: &lane{}, out: &lane{}}
			_, err := NewServer(end.recv, end.send, cfg)
			failure{kind: ErrUsage, text: "malformed SCTList"}.check(t, "NewServer", err)
		})
	}
}
