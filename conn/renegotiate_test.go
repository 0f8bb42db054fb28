package conn

import (
	"errors"
	"io"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestRenegotiateBehindCloseNotify calls Renegotiate when the peer has closed: io.EOF is for
// Recv alone.
func TestRenegotiateBehindCloseNotify(t *testing.T) {
	p := newPair(t, clientConfig(), serverConfig(t))
	p.mustNegotiate(t)
	if _, err := p.server.ShutdownSend(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := p.client.Recv(make([]byte, 1)); err != io.EOF {
		t.Fatal(err)
	}
	if b, err := p.client.Renegotiate(); b != NotBlocked || !errors.Is(err, ErrClosed) || errors.Is(err, io.EOF) {
		t.Fatal(b, err)
	}
}

// TestCloseNotifyDuringRenegotiation has a server of TLS 1.2 ask for another handshake and close
// the connection instead of answering: the client's Renegotiate says so, and is not to blame.
func TestCloseNotifyDuringRenegotiation(t *testing.T) {
	client, server := clientConfig(), serverConfig(t)
	server.SecurityPolicy = onlySuites(t, iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	client.OnHelloRequest = func(*Conn) Renegotiation { return RenegotiationAccept }
	p := newPair(t, client, server)
	p.mustNegotiate(t)
	if _, err := p.server.wr.Seal(iana.RecordHandshake, []byte{byte(iana.HelloRequest), 0, 0, 0}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.server.ShutdownSend(); err != nil {
		t.Fatal(err)
	}
	if _, b, err := p.client.Recv(make([]byte, 1)); b != BlockedOnApplicationInput || err != nil {
		t.Fatal(b, err)
	}
	if b, err := p.client.Renegotiate(); b != NotBlocked || !errors.Is(err, ErrClosed) {
		t.Fatal(b, err)
	}
}

// TestExportDuringRenegotiation exports before, during and after a renegotiation: until that is
// complete what is exported is of the session in use.
func TestExportDuringRenegotiation(t *testing.T) {
	s := newHandServer(t, RenegotiationAccept, nil)
	s.established()
	own := s.ScriptServer12
	check := func(when string) {
		t.Helper()
		want := make([]byte, 20)
		if err := own.Master.Export(want, "EXPORTER-test", own.ClientRandom, own.ServerRandom, nil); err != nil {
			t.Fatal(err)
		}
		if got, err := s.client.Export("EXPORTER-test", nil, len(want)); string(got) != string(want) || err != nil {
			t.Errorf("%s: Export gives %x, %v, want %x", when, got, err, want)
		}
	}
	check("before")
	s.ask(BlockedOnApplicationInput)
	s.begin(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, s.both())
	s.step(s.client.Renegotiate, BlockedOnRead)
	check("behind the new ClientHello")
	s.hello()
	s.ourFlight()
	s.step(s.client.Renegotiate, BlockedOnRead)
	check("behind the client's Finished")
	s.end()
	s.step(s.client.Renegotiate, NotBlocked)
	own = s.ScriptServer12
	check("after")
}
