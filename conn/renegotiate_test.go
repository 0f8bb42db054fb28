package conn

import (
	"errors"
	"io"
	"testing"
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
