package asyncpkey

import (
	"context"
	"crypto"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/sig"
)

// ContextSigner is a key that signs elsewhere and gives up when ctx is done: a key server,
// a token behind a network. It signs what crypto.Signer's Sign does: the digest, or the whole
// message where opts.HashFunc() is 0 (Ed25519). Perform prefers it to every other method of a
// key.
type ContextSigner interface {
	Public() crypto.PublicKey
	SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)
}

// ContextDecrypter is a key that decrypts elsewhere and gives up when ctx is done. opts are
// those of crypto.Decrypter's Decrypt.
type ContextDecrypter interface {
	Public() crypto.PublicKey
	DecryptContext(ctx context.Context, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error)
}

// SchemeLister is a key that says which signature schemes it can do, as when a TPM lacks
// RSA-PSS. A certificate that is made with such a key signs by no other. A key that may learn
// later what it cannot do has a method CanSign(iana.SignatureScheme) bool besides, which is asked
// in each handshake.
type SchemeLister interface {
	SignatureSchemes() []iana.SignatureScheme
}

// Key is a private key made of functions, for keys whose holder is reached by calls of its
// own kind: a key-management service, a token. It is a crypto.Signer, crypto.Decrypter,
// ContextSigner, ContextDecrypter and SchemeLister, so that it may stand in a Certificate,
// go to Op.Perform, or to a Pool. Its fields are set before it is used; its functions are
// called on any number of goroutines at once.
type Key struct {
	PublicKey crypto.PublicKey

	// SignFunc signs a digest, or a message where opts.HashFunc() is 0; nil = it cannot.
	SignFunc func(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error)

	// DecryptFunc opens the ciphertext of an RSA key exchange, with PKCS #1 v1.5 padding,
	// and returns the 48 bytes in it; nil = it cannot. What it returns besides is treated
	// alike: see Op.Fail.
	DecryptFunc func(ctx context.Context, ciphertext []byte) ([]byte, error)

	// Schemes are what it signs by; nil = whatever fits PublicKey.
	Schemes []iana.SignatureScheme
}

var (
	errCannotSign    = errors.New("asyncpkey: the key does not sign")
	errCannotDecrypt = errors.New("asyncpkey: the key does not decrypt")
)

// Public returns PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.PublicKey }

// SignatureSchemes returns Schemes.
func (k *Key) SignatureSchemes() []iana.SignatureScheme { return k.Schemes }

// CanDecrypt reports whether there is a DecryptFunc: without one, its certificate is not used
// for RSA key exchange.
func (k *Key) CanDecrypt() bool { return k.DecryptFunc != nil }

// SignContext calls SignFunc.
func (k *Key) SignContext(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	if k.SignFunc == nil {
		return nil, errCannotSign
	}
	return k.SignFunc(ctx, digest, opts)
}

// Sign calls SignFunc with a context that is never done. The reader is of no account.
func (k *Key) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return k.SignContext(context.Background(), digest, opts)
}

// DecryptContext calls DecryptFunc. The options are of no account.
func (k *Key) DecryptContext(ctx context.Context, ciphertext []byte, _ crypto.DecrypterOpts) ([]byte, error) {
	if k.DecryptFunc == nil {
		return nil, errCannotDecrypt
	}
	return k.DecryptFunc(ctx, ciphertext)
}

// Decrypt calls DecryptFunc with a context that is never done.
func (k *Key) Decrypt(_ io.Reader, ciphertext []byte, opts crypto.DecrypterOpts) ([]byte, error) {
	return k.DecryptContext(context.Background(), ciphertext, opts)
}

// sign makes op's signature with key.
func (op *Op) sign(key crypto.PrivateKey) ([]byte, error) {
	if k, ok := key.(ContextSigner); ok {
		key = &contextSigner{k, op}
	}
	out, err := op.scheme.Sign(rand.Reader, key, op.digest, op.req.Message)
	if err == nil {
		err = op.scheme.CheckShape(op.req.PublicKey, out)
	}
	return out, err
}

// contextSigner lets a ContextSigner pass for a crypto.Signer for the time of one operation.
type contextSigner struct {
	ContextSigner
	op *Op
}

func (s *contextSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.SignContext(s.op.Context(), digest, opts)
}

// ErrNoKey is returned by a Handler that has no key for an operation's certificate.
var ErrNoKey = errors.New("asyncpkey: there is no private key for the certificate")

// Applier is a connection as this package sees it: a *conn.Conn.
type Applier interface{ Apply(op *Op) error }

// Handler returns a hook that lets p do the operations of connections, each with the one of
// keys that belongs to the selected certificate:
//
//	cfg.OnPrivateKey = asyncpkey.Handler[*conn.Conn](pool, key)
//
// The hook's errors, which end the handshake: ErrNoKey, and those of Pool.Submit. A nil p
// performs at once, inside the hook, on the connection's own goroutine. Keys have a method
// Public, and are what Op.Perform takes.
func Handler[C Applier](p *Pool, keys ...crypto.PrivateKey) func(C, *Op) error {
	return func(c C, op *Op) error {
		key, err := keyFor(op, keys)
		switch {
		case err != nil:
			return err
		case p != nil:
			return p.Submit(c, op, key)
		}
		if err := op.Perform(key); err != nil {
			return err
		}
		return c.Apply(op)
	}
}

// keyFor finds the private half of the key that op is for.
func keyFor(op *Op, keys []crypto.PrivateKey) (crypto.PrivateKey, error) {
	want, ok := plain(op.req.PublicKey).(interface{ Equal(crypto.PublicKey) bool })
	for _, key := range keys {
		holder, has := key.(interface{ Public() crypto.PublicKey })
		if ok && has && want.Equal(plain(holder.Public())) {
			return key, nil
		}
	}
	name := ""
	if c := op.req.Certificate; c != nil {
		name = c.Subject.String()
	}
	return nil, fmt.Errorf("%w of %q, whose key is a %T", ErrNoKey, name, plain(op.req.PublicKey))
}

// plain returns pub as crypto/x509 knows it.
func plain(pub crypto.PublicKey) crypto.PublicKey {
	if k, ok := pub.(sig.PSSPublicKey); ok {
		return k.RSA
	}
	return pub
}
