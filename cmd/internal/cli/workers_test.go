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

func TestNoKeysWithoutNeed(t *testing.T) {
	if k := NewKeys(0, 0); k != nil {
		t.Error("without workers and delay there is something to do")
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
	var ops []*asyncpkey.Op
	for range 3 {
		op, key := signOp(t)
		ops = append(ops, op)
		k.asked = append(k.asked, task{nil, op, key})
	}
	k.handOver()
	for i, op := range ops {
		if _, err, _ := op.Result(); errors.Is(err, errQueueFull) != (i > 0) {
			t.Errorf("operation %d of a queue for one ends with %v", i, err)
		}
	}
	if len(k.asked) != 0 {
		t.Errorf("%d operations are handed over again", len(k.asked))
	}
}
