package asyncpkey

import (
	"crypto"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// Every method in every state an operation can be in. None of the refusals changes
// anything: the outcome that the handshake sees stays what it was.
func TestMisuse(t *testing.T) {
	key := keyOf(t, testpeer.KeyP256)
	reason := errors.New("the token is gone")
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	perform := func(t *testing.T, op *Op) { t.Helper(); must(t, op.Perform(key)) }

	methods := map[string]func(op *Op) error{
		"Perform":                  func(op *Op) error { return op.Perform(key) },
		"SetOutput":                func(op *Op) error { return op.SetOutput(signature(t, op, key)) },
		"Output":                   func(op *Op) error { _, err := op.Output(); return err },
		"Apply":                    func(op *Op) error { return Apply(op, true) },
		"Apply to the wrong one":   func(op *Op) error { return Apply(op, false) },
		"Fail":                     func(op *Op) error { return op.Fail(reason) },
		"Fail without a reason":    func(op *Op) error { return op.Fail(nil) },
		"Cancel":                   func(op *Op) error { return op.Cancel() },
		"Perform with a wrong key": func(op *Op) error { return op.Perform(keyOf(t, testpeer.KeyEd25519)) },
	}
	type row map[string]error
	done := row{
		"Perform": ErrAlreadyApplied, "SetOutput": ErrAlreadyApplied, "Output": ErrAlreadyApplied,
		"Apply": ErrAlreadyApplied, "Apply to the wrong one": ErrAlreadyApplied,
		"Fail": ErrAlreadyApplied, "Fail without a reason": ErrAlreadyApplied, "Cancel": ErrAlreadyApplied,
		"Perform with a wrong key": ErrAlreadyApplied,
	}
	open := row{
		"Perform": nil, "SetOutput": nil, "Output": ErrNotPerformed, "Apply": ErrNotPerformed,
		"Apply to the wrong one": ErrNotPerformed, "Fail": nil, "Fail without a reason": nil, "Cancel": nil,
	}
	ready := row{
		"Perform": ErrAlreadyPerformed, "SetOutput": ErrAlreadyPerformed, "Output": nil, "Apply": nil,
		"Apply to the wrong one": ErrWrongConnection, "Fail": nil, "Fail without a reason": nil, "Cancel": nil,
		"Perform with a wrong key": ErrAlreadyPerformed,
	}
	with := func(base row, other row) row {
		r := row{}
		for m, err := range base {
			r[m] = err
		}
		for m, err := range other {
			r[m] = err
		}
		return r
	}
	expire := func(op *Op) {
		fired := make(chan struct{})
		op.Pending().Enter(func() { close(fired) }, nil)
		op.Pending().Leave()
		op.SetTimeout(time.Microsecond)
		<-fired
	}
	for state, c := range map[string]struct {
		reach func(t *testing.T, op *Op)
		want  row
	}{
		"new":                       {func(*testing.T, *Op) {}, open},
		"performed":                 {perform, ready},
		"given an output":           {func(t *testing.T, op *Op) { must(t, op.SetOutput(signature(t, op, key))) }, ready},
		"refused by the wrong conn": {func(t *testing.T, op *Op) { perform(t, op); _ = Apply(op, false) }, ready},
		"applied":                   {func(t *testing.T, op *Op) { perform(t, op); must(t, Apply(op, true)) }, done},
		"failed":                    {func(t *testing.T, op *Op) { must(t, op.Fail(reason)) }, done},
		"canceled":                  {func(t *testing.T, op *Op) { must(t, op.Cancel()) }, done},
		"performed, then canceled":  {func(t *testing.T, op *Op) { perform(t, op); must(t, op.Cancel()) }, done},
		"past its deadline": {func(_ *testing.T, op *Op) { expire(op) }, with(open, row{
			"Fail": ErrAlreadyApplied, "Fail without a reason": ErrAlreadyApplied, "Cancel": ErrAlreadyApplied,
		})},
		"performed, past its deadline": {func(t *testing.T, op *Op) { perform(t, op); expire(op) }, with(ready, row{
			"Apply": ErrAlreadyApplied, "Fail": ErrAlreadyApplied, "Fail without a reason": ErrAlreadyApplied, "Cancel": ErrAlreadyApplied,
		})},
		"without its connection": {func(_ *testing.T, op *Op) { op.Pending().Close() }, with(open, row{
			"Fail": async.ErrClosed, "Fail without a reason": async.ErrClosed, "Cancel": async.ErrClosed,
		})},
		"performed, without its connection": {func(t *testing.T, op *Op) { perform(t, op); op.Pending().Close() }, with(ready, row{
			"Apply": async.ErrClosed, "Fail": async.ErrClosed, "Fail without a reason": async.ErrClosed, "Cancel": async.ErrClosed,
		})},
	} {
		for method, want := range c.want {
			t.Run(method+" on an operation that is "+state, func(t *testing.T) {
				op := signOp(t)
				c.reach(t, op)
				_, before, settled := op.Result()
				err := methods[method](op)
				if !errors.Is(err, want) || (want == nil) != (err == nil) {
					t.Fatalf("got %v, want %v", err, want)
				}
				if _, after, still := op.Result(); settled && (!still || after != before) {
					t.Errorf("the outcome was %v, now it is %v", before, after)
				}
			})
		}
	}
}

// gate is a key that signs when it is let.
type gate struct {
	crypto.Signer
	inside, open chan struct{}
}

func (g gate) Sign(rand io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	close(g.inside)
	<-g.open
	return g.Signer.Sign(rand, digest, opts)
}

// While one goroutine is inside Perform, the others get what they would get after it,
// and what ends the operation makes Perform's output worthless.
func TestWhileAnotherGoroutinePerforms(t *testing.T) {
	key := keyOf(t, testpeer.KeyP256)
	reason := errors.New("the token is gone")
	for name, c := range map[string]struct {
		meanwhile func(op *Op) error
		want      error // of meanwhile
		performed error // of Perform
		outcome   error // that the handshake sees, after Apply if it can be
	}{
		"Perform":   {func(op *Op) error { return op.Perform(key) }, ErrAlreadyPerformed, nil, nil},
		"SetOutput": {func(op *Op) error { return op.SetOutput(signature(t, op, key)) }, ErrAlreadyPerformed, nil, nil},
		"Output":    {func(op *Op) error { _, err := op.Output(); return err }, ErrNotPerformed, nil, nil},
		"Apply":     {func(op *Op) error { return Apply(op, true) }, ErrNotPerformed, nil, nil},
		"Fail":      {func(op *Op) error { return op.Fail(reason) }, nil, ErrAlreadyApplied, reason},
		"Cancel":    {func(op *Op) error { return op.Cancel() }, nil, ErrAlreadyApplied, async.ErrCanceled},
	} {
		t.Run(name, func(t *testing.T) {
			op := signOp(t)
			g := gate{key, make(chan struct{}), make(chan struct{})}
			done := make(chan error)
			go func() { done <- op.Perform(g) }()
			<-g.inside
			if err := c.meanwhile(op); !errors.Is(err, c.want) || (c.want == nil) != (err == nil) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
			close(g.open)
			if err := <-done; !errors.Is(err, c.performed) || (c.performed == nil) != (err == nil) {
				t.Errorf("Perform: %v, want %v", err, c.performed)
			}
			if c.performed == nil {
				if err := Apply(op, true); err != nil {
					t.Fatal(err)
				}
			}
			if _, err, ok := op.Result(); !ok || !errors.Is(err, c.outcome) {
				t.Errorf("the handshake sees %v, %v, want %v", err, ok, c.outcome)
			}
		})
	}
}
