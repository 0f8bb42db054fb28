//go:build unix

package interop

import (
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// early is what a peer sends, and is told, early.
const early = "a line of early data\n"

// earlyServer answers like resumeServer, and takes early data.
type earlyServer struct {
	port     int
	outcomes chan earlyOutcome
}

type earlyOutcome struct {
	conn.State
	early string
	err   error
}

func startEarlyServer(t testing.TB, cfg *conn.Config) *earlyServer {
	t.Helper()
	listener, err := net.Listen("tcp", Address(0))
	if err != nil {
		t.Fatal(err)
	}
	s := &earlyServer{listener.Addr().(*net.TCPAddr).Port, make(chan earlyOutcome, 20)}
	done := make(chan struct{})
	t.Cleanup(func() { listener.Close(); <-done })
	go func() {
		defer close(done)
		for {
			raw, err := listener.Accept()
			if err != nil {
				return
			}
			s.outcomes <- serveEarly(raw, cfg)
		}
	}()
	return s
}

// serveEarly takes early data until there is no more, and then a line, unless the early data was one.
func serveEarly(raw net.Conn, cfg *conn.Config) (o earlyOutcome) {
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(prompt))
	c, err := conn.NewServer(raw.Read, raw.Write, cfg)
	if err != nil {
		o.err = err
		return o
	}
	defer c.Close()
	defer func() { o.State = c.State() }()
	buf := make([]byte, 10)
	for b := conn.BlockedOnEarlyData; b != conn.NotBlocked; {
		var n int
		if n, b, o.err = c.RecvEarlyData(buf); o.err != nil {
			return o
		}
		o.early += string(buf[:n])
	}
	if _, o.err = c.Negotiate(); o.err != nil {
		return o
	}
	for got := ""; !strings.HasSuffix(got, "\n"); {
		var n int
		if n, _, o.err = c.Recv(buf); o.err != nil {
			return o
		}
		got += string(buf[:n])
	}
	if _, _, o.err = c.Send([]byte(page + "\n")); o.err == nil {
		_, _ = c.Shutdown()
	}
	return o
}

func (s *earlyServer) next(t testing.TB) earlyOutcome {
	t.Helper()
	select {
	case o := <-s.outcomes:
		if o.err != nil {
			t.Fatalf("our server ends with %v", o.err)
		}
		return o
	case <-time.After(prompt):
		t.Fatal("no connection")
		return earlyOutcome{}
	}
}

func (o *earlyOutcome) expect(t testing.TB, resumed bool, status conn.EarlyDataStatus, data string) {
	t.Helper()
	if o.Resumed != resumed || o.EarlyData != status || o.early != data {
		t.Errorf("resumed is %v, early data is %v, %q; want %v, %v, %q", o.Resumed, o.EarlyData, o.early, resumed, status, data)
	}
}

// TestEarlyDataOpenSSL sends early data from s_client to our server and from our client to s_server:
// it is accepted, refused where nobody takes it, and refused when the same session comes again
// with sessions that serve once.
func TestEarlyDataOpenSSL(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	file := filepath.Join(t.TempDir(), "early")
	if err := os.WriteFile(file, []byte(early), 0o600); err != nil {
		t.Fatal(err)
	}
	fromClient := func(t *testing.T, port int, saved string, more ...string) Result {
		t.Helper()
		return sClient(t, port, "the line behind it\n", append([]string{"-tls1_3", "-sess_out", saved, "-early_data", file}, more...)...)
	}
	for _, test := range []struct {
		name   string
		change func(cfg *conn.Config)
		second func(t testing.TB, o earlyOutcome) // the first session's second use
	}{
		{"with tickets", func(*conn.Config) {}, func(t testing.TB, o earlyOutcome) { o.expect(t, true, conn.EarlyDataEnd, early) }},
		{"with sessions in a store, which serve once", func(cfg *conn.Config) { cfg.SessionStore = conn.NewMemoryStore(1 << 20) },
			func(t testing.TB, o earlyOutcome) { o.expect(t, false, conn.EarlyDataRejected, "") }},
	} {
		t.Run("s_client, "+test.name, func(t *testing.T) {
			cfg := resumable(t, iana.TLS13)
			cfg.MaxEarlyData = 1000
			test.change(cfg)
			ours := startEarlyServer(t, cfg)
			saved := filepath.Join(t.TempDir(), "session")
			expectPage(t, sClient(t, ours.port, "a line\n", "-tls1_3", "-sess_out", saved))
			first := ours.next(t)
			first.expect(t, false, conn.EarlyDataNotRequested, "")
			other := filepath.Join(t.TempDir(), "other")
			expectPage(t, fromClient(t, ours.port, other, "-sess_in", saved))
			second := ours.next(t)
			second.expect(t, true, conn.EarlyDataEnd, early)
			expectPage(t, fromClient(t, ours.port, other, "-sess_in", saved))
			test.second(t, ours.next(t))
		})
	}
	t.Run("s_client, a server that lowers its limit to nothing", func(t *testing.T) {
		cfg := resumable(t, iana.TLS13)
		cfg.MaxEarlyData, cfg.TicketKeys = 1000, conn.NewTicketKeys(conn.TicketKeysConfig{})
		ours := startEarlyServer(t, cfg)
		saved := filepath.Join(t.TempDir(), "session")
		expectPage(t, sClient(t, ours.port, "a line\n", "-tls1_3", "-sess_out", saved))
		ours.next(t)
		cfg = cfg.Clone()
		cfg.MaxEarlyData = 0
		ours = startEarlyServer(t, cfg)
		expectPage(t, fromClient(t, ours.port, saved, "-sess_in", saved))
		second := ours.next(t)
		second.expect(t, true, conn.EarlyDataRejected, "")
	})
	for _, test := range []struct {
		name    string
		options []string
		want    []conn.EarlyDataStatus // of three connections, the third with the second's session
	}{
		{"that takes it once", []string{"-early_data"}, []conn.EarlyDataStatus{conn.EarlyDataNotRequested, conn.EarlyDataEnd, conn.EarlyDataRejected}},
		{"that takes it always", []string{"-early_data", "-no_anti_replay"}, []conn.EarlyDataStatus{conn.EarlyDataNotRequested, conn.EarlyDataEnd, conn.EarlyDataEnd}},
		{"that permits none", nil, []conn.EarlyDataStatus{conn.EarlyDataNotRequested, conn.EarlyDataNotRequested, conn.EarlyDataNotRequested}},
	} {
		t.Run("s_server "+test.name, func(t *testing.T) {
			theirs, port := sServerRaw(t, "p256", append([]string{"-tls1_3"}, test.options...)...)
			cfg := resumable(t, iana.TLS13)
			var blob []byte
			for i, want := range test.want {
				state, next := sendEarlyOnce(t, cfg, theirs, port, blob)
				if state.EarlyData != want || state.PeerCertificates == nil {
					t.Errorf("connection %d: resumed is %v, early data is %v, want %v", i, state.Resumed, state.EarlyData, want)
				}
				if want == conn.EarlyDataEnd && !strings.Contains(theirs.Stdout(), "a line of early data") {
					t.Errorf("connection %d: s_server has no early data but\n%s", i, theirs.Stdout())
				}
				if i == 0 {
					blob = next
				}
			}
		})
	}
}

// sendEarlyOnce connects to s_server with early data, and reads the line that it is given to send.
func sendEarlyOnce(t testing.TB, cfg *conn.Config, theirs *Process, port int, blob []byte) (conn.State, []byte) {
	t.Helper()
	raw, err := net.Dial("tcp", Address(port))
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	_ = raw.SetDeadline(time.Now().Add(prompt))
	c, err := conn.NewClient(raw.Read, raw.Write, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetSession(blob); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.SendEarlyData([]byte(early)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Negotiate(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Send([]byte("a line\n")); err != nil {
		t.Fatal(err)
	}
	theirs.Write("from s_server\n")
	for got, buf := "", make([]byte, 100); !strings.Contains(got, "from s_server"); {
		n, _, err := c.Recv(buf)
		if got += string(buf[:n]); err != nil {
			t.Fatalf("%v after %q", err, got)
		}
	}
	state, session := c.State(), c.Session()
	_, _ = c.Shutdown()
	return state, session
}

// TestPSKOpenSSL uses an external PSK, without any certificate, in both roles.
func TestPSKOpenSSL(t *testing.T) {
	SkipUnderRace(t)
	t.Parallel()
	psk := &conn.PSK{Identity: []byte("an identity"), Secret: []byte("sixteen bytes ..")}
	options := []string{"-tls1_3", "-psk", hex.EncodeToString(psk.Secret), "-psk_identity", string(psk.Identity)}
	for _, test := range []struct {
		name  string
		group []iana.Group
	}{{"at once", nil}, {"after a HelloRetryRequest", []iana.Group{iana.Secp384r1}}} {
		t.Run("s_client, "+test.name, func(t *testing.T) {
			ours := startEarlyServer(t, &conn.Config{PSKs: []*conn.PSK{psk}, Groups: test.group})
			expectPage(t, sClient(t, ours.port, "a line\n", options...))
			if o := ours.next(t); string(o.PSKIdentity) != "an identity" || o.HelloRetry != (test.group != nil) || o.Resumed {
				t.Errorf("the PSK is %q, retried: %v", o.PSKIdentity, o.HelloRetry)
			}
		})
	}
	t.Run("s_server", func(t *testing.T) {
		_, port := sServer(t, "p256", append(options, "-nocert")...)
		cfg := resumable(t, iana.TLS13)
		cfg.PSKs, cfg.SessionTickets, cfg.Certificates = []*conn.PSK{psk}, false, nil
		state, _ := visitOnce(t, cfg, port, nil, greeting, reversed)
		if string(state.PSKIdentity) != "an identity" || state.PeerCertificates != nil {
			t.Errorf("the PSK is %q", state.PSKIdentity)
		}
	})
	t.Run("s_client with another secret", func(t *testing.T) {
		ours := startEarlyServer(t, &conn.Config{PSKs: []*conn.PSK{psk}})
		got := sClient(t, ours.port, "a line\n", "-tls1_3", "-psk", "00112233", "-psk_identity", string(psk.Identity))
		if o := <-ours.outcomes; o.err == nil || !strings.Contains(o.err.Error(), "client sent a binder that does not fit PSK 0") || got.Code == 0 {
			t.Errorf("our server ends with %v, s_client with %d", o.err, got.Code)
		}
	})
}
