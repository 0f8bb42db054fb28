package conn

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/record"
)

// limitKey lets c seal only so many records with the key it has, none of which is used
// yet.
func limitKey(t testing.TB, c *Conn, limit uint64) {
	t.Helper()
	s := suite.Lookup(c.suite)
	secret := c.secret
	aead, iv, err := protection(s, &secret)
	if err != nil {
		t.Fatal(err)
	}
	c.wr.SetSealer(record.NewAEAD13(aead, iv, limit))
}

// updates counts the KeyUpdates that a connection sends and receives.
type updates struct{ sent, received int }

func (u *updates) count(cfg *Config) {
	cfg.Trace = func(_ *Conn, e TraceEvent) {
		switch {
		case e.Kind != TraceMessage || e.Text != iana.KeyUpdate.String():
		case e.Sent:
			u.sent++
		default:
			u.received++
		}
	}
}

// watched is a pair whose KeyUpdates are counted.
func watched(t testing.TB) (p *pair, client, server *updates) {
	t.Helper()
	ccfg, scfg := quick(clientConfig()), quick(serverConfig(t))
	client, server = new(updates), new(updates)
	client.count(ccfg)
	server.count(scfg)
	return established(t, ccfg, scfg), client, server
}

// Keys change by themselves before their AEAD has sealed all that it may (RFC 8446,
// Section 5.5), wherever in a Send that is.
func TestKeysChangeBeforeTheirLimit(t *testing.T) {
	for name, send := range map[string]func(c *Conn, data []byte) (int, Blocked, error){
		"records one by one": func(c *Conn, data []byte) (n int, b Blocked, err error) {
			for n < len(data) && err == nil && b == NotBlocked {
				var k int
				k, b, err = c.Send(data[n : n+5])
				n += k
			}
			return n, b, err
		},
		"all at once": (*Conn).Send,
		"by Sendv":    func(c *Conn, data []byte) (int, Blocked, error) { return c.Sendv([][]byte{data[:3], data[3:]}) },
	} {
		t.Run(name, func(t *testing.T) {
			p, client, server := watched(t)
			for round := range 4 {
				limitKey(t, p.client, 24) // of which the last 3 are kept for the KeyUpdate
				p.client.wr.SetMaxFragment(5)
				data := bytes.Repeat([]byte("01234"), 30)
				if n, b, err := send(p.client, data); n != len(data) || b != NotBlocked || err != nil {
					t.Fatal(n, b, err)
				}
				wantRecv(t, p.server, string(data))
				if client.sent != round+1 || server.received != round+1 || server.sent != 0 {
					t.Fatalf("round %d: %d KeyUpdates sent, %d received, %d answered", round, client.sent, server.received, server.sent)
				}
				// the next round begins with a fresh key
				if _, err := p.client.UpdateKeys(false); err != nil {
					t.Fatal(err)
				}
				client.sent--
				if _, b, err := p.server.Recv(make([]byte, 1)); b != BlockedOnRead || err != nil {
					t.Fatal(b, err)
				}
				server.received--
			}
			exchange(t, p.server, p.client, []byte("the other direction knows nothing of it"))
		})
	}
}

// Even a key that may seal one record alone is changed in time.
func TestAKeyForOneRecord(t *testing.T) {
	p, client, _ := watched(t)
	limitKey(t, p.client, 1)
	mustSend(t, p.client, "x")
	wantRecv(t, p.server, "x")
	if client.sent > 1 {
		t.Errorf("%d KeyUpdates", client.sent)
	}
}

func TestUpdateKeys(t *testing.T) {
	for _, c := range []struct {
		name               string
		do                 func(t *testing.T, p *pair)
		clientKU, serverKU int // sent
	}{
		{"the client changes its own", func(t *testing.T, p *pair) { mustUpdate(t, p.client, false) }, 1, 0},
		{"the client asks the server, too", func(t *testing.T, p *pair) { mustUpdate(t, p.client, true) }, 1, 1},
		{"the server asks the client", func(t *testing.T, p *pair) { mustUpdate(t, p.server, true) }, 1, 1},
		{"both ask at once", func(t *testing.T, p *pair) { mustUpdate(t, p.client, true); mustUpdate(t, p.server, true) }, 2, 2},
		{"three requests that are read at once have one answer", func(t *testing.T, p *pair) {
			for range 3 {
				mustUpdate(t, p.client, true)
			}
		}, 3, 1},
		{"data between requests", func(t *testing.T, p *pair) {
			for range 3 {
				mustUpdate(t, p.client, true)
				mustSend(t, p.client, "data")
				wantRecv(t, p.server, "data")
			}
		}, 3, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, client, server := watched(t)
			before := [2]any{p.client.secret, p.server.secret}
			c.do(t, p)
			for range 3 { // until both have read all
				for _, c := range []*Conn{p.client, p.server} {
					if n, b, err := c.Recv(make([]byte, 1)); n != 0 || b != BlockedOnRead || err != nil {
						t.Fatal(n, b, err)
					}
				}
			}
			if client.sent != c.clientKU || server.sent != c.serverKU || client.received != c.serverKU || server.received != c.clientKU {
				t.Errorf("client %+v, server %+v, want %d and %d to be sent", *client, *server, c.clientKU, c.serverKU)
			}
			if (before[0] == any(p.client.secret)) != (c.clientKU == 0) || (before[1] == any(p.server.secret)) != (c.serverKU == 0) {
				t.Error("a KeyUpdate did not change the key, or a key changed without")
			}
			exchange(t, p.client, p.server, []byte("one way"))
			exchange(t, p.server, p.client, []byte("the other way"))
		})
	}
}

func mustUpdate(t testing.TB, c *Conn, request bool) {
	t.Helper()
	if b, err := c.UpdateKeys(request); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
}

// A KeyUpdate that waits is not lost, and data after it is under the new key.
func TestUpdateKeysOnAFullWire(t *testing.T) {
	p, client, server := watched(t)
	f := throttled(p)
	if b, err := p.client.UpdateKeys(true); b != BlockedOnWrite || err != nil {
		t.Fatal(b, err)
	}
	if n, b, err := p.client.Send([]byte("behind it")); n != 0 || b != BlockedOnWrite || err != nil {
		t.Fatal(n, b, err)
	}
	f.room = 1000
	mustSend(t, p.client, "behind it")
	wantRecv(t, p.server, "behind it")
	wantRecv(t, p.client, "")
	if client.sent != 1 || client.received != 1 || server.sent != 1 {
		t.Errorf("client %+v, server %+v", *client, *server)
	}
}

// A peer that asks for new keys and reads nothing makes us queue no more than one
// answer: the queue is bounded, however long it goes on.
func TestKeyUpdateRequestsOnAFullWire(t *testing.T) {
	p, client, _ := watched(t)
	f := throttled(p)
	for range 1000 {
		mustUpdate(t, p.server, true)
		mustSend(t, p.server, "x")
		wantRecv(t, p.client, "x")
	}
	if n := p.client.wr.Pending(); n > 1000 {
		t.Errorf("%d bytes are queued for a peer that reads nothing", n)
	}
	f.room = 1 << 20
	mustSend(t, p.client, "at last")
	wantRecv(t, p.server, "at last")
	if client.sent != 1 { // it waited behind all data, and was the answer to each
		t.Errorf("%d KeyUpdates answer the requests", client.sent)
	}
}

// meanwhile lets c receive all there is during the first write of a Send of data, and returns what
// Send returns and how long the records are that it has written.
func meanwhile(t *testing.T, c *Conn, data []byte) (n int, records []int, err error) {
	t.Helper()
	send, wire := c.send, []byte(nil)
	c.send = func(p []byte) (int, error) {
		if wire == nil {
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _, _ = c.Recv(make([]byte, 1))
			}()
			<-done
		}
		wire = append(wire, p...)
		return send(p)
	}
	defer func() { c.send = send }()
	n, b, err := c.Send(data)
	if b != NotBlocked {
		t.Fatal(b)
	}
	for len(wire) > 0 {
		length := record.HeaderLen + int(wire[3])<<8 + int(wire[4])
		records, wire = append(records, length), wire[length:]
	}
	return n, records, err
}

// What Recv comes upon during a long Send does not wait for its end: the KeyUpdate that the peer
// asks for goes before the next application data (RFC 8446, Section 4.6.3), and none follows a
// fatal alert of the peer (Section 6.2).
func TestWhatComesDuringALongSend(t *testing.T) {
	const full, update = 5 + 16384 + 17, 5 + 5 + 17
	for _, c := range []struct {
		name    string
		buffer  int
		do      func(t *testing.T, a *attacker)
		n       int
		err     failure
		records []int
	}{
		{"nothing", 0, func(*testing.T, *attacker) {}, 6 * 16384, failure{}, []int{full, full, full, full, full, full}},
		{"a KeyUpdate that asks for none", 0, func(t *testing.T, a *attacker) { a.updateKeys(t, 0) }, 6 * 16384, failure{}, []int{full, full, full, full, full, full}},
		{"a KeyUpdate that asks for one", 0, func(t *testing.T, a *attacker) { a.updateKeys(t, 1) }, 6 * 16384, failure{}, []int{full, update, full, full, full, full, full}},
		{"a KeyUpdate that asks for one, when two records are sealed", 2 * full, func(t *testing.T, a *attacker) { a.updateKeys(t, 1) }, 6 * 16384, failure{}, []int{full, full, update, full, full, full, full}},
		{"a fatal alert", 0, func(_ *testing.T, a *attacker) { a.alert(2, iana.InternalError) }, 16384, told(iana.InternalError), []int{full}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := quick(clientConfig())
			client.RecordSize, client.SendBufferSize = 16384, c.buffer
			p := established(t, client, quick(serverConfig(t)))
			c.do(t, attack(t, p.server))
			n, records, err := meanwhile(t, p.client, make([]byte, 6*16384))
			if n != c.n || !slices.Equal(records, c.records) {
				t.Errorf("%d bytes were taken, in records of %d bytes, want %d in %d", n, records, c.n, c.records)
			}
			c.err.check(t, "client", err)
		})
	}
}

// A KeyUpdate that waits for the wire is not sent behind close_notify.
func TestCloseBehindAKeyUpdateThatWaits(t *testing.T) {
	p, client, _ := watched(t)
	f := throttled(p)
	if n, b, err := p.client.Send([]byte("first")); n != 5 || b != BlockedOnWrite || err != nil {
		t.Fatal(n, b, err)
	}
	mustUpdate(t, p.server, true)
	wantRecv(t, p.client, "")
	if b, err := p.client.ShutdownSend(); b != BlockedOnWrite || err != nil {
		t.Fatal(b, err)
	}
	f.room = 1000
	if b, err := p.client.ShutdownSend(); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
	if data, err := recvError(t, p.server); data != "first" || err != io.EOF {
		t.Errorf("received %q, %v", data, err)
	}
	if n := p.pipe.Server.Pending() + p.server.rd.Buffered(); n != 0 || client.sent != 0 {
		t.Errorf("%d bytes follow close_notify, %d KeyUpdates", n, client.sent)
	}
}

// A peer may have nothing to send but the KeyUpdates it is asked for, however many; what it was not
// asked for is bounded.
func TestManyRequestedKeyUpdates(t *testing.T) {
	const rounds = 100
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	for range rounds {
		if b, err := p.client.UpdateKeys(true); b != NotBlocked || err != nil {
			t.Fatal(b, err)
		}
		mustSend(t, p.client, "x")
		wantRecv(t, p.server, "x")
	}
	if n, b, err := p.client.Recv(make([]byte, 1)); n != 0 || b != BlockedOnRead || err != nil {
		t.Fatalf("after %d KeyUpdates that were asked for: %d, %v, %v", rounds, n, b, err)
	}
	for range rounds {
		if _, err := p.server.UpdateKeys(false); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := p.client.Recv(make([]byte, 1)); !errors.Is(err, ErrProtocol) {
		t.Errorf("after %d that were not: %v", rounds, err)
	}
}
