package conn

import (
	"context"
	"errors"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
)

// Inside a hook, State, Value, Apply, Close and the operation may be used; every other
// method is refused and changes nothing.
func TestMethodsInsideAHook(t *testing.T) {
	methods := map[string]func(c *Conn) error{
		"Negotiate":    func(c *Conn) error { _, err := c.Negotiate(); return err },
		"Send":         func(c *Conn) error { _, _, err := c.Send([]byte("x")); return err },
		"Sendv":        func(c *Conn) error { _, _, err := c.Sendv([][]byte{{1}}); return err },
		"Flush":        func(c *Conn) error { _, err := c.Flush(); return err },
		"Recv":         func(c *Conn) error { _, _, err := c.Recv(make([]byte, 1)); return err },
		"UpdateKeys":   func(c *Conn) error { _, err := c.UpdateKeys(false); return err },
		"Shutdown":     func(c *Conn) error { _, err := c.Shutdown(); return err },
		"ShutdownSend": func(c *Conn) error { _, err := c.ShutdownSend(); return err },
		"Reset":        func(c *Conn) error { return c.Reset(c.recv, c.send, nil) },
		"SetPolicy":    func(c *Conn) error { return c.SetPolicy("default") },
		"SetALPN":      func(c *Conn) error { return c.SetALPN("h2") },
		"SetGroups":    func(c *Conn) error { return c.SetGroups() },
		"SetSchemes":   func(c *Conn) error { return c.SetSchemes() },
		"SetClientAuth": func(c *Conn) error {
			return c.SetClientAuth(NoClientAuth)
		},
	}
	for _, role := range askers {
		t.Run("as "+role.String(), func(t *testing.T) {
			s := newSigned(t, role, nil, func(s *signed, c *Conn, op *asyncpkey.Op) error {
				for name, call := range methods {
					failure{kind: ErrUsage, text: name}.check(t, name, call(c))
				}
				if n := c.Peek(); n != 0 {
					t.Errorf("Peek says %d", n)
				}
				c.SetValue("kept")
				if st := c.State(); st.Waiting != "private key" || st.HandshakeDone || st.Scheme == 0 || st.Certificate == nil {
					t.Errorf("State in the hook: %+v", st)
				}
				return errors.Join(op.Perform(s.key), c.Apply(op))
			})
			s.mustNegotiate(t)
			if s.asking.Value() != "kept" {
				t.Error("the value is lost")
			}
			exchange(t, s.client, s.server, []byte("all is well"))
		})
	}
}

// However a connection ends while it waits, its operation is told, and is harmless from
// then on.
func TestOperationOutlivesItsConnection(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, s *signed){
		"Close":        func(_ *testing.T, s *signed) { s.asking.Close() },
		"Close, twice": func(_ *testing.T, s *signed) { s.asking.Close(); s.asking.Close() },
		"Close elsewhere": func(_ *testing.T, s *signed) {
			done := make(chan bool)
			go func() { s.asking.Close(); close(done) }()
			<-done
		},
		"Reset": func(t *testing.T, s *signed) {
			if err := s.asking.Reset(s.asking.recv, s.asking.send, nil); err != nil {
				t.Fatal(err)
			}
		},
		"Close, then Reset": func(t *testing.T, s *signed) {
			s.asking.Close()
			if err := s.asking.Reset(s.asking.recv, s.asking.send, nil); err != nil {
				t.Fatal(err)
			}
		},
		"a Reset that fails": func(t *testing.T, s *signed) {
			failure{kind: ErrUsage}.check(t, "Reset", s.asking.Reset(s.asking.recv, s.asking.send, &Config{Policy: "no such policy"}))
		},
	} {
		for _, role := range askers {
			for _, performed := range []bool{false, true} {
				state := "that is new"
				if performed {
					state = "that is performed"
				}
				t.Run(name+" with an operation "+state+", as "+role.String(), func(t *testing.T) {
					s := newSigned(t, role, nil, nil)
					op := s.suspend(t)
					if performed {
						s.perform(t, op)
					}
					ctx := op.Context()
					end(t, s)
					<-ctx.Done()
					if cause := context.Cause(ctx); !errors.Is(cause, async.ErrClosed) {
						t.Errorf("the context ended with %v", cause)
					}
					if !performed {
						s.perform(t, op)
					}
					if err := s.asking.Apply(op); !errors.Is(err, asyncpkey.ErrWrongConnection) || !errors.Is(err, ErrUsage) {
						t.Errorf("Apply: %v", err)
					}
					if err := op.Fail(errToken); !errors.Is(err, async.ErrClosed) {
						t.Errorf("Fail: %v", err)
					}
					if err := op.Cancel(); !errors.Is(err, asyncpkey.ErrAlreadyApplied) {
						t.Errorf("Cancel after Fail: %v", err)
					}
					op.SetTimeout(1)
					if len(op.Input()) == 0 || op.PublicKey() == nil {
						t.Error("the operation has forgotten what it is")
					}
					if len(s.woken) != 0 {
						t.Error("a connection that is gone was woken")
					}
				})
			}
		}
	}
}

// Close inside a hook ends the handshake there: the call that the hook runs in says so,
// nothing more is written, and a late answer is refused.
func TestCloseInsideTheKeyHook(t *testing.T) {
	for _, role := range askers {
		t.Run("as "+role.String(), func(t *testing.T) {
			var written uint64
			s := newSigned(t, role, nil, func(s *signed, c *Conn, op *asyncpkey.Op) error {
				c.Close()
				written = c.State().WireOut
				if op.Context().Err() == nil {
					t.Error("the connection is closed and the context is not done")
				}
				if err := op.Perform(s.key); err != nil {
					t.Error(err)
				}
				if err := c.Apply(op); !errors.Is(err, async.ErrClosed) && !errors.Is(err, asyncpkey.ErrWrongConnection) {
					t.Errorf("Apply after Close: %v", err)
				}
				return nil
			})
			var err error
			for range 10 {
				if _, err = s.asking.Negotiate(); err != nil {
					break
				}
				if _, err := s.other.Negotiate(); err != nil {
					t.Fatal(err)
				}
			}
			failure{kind: ErrClosed, text: "closed during the handshake"}.check(t, "Negotiate", err)
			if n := s.asking.State().WireOut; n != written {
				t.Errorf("%d bytes were written after Close", n-written)
			}
			_, err = s.asking.Negotiate()
			failure{kind: ErrClosed, text: "after Close"}.check(t, "Negotiate again", err)
			if len(s.woken) != 0 {
				t.Error("a closed connection was woken")
			}
		})
	}
}
