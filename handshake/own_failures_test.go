package handshake

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// TestRandomnessRunsOut breaks a side's source of randomness after each number of bytes.
func TestRandomnessRunsOut(t *testing.T) {
	for _, k := range []kind{tls13, tls13Retry, tls12, tls12RSA} {
		for _, client := range []bool{true, false} {
			failures := 0
			for n := int64(0); ; n += 16 {
				r := scenario{kind: k, auth: NoClientAuth}.start(t)
				broken := r.server
				if client {
					broken = r.client
				}
				cfg := *broken.cfg
				cfg.Rand = io.LimitReader(stream('x'), n)
				broken.cfg = &cfg
				if !r.breaks(broken) {
					break
				}
				failures++
				r.close()
			}
			if failures < 2 {
				t.Errorf("%s, %v: no draw fails", role(client), k)
			}
		}
	}
}

// breaks makes all steps and reports whether one of them fails, by s, for a reason of our own.
func (r *run) breaks(s *side) (failed bool) {
	r.Helper()
	for !failed {
		to, p, toClient := r.next()
		if to == nil {
			return false
		}
		r.steps++
		var events []Event
		var err error
		if p == nil {
			events, err = to.advance()
		} else {
			msg := *p
			r.take(toClient)
			events, err = to.feed(msg)
		}
		if err != nil {
			if to != s {
				r.Fatalf("the other side fails with %v", err)
			}
			s.failsWith(r, events, err, iana.InternalError, "")
			failed = true
		}
	}
	return failed
}

// key is a crypto.Signer of the tests' making.
type key struct {
	crypto.Signer
	signature []byte
	err       error
}

func (k key) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return k.signature, k.err }

// TestOwnMistakes is what is said of Configs that do not do.
func TestOwnMistakes(t *testing.T) {
	broken := errors.New("the token is gone")
	with := func(private crypto.PrivateKey) func(*Config) {
		return func(c *Config) {
			id := issue(t, testpeer.KeyEd25519)
			cert, err := certs.New(id.Chain, nil)
			if err != nil {
				t.Fatal(err)
			}
			cert.PrivateKey = private
			if c.Certificates, err = certs.NewStore([]*certs.Certificate{cert}, certs.StoreOptions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	signer := issue(t, testpeer.KeyEd25519).Key
	for _, c := range []struct {
		what     string
		config   func(*Config)
		sentence string
		cause    error
	}{
		{"no certificate", func(c *Config) { c.Certificates = nil },
			"this server has no certificate, and its application chose no other configuration", nil},
		{"no private key and no hook", with(nil),
			`the certificate for "CN=localhost" has no private key, and there is no hook to ask for its signature`, nil},
		{"a key that fails", with(key{signer, nil, broken}),
			"signing with ed25519 failed: sig: sign with ed25519: the token is gone", broken},
		{"a key that gives something else", with(key{signer, []byte("signature"), nil}),
			"signing with ed25519 failed: sig: ed25519 signature of 9 bytes from an Ed25519 key of 32 bytes: 64 are due", nil},
	} {
		h := withClient{config: c.config}
		s, _, events, err := h.play(t)
		for i := range events {
			if events[i].Kind == SetWriteKey && events[i].Epoch == Handshake {
				events = append(events[:i], events[i+1:]...) // it came before the signature
				break
			}
		}
		if s.failsWith(t, events, err, iana.InternalError, c.sentence); c.cause != nil && !errors.Is(err, c.cause) {
			t.Error("the cause is not in the chain")
		}
		s.close()
		if t.Failed() {
			t.Fatal(c.what)
		}
	}
}

// TestDecryptionThatFails gives a server of RSA key exchange all kinds of premaster secrets: the
// client hears the same of each, by a Finished that fails, and the application why.
func TestDecryptionThatFails(t *testing.T) {
	broken := errors.New("the token is gone")
	for _, c := range []struct {
		what   string
		answer func(op *asyncpkey.Op) error
	}{
		{"a failure", func(op *asyncpkey.Op) error { return op.Fail(broken) }},
		{"nothing", output(nil)},
		{"one byte", output(make([]byte, 1))},
		{"too many bytes", output(make([]byte, 100))},
		{"a premaster secret of another version", output(make([]byte, 48))},
		{"a premaster secret of another client", output(append([]byte{3, 3}, make([]byte, 46)...))},
	} {
		r, s := stopNamed(t, "server in await private key", tls12RSA).reach(t)
		for s.question.Op.(*asyncpkey.Op).Kind() != asyncpkey.Decrypt {
			r.step()
		}
		if err := c.answer(s.question.Op.(*asyncpkey.Op)); err != nil {
			t.Fatal(err)
		}
		s.question = nil
		events, err := s.advance()
		if err != nil || len(events) != 0 || s.stateName() != "expectChangeCipherSpec" {
			t.Fatalf("%s: %d events and %v in %s", c.what, len(events), err, s.stateName())
		}
		if refusal := s.Refusal(); (refusal == broken) != (c.what == "a failure") {
			t.Errorf("%s: the refusal is %v", c.what, refusal)
		}
		for len(r.client.out) > 1 {
			r.step()
		}
		finished := r.client.out[0]
		events, err = s.feed(finished)
		s.failsWith(t, events, err, iana.DecryptError, "client sent a Finished that does not fit the handshake")
		r.close()
		if t.Failed() {
			t.Fatal(c.what)
		}
	}
}

func output(premaster []byte) func(op *asyncpkey.Op) error {
	return func(op *asyncpkey.Op) error {
		if err := op.SetOutput(premaster); err != nil {
			return err
		}
		return asyncpkey.Apply(op, true)
	}
}

// TestDecryptionLeavesNothing has a key at hand decrypt: no copy of the premaster secret stays in the
// operation, which the handshake keeps to its end.
func TestDecryptionLeavesNothing(t *testing.T) {
	r := scenario{kind: tls12RSA}.start(t)
	defer r.close()
	for r.server.x.decrypt == nil {
		r.step()
	}
	op := r.server.x.decrypt
	if out, err := op.Output(); err != asyncpkey.ErrAlreadyApplied {
		t.Errorf("the operation has %d bytes left, %v", len(out), err)
	}
	if out, err, _ := op.Result(); err != nil || !bytes.Equal(out, make([]byte, premasterLen)) {
		t.Errorf("%d bytes of the result are left, %v", len(out), err)
	}
}

// TestKeyThatLearnsOfItsLimits has nothing left to sign by when its certificate has been selected.
func TestKeyThatLearnsOfItsLimits(t *testing.T) {
	issued, err := testpeer.SelfSigned([]byte("limits"), testpeer.Template{Key: testpeer.KeyP256})
	if err != nil {
		t.Fatal(err)
	}
	cert, err := certs.New(issued.Chain, issued.Key)
	if err != nil {
		t.Fatal(err)
	}
	m := new(Machine)
	if _, err := m.signInline(cert, sig.Lookup(0), []byte("message")); err == nil || !strings.Contains(err.Error(), "by no scheme of the peer's any more") {
		t.Errorf("signing: %v", err)
	}
}

// TestDecryptionThatIsCanceled ends the handshake: nobody learns from it what was decrypted.
func TestDecryptionThatIsCanceled(t *testing.T) {
	r, s := stopNamed(t, "server in await private key", tls12RSA).reach(t)
	defer r.close()
	if err := s.question.Op.(*asyncpkey.Op).Cancel(); err != nil {
		t.Fatal(err)
	}
	events, err := s.advance()
	s.failsWith(t, events, err, iana.InternalError, fmt.Sprintf("the application's private key failed: %v", async.ErrCanceled))
}

// TestChoosePremaster holds which premaster secret a server goes on with: only one that is right
// in length and version is the key's answer; nothing that a client could foresee takes its place.
func TestChoosePremaster(t *testing.T) {
	random := bytes.Repeat([]byte{7}, premasterLen)
	good := append([]byte{3, 3}, bytes.Repeat([]byte{9}, premasterLen-2)...)
	change := func(i int) []byte {
		answer := bytes.Clone(good)
		answer[i] ^= 1
		return answer
	}
	for _, c := range []struct {
		what   string
		answer []byte
		taken  bool
	}{
		{"a premaster secret", good, true},
		{"another one", change(47), true},
		{"one of another major version", change(0), false},
		{"one of another minor version", change(1), false},
		{"one byte less", good[:47], false},
		{"one byte more", append(bytes.Clone(good), 9), false},
		{"the version alone", good[:2], false},
		{"nothing", nil, false},
		{"zeros", make([]byte, premasterLen), false},
	} {
		want := random
		if c.taken {
			want = c.answer
		}
		if got := choosePremasterCT(random, c.answer, iana.TLS12); !bytes.Equal(got, want) {
			t.Errorf("%s: %x is chosen, want %x", c.what, got, want)
		}
	}
}
