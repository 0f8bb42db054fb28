//go:build unix && cgo

package faults

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	raw "github.com/miekg/pkcs11"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/internal/interop"
	"github.com/s2ngo/s2ngo/pkcs11"
)

// TestWrongPIN: Open with a wrong PIN says so.
func TestWrongPIN(t *testing.T) {
	tok := interop.SoftHSM(t, "p256")
	tok.Setenv(t)
	asked := 0
	_, err := pkcs11.Open(pkcs11.Config{Module: tok.Module, URI: tok.URI(""), PIN: func(pkcs11.PINRequest) ([]byte, error) {
		asked++
		return []byte("not the PIN"), nil
	}})
	if !errors.Is(err, pkcs11.ErrPINRefused) || !errors.Is(err, pkcs11.PINIncorrect) || asked != 1 {
		t.Errorf("after asking %d times Open says %v", asked, err)
	}
	if err != nil && strings.Contains(err.Error(), "not the PIN") {
		t.Errorf("Open tells the PIN: %v", err)
	}
}

// TestOperationActive leaves an operation begun in every session that there is.
func TestOperationActive(t *testing.T) {
	interop.SkipUnderRace(t)
	tok := interop.SoftHSM(t, "p256", "rsa2048")
	s := newStand(t, tok, 2*time.Second, "p256", "rsa2048")
	s.allGood()
	m := meddle(t, tok)
	own := m.session()
	key := m.key(own, "p256")
	for round := range 3 {
		before := s.token.Load().Metrics()
		poisoned := 0
		for handle := range own + 64 {
			if handle != own && m.SignInit(handle, []*raw.Mechanism{raw.NewMechanism(raw.CKM_ECDSA, nil)}, key) == nil {
				poisoned++
			}
		}
		if poisoned == 0 {
			t.Fatal("there was no session to spoil")
		}
		s.allGood()
		if m := s.token.Load().Metrics(); m.Sessions <= before.Sessions {
			t.Errorf("round %d: no session was thrown away: %+v", round, m)
		}
	}
}

// TestHandlesThatAlias has other code set the module up anew, and give the numbers of a key and of sessions
// to others.
func TestHandlesThatAlias(t *testing.T) {
	interop.SkipUnderRace(t)
	tok := interop.SoftHSM(t, "p256", "p256-imported", "rsa2048")
	s := newStand(t, tok, 2*time.Second, "p256", "p256-imported", "rsa2048")
	s.allGood()
	m := meddle(t, tok)
	for _, first := range []string{"p256-imported", "rsa2048", "p256"} {
		s.allGood()
		m.must(m.Finalize())
		m.must(m.Initialize())
		m.findSlot(tok.Label)
		for range 8 {
			m.session()
		}
		own := m.session()
		m.must(m.Login(own, raw.CKU_USER, interop.TokenPIN))
		m.key(own, first)
		for _, other := range []string{"rsa2048", "p256-imported", "p256"} {
			m.key(own, other)
		}
		twin := kind{"TLS 1.3, the other ECDSA key", kinds[0].version, 0, "p256-imported", false}
		for range 4 {
			for n := range kinds {
				s.judge(kinds[n])
			}
			s.judge(twin)
		}
		s.allGood()
	}
}

// TestCloseInFlight closes a token while sixteen handshakes wait for it: they are completed, or end; and the
// next Open finds everything as it should be. NSS is slow enough for all of them to be under way.
func TestCloseInFlight(t *testing.T) {
	interop.SkipUnderRace(t)
	for name, start := range map[string]func(testing.TB, ...string) *interop.Token{"SoftHSM": interop.SoftHSM, "NSS": interop.NSSToken} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, start(t, "rsa2048"), 10*time.Second, "rsa2048")
			for range 3 {
				before := s.token.Load().Metrics().Done
				var clients sync.WaitGroup
				for n := range 16 {
					clients.Go(func() {
						err := s.judge(s.kindOf(n))
						if err != nil && !errors.Is(err, pkcs11.ErrClosed) {
							t.Errorf("a handshake under Close ended with %v", err)
						}
					})
				}
				s.until("the token to work", func() bool {
					m := s.token.Load().Metrics()
					return m.InFlight > 2 || m.Done > before
				})
				if err := s.token.Load().Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
				clients.Wait()
				if err := s.judge(kinds[1]); !errors.Is(err, pkcs11.ErrClosed) || !errors.Is(err, conn.ErrInternal) {
					t.Errorf("a handshake after Close ended with %v", err)
				}
				s.reopen()
				s.allGood()
			}
		})
	}
}
