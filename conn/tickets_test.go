package conn

import (
	"errors"
	"sync"
	"testing"
)

// TestAddTickets sends tickets after the handshake.
func TestAddTickets(t *testing.T) {
	client, server := earlyConfigs(t)
	server.TicketCount = 2
	tickets := 0
	client.OnSessionTicket = func(*Conn, *SessionTicket) error { tickets++; return nil }
	p := newPair(t, client, server)
	p.mustNegotiate(t)
	exchange(t, p.server, p.client, []byte("data"))
	if err := p.server.AddTickets(3); err != nil {
		t.Fatal(err)
	}
	exchange(t, p.server, p.client, []byte("data"))
	if sent := p.server.State().TicketsSent; sent != 5 || tickets != 5 {
		t.Errorf("%d tickets were sent, %d have come", sent, tickets)
	}
	second := newPair(t, client, server)
	if err := second.client.SetSession(p.client.Session()); err != nil {
		t.Fatal(err)
	}
	second.mustNegotiate(t)
	if !second.client.State().Resumed {
		t.Error("the last ticket is no good")
	}
	for name, err := range map[string]error{
		"on a client": p.client.AddTickets(1), "too many": p.server.AddTickets(65535), "fewer than none": p.server.AddTickets(-1),
	} {
		if !errors.Is(err, ErrUsage) {
			t.Errorf("AddTickets %s gives %v", name, err)
		}
	}
}

// TestManyTickets sends as many tickets as there may be: a client of this library takes them all, since data comes
// in between.
func TestManyTickets(t *testing.T) {
	client, server := earlyConfigs(t)
	server.TicketCount = 256
	tickets := 0
	client.OnSessionTicket = func(*Conn, *SessionTicket) error { tickets++; return nil }
	p := newPair(t, client, server)
	p.mustNegotiate(t)
	if err := p.server.AddTickets(600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{256, 512, 768, 856, 856} {
		exchange(t, p.server, p.client, []byte("data"))
		if sent := p.server.State().TicketsSent; sent != want || tickets != want {
			t.Errorf("%d tickets were sent, %d have come, want %d", sent, tickets, want)
		}
	}
}

// TestAddTicketsLater has tickets sealed and stored by an application that answers later: they come
// with a later Send.
func TestAddTicketsLater(t *testing.T) {
	client, server := earlyConfigs(t)
	late := &lateAnswers{when: inHook}
	server.SessionStore = lateStore{NewMemoryStore(1 << 20), late}
	p := newPair(t, client, server)
	p.mustNegotiate(t)
	late.when = nextTurn
	if err := p.server.AddTickets(2); err != nil {
		t.Fatal(err)
	}
	for want := 1; want <= 3; want++ {
		exchange(t, p.server, p.client, []byte("data"))
		if sent := p.server.State().TicketsSent; sent != want {
			t.Fatalf("%d tickets were sent, want %d", sent, want)
		}
		late.turn()
	}
	if err := p.server.AddTickets(1); err != nil {
		t.Fatal(err)
	}
	exchange(t, p.server, p.client, []byte("data"))
	p.server.Close()
	late.turn() // nobody waits any more
}

// TestTicketsBesideEverything adds and sends tickets while both sides receive, and others look at the state.
func TestTicketsBesideEverything(t *testing.T) {
	const rounds = 50
	client, server := earlyConfigs(t)
	ours, theirs := loopback(t)
	p := &pair{client: mustClient(t, ours.Read, ours.Write, client), server: mustServer(t, theirs.Read, theirs.Write, server)}
	var all sync.WaitGroup
	for _, c := range []*Conn{p.client, p.server} {
		all.Go(func() {
			if b, err := c.Negotiate(); b != NotBlocked || err != nil {
				t.Error(b, err)
			}
		})
	}
	all.Wait()
	for _, c := range []*Conn{p.client, p.server} {
		all.Go(func() {
			for range rounds {
				if n, _, err := c.Send([]byte("data")); n != 4 || err != nil {
					t.Errorf("%d, %v", n, err)
				}
			}
		})
		all.Go(func() {
			buf := make([]byte, 100)
			for got := 0; got < 4*rounds; {
				n, _, err := c.Recv(buf)
				if got += n; err != nil {
					t.Error(err)
					return
				}
			}
		})
		all.Go(func() {
			for range rounds {
				_ = c.State()
				_ = c.Session()
			}
		})
	}
	all.Go(func() {
		for range rounds / 10 {
			if err := p.server.AddTickets(1); err != nil {
				t.Error(err)
			}
		}
	})
	all.Wait()
	if n := p.server.State().TicketsSent; n < 1 || n > 1+rounds/10 {
		t.Errorf("%d tickets were sent", n)
	}
}
