//go:build unix && cgo

package faults

import (
	"errors"
	"testing"
	"time"

	raw "github.com/miekg/pkcs11"

	"github.com/s2ngo/s2ngo/internal/interop"
	"github.com/s2ngo/s2ngo/pkcs11"
)

// TestSessionsRunOut takes all sessions that a TPM has, but for what the server holds, and then those too.
func TestSessionsRunOut(t *testing.T) {
	interop.SkipUnderRace(t)
	tok := interop.TPM(t, "p256")
	s := newStand(t, tok, 5*time.Second, "p256")
	if err := s.judge(kinds[0]); err != nil {
		t.Fatal(err)
	}
	m := meddle(t, tok)
	var taken []raw.SessionHandle
	fill := func() {
		t.Helper()
		for {
			h, err := m.OpenSession(m.slot, raw.CKF_SERIAL_SESSION)
			if errors.Is(err, raw.Error(raw.CKR_SESSION_COUNT)) {
				return
			}
			m.must(err)
			if taken = append(taken, h); len(taken) > 5000 {
				t.Fatal("the TPM's sessions have no end")
			}
		}
	}
	fill()
	if len(taken) < 500 {
		t.Fatalf("%d sessions fill the TPM", len(taken))
	}
	// One session is left to the server: it has to do for eight clients.
	stop := s.load(8)
	s.more("handshakes in few sessions", &s.good, 20)
	stop()
	if bad := s.bad.Load(); bad > 0 {
		t.Errorf("%d handshakes failed though there was a session", bad)
	}
	if token, err := pkcs11.Open(s.open); !errors.Is(err, pkcs11.SessionCount) {
		t.Errorf("without a session Open returned %v, %v", token, err)
	}
	// A server that gets one session for its login and no other says so in each handshake.
	for _, h := range taken {
		m.must(m.CloseSession(h))
	}
	other, err := pkcs11.Open(s.open) // keeps the module initialized
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := s.token.Load().Close(); err != nil {
		t.Fatal(err)
	}
	taken = nil
	fill()
	m.must(m.CloseSession(taken[0]))
	s.reopen()
	for range 3 {
		if err := s.judge(kinds[0]); !errors.Is(err, pkcs11.SessionCount) {
			t.Errorf("a handshake without a session ended with %v", err)
		}
	}
	for _, h := range taken[1:] {
		m.must(m.CloseSession(h))
	}
	s.until("a handshake when there are sessions", func() bool { return s.judge(kinds[0]) == nil })
	s.allGood()
}
