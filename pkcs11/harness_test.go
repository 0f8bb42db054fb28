package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
)

// change does something to the module from outside.
func (f *fake) change(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	do()
}

// called returns how often a function was called.
func (f *fake) called(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[name]
}

// open opens the fake's token with short times, and closes it after the test, when there must
// have been no crash.
func (f *fake) open(t testing.TB, change ...func(*Config)) *Token {
	t.Helper()
	token, err := f.tryOpen(t, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := token.Close(); err != nil {
			t.Errorf("closing the token: %v", err)
		}
	})
	return token
}

func (f *fake) tryOpen(t testing.TB, change ...func(*Config)) (*Token, error) {
	t.Helper()
	t.Cleanup(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, c := range f.crashes {
			t.Errorf("the process would have crashed: %s", c)
		}
	})
	cfg := Config{
		Module: f.path, URI: "pkcs11:token=fake",
		PIN:     func(PINRequest) ([]byte, error) { return []byte("1234"), nil },
		Timeout: 5 * time.Second, CloseTimeout: 5 * time.Second, RetryMin: time.Millisecond, RetryMax: 5 * time.Millisecond,
		load: func(string) (library, error) { return f, nil },
	}
	for _, c := range change {
		c(&cfg)
	}
	return Open(cfg)
}

// keys of the tests, made once.
var (
	testP256 = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) })
	testP384 = sync.OnceValue(func() crypto.Signer { return must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader)) })
	testRSA  = sync.OnceValue(func() crypto.Signer { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	testEd   = sync.OnceValue(func() crypto.Signer {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return must(k, err)
	})
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// perform lets handle do one operation, applies it as a connection does, and returns what it was
// settled with. For a decryption, err is what the peer does not learn.
func perform(t testing.TB, handle func(*asyncpkey.Op, func(*asyncpkey.Op) error) error, r asyncpkey.Request) ([]byte, error) {
	t.Helper()
	op, err := asyncpkey.NewOp(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := handle(op, func(op *asyncpkey.Op) error { return asyncpkey.Apply(op, true) }); err != nil {
		return nil, err
	}
	select {
	case <-op.Context().Done():
	case <-time.After(time.Minute):
		t.Fatal("the operation has no answer")
	}
	out, err, _ := op.Result()
	if err == nil {
		err = op.Refusal()
	}
	return out, err
}
