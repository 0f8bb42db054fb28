package conn

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// decryption is a handshake with RSA key exchange, whose client sends what it likes.
type decryption struct {
	suite      iana.CipherSuite
	premaster  []byte                                                     // nil = a good one
	ciphertext func(pub *rsa.PublicKey, honest []byte) []byte             // nil = the honest one
	key        func(key *rsa.PrivateKey) crypto.PrivateKey                // of the server; nil = the good one
	hook       func(d *decryption, c *Conn, op *asyncpkey.Op) error       // nil = the key in the Config does it
	later      func(d *decryption, c *Conn, op *asyncpkey.Op) (end error) // once Negotiate waits; nil = all is done in the hook
	mode       asyncpkey.ValidationMode

	secret *rsa.PrivateKey
	client *handClient
	timers []func()
}

// decrypted is how such a handshake ends.
type decrypted struct {
	err   error
	sent  []byte // all that the server has put on the wire
	steps string // how far the server was when the client had sent each of its records
}

// play plays the handshake. The server's randomness is the same each time, so that what it sends is.
func (d decryption) play(t *testing.T) (out decrypted) {
	t.Helper()
	issued, err := pki().Issue(testpeer.Template{DNSNames: []string{"localhost"}, Key: testpeer.KeyRSA2048})
	if err != nil {
		t.Fatal(err)
	}
	d.secret = issued.Key.(*rsa.PrivateKey)
	var key crypto.PrivateKey = d.secret
	if d.key != nil {
		key = d.key(d.secret)
	}
	cert, err := NewCertificate(issued.Chain, key)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &Config{Certificates: []*Certificate{cert}, SecurityPolicy: onlySuites(t, d.suite), Validation: d.mode, rand: stream("server")}
	cfg.AfterFunc = func(_ time.Duration, f func()) func() bool {
		d.timers = append(d.timers, f)
		return func() bool { return true }
	}
	var op *asyncpkey.Op
	if d.hook != nil {
		cfg.OnPrivateKey = func(c *Conn, o *asyncpkey.Op) error {
			if op = o; o.Kind() != asyncpkey.Decrypt || o.Role() != asyncpkey.Server || o.ServerName() != "localhost" || o.SignerOpts() != nil {
				t.Errorf("the operation says %v", o)
			}
			return d.hook(&d, c, o)
		}
	}
	pipe := testpeer.NewPipe()
	pipe.Server.Record()
	server := mustServer(t, pipe.Server.Recv, pipe.Server.Send, cfg)
	client := newHandClient(t, pipe.Client, d.suite)
	client.Premaster = d.premaster
	d.client = client
	if d.ciphertext != nil {
		client.Edit = testpeer.On(iana.ClientKeyExchange, func(msg []byte) []byte {
			c := d.ciphertext(&d.secret.PublicKey, msg[6:])
			return testpeer.Body(append([]byte{byte(len(c) >> 8), byte(len(c))}, c...)...)(msg)
		})
	}
	step := func() {
		b, err := server.Negotiate()
		if b == BlockedOnApplicationInput && d.later != nil {
			later := d.later
			d.later = nil
			if err = later(&d, server, op); err == nil {
				b, err = server.Negotiate()
			}
		}
		if out.err == nil {
			out.err = err
		}
		out.steps += fmt.Sprintf("%v, error: %v, %d bytes sent; ", b, err != nil, len(pipe.Server.Sent()))
	}
	client.messages(client.ClientHello())
	step()
	client.read()
	client.messages(client.ClientKeyExchange())
	step()
	client.protect()
	step()
	client.messages(client.Finished())
	client.check()
	step()
	out.sent = pipe.Server.Sent()
	if out.err == nil {
		client.readEnd()
	}
	return out
}

// block is what RSA encrypts for a premaster secret, which test cases then spoil.
func block(change func(em []byte)) func(*rsa.PublicKey, []byte) []byte {
	return func(pub *rsa.PublicKey, _ []byte) []byte {
		em := bytes.Repeat([]byte{0xaa}, pub.Size())
		copy(em, []byte{0, 2})
		copy(em[len(em)-49:], append([]byte{0, 3, 3}, make([]byte, 46)...))
		change(em)
		c := new(big.Int).Exp(new(big.Int).SetBytes(em), big.NewInt(int64(pub.E)), pub.N)
		return c.FillBytes(make([]byte, pub.Size()))
	}
}

// premaster is a premaster secret of any length and version.
func premaster(major, minor byte, n int) []byte {
	p := make([]byte, max(n, 2))
	p[0], p[1] = major, minor
	return p[:n]
}

// withoutLeadingZero encrypts a good premaster secret until the ciphertext begins with a
// zero, which it leaves out: the same number, and not a ciphertext.
func withoutLeadingZero(pub *rsa.PublicKey, _ []byte) []byte {
	for range 20000 {
		//lint:ignore SA1019 the padding of RSA key exchange
		c, err := rsa.EncryptPKCS1v15(rand.Reader, pub, premaster(3, 3, 48))
		if err == nil && c[0] == 0 {
			return c[1:]
		}
	}
	return nil // one time in 10^34
}

// brokenKey is a private key that lets decryptions fail in its own way.
type brokenKey struct {
	*rsa.PrivateKey
	decrypt func() ([]byte, error)
}

func (k brokenKey) Decrypt(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error) {
	return k.decrypt()
}

func fails(out []byte, err error) func(*rsa.PrivateKey) crypto.PrivateKey {
	return func(key *rsa.PrivateKey) crypto.PrivateKey {
		return brokenKey{key, func() ([]byte, error) { return out, err }}
	}
}

// performs is what a hook does that has the key.
func performs(d *decryption, c *Conn, op *asyncpkey.Op) error {
	var key crypto.PrivateKey = d.secret
	if d.key != nil {
		key = d.key(d.secret)
	}
	return errors.Join(op.Perform(key), c.Apply(op))
}

func keeps(*decryption, *Conn, *asyncpkey.Op) error { return nil }

// outputs is what a hook does that has its answer from elsewhere.
func outputs(out []byte) func(*decryption, *Conn, *asyncpkey.Op) error {
	return func(_ *decryption, c *Conn, op *asyncpkey.Op) error {
		return errors.Join(op.SetOutput(out), c.Apply(op))
	}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// TestDecryptionTellsNothing: whatever goes wrong with the decryption of the premaster secret, the
// client sees the same bytes at the same points, and learns no more than that its Finished is wrong
// (RFC 5246, Section 7.4.7.1). What was wrong stands in our own error.
func TestDecryptionTellsNothing(t *testing.T) {
	type row struct {
		name string
		decryption
		good bool
		is   error // in the chain of our error
	}
	ciphertexts := []row{
		{name: "good", good: true},
		{name: "a good block made by hand", good: true, decryption: decryption{ciphertext: block(func([]byte) {})}},
		{name: "no leading zero", decryption: decryption{ciphertext: block(func(em []byte) { em[0] = 1 })}},
		{name: "block type 1", decryption: decryption{ciphertext: block(func(em []byte) { em[1] = 1 })}},
		{name: "padding of seven bytes", decryption: decryption{ciphertext: block(func(em []byte) { em[9] = 0 })}},
		{name: "padding that ends early", decryption: decryption{ciphertext: block(func(em []byte) { em[100] = 0 })}},
		{name: "padding that does not end", decryption: decryption{ciphertext: block(func(em []byte) {
			for i := range em[2:] {
				em[2+i] |= 1
			}
		})}},
		{name: "TLS 1.1", decryption: decryption{premaster: premaster(3, 2, 48)}},
		{name: "TLS 1.3", decryption: decryption{premaster: premaster(3, 4, 48)}},
		{name: "version 2.3", decryption: decryption{premaster: premaster(2, 3, 48)}},
		{name: "no bytes", decryption: decryption{premaster: []byte{}}},
		{name: "47 bytes", decryption: decryption{premaster: premaster(3, 3, 47)}},
		{name: "49 bytes", decryption: decryption{premaster: premaster(3, 3, 49)}},
		{name: "2 bytes", decryption: decryption{premaster: premaster(3, 3, 2)}},
		{name: "a flipped bit", decryption: decryption{ciphertext: func(_ *rsa.PublicKey, c []byte) []byte { c[100] ^= 1; return c }}},
		{name: "a ciphertext of one byte", decryption: decryption{ciphertext: func(*rsa.PublicKey, []byte) []byte { return []byte{7} }}},
		{name: "a ciphertext of 0", decryption: decryption{ciphertext: func(_ *rsa.PublicKey, c []byte) []byte { return make([]byte, len(c)) }}},
		{name: "a ciphertext that is a byte short", decryption: decryption{ciphertext: func(_ *rsa.PublicKey, c []byte) []byte { return c[1:] }}},
		{name: "a ciphertext without its leading zero", decryption: decryption{premaster: premaster(3, 3, 48), ciphertext: withoutLeadingZero}},
		{name: "a ciphertext that is a byte long", decryption: decryption{ciphertext: func(_ *rsa.PublicKey, c []byte) []byte { return append(c, 0) }}},
		{name: "a ciphertext that is the modulus", decryption: decryption{ciphertext: func(pub *rsa.PublicKey, _ []byte) []byte { return pub.N.Bytes() }}},
		{name: "a ciphertext above the modulus", decryption: decryption{ciphertext: func(_ *rsa.PublicKey, c []byte) []byte { return bytes.Repeat([]byte{0xff}, len(c)) }}},
		{name: "a key that returns an error", is: errToken, decryption: decryption{key: fails(nil, errToken)}},
		{name: "a key that returns an error and the premaster secret", is: errToken, decryption: decryption{key: fails(premaster(3, 3, 48), errToken)}},
		{name: "a key that returns nothing", decryption: decryption{key: fails(nil, nil)}},
		{name: "a key that returns 47 bytes", decryption: decryption{key: fails(premaster(3, 3, 47), nil)}},
		{name: "a key that returns a secret of another version", decryption: decryption{key: fails(premaster(3, 1, 48), nil)}},
	}
	hooks := []row{
		{name: "SetOutput of the premaster secret", good: true, decryption: decryption{hook: outputs(premaster(3, 3, 48))}},
		{name: "SetOutput of 0 bytes", decryption: decryption{hook: outputs(nil)}},
		{name: "SetOutput of 1 byte", decryption: decryption{hook: outputs([]byte{3})}},
		{name: "SetOutput of 47 bytes", decryption: decryption{hook: outputs(premaster(3, 3, 47))}},
		{name: "SetOutput of 49 bytes", decryption: decryption{hook: outputs(premaster(3, 3, 49))}},
		{name: "SetOutput of 48 random bytes", decryption: decryption{hook: outputs(randomBytes(48))}},
		{name: "SetOutput of 48 random bytes behind the right version", decryption: decryption{hook: outputs(append([]byte{3, 3}, randomBytes(46)...))}},
		{name: "SetOutput of 1 MiB", decryption: decryption{hook: outputs(make([]byte, 1<<20))}},
		{name: "Fail", is: errToken, decryption: decryption{hook: func(_ *decryption, _ *Conn, op *asyncpkey.Op) error { return op.Fail(errToken) }}},
		{name: "Fail without a reason", decryption: decryption{hook: func(_ *decryption, _ *Conn, op *asyncpkey.Op) error { return op.Fail(nil) }}},
		{name: "Fail with another connection's error", is: errElsewhere, decryption: decryption{hook: func(_ *decryption, _ *Conn, op *asyncpkey.Op) error {
			return op.Fail(&Error{ErrAlert, &AlertError{Alert: iana.BadCertificate, Err: errElsewhere}})
		}}},
		{name: "a wrong key", decryption: decryption{hook: func(d *decryption, c *Conn, op *asyncpkey.Op) error {
			other, err := testpeer.SelfSigned([]byte("other"), testpeer.Template{Key: testpeer.KeyRSA1024})
			return errors.Join(err, op.Perform(other.Key), c.Apply(op))
		}}},
		{name: "a key that cannot decrypt", decryption: decryption{hook: func(d *decryption, c *Conn, op *asyncpkey.Op) error {
			return errors.Join(op.Perform(strangersKey(t)), c.Apply(op))
		}}},
	}
	for _, suite := range []iana.CipherSuite{iana.TLS_RSA_WITH_AES_128_GCM_SHA256, iana.TLS_RSA_WITH_AES_128_CBC_SHA} {
		for _, mode := range []asyncpkey.ValidationMode{asyncpkey.Fast, asyncpkey.Strict} {
			want := decryption{suite: suite, mode: mode, premaster: premaster(3, 1, 48)}.play(t)
			accuses(iana.BadRecordMAC, "does not authenticate").check(t, "server", want.err)
			if !bytes.HasSuffix(want.sent, []byte{21, 3, 3, 0, 2, 2, byte(iana.BadRecordMAC)}) {
				t.Fatalf("the handshake ends with % x", want.sent[len(want.sent)-7:])
			}
			judge := func(r row) func(t *testing.T) {
				r.suite, r.mode = suite, mode
				return func(t *testing.T) {
					got := r.play(t)
					if r.good {
						if got.err != nil {
							t.Fatal(got.err)
						}
						return
					}
					if got.steps != want.steps {
						t.Errorf("the server goes\n\t%s\nand otherwise\n\t%s", got.steps, want.steps)
					}
					if !bytes.Equal(got.sent, want.sent) {
						t.Errorf("the client sees %d bytes that end with % x, and otherwise %d that end with % x",
							len(got.sent), got.sent[len(got.sent)-7:], len(want.sent), want.sent[len(want.sent)-7:])
					}
					accuses(iana.BadRecordMAC, "does not authenticate").check(t, "server", got.err)
					if r.is != nil && !errors.Is(got.err, r.is) {
						t.Errorf("%q is not in the chain of %q", r.is, got.err)
					}
					if got.err != nil && r.is != nil && !strings.Contains(got.err.Error(), "(the private key did not decrypt: ") {
						t.Errorf("the error is %q", got.err)
					}
				}
			}
			name := fmt.Sprintf("%v, %v", suite, mode)
			for _, r := range ciphertexts {
				t.Run(name+"/"+r.name+", by the Config's key", judge(r))
				r.hook = performs
				t.Run(name+"/"+r.name+", in the hook", judge(r))
				r.hook, r.later = keeps, performs
				t.Run(name+"/"+r.name+", later", judge(r))
			}
			for _, r := range hooks {
				t.Run(name+"/"+r.name+", in the hook", judge(r))
				r.hook, r.later = keeps, r.hook
				t.Run(name+"/"+r.name+", later", judge(r))
			}
			t.Run(name+"/the hook returns an error", judge(row{is: errToken, decryption: decryption{hook: func(*decryption, *Conn, *asyncpkey.Op) error { return errToken }}}))
			t.Run(name+"/the hook applies the answer, and returns an error", judge(row{good: true, decryption: decryption{hook: func(d *decryption, c *Conn, op *asyncpkey.Op) error {
				return errors.Join(performs(d, c, op), errToken)
			}}}))
		}
	}
}

// errElsewhere stands for what another connection has ended with.
var errElsewhere = errors.New("another connection's reason")

// TestDecryptionEndsEarlier: only the application's own decision to end the handshake ends it
// before the client's Finished.
func TestDecryptionEndsEarlier(t *testing.T) {
	for _, c := range []struct {
		name  string
		later func(d *decryption, c *Conn, op *asyncpkey.Op) error
		want  failure
		is    error
	}{
		{"Cancel", func(_ *decryption, _ *Conn, op *asyncpkey.Op) error { return op.Cancel() },
			failure{ErrInternal, iana.InternalError, "canceled"}, async.ErrCanceled},
		{"Cancel of a performed operation", func(d *decryption, _ *Conn, op *asyncpkey.Op) error {
			return errors.Join(op.Perform(d.secret), op.Cancel())
		}, failure{ErrInternal, iana.InternalError, "canceled"}, async.ErrCanceled},
		{"the deadline", func(d *decryption, _ *Conn, op *asyncpkey.Op) error {
			op.SetTimeout(time.Second)
			d.timers[len(d.timers)-1]()
			return nil
		}, failure{ErrInternal, iana.InternalError, "not answered in time"}, context.DeadlineExceeded},
		{"Close", func(_ *decryption, c *Conn, op *asyncpkey.Op) error {
			c.Close()
			if op.Context().Err() == nil {
				t.Error("the connection is closed and the operation's context is not done")
			}
			return nil
		}, failure{ErrClosed, 0, "after Close"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := decryption{suite: iana.TLS_RSA_WITH_AES_128_GCM_SHA256, hook: keeps, later: c.later}.play(t)
			c.want.check(t, "server", out.err)
			if c.is != nil && !errors.Is(out.err, c.is) {
				t.Errorf("%q is not in the chain of %q", c.is, out.err)
			}
			alert := []byte{21, 3, 3, 0, 2, 2, byte(iana.InternalError)}
			if bytes.HasSuffix(out.sent, alert) != (c.want.alert != 0) {
				t.Errorf("the last bytes are % x", out.sent[len(out.sent)-7:])
			}
			if n := strings.Count(out.steps, "error: true"); n != 3 {
				t.Errorf("the handshake ends elsewhere: %s", out.steps)
			}
		})
	}
}

// TestDecryptionOfNothing: an empty ciphertext is no ciphertext, and everybody can see that.
func TestDecryptionOfNothing(t *testing.T) {
	d := decryption{suite: iana.TLS_RSA_WITH_AES_128_GCM_SHA256, ciphertext: func(*rsa.PublicKey, []byte) []byte { return nil }}
	for _, hook := range []func(*decryption, *Conn, *asyncpkey.Op) error{nil, keeps} {
		d.hook = hook
		accuses(iana.DecodeError, "encrypted_pre_master_secret: empty").check(t, "server", d.play(t).err)
	}
}
