package handshake

import (
	"bytes"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/testvectors"
)

// resumedSession is the session that Section 4 resumes.
func resumedSession(t testing.TB) *session.Session {
	t.Helper()
	third, err := testvectors.RFC8448(3)
	if err != nil {
		t.Fatal(err)
	}
	first := &replay{trace: third}
	var ticket wire.NewSessionTicket
	if err := ticket.Parse(first.documented("server", iana.NewSessionTicket)[4:]); err != nil {
		t.Fatal(err)
	}
	fourth, err := testvectors.RFC8448(4)
	if err != nil {
		t.Fatal(err)
	}
	var hello wire.ClientHello
	if err := hello.Parse(fourth.Messages()[0].Data[4:]); err != nil {
		t.Fatal(err)
	}
	s := &session.Session{
		Version: iana.TLS13, CipherSuite: iana.TLS_AES_128_GCM_SHA256, ServerName: string(hello.ServerName),
		Secret:   fourth.Values("client", `extract secret "early"`, "IKM")[0],
		Lifetime: ticket.Lifetime, AgeAdd: ticket.AgeAdd, MaxEarlyData: ticket.MaxEarlyData,
		Group: iana.X25519, PeerChain: first.chain("server"), Ticket: bytes.Clone(ticket.Ticket),
	}
	for _, age := range hello.PreSharedKey.Identities.All() {
		s.Issued = in2018().Add(-time.Duration(age-s.AgeAdd) * time.Millisecond)
	}
	s.Established = s.Issued
	return s
}
