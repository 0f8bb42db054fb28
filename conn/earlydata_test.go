package conn

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/policy"
)

// sessionOf runs a full handshake and returns the session that the client gets.
func sessionOf(t testing.TB, client, server *Config) []byte {
	t.Helper()
	p := newPair(t, client, server)
	p.mustNegotiate(t)
	exchange(t, p.server, p.client, []byte("the tickets are in front of this"))
	blob := p.client.Session()
	if blob == nil {
		t.Fatal("the client got no session")
	}
	p.client.Close()
	p.server.Close()
	return blob
}

// earlyConfigs are two Configs that permit early data.
func earlyConfigs(t testing.TB) (client, server *Config) {
	client, server = clientConfig(), serverConfig(t)
	client.SessionTickets, server.SessionTickets = true, true
	client.MinVersion, server.MaxEarlyData = iana.TLS13, 20000
	return client, server
}

// early is what came of a handshake with early data.
type early struct {
	p        *pair
	taken    int // by SendEarlyData
	received []byte
	blocked  int // returns of BlockedOnEarlyData by RecvEarlyData
}

// sendEarly drives a handshake in which the client sends data early, and the server receives it
// by pieces of size, until both are done. A size of 0 lets the server negotiate alone.
func sendEarly(t testing.TB, p *pair, data []byte, size int) *early {
	t.Helper()
	e := &early{p: p}
	sending, receiving := true, size > 0
	for range 1000000 {
		var cb, sb Blocked
		var err error
		if sending {
			n, b, err := p.client.SendEarlyData(data[e.taken:])
			if err != nil {
				t.Fatalf("SendEarlyData: %v", err)
			}
			e.taken += n
			sending = b != NotBlocked
		} else if cb, err = p.client.Negotiate(); err != nil {
			t.Fatalf("client: %v", err)
		}
		if receiving {
			buf := make([]byte, size)
			n, b, err := p.server.RecvEarlyData(buf)
			if err != nil {
				t.Fatalf("RecvEarlyData: %v", err)
			}
			e.received = append(e.received, buf[:n]...)
			if b == BlockedOnEarlyData {
				e.blocked++
			}
			receiving = b != NotBlocked
		} else if sb, err = p.server.Negotiate(); err != nil {
			t.Fatalf("server: %v", err)
		}
		if !sending && !receiving && cb == NotBlocked && sb == NotBlocked && p.client.State().HandshakeDone && p.server.State().HandshakeDone {
			return e
		}
	}
	t.Fatal("no end")
	return nil
}

// holds compares what both sides say with what it should be.
func (e *early) holds(t testing.TB, resumed bool, status EarlyDataStatus, received []byte) {
	t.Helper()
	for _, c := range []*Conn{e.p.client, e.p.server} {
		if s := c.State(); s.Resumed != resumed || s.EarlyData != status {
			t.Errorf("%s: resumed is %v, early data is %v; want %v, %v", c.peer(), s.Resumed, s.EarlyData, resumed, status)
		}
		if n := c.RemainingEarlyData(); n != 0 {
			t.Errorf("%d bytes of early data remain", n)
		}
	}
	if !bytes.Equal(e.received, received) {
		t.Errorf("%d bytes of early data were received, want %d", len(e.received), len(received))
	}
	exchange(t, e.p.client, e.p.server, []byte("after the handshake"))
	exchange(t, e.p.server, e.p.client, []byte("and back"))
}

var earlyBytes = bytes.Repeat([]byte("early data "), 1000)

// TestEarlyData sends early data that is accepted, in all sizes of reads.
func TestEarlyData(t *testing.T) {
	client, server := earlyConfigs(t)
	for _, size := range []int{1, 100, 11000, 11001, 20000} {
		p := newPair(t, client, server)
		if err := p.client.SetSession(sessionOf(t, client, server)); err != nil {
			t.Fatal(err)
		}
		e := sendEarly(t, p, earlyBytes, size)
		e.holds(t, true, EarlyDataEnd, earlyBytes)
		if e.taken != len(earlyBytes) {
			t.Errorf("%d bytes were taken", e.taken)
		}
		if size < len(earlyBytes) && e.blocked == 0 {
			t.Error("a full buffer was not told")
		}
		if in := p.server.State().AppIn; in != uint64(len(earlyBytes)+len("after the handshake")) {
			t.Errorf("AppIn is %d", in)
		}
	}
}

// TestEarlyDataRefused holds what leads to early data that is refused, and is passed over.
func TestEarlyDataRefused(t *testing.T) {
	psk := &PSK{Identity: []byte("external"), Secret: []byte("secret"), MaxEarlyData: 20000, CipherSuite: iana.TLS_AES_128_GCM_SHA256}
	for _, c := range []struct {
		name    string
		size    int
		change  func(client, server *Config)
		resumed bool
		status  EarlyDataStatus
	}{
		{"the server does not receive it", 0, func(_, _ *Config) {}, true, EarlyDataRejected},
		{"the server permits none", 100, func(_, s *Config) { s.MaxEarlyData = 0 }, true, EarlyDataRejected},
		{"the server wants another group", 100, func(_, s *Config) { s.Groups = []iana.Group{iana.Secp384r1} }, true, EarlyDataRejected},
		{"the server chooses another cipher suite", 100, func(_, s *Config) {
			s.SecurityPolicy = chaChaFirst(t)
		}, true, EarlyDataRejected},
		{"the server chooses an application protocol now", 100, func(c, s *Config) { c.ALPN, s.ALPN = []string{"h2"}, []string{"h2"} }, true, EarlyDataRejected},
		{"the clocks differ by more than a minute", 100, func(c, _ *Config) {
			c.Now = func() time.Time { return time.Now().Add(61 * time.Second) }
		}, true, EarlyDataRejected},
		{"the application refuses it", 100, func(_, s *Config) {
			s.OnEarlyData = func(_ *Conn, _ *OfferedEarlyData, op *async.Op[bool]) { _ = op.Answer(false) }
		}, true, EarlyDataRejected},
		{"the recorder has seen it", 100, func(_, s *Config) { s.ReplayRecorder = recorderThat{fresh: false} }, true, EarlyDataRejected},
		{"the recorder fails", 100, func(_, s *Config) { s.ReplayRecorder = recorderThat{fresh: true, err: errors.New("down")} }, true, EarlyDataRejected},
		{"the recorder is younger than the ticket", 100, func(_, s *Config) {
			s.ReplayRecorder = recorderThat{fresh: true, began: time.Now().Add(time.Second)}
		}, true, EarlyDataRejected},
		{"the server has other ticket keys", 100, func(_, s *Config) { s.TicketKeys = NewTicketKeys(TicketKeysConfig{}) }, false, EarlyDataRejected},
		{"the PSK is external, and cannot be told from a replay", 100, func(c, s *Config) {
			c.SessionTickets = false
			c.PSKs, s.PSKs = []*PSK{psk}, []*PSK{psk}
		}, false, EarlyDataRejected},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, server := earlyConfigs(t)
			blob := sessionOf(t, client, server)
			client, server = client.Clone(), server.Clone()
			c.change(client, server)
			p := newPair(t, client, server)
			if client.SessionTickets {
				if err := p.client.SetSession(blob); err != nil {
					t.Fatal(err)
				}
			}
			sendEarly(t, p, earlyBytes, c.size).holds(t, c.resumed, c.status, nil)
		})
	}
}

// recorderThat is a recorder with one answer.
type recorderThat struct {
	fresh bool
	err   error
	began time.Time
}

func (r recorderThat) Record(_ context.Context, _ [32]byte, _ time.Time, done func(bool, error)) {
	done(r.fresh, r.err)
}
func (r recorderThat) Began() time.Time { return r.began }

// TestEarlyDataNotOffered holds that SendEarlyData sends nothing where nothing permits it, and
// that the handshake is what it would be.
func TestEarlyDataNotOffered(t *testing.T) {
	client, server := earlyConfigs(t)
	blob := sessionOf(t, client, server)
	for name, prepare := range map[string]func(c *Conn) error{
		"no session": func(*Conn) error { return nil },
		"a session without it": func(c *Conn) error {
			return c.SetSession(edited(t, blob, func(s *session.Session) { s.MaxEarlyData = 0 }))
		},
		"a protocol that is not offered": func(c *Conn) error {
			return c.SetSession(edited(t, blob, func(s *session.Session) { s.ALPN = "h2" }))
		},
	} {
		p := newPair(t, client, server)
		if err := prepare(p.client); err != nil {
			t.Fatal(err)
		}
		e := sendEarly(t, p, earlyBytes, 100)
		e.holds(t, name != "no session", EarlyDataNotRequested, nil)
		if e.taken != 0 || p.client.State().AppOut != uint64(len("after the handshake")) {
			t.Errorf("%s: %d bytes were taken", name, e.taken)
		}
	}
}

// edited changes a serialized session.
func edited(t testing.TB, blob []byte, edit func(s *session.Session)) []byte {
	t.Helper()
	s, err := session.Parse(blob)
	if err != nil {
		t.Fatal(err)
	}
	edit(s)
	return s.Append(nil)
}

// TestEarlyDataLimit holds that a client keeps to the limit, and that a server sees to it.
func TestEarlyDataLimit(t *testing.T) {
	client, server := earlyConfigs(t)
	server.MaxEarlyData = 5000
	p := newPair(t, client, server)
	blob := sessionOf(t, client, server)
	if err := p.client.SetSession(blob); err != nil {
		t.Fatal(err)
	}
	n, b, err := p.client.SendEarlyData(earlyBytes[:1000])
	if left := p.client.RemainingEarlyData(); n != 1000 || b != NotBlocked || err != nil || left != 4000 {
		t.Fatalf("%d bytes are sent, %v, %v; %d remain", n, b, err, left)
	}
	e := sendEarly(t, p, earlyBytes[1000:], 300)
	e.holds(t, true, EarlyDataEnd, earlyBytes[:5000])
	if e.taken != 4000 {
		t.Errorf("%d more bytes were taken, want 4000", e.taken)
	}

	p = newPair(t, client, server)
	if err := p.client.SetSession(edited(t, blob, func(s *session.Session) { s.MaxEarlyData = 5001 })); err != nil {
		t.Fatal(err)
	}
	if n, b, err := p.client.SendEarlyData(earlyBytes); n != 5001 || b != NotBlocked || err != nil {
		t.Fatalf("%d bytes are sent, %v, %v", n, b, err)
	}
	_, _, err = p.server.RecvEarlyData(make([]byte, 20000))
	if err == nil || !strings.Contains(err.Error(), "client sent more than 5000 bytes of early data") || !errors.Is(err, ErrProtocol) {
		t.Errorf("too much early data gives %v", err)
	}
	var alert *AlertError
	if b, err := p.client.Negotiate(); b != NotBlocked || err != nil { // all but the alert is there
		t.Fatal(b, err)
	}
	if _, _, err := p.client.Recv(make([]byte, 1)); !errors.As(err, &alert) || alert.Alert != iana.UnexpectedMessage {
		t.Errorf("the client is told %v", err)
	}
}

// TestEarlyDataReplayed gives a client's first flight to a second server, which shares the recorder,
// or the store, with the first.
func TestEarlyDataReplayed(t *testing.T) {
	for name, store := range map[string]SessionStore{"ticket": nil, "stored session": NewMemoryStore(1 << 20)} {
		client, server := earlyConfigs(t)
		server.SessionStore = store
		p := newPair(t, client, server)
		blob := sessionOf(t, client, server)
		if err := p.client.SetSession(blob); err != nil {
			t.Fatal(err)
		}
		var flight []byte
		send := p.pipe.Client.Send
		p.client.send = func(b []byte) (int, error) {
			flight = append(flight, b...)
			return send(b)
		}
		if _, _, err := p.client.SendEarlyData(earlyBytes); err != nil {
			t.Fatal(err)
		}
		first := bytes.Clone(flight)
		sendEarly(t, p, nil, 20000).holds(t, true, EarlyDataEnd, earlyBytes)
		for range 3 {
			again, err := NewServer(func(b []byte) (int, error) {
				if len(first) == 0 {
					return 0, ErrWouldBlock
				}
				n := copy(b, first)
				first = first[n:]
				return n, nil
			}, func(b []byte) (int, error) { return len(b), nil }, server)
			if err != nil {
				t.Fatal(err)
			}
			n, b, err := again.RecvEarlyData(make([]byte, 20000))
			if s := again.State(); n != 0 || b != NotBlocked || err != nil || s.EarlyData != EarlyDataRejected || s.Resumed != (store == nil) {
				t.Errorf("%s: a replay gives %d bytes, %v, %v, early data %v, resumed %v", name, n, b, err, s.EarlyData, s.Resumed)
			}
			again.Close()
			first = bytes.Clone(flight)
		}
		if s := p.server.State(); s.EarlyData != EarlyDataEnd {
			t.Errorf("%s: the first one's is %v", name, s.EarlyData)
		}
	}
}

// TestEarlyDataDecidedLater answers OnEarlyData when the handshake waits for it.
func TestEarlyDataDecidedLater(t *testing.T) {
	client, server := earlyConfigs(t)
	server.EarlyDataContext = []byte("the context")
	var asked *OfferedEarlyData
	var waiting *async.Op[bool]
	server.OnEarlyData = func(_ *Conn, offered *OfferedEarlyData, op *async.Op[bool]) { asked, waiting = offered, op }
	p := newPair(t, client, server)
	if err := p.client.SetSession(sessionOf(t, client, server)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.client.SendEarlyData([]byte("early")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	if n, b, err := p.server.RecvEarlyData(buf); n != 0 || b != BlockedOnApplicationInput || err != nil {
		t.Fatalf("%d, %v, %v", n, b, err)
	}
	if string(asked.Context) != "the context" || asked.ServerName != "localhost" || len(asked.PSKIdentity) == 0 {
		t.Errorf("the application is asked about %+v", asked)
	}
	if err := waiting.Answer(true); err != nil {
		t.Fatal(err)
	}
	if n, b, err := p.server.RecvEarlyData(buf); string(buf[:n]) != "early" || b != BlockedOnEarlyData || err != nil {
		t.Fatalf("%q, %v, %v", buf[:n], b, err)
	}
	// The server's answer comes before the client is confirmed.
	if n, b, err := p.server.Send([]byte("half-RTT")); n != 8 || b != NotBlocked || err != nil || p.server.State().HandshakeDone {
		t.Fatalf("%d, %v, %v", n, b, err)
	}
	if b, err := p.client.Negotiate(); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
	if n, _, err := p.client.Recv(buf); string(buf[:n]) != "half-RTT" || err != nil {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	sendEarly(t, p, nil, 1).holds(t, true, EarlyDataEnd, nil)
}

// TestEarlyDataWindow sends early data on a ticket that the client takes for younger than it is, up to
// the last moment at which it is taken, and after it.
func TestEarlyDataWindow(t *testing.T) {
	client, server := earlyConfigs(t)
	start := time.Now().Truncate(time.Second)
	now := start
	client.Now, server.Now = func() time.Time { return start }, func() time.Time { return now }
	blob := sessionOf(t, client, server)
	for _, c := range []struct {
		late time.Duration
		want EarlyDataStatus
	}{{59 * time.Second, EarlyDataEnd}, {60 * time.Second, EarlyDataEnd}, {61 * time.Second, EarlyDataRejected}} {
		now = start.Add(c.late)
		p := newPair(t, client, server)
		if err := p.client.SetSession(blob); err != nil {
			t.Fatal(err)
		}
		var received []byte
		if c.want == EarlyDataEnd {
			received = []byte("early")
		}
		sendEarly(t, p, []byte("early"), 100).holds(t, true, c.want, received)
	}
}

// TestEarlyDataIsNotHeldBack gives the server a callback that would block for ever where there is
// nothing to read: a client that waits for the answer to its early data gets one.
func TestEarlyDataIsNotHeldBack(t *testing.T) {
	client, server := earlyConfigs(t)
	blob := sessionOf(t, client, server)
	p := newPair(t, client, server)
	if err := p.server.Reset(func(b []byte) (int, error) {
		n, err := p.pipe.Server.Recv(b)
		if err == ErrWouldBlock {
			t.Fatal("the server reads on before it gives out the early data that it has")
		}
		return n, err
	}, p.pipe.Server.Send, nil); err != nil {
		t.Fatal(err)
	}
	if err := p.client.SetSession(blob); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"first", "second"} {
		if _, _, err := p.client.SendEarlyData([]byte(text)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		if n, b, err := p.server.RecvEarlyData(buf); string(buf[:n]) != text || b != BlockedOnEarlyData || err != nil {
			t.Fatalf("%q, %v, %v", buf[:n], b, err)
		}
	}
}

// TestNegotiateLeavesEarlyData holds that Negotiate does not pass over early data that the
// application receives.
func TestNegotiateLeavesEarlyData(t *testing.T) {
	client, server := earlyConfigs(t)
	p := newPair(t, client, server)
	if err := p.client.SetSession(sessionOf(t, client, server)); err != nil {
		t.Fatal(err)
	}
	if _, b, err := p.server.RecvEarlyData(nil); b != BlockedOnRead || err != nil {
		t.Fatal(b, err)
	}
	if _, _, err := p.client.SendEarlyData([]byte("early")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if b, err := p.server.Negotiate(); b != BlockedOnEarlyData || err != nil {
			t.Fatal(b, err)
		}
	}
	if n, b, err := p.server.RecvEarlyData(nil); n != 0 || b != BlockedOnEarlyData || err != nil {
		t.Fatal(n, b, err)
	}
	sendEarly(t, p, nil, 2).holds(t, true, EarlyDataEnd, []byte("early"))
}

// TestNoEarlyDataAfterTheHandshake calls both when there is none any more: what has come since is left
// to Recv.
func TestNoEarlyDataAfterTheHandshake(t *testing.T) {
	client, server := earlyConfigs(t)
	p := newPair(t, client, server)
	p.mustNegotiate(t)
	if _, _, err := p.client.Send([]byte("data")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2)
	if n, _, err := p.server.Recv(buf); string(buf[:n]) != "da" || err != nil {
		t.Fatal(n, err)
	}
	if n, b, err := p.server.RecvEarlyData(buf); n != 0 || b != NotBlocked || err != nil {
		t.Errorf("RecvEarlyData gives %d bytes, %v, %v", n, b, err)
	}
	if n, b, err := p.client.SendEarlyData([]byte("late")); n != 0 || b != NotBlocked || err != nil {
		t.Errorf("SendEarlyData takes %d bytes, %v, %v", n, b, err)
	}
	if n, _, err := p.server.Recv(buf); string(buf[:n]) != "ta" || err != nil {
		t.Errorf("the rest is %q, %v", buf[:n], err)
	}
}

// TestEarlyDataUsage holds the misuses.
func TestEarlyDataUsage(t *testing.T) {
	client, server := earlyConfigs(t)
	p := newPair(t, client, server)
	if _, _, err := p.server.SendEarlyData(nil); !errors.Is(err, ErrUsage) {
		t.Errorf("SendEarlyData on a server gives %v", err)
	}
	if _, _, err := p.client.RecvEarlyData(nil); !errors.Is(err, ErrUsage) {
		t.Errorf("RecvEarlyData on a client gives %v", err)
	}
	client = client.Clone()
	client.MinVersion, client.MaxVersion = 0, iana.TLS12
	p = newPair(t, client, server)
	if _, _, err := p.client.SendEarlyData(nil); !errors.Is(err, ErrUsage) {
		t.Errorf("SendEarlyData without TLS 1.3 gives %v", err)
	}
}

// TestExternalPSKEarlyData accepts early data of an external PSK where replays are allowed.
func TestExternalPSKEarlyData(t *testing.T) {
	client, server := earlyConfigs(t)
	server.DangerouslyAllowEarlyDataReplay = true
	psk := &PSK{Identity: []byte("external"), Secret: []byte("secret"), MaxEarlyData: 20000, CipherSuite: iana.TLS_AES_128_GCM_SHA256}
	client.PSKs, server.PSKs = []*PSK{psk}, []*PSK{psk}
	p := newPair(t, client, server)
	sendEarly(t, p, earlyBytes, 1000).holds(t, false, EarlyDataEnd, earlyBytes)
	if id := p.server.State().PSKIdentity; string(id) != "external" {
		t.Errorf("the PSK is %q", id)
	}
}

// chaChaFirst is the default policy with another order of cipher suites.
func chaChaFirst(t testing.TB) *policy.Policy {
	t.Helper()
	p, err := policy.Lookup(policy.Default)
	if err != nil {
		t.Fatal(err)
	}
	p.Name = "test"
	p.CipherSuites = append([]iana.CipherSuite{iana.TLS_CHACHA20_POLY1305_SHA256}, p.CipherSuites...)
	return p
}
