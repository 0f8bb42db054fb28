package handshake

import (
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestHelloRequestsDuringAHandshake: a client that is shaking hands ignores them (RFC 5246,
// Section 7.4.1.1), and they are no part of the transcript; it does not do so for ever.
func TestHelloRequestsDuringAHandshake(t *testing.T) {
	between := func(n int) withServer12 {
		return in(func(p *toClient) {
			for range n {
				p.feed(helloRequest)
			}
			p.feed(p.ServerHello(), helloRequest, p.Certificate(), helloRequest, p.ServerKeyExchange(), helloRequest, p.ServerHelloDone(), helloRequest)
		})
	}
	p := (&withServer12{flight: func(p *toClient) {
		for _, b := range helloRequest { // in four records
			p.feed([]byte{b})
		}
		p.flight()
		p.feed(p.ServerHelloDone())
	}}).play(t)
	defer p.side.close()
	if p.err != nil || p.Err() != nil || !p.Done() {
		t.Fatalf("a HelloRequest in pieces: the client ends in %s with %v, its server with %v", p.stateName(), p.err, p.Err())
	}
	few := between(3)
	p = few.play(t)
	defer p.side.close()
	if p.err != nil || p.Err() != nil || !p.Done() {
		t.Fatalf("the client ends in %s with %v, its server with %v", p.stateName(), p.err, p.Err())
	}
	for _, e := range p.log {
		if e.Kind == HelloRequested {
			t.Error("the application hears of a HelloRequest in the handshake")
		}
	}
	many := between(33)
	p = many.play(t)
	defer p.side.close()
	p.failsWith(t, p.events, p.err, iana.UnexpectedMessage, "server sent 33 hello_requests during the handshake")
}
