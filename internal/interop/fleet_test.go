//go:build unix

package interop

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/internal/session"
)

// fleetLife is how long a ticket key of the tests' fleet seals.
const fleetLife = 4 * time.Second

// startFleet starts three servers that share a Redis.
func startFleet(t *testing.T) (*Redis, []*server) {
	t.Helper()
	r := StartRedis(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, bytes.Repeat([]byte{5}, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	var servers []*server
	for range 3 {
		servers = append(servers, serve(t, append(with(t, "p256"), "--session-cache", "redis://"+r.Address,
			"--stk-file", secret, "--stk-lifetime", fleetLife.String(), "--max-early-data", "4096")...))
	}
	return r, servers
}

// A call is one connection to a server of the fleet, by a client that waits.
type call struct {
	state conn.State
	blob  []byte // to be resumed; nil = none
	took  time.Duration
	sent  []byte // by the client, as it stands on the wire
}

// fleetClient is the configuration of all calls.
var fleetClient = sync.OnceValue(func() *conn.Config {
	return &conn.Config{ServerName: localhost, InsecureSkipVerify: true, SessionTickets: true}
})

// dialFleet connects, resumes a session if there is one, sends early data if there is any, and waits
// for an echo, which follows the server's tickets.
func dialFleet(port int, blob, early []byte) (c call, err error) {
	socket, err := net.DialTimeout("tcp", Address(port), 10*time.Second)
	if err != nil {
		return c, err
	}
	defer socket.Close()
	if err := socket.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return c, err
	}
	send := func(p []byte) (int, error) {
		c.sent = append(c.sent, p...)
		return socket.Write(p)
	}
	tls, err := conn.NewClient(socket.Read, send, fleetClient())
	if err != nil {
		return c, err
	}
	defer tls.Close()
	if err := tls.SetSession(blob); err != nil {
		return c, err
	}
	start := time.Now()
	if len(early) > 0 {
		if _, _, err := tls.SendEarlyData(early); err != nil {
			return c, fmt.Errorf("early data: %w", err)
		}
	}
	if b, err := tls.Negotiate(); err != nil || b != conn.NotBlocked {
		return c, fmt.Errorf("the handshake, %v: %w", b, err)
	}
	c.took = time.Since(start)
	c.state = tls.State()
	want := "hello"
	if c.state.EarlyData == conn.EarlyDataEnd || c.state.EarlyData == conn.EarlyDataOK {
		want = string(early) + want
	}
	if _, _, err := tls.Send([]byte("hello")); err != nil {
		return c, err
	}
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		k, _, err := tls.Recv(got[n:])
		if err != nil {
			return c, err
		}
		n += k
	}
	if string(got) != want {
		return c, fmt.Errorf("the echo of %q is %q", want, got)
	}
	c.blob = tls.Session()
	_, err = tls.ShutdownSend()
	return c, err
}

// mustDial is dialFleet for what has to succeed.
func mustDial(t *testing.T, s *server, blob, early []byte) call {
	t.Helper()
	c, err := dialFleet(s.port, blob, early)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// acceptedEarly gets tickets until early data under one of them is accepted: they have to be younger
// than the fleet's memory of early data.
func acceptedEarly(t *testing.T, s *server) call {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if c := mustDial(t, s, mustDial(t, s, nil, nil).blob, []byte("early")); c.state.EarlyData == conn.EarlyDataEnd {
			return c
		}
	}
	t.Fatal("no early data is accepted")
	panic("unreachable")
}

// sessionID lets openssl resume a session of TLS 1.2 by its ID, or begin one that file is for.
func sessionID(t *testing.T, s *server, option, file string) (reused bool) {
	t.Helper()
	got := runWith(t, "", Peer(t, "openssl"), "s_client", "-connect", Address(s.port), "-CAfile", roots(t), "-servername", localhost,
		"-tls1_2", "-no_ticket", option, file)
	reused = strings.Contains(got.Stdout, "\nReused, TLSv1.2")
	if !reused && !strings.Contains(got.Stdout, "\nNew, TLSv1.2") {
		t.Fatalf("s_client: %s%s", got.Stdout, got.Stderr)
	}
	return reused
}

// TestFleetResumes resumes a ticket and a session ID of each server on the others.
func TestFleetResumes(t *testing.T) {
	_, servers := startFleet(t)
	for i, from := range servers {
		blob := mustDial(t, from, nil, nil).blob
		file := filepath.Join(t.TempDir(), "session")
		sessionID(t, from, "-sess_out", file)
		for j, to := range servers {
			c := mustDial(t, to, blob, nil)
			if !c.state.Resumed {
				t.Errorf("a ticket of server %d is not resumed by server %d", i, j)
			}
			if !sessionID(t, to, "-sess_in", file) {
				t.Errorf("a session ID of server %d is not resumed by server %d", i, j)
			}
		}
	}
}

// TestFleetReplay sends a flight with early data, which one server has accepted, to all of them again.
func TestFleetReplay(t *testing.T) {
	_, servers := startFleet(t)
	accepted := acceptedEarly(t, servers[0])
	for i, s := range servers {
		socket, err := net.Dial("tcp", Address(s.port))
		if err != nil {
			t.Fatal(err)
		}
		_ = socket.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := socket.Write(accepted.sent); err != nil {
			t.Fatal(err)
		}
		// The server answers, and waits for a Finished that nobody can replay.
		n, err := socket.Read(make([]byte, 16384))
		if err != nil {
			t.Errorf("server %d: %v", i, err)
		}
		socket.Close()
		report := s.WaitFor(`.*"error":"tls.*\n`, prompt)[0]
		if r := parseReport(t, report); n == 0 || r.EarlyData != "rejected" || !r.Resumed || r.AppIn != 0 {
			t.Errorf("server %d: %s", i, report)
		}
	}
	if c := mustDial(t, servers[1], accepted.blob, []byte("early")); !c.state.Resumed {
		t.Error("a fresh connection after the replays is not resumed")
	}
}

// TestFleetRotates changes ticket keys under load: no handshake fails, and nearly all are resumed.
func TestFleetRotates(t *testing.T) {
	_, servers := startFleet(t)
	var calls, resumed, stale atomic.Int32
	var mu sync.Mutex
	keys := map[string]bool{}
	var all sync.WaitGroup
	end := time.Now().Add(2*fleetLife + fleetLife/2)
	for w := range 3 {
		all.Go(func() {
			var blob []byte
			for i := w; time.Now().Before(end); i++ {
				c, err := dialFleet(servers[i%len(servers)].port, blob, nil)
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				calls.Add(1)
				switch {
				case c.state.Resumed:
					resumed.Add(1)
				case blob != nil:
					stale.Add(1)
				}
				if blob = c.blob; blob == nil {
					t.Errorf("connection %d brought no ticket", i)
					continue
				}
				if s, err := session.Parse(blob); err == nil {
					mu.Lock()
					keys[string(s.Ticket[:min(16, len(s.Ticket))])] = true
					mu.Unlock()
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d connections, %d resumed, under %d keys", calls.Load(), resumed.Load(), len(keys))
	if len(keys) < 4 {
		t.Errorf("%d keys sealed tickets in %v", len(keys), 2*fleetLife+fleetLife/2)
	}
	if stale.Load() > 0 {
		t.Errorf("%d of %d tickets were not resumed", stale.Load(), calls.Load())
	}
}

// TestFleetWithoutRedis kills the fleet's Redis and brings it back, empty.
func TestFleetWithoutRedis(t *testing.T) {
	r, servers := startFleet(t)
	early := acceptedEarly(t, servers[0])
	file := filepath.Join(t.TempDir(), "session")
	sessionID(t, servers[0], "-sess_out", file)
	if !sessionID(t, servers[1], "-sess_in", file) {
		t.Fatal("the session ID is not resumed")
	}
	r.Kill()
	for i, s := range servers {
		// The store's deadline is 50 ms; the rest is for a machine that is busy.
		const most = time.Second
		for range 10 {
			if c := mustDial(t, s, nil, nil); c.took > most {
				t.Errorf("server %d: a full handshake took %v", i, c.took)
			}
		}
		c := mustDial(t, s, early.blob, []byte("early"))
		if c.state.EarlyData != conn.EarlyDataRejected || c.took > most {
			t.Errorf("server %d: early data is %v after %v", i, c.state.EarlyData, c.took)
		}
		start := time.Now()
		if sessionID(t, s, "-sess_in", file) {
			t.Errorf("server %d resumes a session that is gone", i)
		}
		if d := time.Since(start); d > 5*most {
			t.Errorf("server %d: openssl needed %v", i, d)
		}
	}
	r.Start()
	accepted := acceptedEarly(t, servers[2])
	if c := mustDial(t, servers[0], accepted.blob, nil); !c.state.Resumed {
		t.Error("a ticket is not resumed")
	}
	sessionID(t, servers[0], "-sess_out", file)
	if !sessionID(t, servers[1], "-sess_in", file) {
		t.Error("a session ID is not resumed")
	}
	for i, s := range servers {
		if said := s.Stderr(); strings.Contains(said, "redis:") {
			t.Errorf("server %d lets go-redis speak: %s", i, said)
		}
	}
}

// TestFleetStartsWithoutRedis starts a server whose Redis is not there: it says so, and serves.
func TestFleetStartsWithoutRedis(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, bytes.Repeat([]byte{5}, 32), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, append(with(t, "p256"), "--session-cache", "redis://"+Address(FreePort(t)), "--stk-file", secret)...)
	if c := mustDial(t, s, nil, nil); c.state.Resumed {
		t.Error("resumed")
	}
	if !strings.Contains(s.Stderr(), "session cache: starting without it") {
		t.Errorf("stderr: %s", s.Stderr())
	}
}
