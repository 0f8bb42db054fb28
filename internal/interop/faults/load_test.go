//go:build unix && cgo

package faults

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// TestServerDies kills p11-kit's server under load and starts another one.
func TestServerDies(t *testing.T) {
	interop.SkipUnderRace(t)
	p := startP11Kit(t, interop.SoftHSM(t, "p256", "rsa2048"))
	s := newStand(t, p.Token, 2*time.Second, "p256", "rsa2048")
	stop := s.load(8)
	defer stop()
	for range 2 {
		s.more("handshakes before the server dies", &s.good, 20)
		p.Kill()
		s.more("handshakes that fail without the server", &s.bad, 10)
		p.Start(t)
		s.more("handshakes with the new server", &s.good, 20)
	}
	stop()
	s.allGood()
	if m := s.token.Load().Metrics(); m.Reinitializations < 2 || m.Losses < 2 {
		t.Errorf("nothing was set up anew: %+v", m)
	}
}

// TestTokenIsTakenAway removes a token under load and brings it back.
func TestTokenIsTakenAway(t *testing.T) {
	interop.SkipUnderRace(t)
	tok := interop.SoftHSM(t, "p256", "rsa2048")
	files, away := tok.TokenFiles(t), filepath.Join(t.TempDir(), "token")
	s := newStand(t, tok, 2*time.Second, "p256", "rsa2048")
	stop := s.load(8)
	defer stop()
	for range 2 {
		s.more("handshakes before the token is gone", &s.good, 20)
		rename(t, files, away)
		s.more("handshakes that fail without the token", &s.bad, 10)
		rename(t, away, files)
		s.more("handshakes with the token back", &s.good, 20)
	}
	stop()
	s.allGood()
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}
