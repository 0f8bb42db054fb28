package conn

import (
	"bytes"
	"errors"
	"testing"
)

// TestRestOutlivesNegotiate receives a part of a record, calls Negotiate again, which has nothing
// left to do, and receives the rest: the record layer kept it, in no other connection's reach.
func TestRestOutlivesNegotiate(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig(t))
	p.mustNegotiate(t)
	data := bytes.Repeat([]byte("rest "), 1000)
	if n, b, err := p.client.Send(data); n != len(data) || b != NotBlocked || err != nil {
		t.Fatal(n, b, err)
	}
	got := make([]byte, len(data))
	if n, b, err := p.server.Recv(got[:10]); n != 10 || b != NotBlocked || err != nil {
		t.Fatal(n, b, err)
	}
	if b, err := p.server.Negotiate(); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
	if n, b, err := p.server.Recv(got[10:]); n != len(data)-10 || b != NotBlocked || err != nil {
		t.Fatal(n, b, err)
	}
	if !bytes.Equal(got, data) {
		t.Errorf("received %.20q behind the first ten bytes, sent %.20q", got[10:], data[10:])
	}
}

// TestNegotiateAgain calls Negotiate when it is done, while data of Send waits for a wire that
// takes nothing, and for one that is broken: it has nothing to say of that, and spoils nothing.
func TestNegotiateAgain(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig(t))
	p.mustNegotiate(t)
	if n, _, err := p.server.Send([]byte("to read")); n != 7 || err != nil {
		t.Fatal(n, err)
	}
	broken := error(ErrWouldBlock)
	p.client.send = func([]byte) (int, error) { return 0, broken }
	if n, b, err := p.client.Send([]byte("to write")); n != 8 || b != BlockedOnWrite || err != nil {
		t.Fatal(n, b, err)
	}
	for _, broken = range []error{ErrWouldBlock, errors.New("broken")} {
		if b, err := p.client.Negotiate(); b != NotBlocked || err != nil {
			t.Fatalf("%v: %v, %v", broken, b, err)
		}
	}
	got := make([]byte, 10)
	if n, b, err := p.client.Recv(got); string(got[:n]) != "to read" || b != NotBlocked || err != nil {
		t.Fatalf("%q, %v, %v", got[:n], b, err)
	}
	if _, err := p.client.Flush(); !errors.Is(err, ErrIO) || !errors.Is(err, broken) {
		t.Fatal(err)
	}
}
