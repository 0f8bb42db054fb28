package pkcs11

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"

	"github.com/s2ngo/s2ngo/asyncpkey"
)

// premasterLen is the length in bytes of the premaster secret of RSA key exchange (RFC 5246,
// Section 7.4.7.1).
const premasterLen = 48

// Handle queues op for the token, with the key that belongs to op's certificate, and returns at
// once. apply is the connection's Apply: a worker calls it when the token has answered, and
// Op.Fail when it has not. It is made to be a Config's OnPrivateKey:
//
//	func(c *conn.Conn, op *asyncpkey.Op) error { return token.Handle(op, c.Apply) }
//
// An operation whose context is done before its turn costs the token nothing. One that takes
// longer than Config.Timeout fails with ErrTimeout.
//
// Errors end the handshake: ErrClosed, ErrBusy.
func (t *Token) Handle(op *asyncpkey.Op, apply func(*asyncpkey.Op) error) error {
	return t.handle(op, apply, func(s *session) (*Key, error) {
		pub, err := wanted(op)
		if err != nil {
			return nil, err
		}
		return t.keyOf(s, pub)
	})
}

// Handle is Token.Handle with this key, whatever the certificate.
func (k *Key) Handle(op *asyncpkey.Op, apply func(*asyncpkey.Op) error) error {
	return k.t.handle(op, apply, func(*session) (*Key, error) { return k, nil })
}

func (t *Token) handle(op *asyncpkey.Op, apply func(*asyncpkey.Op) error, find func(*session) (*Key, error)) error {
	r := &request{
		ctx: op.Context(),
		run: func(s *session) (any, error) {
			k, err := find(s)
			if err != nil {
				return nil, err
			}
			if op.Kind() == asyncpkey.Decrypt {
				return k.decryptOp(s, op)
			}
			return k.signOp(s, op)
		},
		finish: func(out any, err error) { conclude(op, apply, out, err) },
	}
	return t.submit(r)
}

// conclude gives op its answer. What goes wrong here is the connection's to know, not ours: it is
// gone, its deadline has passed, or somebody else has performed op and is about to apply it.
func conclude(op *asyncpkey.Op, apply func(*asyncpkey.Op) error, out any, err error) {
	if err == nil {
		b, _ := out.([]byte)
		err = op.SetOutput(b)
		clear(b)
	}
	if errors.Is(err, asyncpkey.ErrAlreadyPerformed) {
		return
	}
	if err != nil {
		_ = op.Fail(err)
		return
	}
	_ = apply(op)
}

func (k *Key) signOp(s *session, op *asyncpkey.Op) (any, error) {
	g, err := newSigning(k.public, op.Input(), op.SignerOpts())
	if err != nil {
		return nil, err
	}
	return k.sign(s, g)
}

func (k *Key) decryptOp(s *session, op *asyncpkey.Op) (any, error) {
	d, err := k.newDecryption(op.Input(), premasterLen)
	if err != nil {
		return nil, err
	}
	return k.decrypt(s, d)
}

// wanted is the public key of op's certificate, as this package knows it.
func wanted(op *asyncpkey.Op) (crypto.PublicKey, error) {
	switch pub := op.PublicKey().(type) {
	case *rsa.PublicKey, *ecdsa.PublicKey, ed25519.PublicKey:
		return pub, nil
	case nil:
		if op.Certificate() == nil {
			return nil, errors.New("pkcs11: the operation has neither a public key nor a certificate")
		}
	}
	return subjectKey(op.Certificate())
}
