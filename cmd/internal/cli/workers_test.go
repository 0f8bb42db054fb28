package cli

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

func signOp(t *testing.T) (*asyncpkey.Op, crypto.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	op, err := asyncpkey.NewOp(asyncpkey.Request{Kind: asyncpkey.Sign, Scheme: iana.ECDSASecp256r1SHA256, Message: []byte("m"), PublicKey: key.Public()})
	if err != nil {
		t.Fatal(err)
	}
	return op, key
}

func TestKeysPutNothingInTheWay(t *testing.T) {
	cfg := new(conn.Config)
	Install(cfg, 0, 0)
	if cfg.OnPrivateKey != nil {
		t.Error("without workers and delay there is a hook")
	}
}

// An operation whose connection has gone does not hold its worker up.
func TestDelayEndsWithTheConnection(t *testing.T) {
	op, key := signOp(t)
	k := &Keys{delay: time.Hour}
	time.AfterFunc(5*time.Millisecond, op.Pending().Close)
	if err := k.perform(task{nil, op, key}); err == nil {
		t.Error("it was performed")
	}
}

func TestQueueIsBounded(t *testing.T) {
	k := &Keys{queue: make(chan task, 1)}
	var errs []error
	for range 3 {
		op, key := signOp(t)
		errs = append(errs, k.enqueue(task{nil, op, key}))
	}
	if errs[0] != nil || !errors.Is(errs[1], errQueueFull) || !errors.Is(errs[2], errQueueFull) {
		t.Errorf("a queue for one takes three: %v", errs)
	}
}
