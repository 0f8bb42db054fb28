package asyncpkey

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// signing lists a scheme for each kind of key.
var signing = []struct {
	scheme iana.SignatureScheme
	key    testpeer.KeyKind
	hash   crypto.Hash
	input  int // bytes; 0 = the message
}{
	{iana.ECDSASecp256r1SHA256, testpeer.KeyP256, crypto.SHA256, 32},
	{iana.ECDSASecp384r1SHA384, testpeer.KeyP384, crypto.SHA384, 48},
	{iana.ECDSASecp521r1SHA512, testpeer.KeyP521, crypto.SHA512, 64},
	{iana.Ed25519, testpeer.KeyEd25519, 0, 0},
	{iana.RSAPSSRSAESHA256, testpeer.KeyRSA2048, crypto.SHA256, 32},
	{iana.RSAPSSRSAESHA512, testpeer.KeyRSA3072, crypto.SHA512, 64},
	{iana.RSAPKCS1SHA1, testpeer.KeyRSA2048, crypto.SHA1, 20},
	{iana.RSAPKCS1SHA384, testpeer.KeyRSA2048, crypto.SHA384, 48},
}

func TestSignSaysAllThatATokenNeeds(t *testing.T) {
	for _, c := range signing {
		t.Run(c.scheme.String(), func(t *testing.T) {
			key := keyOf(t, c.key)
			op := mustOp(t, Request{
				Kind: Sign, Scheme: c.scheme, Message: message, PublicKey: key.Public(),
				Role: Client, ServerName: "example.com",
			})
			if op.Kind() != Sign || op.Scheme() != c.scheme || op.Hash() != c.hash || op.Role() != Client ||
				op.ServerName() != "example.com" || op.Certificate() != nil {
				t.Errorf("the operation describes itself as %v, %v, %v, %v, %q", op.Kind(), op.Scheme(), op.Hash(), op.Role(), op.ServerName())
			}
			if pub, ok := op.PublicKey().(interface{ Equal(crypto.PublicKey) bool }); !ok || !pub.Equal(key.Public()) {
				t.Error("the public key is another one")
			}
			want := message
			if c.hash != 0 {
				h := c.hash.New()
				h.Write(message)
				want = h.Sum(nil)
			}
			for range 2 { // repeatable, and a copy
				input, whole := op.Input(), op.Message()
				if !bytes.Equal(input, want) || !bytes.Equal(whole, message) {
					t.Fatalf("input %x, message %q", input, whole)
				}
				clear(input)
				clear(whole)
			}
			if pss, ok := op.SignerOpts().(*rsa.PSSOptions); ok != strings.HasPrefix(c.scheme.String(), "rsa_pss") {
				t.Errorf("options are %T", op.SignerOpts())
			} else if ok && (pss.SaltLength != rsa.PSSSaltLengthEqualsHash || pss.Hash != c.hash) {
				t.Errorf("options are %+v", pss)
			} else if op.SignerOpts().HashFunc() != c.hash {
				t.Errorf("options have hash %v", op.SignerOpts().HashFunc())
			}
		})
	}
}

func TestPerformAndSetOutputMakeSignatures(t *testing.T) {
	for _, c := range signing {
		key := keyOf(t, c.key)
		for how, do := range map[string]func(*Op) error{
			"Perform with a crypto.Signer":        func(op *Op) error { return op.Perform(signerOnly{key}) },
			"Perform with a crypto.MessageSigner": func(op *Op) error { return op.Perform(messageSigner{key}) },
			"SetOutput": func(op *Op) error {
				out, err := key.Sign(zeros{}, op.Input(), op.SignerOpts())
				if err != nil {
					return err
				}
				defer clear(out) // it is copied
				return op.SetOutput(out)
			},
		} {
			t.Run(c.scheme.String()+" by "+how, func(t *testing.T) {
				op := mustOp(t, Request{Kind: Sign, Scheme: c.scheme, Message: message, PublicKey: key.Public()})
				if err := do(op); err != nil {
					t.Fatal(err)
				}
				out, err := op.Output()
				if err != nil {
					t.Fatal(err)
				}
				if err := sig.Lookup(c.scheme).Verify(key.Public(), nil, message, out); err != nil {
					t.Errorf("the output is no signature: %v", err)
				}
				clear(out)
				if again, _ := op.Output(); bytes.Equal(again, out) {
					t.Error("Output lends the operation's own bytes")
				}
			})
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// signerOnly hides what else a key can do.
type signerOnly struct{ crypto.Signer }

// messageSigner refuses digests.
type messageSigner struct{ key crypto.Signer }

func (m messageSigner) Public() crypto.PublicKey { return m.key.Public() }

func (m messageSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("a digest came, where the message was wanted")
}

func (m messageSigner) SignMessage(rand io.Reader, msg []byte, opts crypto.SignerOpts) ([]byte, error) {
	return crypto.SignMessage(signerOnly{m.key}, rand, msg, opts)
}

// What SetOutput or Perform refuses leaves the operation open: the right answer can
// still be given.
func TestARefusedOutputLeavesTheOperationOpen(t *testing.T) {
	ec, rsaKey, ed := keyOf(t, testpeer.KeyP256), keyOf(t, testpeer.KeyRSA2048), keyOf(t, testpeer.KeyEd25519)
	good := func(op *Op, key crypto.Signer) []byte {
		out, err := key.Sign(zeros{}, op.Input(), op.SignerOpts())
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	broken := errors.New("the token is busy")
	for name, c := range map[string]struct {
		scheme iana.SignatureScheme
		key    crypto.Signer
		do     func(op *Op) error
		text   string
		is     error
	}{
		"no bytes for ECDSA":             {iana.ECDSASecp256r1SHA256, ec, func(op *Op) error { return op.SetOutput(nil) }, "no DER SEQUENCE", nil},
		"a raw r and s of 64 bytes":      {iana.ECDSASecp256r1SHA256, ec, func(op *Op) error { return op.SetOutput(bytes.Repeat([]byte{7}, 64)) }, "no DER SEQUENCE", nil},
		"a byte after the DER":           {iana.ECDSASecp256r1SHA256, ec, func(op *Op) error { return op.SetOutput(append(good(op, ec), 0)) }, "after the SEQUENCE", nil},
		"a byte short of an RSA modulus": {iana.RSAPSSRSAESHA256, rsaKey, func(op *Op) error { return op.SetOutput(make([]byte, 255)) }, "256 are due", nil},
		"a byte more than an RSA one":    {iana.RSAPSSRSAESHA256, rsaKey, func(op *Op) error { return op.SetOutput(make([]byte, 257)) }, "256 are due", nil},
		"an Ed25519 signature cut short": {iana.Ed25519, ed, func(op *Op) error { return op.SetOutput(make([]byte, 63)) }, "64 are due", nil},
		"a nil key":                      {iana.ECDSASecp256r1SHA256, ec, func(op *Op) error { return op.Perform(nil) }, "no crypto.Signer", nil},
		"a key of another type":          {iana.ECDSASecp256r1SHA256, ec, func(op *Op) error { return op.Perform(ed) }, "Ed25519", nil},
		"an RSA key for Ed25519":         {iana.Ed25519, ed, func(op *Op) error { return op.Perform(rsaKey) }, "RSA", nil},
		"an RSA key of another size":     {iana.RSAPSSRSAESHA256, rsaKey, func(op *Op) error { return op.Perform(keyOf(t, testpeer.KeyRSA3072)) }, "256 are due", nil},
		"a key that returns an error":    {iana.ECDSASecp256r1SHA256, ec, func(op *Op) error { return op.Perform(failing{ec, broken}) }, "busy", broken},
		"a key that returns nothing":     {iana.ECDSASecp256r1SHA256, ec, func(op *Op) error { return op.Perform(failing{ec, nil}) }, "no DER SEQUENCE", nil},
	} {
		t.Run(name, func(t *testing.T) {
			op := mustOp(t, Request{Kind: Sign, Scheme: c.scheme, Message: message, PublicKey: c.key.Public()})
			err := c.do(op)
			if err == nil || !strings.Contains(err.Error(), c.text) {
				t.Fatalf("the error is %v, want %q in it", err, c.text)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%v is not in the chain of %v", c.is, err)
			}
			if _, err := op.Output(); !errors.Is(err, ErrNotPerformed) {
				t.Errorf("Output afterwards: %v", err)
			}
			if err := op.SetOutput(good(op, c.key)); err != nil {
				t.Errorf("the right output afterwards: %v", err)
			}
			if err := Apply(op, true); err != nil {
				t.Errorf("Apply afterwards: %v", err)
			}
		})
	}
}

// failing is a key that does not sign.
type failing struct {
	crypto.Signer
	err error
}

func (f failing) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) { return nil, f.err }

func TestValidation(t *testing.T) {
	key := keyOf(t, testpeer.KeyP256)
	other, err := testpeer.SelfSigned([]byte("another"), testpeer.Template{})
	if err != nil {
		t.Fatal(err)
	}
	outputs := map[string]func(op *Op) []byte{
		"a signature by another key":     func(op *Op) []byte { return signature(t, op, other.Key) },
		"a signature with a flipped bit": func(op *Op) []byte { s := signature(t, op, key); s[len(s)-1] ^= 1; return s },
		"a signature of something else": func(op *Op) []byte {
			elsewhere := mustOp(t, Request{Kind: Sign, Scheme: op.Scheme(), Message: []byte("else"), PublicKey: key.Public()})
			return signature(t, elsewhere, key)
		},
	}
	for name, output := range outputs {
		for mode, c := range map[string]struct {
			request, set ValidationMode
			override     bool
			want         error
		}{
			"Fast":                              {want: nil},
			"Strict":                            {request: Strict, want: ErrVerifySignature},
			"Strict by SetValidation":           {set: Strict, override: true, want: ErrVerifySignature},
			"Fast by SetValidation over Strict": {request: Strict, set: Fast, override: true, want: nil},
		} {
			t.Run(name+", "+mode, func(t *testing.T) {
				op := mustOp(t, Request{Kind: Sign, Scheme: iana.ECDSASecp256r1SHA256, Message: message, PublicKey: key.Public(), Mode: c.request})
				if c.override {
					op.SetValidation(c.set)
				}
				out := output(op)
				if err := op.SetOutput(out); err != nil {
					t.Fatal(err)
				}
				if err := Apply(op, true); !errors.Is(err, c.want) {
					t.Fatalf("Apply: %v, want %v", err, c.want)
				}
				got, err, ok := op.Result()
				if !ok || !errors.Is(err, c.want) {
					t.Errorf("the handshake sees %v, settled %v", err, ok)
				}
				if c.want == nil && !bytes.Equal(got, out) {
					t.Error("the handshake sees another output")
				}
			})
		}
	}
	t.Run("a right signature, Strict", func(t *testing.T) {
		for _, c := range signing {
			key := keyOf(t, c.key)
			op := mustOp(t, Request{Kind: Sign, Scheme: c.scheme, Message: message, PublicKey: key.Public(), Mode: Strict})
			if err := op.Perform(key); err != nil {
				t.Fatal(err)
			}
			if err := Apply(op, true); err != nil {
				t.Errorf("%v: %v", c.scheme, err)
			}
		}
	})
}

// A decryption never tells what came out of it: any output, a key's error and Fail look
// the same to whoever gives the answer (RFC 5246, Section 7.4.7.1).
func TestDecryptTellsNothing(t *testing.T) {
	key := keyOf(t, testpeer.KeyRSA2048)
	premaster := bytes.Repeat([]byte{3}, premasterLen)
	//lint:ignore SA1019 the key exchange of RFC 5246, Section 7.4.7.1 is this padding
	ciphertext, err := rsa.EncryptPKCS1v15(nil, key.Public().(*rsa.PublicKey), premaster)
	if err != nil {
		t.Fatal(err)
	}
	forged := bytes.Repeat([]byte{1}, len(ciphertext))
	for name, c := range map[string]struct {
		ciphertext []byte
		do         func(op *Op) error
		want       []byte // nil = anything
	}{
		"performed":                      {ciphertext, func(op *Op) error { return op.Perform(key) }, premaster},
		"performed with a forgery":       {forged, func(op *Op) error { return op.Perform(key) }, nil},
		"performed with half a block":    {forged[:7], func(op *Op) error { return op.Perform(key) }, nil},
		"performed with no key":          {ciphertext, func(op *Op) error { return op.Perform(nil) }, nil},
		"performed with an Ed25519 key":  {ciphertext, func(op *Op) error { return op.Perform(keyOf(t, testpeer.KeyEd25519)) }, nil},
		"given an output":                {ciphertext, func(op *Op) error { return op.SetOutput(premaster) }, premaster},
		"given no output":                {ciphertext, func(op *Op) error { return op.SetOutput(nil) }, nil},
		"given one that is far too long": {ciphertext, func(op *Op) error { return op.SetOutput(make([]byte, 1000)) }, nil},
	} {
		for _, mode := range []ValidationMode{Fast, Strict} {
			t.Run(fmt.Sprintf("%s, %v", name, mode), func(t *testing.T) {
				op := mustOp(t, Request{Kind: Decrypt, Ciphertext: c.ciphertext, PublicKey: key.Public(), Mode: mode})
				if op.Kind() != Decrypt || op.Scheme() != 0 || op.Hash() != 0 || op.SignerOpts() != nil || op.Message() != nil || !bytes.Equal(op.Input(), c.ciphertext) {
					t.Error("the operation describes itself as something else")
				}
				if err := c.do(op); err != nil {
					t.Fatal(err)
				}
				if err := Apply(op, true); err != nil {
					t.Fatal(err)
				}
				out, err, ok := op.Result()
				if err != nil || !ok || c.want != nil && !bytes.Equal(out, c.want) {
					t.Errorf("the handshake sees %x, %v, %v", out, err, ok)
				}
			})
		}
	}
	t.Run("failed", func(t *testing.T) {
		op := mustOp(t, Request{Kind: Decrypt, Ciphertext: ciphertext})
		if err := op.Fail(errors.New("the token is gone")); err != nil {
			t.Fatal(err)
		}
		if out, err, ok := op.Result(); len(out) != 0 || err != nil || !ok {
			t.Errorf("the handshake sees %x, %v, %v", out, err, ok)
		}
	})
	t.Run("canceled, which ends the handshake", func(t *testing.T) {
		op := mustOp(t, Request{Kind: Decrypt, Ciphertext: ciphertext})
		if err := op.Cancel(); err != nil {
			t.Fatal(err)
		}
		if _, err, ok := op.Result(); !errors.Is(err, async.ErrCanceled) || !ok {
			t.Errorf("the handshake sees %v, %v", err, ok)
		}
	})
}

func TestNewOpNamesWhatIsMissing(t *testing.T) {
	pub := keyOf(t, testpeer.KeyP256).Public()
	for name, c := range map[string]struct {
		r    Request
		text string
	}{
		"no kind":                        {Request{}, "kind"},
		"an unknown kind":                {Request{Kind: 9}, "kind of operation 9"},
		"no scheme":                      {Request{Kind: Sign, Message: message, PublicKey: pub}, "scheme"},
		"an unknown scheme":              {Request{Kind: Sign, Scheme: 0xfefe, Message: message, PublicKey: pub}, "0xfefe"},
		"no public key for a signature":  {Request{Kind: Sign, Scheme: iana.ECDSASecp256r1SHA256, Message: message}, "public key"},
		"a public key of another scheme": {Request{Kind: Sign, Scheme: iana.Ed25519, Message: message, PublicKey: pub}, "public key"},
		"no ciphertext":                  {Request{Kind: Decrypt}, "ciphertext"},
	} {
		t.Run(name, func(t *testing.T) {
			if op, err := NewOp(c.r); err == nil || op != nil || !strings.Contains(err.Error(), c.text) {
				t.Errorf("NewOp returns %v, %v, want an error with %q", op, err, c.text)
			}
		})
	}
}

// Nothing that prints or logs an operation shows its bytes.
func TestPrintingShowsNoBytes(t *testing.T) {
	op := mustOp(t, Request{
		Kind: Sign, Scheme: iana.Ed25519, Message: []byte("SECRETMESSAGE"),
		PublicKey: ed25519.PublicKey(make([]byte, 32)), Role: Server,
	})
	if err := op.SetOutput(bytes.Repeat([]byte{'Q'}, 64)); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("asked", "op", op)
	slog.New(slog.NewTextHandler(&log, nil)).Info("asked", "op", op)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&log, verb+"\n", op)
	}
	for _, leak := range []string{"SECRET", "QQQ", "5151", "83 69 67", "81 81"} {
		if strings.Contains(log.String(), leak) {
			t.Errorf("%q is in\n%s", leak, log.String())
		}
	}
	if want := "sign by ed25519 for the server's key"; op.String() != want {
		t.Errorf("String is %q, want %q", op.String(), want)
	}
}

func TestNamesOfConstants(t *testing.T) {
	for got, want := range map[string]string{
		Sign.String(): "sign", Decrypt.String(): "decrypt", Kind(7).String(): "Kind(7)",
		Client.String(): "client", Server.String(): "server", Role(0).String(): "Role(0)",
		Fast.String(): "fast", Strict.String(): "strict",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestContextAndDeadline(t *testing.T) {
	var fire func()
	clock := func(_ time.Duration, f func()) func() bool { fire = f; return func() bool { return true } }
	woken := 0
	op := signOp(t)
	op.Pending().Enter(func() { woken++ }, clock)
	op.Pending().Leave()
	ctx := op.Context()
	op.SetTimeout(time.Second)
	fire()
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, async.ErrDeadline) || !errors.Is(cause, context.DeadlineExceeded) {
		t.Errorf("the context ended with %v", cause)
	}
	if _, err, ok := op.Result(); !errors.Is(err, async.ErrDeadline) || !ok || woken != 1 {
		t.Errorf("the handshake sees %v, %v, woken %d times", err, ok, woken)
	}
	applied := signOp(t)
	ctx = applied.Context()
	if err := applied.SetOutput(signature(t, applied, keyOf(t, testpeer.KeyP256))); err != nil {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Error("the context is done before the operation is applied")
	}
	if err := Apply(applied, true); err != nil {
		t.Fatal(err)
	}
	<-ctx.Done()
}
