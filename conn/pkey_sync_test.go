package conn

import (
	"errors"
	"runtime"
	"testing"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// A signature that the hook applies before it returns costs no suspension, no goroutine, and
// two objects on the heap: the operation, and the state that would have waited for it.
func TestAnswerInsideTheHookCostsTheOperation(t *testing.T) {
	cert := issue(t, testpeer.Template{Key: testpeer.KeyEd25519}) // whose signatures always cost the same
	hello := firstFlight(t, ed25519Client())
	objects := func(hook func(c *Conn, op *asyncpkey.Op) error) float64 {
		server := quick(&Config{Certificates: []*Certificate{cert}, Schemes: []iana.SignatureScheme{iana.Ed25519}})
		server.OnPrivateKey = hook
		server.Wake = func(*Conn) { t.Error("woken for an answer inside the hook") }
		return testing.AllocsPerRun(100, func() {
			end := &callbacks{in: &lane{log: hello}, out: &lane{log: make([]byte, 0, 4096)}, read: everything, write: everything}
			c, err := NewServer(end.recv, end.send, server)
			if err != nil {
				t.Fatal(err)
			}
			goroutines := runtime.NumGoroutine()
			if b, err := c.Negotiate(); b != BlockedOnRead || err != nil || !c.machine.Result.HalfRTT {
				t.Fatalf("%v, %v", b, err)
			}
			if n := runtime.NumGoroutine(); n > goroutines {
				t.Fatalf("%d goroutines more", n-goroutines)
			}
			c.Close()
		})
	}
	inline := objects(nil)
	inside := objects(func(c *Conn, op *asyncpkey.Op) error {
		return errors.Join(op.Perform(cert.PrivateKey), c.Apply(op))
	})
	t.Logf("%v objects by the Config's key, %v by the hook", inline, inside)
	if inside > inline+2 && !underRace {
		t.Errorf("a handshake with a hook makes %v objects more", inside-inline)
	}
}

func ed25519Client() *Config {
	cfg := quick(clientConfig())
	cfg.Schemes = []iana.SignatureScheme{iana.Ed25519}
	return cfg
}
