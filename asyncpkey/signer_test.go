package asyncpkey

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

// remote is a Key whose functions use a key at hand, and note the contexts they get.
func remote(t testing.TB, kind testpeer.KeyKind, seen *context.Context) *Key {
	t.Helper()
	key := keyOf(t, kind)
	return &Key{
		PublicKey: key.Public(),
		SignFunc: func(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			*seen = ctx
			return key.Sign(rand.Reader, digest, opts)
		},
		DecryptFunc: func(ctx context.Context, ciphertext []byte) ([]byte, error) {
			*seen = ctx
			//lint:ignore SA1019 the padding of RSA key exchange
			return rsa.DecryptPKCS1v15(nil, key.(*rsa.PrivateKey), ciphertext)
		},
	}
}

// Every scheme is signed by functions as by a key in memory, under the operation's own
// context.
func TestKeyOfFunctionsSigns(t *testing.T) {
	for _, c := range []struct {
		kind   testpeer.KeyKind
		scheme iana.SignatureScheme
	}{
		{testpeer.KeyP256, iana.ECDSASecp256r1SHA256},
		{testpeer.KeyP384, iana.ECDSASecp384r1SHA384},
		{testpeer.KeyEd25519, iana.Ed25519},
		{testpeer.KeyRSA2048, iana.RSAPSSRSAESHA256},
		{testpeer.KeyRSA2048, iana.RSAPSSPSSSHA384}, // of a certificate for PSS alone
		{testpeer.KeyRSA2048, iana.RSAPKCS1SHA512},
	} {
		t.Run(c.scheme.String(), func(t *testing.T) {
			var ctx context.Context
			key := remote(t, c.kind, &ctx)
			op := mustOp(t, Request{Kind: Sign, Scheme: c.scheme, Message: message, PublicKey: key.Public(), Mode: Strict})
			if !key.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(op.PublicKey()) {
				t.Errorf("the operation is for a %T", op.PublicKey())
			}
			if err := errors.Join(op.Perform(key), Apply(op, true)); err != nil {
				t.Fatal(err)
			}
			if ctx != op.Context() {
				t.Error("the key does not get the operation's context")
			}
			// Without an operation it is a crypto.Signer.
			again := mustOp(t, Request{Kind: Sign, Scheme: c.scheme, Message: message, PublicKey: key.Public(), Mode: Strict})
			out, err := key.Sign(rand.Reader, again.Input(), again.SignerOpts())
			if err := errors.Join(err, again.SetOutput(out), Apply(again, true)); err != nil {
				t.Error(err)
			}
			if ctx.Done() != nil {
				t.Error("Sign has a context that can be done")
			}
		})
	}
}

func TestKeyOfFunctionsDecrypts(t *testing.T) {
	var ctx context.Context
	key := remote(t, testpeer.KeyRSA2048, &ctx)
	secret := bytes.Repeat([]byte{3}, 48)
	//lint:ignore SA1019 the padding of RSA key exchange
	ciphertext, err := rsa.EncryptPKCS1v15(rand.Reader, key.PublicKey.(*rsa.PublicKey), secret)
	if err != nil {
		t.Fatal(err)
	}
	op := mustOp(t, Request{Kind: Decrypt, Ciphertext: ciphertext, PublicKey: key.PublicKey})
	if err := op.Perform(key); err != nil {
		t.Fatal(err)
	}
	if out, err := op.Output(); err != nil || !bytes.Equal(out, secret) {
		t.Errorf("%x, %v", out, err)
	}
	if ctx != op.Context() {
		t.Error("the key does not get the operation's context")
	}
	if out, err := key.Decrypt(nil, ciphertext, nil); err != nil || !bytes.Equal(out, secret) {
		t.Errorf("%x, %v", out, err)
	}
}

// A key of functions says what it cannot do.
func TestKeyWithoutFunctions(t *testing.T) {
	key := &Key{PublicKey: keyOf(t, testpeer.KeyP256).Public(), Schemes: []iana.SignatureScheme{iana.ECDSASecp256r1SHA256}}
	op := signOp(t)
	if err := op.Perform(key); !errors.Is(err, errCannotSign) {
		t.Errorf("Perform: %v", err)
	}
	if err := op.Perform(keyOf(t, testpeer.KeyP256)); err != nil {
		t.Errorf("the operation is not open any more: %v", err)
	}
	op = mustOp(t, Request{Kind: Decrypt, Ciphertext: []byte{1}})
	if err := op.Perform(key); err != nil || !errors.Is(op.Refusal(), errCannotDecrypt) {
		t.Errorf("Perform: %v; refusal %v", err, op.Refusal())
	}
	if _, err := key.Decrypt(nil, nil, nil); !errors.Is(err, errCannotDecrypt) {
		t.Errorf("Decrypt: %v", err)
	}
	if !slices.Equal(key.SignatureSchemes(), []iana.SignatureScheme{iana.ECDSASecp256r1SHA256}) {
		t.Error("the schemes are lost")
	}
}

// A key that waits for its context is released when the operation ends.
func TestContextSignerIsReleased(t *testing.T) {
	key := &Key{
		PublicKey: keyOf(t, testpeer.KeyP256).Public(),
		SignFunc: func(ctx context.Context, _ []byte, _ crypto.SignerOpts) ([]byte, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		},
	}
	p := newPool(t, PoolOptions{Workers: 1})
	op := submit(t, p, key)
	eventually(t, "the key is called", func() bool { return p.Metrics().InFlight == 1 })
	op.Pending().Close()
	eventually(t, "the call is over", func() bool { m := p.Metrics(); return m.InFlight == 0 && m.Late+m.Useless == 1 })
	ends(t, submit(t, p, keyOf(t, testpeer.KeyP256)), nil)
}

func TestHandler(t *testing.T) {
	p256, other, rsa2048 := keyOf(t, testpeer.KeyP256), otherKey(t), keyOf(t, testpeer.KeyRSA2048)
	pss := func() *Op {
		return mustOp(t, Request{Kind: Sign, Scheme: iana.RSAPSSPSSSHA256, Message: message, PublicKey: rsa2048.Public(), Mode: Strict})
	}
	strict := func() *Op {
		op := signOp(t)
		op.SetValidation(Strict)
		return op
	}
	reason := errors.New("the token is gone")
	pool := newPool(t, PoolOptions{Workers: 1})
	for name, c := range map[string]struct {
		pool *Pool
		keys []crypto.PrivateKey
		op   func() *Op
		hook error // that the hook returns
	}{
		"the only key, on a pool":           {pool, []crypto.PrivateKey{p256}, strict, nil},
		"the only key, at once":             {nil, []crypto.PrivateKey{p256}, strict, nil},
		"one of several, on a pool":         {pool, []crypto.PrivateKey{other, rsa2048, p256}, strict, nil},
		"one of several, at once":           {nil, []crypto.PrivateKey{other, rsa2048, p256}, strict, nil},
		"an RSA key bound to PSS":           {pool, []crypto.PrivateKey{p256, rsa2048}, pss, nil},
		"something that is no key":          {nil, []crypto.PrivateKey{"no key", p256}, strict, nil},
		"a key that fails, at once":         {nil, []crypto.PrivateKey{failing{p256, reason}}, strict, reason},
		"no key":                            {pool, nil, strict, ErrNoKey},
		"the keys of other certificates":    {pool, []crypto.PrivateKey{other, rsa2048}, strict, ErrNoKey},
		"an operation without a public key": {pool, []crypto.PrivateKey{p256}, func() *Op { return mustOp(t, Request{Kind: Decrypt, Ciphertext: []byte{1}}) }, ErrNoKey},
	} {
		t.Run(name, func(t *testing.T) {
			op := c.op()
			if err := Handler[waiting](c.pool, c.keys...)(waiting{}, op); !errors.Is(err, c.hook) || (err == nil) != (c.hook == nil) {
				t.Fatalf("the hook returns %v, want %v", err, c.hook)
			}
			if c.hook == nil {
				ends(t, op, nil)
			}
		})
	}
	op := signOp(t)
	op.req.Certificate = nil
	err := Handler[waiting](pool)(waiting{}, op)
	if err == nil || err.Error() != `asyncpkey: there is no private key for the certificate of "", whose key is a *ecdsa.PublicKey` {
		t.Error(err)
	}
}

var _ interface {
	crypto.Signer
	crypto.Decrypter
	ContextSigner
	ContextDecrypter
	SchemeLister
} = (*Key)(nil)
