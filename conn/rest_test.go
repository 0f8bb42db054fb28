package conn

import (
	"bytes"
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
