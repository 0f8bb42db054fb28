package conn

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// resumable12 makes both Configs speak TLS 1.2 alone, and sessions.
func resumable12(t testing.TB) (client, server *Config) {
	client, server = clientConfig(), serverConfig(t)
	for _, cfg := range []*Config{client, server} {
		cfg.MaxVersion, cfg.SessionTickets = iana.TLS12, true
	}
	return client, server
}

// again is a handshake in which the client offers a session.
func again(t testing.TB, client, server *Config, blob []byte) *pair {
	t.Helper()
	p := newPair(t, client, server)
	if err := p.client.SetSession(blob); err != nil {
		t.Fatal(err)
	}
	p.mustNegotiate(t)
	exchange(t, p.client, p.server, []byte("from the client"))
	exchange(t, p.server, p.client, []byte("from the server"))
	return p
}

// wantResumed checks what both sides say of a resumption.
func (p *pair) wantResumed(t testing.TB, want bool) {
	t.Helper()
	c, s := p.client.State(), p.server.State()
	if c.Resumed != want || s.Resumed != want {
		t.Errorf("resumed: the client says %v, the server %v, want %v", c.Resumed, s.Resumed, want)
	}
	if len(c.PeerCertificates) == 0 || c.CipherSuite != s.CipherSuite || c.Group != s.Group || !c.ExtendedMasterSecret || !s.ExtendedMasterSecret {
		t.Errorf("the client's state is %+v", c)
	}
}

// TestResume12 resumes a session over and over, by ticket and by session ID, with a client's
// certificate and without.
func TestResume12(t *testing.T) {
	for name, change := range map[string]func(client, server *Config){
		"by a ticket of keys that change by themselves": func(_, _ *Config) {},
		"by a ticket of keys that were added": func(_, server *Config) {
			server.TicketKeys = NewTicketKeys(TicketKeysConfig{})
			if err := server.TicketKeys.Add([]byte("key"), []byte("secret"), time.Time{}, time.Now()); err != nil {
				t.Fatal(err)
			}
		},
		"by session ID": func(_, server *Config) { server.SessionStore = NewMemoryStore(1 << 20) },
		"by session ID, of a server without tickets": func(_, server *Config) { server.SessionStore, server.SessionTickets = NewMemoryStore(1<<20), false },
		"with a client's certificate": func(client, server *Config) {
			client.Certificates, server.ClientAuth = server.Certificates, RequireClientAuth
		},
		"with a client's certificate, by session ID": func(client, server *Config) {
			client.Certificates, server.ClientAuth, server.SessionStore = server.Certificates, RequireClientAuth, NewMemoryStore(1<<20)
		},
		"with an OCSP response and timestamps": func(client, _ *Config) { client.RequestOCSP, client.RequestSCT = true, true },
	} {
		t.Run(name, func(t *testing.T) {
			client, server := resumable12(t)
			change(client, server)
			first := again(t, client, server, nil)
			first.wantResumed(t, false)
			blob := first.client.Session()
			for range 3 {
				p := again(t, client, server, blob)
				p.wantResumed(t, true)
				c, s := p.client.State(), p.server.State()
				if auth := server.ClientAuth == RequireClientAuth; s.ClientAuth != auth || c.ClientAuth != auth || (len(s.PeerCertificates) > 0) != auth || (s.VerifiedChain != nil) != auth {
					t.Errorf("the client's certificate: %v, %v, %d", c.ClientAuth, s.ClientAuth, len(s.PeerCertificates))
				}
				if (len(c.SessionID) > 0) != (server.SessionStore != nil) || !bytes.Equal(c.SessionID, s.SessionID) {
					t.Errorf("the session IDs are %x and %x", c.SessionID, s.SessionID)
				}
				if was := first.client.State(); !bytes.Equal(c.OCSPResponse, was.OCSPResponse) || !slices.Equal(c.PeerCertificates, was.PeerCertificates) {
					t.Error("what is known of the server has changed")
				}
				blob = p.client.Session()
			}
		})
	}
}

// TestResume12AcrossVersions: a session belongs to its version.
func TestResume12AcrossVersions(t *testing.T) {
	client, server := resumable12(t)
	blob := again(t, client, server, nil).client.Session()
	both := func(cfg *Config) *Config {
		cfg = cfg.Clone()
		cfg.MaxVersion = 0
		return cfg
	}
	again(t, both(client), server, blob).wantResumed(t, true)
	p := again(t, both(client), both(server), blob)
	if c := p.client.State(); c.Version != iana.TLS13 || c.Resumed || p.server.State().Resumed {
		t.Errorf("the session of TLS 1.2 leads to %v, resumed: %v", c.Version, c.Resumed)
	}
	only13 := both(client)
	only13.MinVersion = iana.TLS13
	if p = again(t, only13, both(server), blob); p.client.State().Resumed {
		t.Error("resumed by a client of TLS 1.3 alone")
	}
}

// oddStore is a store that a test answers for.
type oddStore struct {
	SessionStore
	get  func(entry []byte, done func([]byte, error))
	fail error // of Put
	gone [][]byte
}

func (s *oddStore) Get(ctx context.Context, id []byte, done func([]byte, error)) {
	s.SessionStore.Get(ctx, id, func(entry []byte, err error) {
		if s.get == nil {
			done(entry, err)
			return
		}
		s.get(entry, done)
	})
}

func (s *oddStore) Put(ctx context.Context, id, entry []byte, lifetime time.Duration, done func(error)) {
	if s.fail != nil {
		done(s.fail)
		return
	}
	s.SessionStore.Put(ctx, id, entry, lifetime, done)
}

func (s *oddStore) Delete(ctx context.Context, id []byte, done func(bool, error)) {
	s.gone = append(s.gone, id)
	s.SessionStore.Delete(ctx, id, done)
}

// TestOddStores12: whatever a store does, there is a handshake.
func TestOddStores12(t *testing.T) {
	down := errors.New("the store is down")
	var answering sync.WaitGroup
	for name, c := range map[string]struct {
		store   oddStore
		resumed bool
	}{
		"as it should be": {oddStore{}, true},
		"answers later": {oddStore{get: func(e []byte, done func([]byte, error)) {
			answering.Go(func() { time.Sleep(5 * time.Millisecond); done(e, nil) })
		}}, true},
		"fails later":    {oddStore{get: func(_ []byte, done func([]byte, error)) { answering.Go(func() { done(nil, down) }) }}, false},
		"fails at once":  {oddStore{get: func(_ []byte, done func([]byte, error)) { done(nil, down) }}, false},
		"knows nothing":  {oddStore{get: func(_ []byte, done func([]byte, error)) { done(nil, nil) }}, false},
		"brings garbage": {oddStore{get: func(_ []byte, done func([]byte, error)) { done(bytes.Repeat([]byte("garbage"), 50), nil) }}, false},
		"brings half":    {oddStore{get: func(e []byte, done func([]byte, error)) { done(e[:len(e)/2], nil) }}, false},
		"brings a changed ID": {oddStore{get: func(e []byte, done func([]byte, error)) {
			done(bytes.Replace(e, []byte{32}, []byte{32, 0}, 1)[:len(e)], nil)
		}}, false},
		"brings the other's":     {oddStore{get: nil}, false}, // below
		"does not store":         {oddStore{fail: down}, false},
		"answers twice, at once": {oddStore{get: func(e []byte, done func([]byte, error)) { done(e, nil); done(nil, down) }}, true},
	} {
		t.Run(name, func(t *testing.T) {
			client, server := resumable12(t)
			store := c.store
			store.SessionStore, server.SessionStore = NewMemoryStore(1<<20), &store
			woken := make(chan struct{}, 1)
			server.Wake = func(*Conn) { woken <- struct{}{} }
			defer answering.Wait()
			blob := again(t, client, server, nil).client.Session()
			if name == "brings the other's" {
				other := again(t, client, server, nil).server.State().SessionID
				store.get = func(_ []byte, done func([]byte, error)) { store.SessionStore.Get(context.Background(), other, done) }
			}
			p := newPair(t, client, server)
			if err := p.client.SetSession(blob); err != nil {
				t.Fatal(err)
			}
			for range 100 {
				cb, cerr := p.client.Negotiate()
				sb, serr := p.server.Negotiate()
				if cerr != nil || serr != nil {
					t.Fatal(cerr, serr)
				}
				if sb == BlockedOnApplicationInput {
					<-woken
				}
				if cb == NotBlocked && sb == NotBlocked {
					break
				}
			}
			p.wantResumed(t, c.resumed)
		})
	}
}

// TestFailureForgets12: a session does not outlive a connection that fails (RFC 5246, Section 7.2.2).
func TestFailureForgets12(t *testing.T) {
	client, server := resumable12(t)
	store := &oddStore{SessionStore: NewMemoryStore(1 << 20)}
	server.SessionStore = store
	p := again(t, client, server, nil)
	blob := p.client.Session()
	p = again(t, client, server, blob)
	p.wantResumed(t, true)
	if _, err := p.pipe.Client.Send([]byte{23, 3, 3, 0, 30, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.server.Recv(make([]byte, 1)); err == nil {
		t.Fatal("a record of nobody is received")
	}
	if _, _, err := p.client.Recv(make([]byte, 1)); err == nil || p.client.Session() != nil {
		t.Errorf("the client has a session after %v", err)
	}
	if len(store.gone) != 1 || !bytes.Equal(store.gone[0], p.server.State().SessionID) {
		t.Errorf("deleted: %x", store.gone)
	}
	again(t, client, server, blob).wantResumed(t, false)
}

// stdEcho is a connection of crypto/tls that sends one message and receives one.
func stdEcho(c *tls.Conn) (tls.ConnectionState, error) {
	defer c.Close()
	if _, err := io.WriteString(c, "from crypto/tls"); err != nil {
		return tls.ConnectionState{}, err
	}
	if _, err := io.ReadFull(c, make([]byte, len("from s2ngo"))); err != nil {
		return tls.ConnectionState{}, err
	}
	return c.ConnectionState(), nil
}

// meetStd lets c talk to a connection of crypto/tls.
func meetStd(t testing.TB, c *Conn, wire net.Conn, std *tls.Conn) tls.ConnectionState {
	t.Helper()
	type end struct {
		state tls.ConnectionState
		err   error
	}
	done := make(chan end, 1)
	go func() {
		s, err := stdEcho(std)
		done <- end{s, err}
	}()
	if _, err := c.Negotiate(); err != nil {
		t.Fatal(err)
	}
	mustSend(t, c, "from s2ngo")
	got := ""
	for b := make([]byte, 99); !strings.HasSuffix(got, "from crypto/tls"); {
		n, _, err := c.Recv(b)
		if got += string(b[:n]); err != nil {
			t.Fatalf("%v after %q", err, got)
		}
	}
	e := <-done
	if e.err != nil {
		t.Fatal(e.err)
	}
	wire.Close()
	return e.state
}

// TestResume12FromCryptoTLS has crypto/tls resume its sessions with our server.
func TestResume12FromCryptoTLS(t *testing.T) {
	for name, auth := range map[string]ClientAuth{"without certificate": NoClientAuth, "with a certificate": RequireClientAuth} {
		t.Run(name, func(t *testing.T) {
			_, server := resumable12(t)
			server.ClientAuth = auth
			cfg := &tls.Config{RootCAs: pki().Pool(), ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1),
				Certificates: []tls.Certificate{stdCertificate(server.Certificates[0])}}
			for i := range 3 {
				wire, stdWire := loopback(t)
				c := mustServer(t, wire.Read, wire.Write, server)
				state := meetStd(t, c, wire, tls.Client(stdWire, cfg))
				if s := c.State(); state.Version != tls.VersionTLS12 || state.DidResume != (i > 0) || s.Resumed != (i > 0) || s.ClientAuth != (auth == RequireClientAuth) {
					t.Errorf("connection %d: crypto/tls resumes %v, we %v, a client's certificate %v", i, state.DidResume, s.Resumed, s.ClientAuth)
				}
			}
		})
	}
}

// TestResume12ToCryptoTLS has our client resume its sessions with crypto/tls.
func TestResume12ToCryptoTLS(t *testing.T) {
	cert := issue(t, testpeer.Template{})
	for name, ask := range map[string]tls.ClientAuthType{"without certificate": tls.NoClientCert, "with a certificate": tls.RequireAndVerifyClientCert} {
		t.Run(name, func(t *testing.T) {
			client, _ := resumable12(t)
			client.MaxVersion, client.Certificates = 0, []*Certificate{cert}
			cfg := &tls.Config{Certificates: []tls.Certificate{stdCertificate(cert)}, MaxVersion: tls.VersionTLS12, ClientAuth: ask, ClientCAs: pki().Pool()}
			var blob []byte
			for i := range 3 {
				wire, stdWire := loopback(t)
				c := mustClient(t, wire.Read, wire.Write, client)
				if err := c.SetSession(blob); err != nil {
					t.Fatal(err)
				}
				state := meetStd(t, c, wire, tls.Server(stdWire, cfg))
				if s := c.State(); s.Version != iana.TLS12 || state.DidResume != (i > 0) || s.Resumed != (i > 0) || s.ClientAuth != (ask != tls.NoClientCert) {
					t.Errorf("connection %d: crypto/tls resumes %v, we %v", i, state.DidResume, s.Resumed)
				}
				blob = c.Session()
			}
		})
	}
}
