package conn

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// signed is a handshake in which one side's signatures are asked for by a hook: the
// server's, or the client's in a mutually authenticated handshake.
type signed struct {
	*pair
	asking, other *Conn
	key           crypto.Signer
	ops           []*asyncpkey.Op
	woken         chan *Conn
	timers        []func() // fake clock
}

// asker is a side that asks for its signature, in a version: in CertificateVerify, or as a
// server of TLS 1.2 in ServerKeyExchange.
type asker struct {
	asyncpkey.Role
	version iana.Version
}

func (a asker) String() string { return a.Role.String() + " of " + a.version.String() }

var server13 = asker{asyncpkey.Server, iana.TLS13}

var askers = []asker{server13, {asyncpkey.Client, iana.TLS13}, {asyncpkey.Server, iana.TLS12}, {asyncpkey.Client, iana.TLS12}}

// newSigned makes the hook keep its operation and then do what inside says; nil keeps it
// only.
func newSigned(t testing.TB, who asker, change func(*Config), inside func(s *signed, c *Conn, op *asyncpkey.Op) error) *signed {
	t.Helper()
	role := who.Role
	s := &signed{woken: make(chan *Conn, 100)}
	client, server := quick(clientConfig()), serverConfig(t)
	client.MaxVersion = who.version
	if who.version == iana.TLS12 {
		client.Groups = append(client.Groups, iana.Secp256r1) // the certificate's (RFC 8422, Section 5.3)
	}
	asking := server
	if role == asyncpkey.Client {
		asking = client
		client.Certificates = []*Certificate{issue(t, testpeer.Template{DNSNames: []string{"client"}})}
		server.ClientAuth = RequireClientAuth
	}
	s.key = asking.Certificates[0].PrivateKey.(crypto.Signer)
	asking.Wake = func(c *Conn) { s.woken <- c }
	asking.AfterFunc = func(_ time.Duration, f func()) func() bool {
		s.timers = append(s.timers, f)
		return func() bool { return true }
	}
	asking.OnPrivateKey = func(c *Conn, op *asyncpkey.Op) error {
		s.ops = append(s.ops, op)
		if inside != nil {
			return inside(s, c, op)
		}
		return nil
	}
	if change != nil {
		change(asking)
	}
	s.pair = newPair(t, client, server)
	s.asking, s.other = s.server, s.client
	if role == asyncpkey.Client {
		s.asking, s.other = s.client, s.server
	}
	return s
}

// suspend drives the handshake until it waits for the operation.
func (s *signed) suspend(t testing.TB) *asyncpkey.Op {
	t.Helper()
	for range 100 {
		if b, err := s.asking.Negotiate(); err != nil {
			t.Fatal(err)
		} else if b == BlockedOnApplicationInput {
			return s.ops[len(s.ops)-1]
		}
		if _, err := s.other.Negotiate(); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the handshake never waits for its signature")
	return nil
}

// outcome lets both sides go on to their ends. A client of TLS 1.3 is done before it
// can know that the server refuses it, so what it receives counts, too.
func (s *signed) outcome() (asking, other error) {
	ends := map[*Conn]error{}
	for range 100 {
		for _, c := range []*Conn{s.asking, s.other} {
			if ends[c] != nil {
				continue
			}
			if b, err := c.Negotiate(); err != nil {
				ends[c] = err
			} else if b == NotBlocked {
				_, _, ends[c] = c.Recv(make([]byte, 1))
			}
		}
	}
	return ends[s.asking], ends[s.other]
}

// perform does the operation rightly.
func (s *signed) perform(t testing.TB, op *asyncpkey.Op) {
	t.Helper()
	if err := op.Perform(s.key); err != nil {
		t.Fatal(err)
	}
}

// forge gives op a signature that is not one.
func (s *signed) forge(op *asyncpkey.Op) error {
	signature, err := s.key.Sign(nil, op.Input(), op.SignerOpts())
	if err != nil {
		return err
	}
	signature[len(signature)-1] ^= 1
	return op.SetOutput(signature)
}

var errToken = errors.New("the token is gone")

// strangersKey belongs to nobody.
func strangersKey(t testing.TB) crypto.Signer {
	t.Helper()
	stranger, err := testpeer.SelfSigned([]byte("stranger"), testpeer.Template{})
	if err != nil {
		t.Fatal(err)
	}
	return stranger.Key
}

// brokenSigner is a key whose token is gone.
type brokenSigner struct{ crypto.Signer }

func (brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, errToken }

// What the application does with a signature decides how both ends see the handshake
// end.
func TestSignatureOutcomes(t *testing.T) {
	refused := accuses(iana.DecryptError, "does not verify")
	internal := func(text string) failure { return failure{ErrInternal, iana.InternalError, text} }
	for _, c := range []struct {
		name          string
		change        func(*Config)
		inside        func(s *signed, c *Conn, op *asyncpkey.Op) error
		do            func(t *testing.T, s *signed, op *asyncpkey.Op)
		asking, other failure
		is            []error // in the chain of the asking side's error
	}{
		{name: "the right signature", do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
			s.perform(t, op)
			if err := s.asking.Apply(op); err != nil {
				t.Error(err)
			}
		}},
		{name: "the right signature, Strict", change: func(cfg *Config) { cfg.Validation = asyncpkey.Strict },
			do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
				s.perform(t, op)
				if err := s.asking.Apply(op); err != nil {
					t.Error(err)
				}
			}},
		{name: "a flipped bit, Fast", do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
			if err := errors.Join(s.forge(op), s.asking.Apply(op)); err != nil {
				t.Error(err)
			}
		}, asking: told(iana.DecryptError), other: refused},
		{name: "another key, Fast", do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
			if err := errors.Join(op.Perform(strangersKey(t)), s.asking.Apply(op)); err != nil {
				t.Error(err)
			}
		}, asking: told(iana.DecryptError), other: refused},
		{name: "a flipped bit, Strict", change: func(cfg *Config) { cfg.Validation = asyncpkey.Strict },
			do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
				if err := s.forge(op); err != nil {
					t.Fatal(err)
				}
				failure{ErrProtocol, 0, "does not verify with the certificate's public key"}.check(t, "Apply", s.asking.Apply(op))
			}, asking: internal("does not verify"), other: told(iana.InternalError), is: []error{asyncpkey.ErrVerifySignature}},
		{name: "another key, Strict for this operation", do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
			op.SetValidation(asyncpkey.Strict)
			if err := op.Perform(strangersKey(t)); err != nil {
				t.Fatal(err)
			}
			if err := s.asking.Apply(op); !errors.Is(err, asyncpkey.ErrVerifySignature) {
				t.Error(err)
			}
		}, asking: internal("does not verify"), other: told(iana.InternalError), is: []error{asyncpkey.ErrVerifySignature}},
		{name: "Fail", do: func(t *testing.T, _ *signed, op *asyncpkey.Op) {
			if err := op.Fail(errToken); err != nil {
				t.Error(err)
			}
		}, asking: internal("the token is gone"), other: told(iana.InternalError), is: []error{errToken}},
		{name: "a key that fails, and then one that does not", do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
			if err := op.Perform(brokenSigner{s.key}); !errors.Is(err, errToken) {
				t.Errorf("Perform: %v", err)
			}
			if err := s.asking.Apply(op); !errors.Is(err, asyncpkey.ErrNotPerformed) {
				t.Errorf("Apply: %v", err)
			}
			s.perform(t, op)
			if err := s.asking.Apply(op); err != nil {
				t.Error(err)
			}
		}},
		{name: "outputs that are refused, and then the right one; further ones", do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
			for _, bad := range [][]byte{nil, {}, {0x30, 0}, make([]byte, 64), make([]byte, 1<<16)} {
				if op.SetOutput(bad) == nil {
					t.Errorf("%d bytes are taken for a signature", len(bad))
				}
			}
			s.perform(t, op)
			if err := errors.Join(op.Perform(s.key), op.SetOutput(nil)); !errors.Is(err, asyncpkey.ErrAlreadyPerformed) {
				t.Errorf("a second output: %v", err)
			}
			if b, err := s.asking.Negotiate(); b != BlockedOnApplicationInput || err != nil {
				t.Errorf("Negotiate before Apply: %v, %v", b, err)
			}
			if !bytes.Equal(op.Input(), op.Input()) {
				t.Error("the input changes")
			}
			if err := s.asking.Apply(op); err != nil {
				t.Error(err)
			}
		}},
		{name: "Cancel", do: func(t *testing.T, _ *signed, op *asyncpkey.Op) {
			if err := op.Cancel(); err != nil {
				t.Error(err)
			}
		}, asking: internal("canceled"), other: told(iana.InternalError), is: []error{async.ErrCanceled}},
		{name: "performed, and canceled all the same", do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
			s.perform(t, op)
			if err := op.Cancel(); err != nil {
				t.Error(err)
			}
		}, asking: internal("canceled"), other: told(iana.InternalError), is: []error{async.ErrCanceled}},
		{name: "Config.OperationTimeout passes", change: func(cfg *Config) { cfg.OperationTimeout = time.Second },
			do:     func(_ *testing.T, s *signed, _ *asyncpkey.Op) { s.timers[len(s.timers)-1]() },
			asking: internal("not answered in time"), other: told(iana.InternalError), is: []error{async.ErrDeadline, context.DeadlineExceeded}},
		{name: "SetTimeout passes", do: func(_ *testing.T, s *signed, op *asyncpkey.Op) {
			op.SetTimeout(time.Second)
			s.timers[len(s.timers)-1]()
		}, asking: internal("not answered in time"), other: told(iana.InternalError), is: []error{async.ErrDeadline}},
		{name: "SetTimeout overrides OperationTimeout", change: func(cfg *Config) { cfg.OperationTimeout = time.Second },
			do: func(t *testing.T, s *signed, op *asyncpkey.Op) {
				op.SetTimeout(time.Hour)
				s.timers[len(s.timers)-2]() // the Config's, which was replaced
				s.perform(t, op)
				if err := s.asking.Apply(op); err != nil {
					t.Error(err)
				}
			}},
		{name: "a deadline inside the hook", inside: func(s *signed, _ *Conn, op *asyncpkey.Op) error {
			op.SetTimeout(time.Second)
			s.timers[len(s.timers)-1]()
			return nil
		}, asking: internal("not answered in time"), other: told(iana.InternalError), is: []error{async.ErrDeadline}},
		{name: "the hook returns an error", inside: func(*signed, *Conn, *asyncpkey.Op) error { return errToken },
			asking: internal("the token is gone"), other: told(iana.InternalError), is: []error{errToken}},
		{name: "the hook applies the answer, and returns an error", inside: func(s *signed, c *Conn, op *asyncpkey.Op) error {
			return errors.Join(op.Perform(s.key), c.Apply(op), errToken)
		}, asking: internal("the token is gone"), other: told(iana.InternalError), is: []error{errToken}},
		{name: "the hook returns the error of another connection", inside: func(*signed, *Conn, *asyncpkey.Op) error {
			return ioError("asking the key server", errToken)
		}, asking: internal("the token is gone"), other: told(iana.InternalError), is: []error{errToken}},
		{name: "Fail with an alert received on another connection", do: func(t *testing.T, _ *signed, op *asyncpkey.Op) {
			if err := op.Fail(&Error{ErrAlert, &AlertError{Alert: iana.BadCertificate}}); err != nil {
				t.Error(err)
			}
		}, asking: internal("bad_certificate"), other: told(iana.InternalError)},
		{name: "all in the hook", inside: func(s *signed, c *Conn, op *asyncpkey.Op) error {
			return errors.Join(op.Perform(s.key), c.Apply(op))
		}},
		{name: "a failure in the hook", inside: func(_ *signed, _ *Conn, op *asyncpkey.Op) error { return op.Fail(errToken) },
			asking: internal("the token is gone"), other: told(iana.InternalError), is: []error{errToken}},
		{name: "a hook that answers a refused output with the right one", inside: func(s *signed, c *Conn, op *asyncpkey.Op) error {
			if op.SetOutput([]byte("no signature")) == nil {
				return errors.New("nonsense was taken for a signature")
			}
			return errors.Join(op.Perform(s.key), c.Apply(op))
		}},
	} {
		for _, who := range askers {
			role := who.Role
			t.Run(c.name+", as "+who.String(), func(t *testing.T) {
				s := newSigned(t, who, c.change, c.inside)
				if c.inside == nil {
					op := s.suspend(t)
					if op.Role() != role || op.Kind() != asyncpkey.Sign || op.Certificate() == nil || op.PublicKey() == nil || op.ServerName() != "localhost" {
						t.Errorf("the operation says %v, %v, %q", op, op.Certificate(), op.ServerName())
					}
					ctx := op.Context()
					c.do(t, s, op)
					if ctx.Err() == nil {
						t.Error("the operation is settled and its context is not done")
					}
					if len(s.woken) != 1 {
						t.Errorf("the connection was woken %d times, want once", len(s.woken))
					}
				}
				asking, other := s.outcome()
				c.asking.check(t, "asking side", asking)
				c.other.check(t, "other side", other)
				for _, cause := range c.is {
					if !errors.Is(asking, cause) {
						t.Errorf("%q is not in the chain of %q", cause, asking)
					}
				}
				if len(s.ops) != 1 || c.inside != nil && len(s.woken) != 0 {
					t.Errorf("%d operations, %d wakes", len(s.ops), len(s.woken))
				}
				if again, _ := s.outcome(); (again == nil) != (asking == nil) || again != nil && again.Error() != asking.Error() {
					t.Errorf("the error was %v, and is now %v", asking, again)
				}
			})
		}
	}
}

// Apply's refusals are of kind ErrUsage and change nothing: the handshake goes on with
// the right answer.
func TestApplyRefuses(t *testing.T) {
	for _, who := range askers {
		t.Run(who.String(), func(t *testing.T) { testApplyRefuses(t, who) })
	}
}

func testApplyRefuses(t *testing.T, who asker) {
	elsewhere := func(t *testing.T) (*signed, *asyncpkey.Op) {
		s := newSigned(t, who, nil, nil)
		return s, s.suspend(t)
	}
	for name, c := range map[string]struct {
		do   func(t *testing.T, s *signed, op *asyncpkey.Op) error
		want error
	}{
		"an operation that is not performed": {func(_ *testing.T, s *signed, op *asyncpkey.Op) error { return s.asking.Apply(op) }, asyncpkey.ErrNotPerformed},
		"an operation whose output was refused": {func(_ *testing.T, s *signed, op *asyncpkey.Op) error {
			_ = op.SetOutput([]byte("no signature"))
			return s.asking.Apply(op)
		}, asyncpkey.ErrNotPerformed},
		"an operation for the second time": {func(t *testing.T, s *signed, op *asyncpkey.Op) error {
			s.perform(t, op)
			if err := s.asking.Apply(op); err != nil {
				t.Fatal(err)
			}
			return s.asking.Apply(op)
		}, asyncpkey.ErrAlreadyApplied},
		"an operation that its handshake is done with": {func(t *testing.T, s *signed, op *asyncpkey.Op) error {
			s.perform(t, op)
			if err := s.asking.Apply(op); err != nil {
				t.Fatal(err)
			}
			s.mustNegotiate(t)
			return s.asking.Apply(op)
		}, asyncpkey.ErrAlreadyApplied},
		"an operation of another connection": {func(t *testing.T, s *signed, _ *asyncpkey.Op) error {
			other, op := elsewhere(t)
			other.perform(t, op)
			err := s.asking.Apply(op)
			if err := other.asking.Apply(op); err != nil { // it stays good for its own
				t.Error(err)
			}
			return err
		}, asyncpkey.ErrWrongConnection},
		"an operation to the other side": {func(t *testing.T, s *signed, op *asyncpkey.Op) error {
			s.perform(t, op)
			return s.other.Apply(op)
		}, asyncpkey.ErrWrongConnection},
		"an operation that was made by NewOp": {func(t *testing.T, s *signed, op *asyncpkey.Op) error {
			own, err := asyncpkey.NewOp(asyncpkey.Request{Kind: asyncpkey.Sign, Scheme: op.Scheme(), Message: op.Message(), PublicKey: op.PublicKey()})
			if err != nil {
				t.Fatal(err)
			}
			s.perform(t, own)
			return s.asking.Apply(own)
		}, asyncpkey.ErrWrongConnection},
		"an operation of a connection that was reset since": {func(t *testing.T, _ *signed, _ *asyncpkey.Op) error {
			other, op := elsewhere(t)
			other.perform(t, op)
			if err := other.asking.Reset(other.asking.recv, other.asking.send, nil); err != nil {
				t.Fatal(err)
			}
			return other.asking.Apply(op)
		}, asyncpkey.ErrWrongConnection},
		"an operation of a connection that was closed since": {func(t *testing.T, _ *signed, _ *asyncpkey.Op) error {
			other, op := elsewhere(t)
			other.perform(t, op)
			other.asking.Close()
			return other.asking.Apply(op)
		}, asyncpkey.ErrWrongConnection},
		"no operation": {func(_ *testing.T, s *signed, _ *asyncpkey.Op) error { return s.asking.Apply(nil) }, ErrUsage},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSigned(t, who, nil, nil)
			op := s.suspend(t)
			err := c.do(t, s, op)
			if !errors.Is(err, c.want) {
				t.Errorf("Apply: %v, want %v", err, c.want)
			}
			failure{kind: ErrUsage}.check(t, "Apply", err)
			if !op.Pending().Answered() {
				if _, err := op.Output(); err != nil {
					s.perform(t, op)
				}
				if err := s.asking.Apply(op); err != nil {
					t.Fatal(err)
				}
			}
			s.mustNegotiate(t)
		})
	}
	t.Run("a canceled and an expired operation", func(t *testing.T) {
		for _, end := range []func(s *signed, op *asyncpkey.Op){
			func(_ *signed, op *asyncpkey.Op) { _ = op.Cancel() },
			func(_ *signed, op *asyncpkey.Op) { _ = op.Fail(io.EOF) },
			func(s *signed, op *asyncpkey.Op) { op.SetTimeout(1); s.timers[len(s.timers)-1]() },
		} {
			s := newSigned(t, who, nil, nil)
			op := s.suspend(t)
			s.perform(t, op)
			end(s, op)
			if err := s.asking.Apply(op); !errors.Is(err, asyncpkey.ErrAlreadyApplied) || !errors.Is(err, ErrUsage) {
				t.Error(err)
			}
			if _, err := s.asking.Negotiate(); kindOf(t, err) != ErrInternal {
				t.Error(err)
			}
		}
	})
}
