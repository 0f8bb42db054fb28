//go:build unix && cgo

package faults

import (
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
