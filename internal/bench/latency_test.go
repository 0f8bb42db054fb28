package bench

import (
	"testing"
	"time"
)

// Each signer serves; what that costs is for the programs to tell.
func TestLatency(t *testing.T) {
	for _, s := range []Signer{OursRemote, StdRemote, OursLibrary, StdLibrary} {
		for _, delay := range []time.Duration{0, 2 * time.Millisecond} {
			got, err := Load{Signer: s, Delay: delay, Connections: 5, Time: 60 * time.Millisecond}.Measure()
			if err != nil {
				t.Fatal(err)
			}
			if got.Handshakes <= 0 || got.Goroutines <= 0 {
				t.Errorf("%s, %v: %+v", s, delay, got)
			}
		}
	}
	if _, err := (Load{Signer: "nobody", Connections: 1}).Measure(); err == nil {
		t.Error("nobody signs")
	}
}
