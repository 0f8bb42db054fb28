//go:build unix && cgo

package faults

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/internal/interop"
	"github.com/s2ngo/s2ngo/pkcs11"
)

// socketDir has the socket of p11-kit's servers, whose path this process can learn only once.
var socketDir = sync.OnceValues(func() (string, error) { return os.MkdirTemp("", "s2ngo-faults-") })

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, err := socketDir(); err == nil {
		os.RemoveAll(dir)
	}
	os.Exit(code)
}

// startP11Kit puts a token behind p11-kit.
func startP11Kit(t testing.TB, behind *interop.Token) *interop.P11Kit {
	t.Helper()
	dir, err := socketDir()
	if err != nil {
		t.Fatal(err)
	}
	return interop.NewP11KitAt(t, behind, filepath.Join(dir, "socket"))
}

// TestServerHangs stops p11-kit's server for longer than operations may take.
func TestServerHangs(t *testing.T) {
	interop.SkipUnderRace(t)
	const timeout = 300 * time.Millisecond
	p := startP11Kit(t, interop.SoftHSM(t, "p256"))
	s := newStand(t, p.Token, timeout, "p256")
	s.allGood()
	p.Halt()
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			began := time.Now()
			err := s.judge(kinds[0])
			if took := time.Since(began); took < timeout || took > timeout+5*time.Second {
				t.Errorf("a handshake with a token that hangs took %v", took)
			}
			if !errors.Is(err, pkcs11.ErrTimeout) {
				t.Errorf("a handshake with a token that hangs ended with %v", err)
			}
		})
	}
	clients.Wait()
	if m := s.token.Load().Metrics(); m.Stuck == 0 {
		t.Errorf("no worker counts as stuck: %+v", m)
	}
	p.Go()
	s.until("a handshake when the token goes on", func() bool { return s.judge(kinds[0]) == nil })
	s.allGood()
}

// TestPINIsTriedOnce: a PIN that was refused is never tried again, whatever is asked for.
func TestPINIsTriedOnce(t *testing.T) {
	interop.SkipUnderRace(t)
	p := startP11Kit(t, interop.SoftHSM(t, "p256"))
	var mu sync.Mutex
	asked, pin := 0, interop.TokenPIN
	answer := func(pkcs11.PINRequest) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return []byte(pin), nil
	}
	give := func(right string) int {
		mu.Lock()
		defer mu.Unlock()
		pin = right
		return asked
	}
	s := newStand(t, p.Token, time.Second, "p256")
	if err := s.token.Load().Close(); err != nil {
		t.Fatal(err)
	}
	s.open.PIN, s.open.URI = answer, p.URI("")
	s.reopen()
	s.allGood()
	before := give("not the PIN")
	p.Kill()
	p.Start(t)
	s.until("the PIN to be refused", func() bool { return errors.Is(s.judge(kinds[0]), pkcs11.ErrPINRefused) })
	stop := s.load(4)
	s.more("handshakes without a login", &s.bad, 50)
	time.Sleep(500 * time.Millisecond) // more than a few times RetryMax
	stop()
	if asked := give(interop.TokenPIN); asked != before+1 {
		t.Errorf("the PIN was asked for %d times after the login was gone, want once", asked-before)
	}
	if err := s.judge(kinds[0]); !errors.Is(err, pkcs11.ErrPINRefused) {
		t.Errorf("a handshake after that ended with %v", err)
	}
	// A new Token is a new decision of the application.
	if err := s.token.Load().Close(); err != nil {
		t.Fatal(err)
	}
	s.reopen()
	s.allGood()
}
