package redisstore

import (
	"testing"

	"github.com/s2ngo/s2ngo/internal/interop"
)

// TestCloseForgets holds that secrets of ticket keys do not stay behind.
func TestCloseForgets(t *testing.T) {
	s := open(t, interop.StartRedis(t).Address, patient)
	s.fleet.mu.Lock()
	known := s.fleet.known
	s.fleet.mu.Unlock()
	if len(known) == 0 {
		t.Fatal("no keys")
	}
	s.Close()
	for _, k := range known {
		if k != (fleetKey{}) {
			t.Error("a secret is still there")
		}
	}
}
