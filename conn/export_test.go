package conn

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// What crypto/tls exports at the other end is what we do, in both versions and both roles, for
// every kind of label, context and length.
func TestExportsAgreeWithCryptoTLS(t *testing.T) {
	cert := issue(t, testpeer.Template{})
	std := tls.Certificate{Certificate: cert.Chain, PrivateKey: cert.PrivateKey}
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		for _, client := range []bool{true, false} {
			t.Run(version.String()+map[bool]string{true: " as client", false: " as server"}[client], func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer ours.Close()
				peer := tls.Client(theirs, &tls.Config{RootCAs: pki().Pool(), ServerName: "localhost", MinVersion: uint16(version), MaxVersion: uint16(version)})
				open, cfg := NewServer, serverConfig(t)
				if client {
					peer = tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{std}, MinVersion: uint16(version), MaxVersion: uint16(version)})
					open, cfg = NewClient, clientConfig()
				}
				done := make(chan error, 1)
				go func() { done <- peer.Handshake() }()
				recv, send := blocking(ours)
				c, err := open(recv, send, cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				if b, err := c.Negotiate(); b != NotBlocked || err != nil {
					t.Fatal(b, err)
				}
				go io.Copy(io.Discard, ours) // its tickets
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				state := peer.ConnectionState()
				for _, q := range []struct {
					label   string
					context []byte
					length  int
				}{
					{"EXPORTER-test", nil, 32},
					{"EXPORTER-test", []byte{}, 32},
					{"EXPORTER-test", []byte("context"), 32},
					{"EXPORTER-other", []byte("context"), 1},
					{"EXPORTER-other", bytes.Repeat([]byte("c"), 65535), 1000},
					{"", nil, 48},
					{strings.Repeat("l", 249), nil, 255 * 32},
				} {
					want, err := state.ExportKeyingMaterial(q.label, q.context, q.length)
					if err != nil {
						t.Fatal(err)
					}
					got, err := c.Export(q.label, q.context, q.length)
					if err != nil || !bytes.Equal(got, want) {
						t.Errorf("Export(%.20q, %d bytes, %d) differs: %v", q.label, len(q.context), q.length, err)
					}
				}
			})
		}
	}
}

func TestExportsThatAreRefused(t *testing.T) {
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		client := clientConfig()
		client.MinVersion, client.MaxVersion = version, version
		p := established(t, client, serverConfig(t))
		for name, c := range map[string]struct {
			label   string
			context []byte
			length  int
			only    iana.Version
			text    string
		}{
			"nothing":                       {"l", nil, 0, 0, "0 bytes"},
			"less than nothing":             {"l", nil, -1, 0, "-1 bytes"},
			"65536 bytes":                   {"l", nil, 65536, 0, "65536 bytes"},
			"a label of 250 bytes":          {strings.Repeat("l", 250), nil, 1, 0, "250 bytes"},
			"255 times the hash and a byte": {"l", nil, 255*32 + 1, iana.TLS13, "8161 bytes"},
			"the master secret":             {"master secret", nil, 48, iana.TLS12, "master secret"},
			"the keys":                      {"key expansion", nil, 48, iana.TLS12, "key expansion"},
			"a context of 65536 bytes":      {"l", make([]byte, 65536), 32, iana.TLS12, "65536 bytes"},
		} {
			if c.only != 0 && c.only != version {
				continue
			}
			t.Run(version.String()+" "+name, func(t *testing.T) {
				out, err := p.client.Export(c.label, c.context, c.length)
				if out != nil {
					t.Error("there is output")
				}
				failure{kind: ErrUsage, text: c.text}.check(t, "Export", err)
			})
		}
	}
}

// Export goes from the end of our side's handshake, which a server of TLS 1.3 reaches before its
// client, up to Close.
func TestWhenExportsArePossible(t *testing.T) {
	try := func(c *Conn) error { _, err := c.Export("EXPORTER-test", nil, 32); return err }
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		t.Run(version.String(), func(t *testing.T) {
			client, server := clientConfig(), serverConfig(t)
			client.MinVersion, client.MaxVersion = version, version
			p := newPair(t, client, server)
			early := failure{kind: ErrUsage, text: "before the handshake is complete"}
			early.check(t, "a new client", try(p.client))
			_, _ = p.client.Negotiate()
			early.check(t, "a client that has spoken", try(p.client))
			_, _ = p.server.Negotiate()
			if err := try(p.server); version == iana.TLS13 && err != nil {
				t.Errorf("a server that may send: %v", err)
			} else if version == iana.TLS12 {
				early.check(t, "a server in its first flight", err)
			}
			p.mustNegotiate(t)
			if a, b := exported(t, p.client), exported(t, p.server); !bytes.Equal(a, b) {
				t.Error("the two ends export different bytes")
			}
			before := exported(t, p.client)
			if version == iana.TLS13 {
				if _, err := p.client.UpdateKeys(true); err != nil {
					t.Fatal(err)
				}
			}
			exchange(t, p.client, p.server, []byte("data"))
			if _, err := p.client.ShutdownSend(); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, exported(t, p.client)) {
				t.Error("what is exported changes")
			}
			p.client.Close()
			failure{kind: ErrClosed, text: "Export after Close"}.check(t, "a closed connection", try(p.client))
			if err := p.server.Reset(p.server.recv, p.server.send, nil); err != nil {
				t.Fatal(err)
			}
			early.check(t, "a connection that was reset", try(p.server))
		})
	}
}

func exported(t *testing.T, c *Conn) []byte {
	t.Helper()
	out, err := c.Export("EXPORTER-test", nil, 32)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A handshake that fails after the server could export leaves nothing to export from.
func TestNoExportsAfterAFailedHandshake(t *testing.T) {
	p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
	_, _ = p.client.Negotiate()
	_, _ = p.server.Negotiate()
	_ = exported(t, p.server)
	p.server.recv = func([]byte) (int, error) { return 0, errWire }
	if _, err := p.server.Negotiate(); err == nil {
		t.Fatal("the handshake goes on")
	}
	_, err := p.server.Export("EXPORTER-test", nil, 32)
	failure{kind: ErrUsage, text: "before the handshake is complete"}.check(t, "Export", err)
}

// A server that waits for a client's certificate has nothing to export yet: it does not know
// whom it would be for.
func TestNoExportsBeforeTheClientIsKnown(t *testing.T) {
	client, server := quick(clientConfig()), quick(serverConfig(t))
	client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
	server.ClientAuth = RequireClientAuth
	p := newPair(t, client, server)
	_, _ = p.client.Negotiate()
	_, _ = p.server.Negotiate()
	_, err := p.server.Export("EXPORTER-test", nil, 32)
	failure{kind: ErrUsage, text: "before the handshake is complete"}.check(t, "Export", err)
	p.mustNegotiate(t)
	if a, b := exported(t, p.client), exported(t, p.server); !bytes.Equal(a, b) {
		t.Error("the two ends export different bytes")
	}
}

// Exports may run beside each other, beside Send and Recv, and beside Close.
func TestExportBesideEverything(t *testing.T) {
	for range rounds(20) {
		p := established(t, quick(clientConfig()), quick(serverConfig(t)))
		want := exported(t, p.server)
		var work sync.WaitGroup
		for range 2 {
			work.Go(func() {
				for range 50 {
					if got, err := p.client.Export("EXPORTER-test", nil, 32); err == nil && !bytes.Equal(got, want) {
						t.Error("an Export gives other bytes")
					}
				}
			})
		}
		work.Go(func() {
			for range 20 {
				_, _, _ = p.client.Send([]byte("data"))
			}
			p.client.Close()
		})
		work.Wait()
	}
}

// A resumed session exports like any other: the same at both ends, and other bytes than before.
func TestExportsOfResumedSessions(t *testing.T) {
	for _, version := range []iana.Version{iana.TLS12, iana.TLS13} {
		client, server := clientConfig(), serverConfig(t)
		client.SessionTickets, server.SessionTickets = true, true
		client.MinVersion, client.MaxVersion = version, version
		first := again(t, client, server, nil)
		second := again(t, client, server, first.client.Session())
		second.wantResumed(t, true)
		was, is := exported(t, first.client), exported(t, second.client)
		if bytes.Equal(was, is) || !bytes.Equal(is, exported(t, second.server)) {
			t.Errorf("%v: %x before, %x now, and %x at the server", version, was, is, exported(t, second.server))
		}
	}
}
