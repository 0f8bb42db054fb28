package conn_test

import (
	"context"
	"crypto"
	"crypto/x509"
	"sync"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
)

// The code blocks of docs/ASYNC.md stand here, so that they compile.

func pooled(key crypto.Signer) *conn.Config {
	cfg := new(conn.Config)
	pool := asyncpkey.NewPool(asyncpkey.PoolOptions{Workers: 16})
	cfg.OnPrivateKey = asyncpkey.Handler[*conn.Conn](pool, key)
	return cfg
}

func inside(key crypto.Signer) *conn.Config {
	cfg := new(conn.Config)
	cfg.OnPrivateKey = func(c *conn.Conn, op *asyncpkey.Op) error {
		if err := op.Perform(key); err != nil {
			return err
		}
		return c.Apply(op)
	}
	return cfg
}

func verifying(pool *asyncpkey.Pool) *conn.Config {
	cfg := new(conn.Config)
	cfg.OnVerifySignature = func(_ *conn.Conn, check *conn.SignatureCheck, op *async.Op[conn.Verdict]) {
		err := asyncpkey.Answer(pool, op, func(context.Context) (conn.Verdict, error) {
			return check.Verdict(), nil
		})
		if err != nil {
			op.Fail(err)
		}
	}
	return cfg
}

type service struct{}

func (service) Sign(context.Context, string, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, nil
}

func keyService(public crypto.PublicKey, kms service) *asyncpkey.Key {
	key := &asyncpkey.Key{
		PublicKey: public,
		SignFunc: func(ctx context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
			return kms.Sign(ctx, "the key's name", digest, opts)
		},
	}
	return key
}

type device struct {
	requests sync.Map
}

func (*device) enqueue(*x509.Certificate, crypto.Hash, []byte) (id uint64, err error) { return 0, nil }
func (*device) abort(uint64)                                                          {}

type request struct {
	c      *conn.Conn
	op     *asyncpkey.Op
	forget func() bool
}

func (d *device) start(c *conn.Conn, op *asyncpkey.Op) error { // Config.OnPrivateKey
	id, err := d.enqueue(op.Certificate(), op.Hash(), op.Input())
	if err != nil {
		return err
	}
	cancel := func() { d.requests.Delete(id); d.abort(id) }
	d.requests.Store(id, &request{c, op, context.AfterFunc(op.Context(), cancel)})
	return nil
}

func (d *device) resume(id uint64, signature []byte, err error) { // the device has answered
	v, ok := d.requests.LoadAndDelete(id)
	if !ok {
		return
	}
	r := v.(*request)
	r.forget() // nothing is left to cancel
	if err == nil {
		err = r.op.SetOutput(signature)
	}
	if err != nil {
		r.op.Fail(err)
		return
	}
	r.c.Apply(r.op)
}

var _ = []any{pooled, inside, verifying, keyService, (*device).start, (*device).resume}
