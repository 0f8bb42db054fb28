package cli

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
)

func signOp(t *testing.T) (*asyncpkey.Op, crypto.Signer) {
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
	k := NewKeys(0, 0)
	if k != nil {
		t.Error("without workers and delay there is something to do")
	}
	k.Close()
}

// An operation whose connection has gone does not hold its worker up.
func TestDelayEndsWithTheConnection(t *testing.T) {
	op, key := signOp(t)
	time.AfterFunc(5*time.Millisecond, op.Pending().Close)
	if err := op.Perform(delayed{key, time.Hour}); !errors.Is(err, async.ErrClosed) {
		t.Errorf("Perform: %v", err)
	}
}

// remote is a key that is a crypto.Signer, and better asked with a context.
type remote struct {
	crypto.Signer
	asked *int
}

func (r remote) SignContext(_ context.Context, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	*r.asked++
	return r.Sign(rand.Reader, digest, opts)
}

func (r remote) DecryptContext(context.Context, []byte, crypto.DecrypterOpts) ([]byte, error) {
	*r.asked++
	return nil, io.EOF
}

// A delayed key is asked as the key behind it wants to be.
func TestDelayedKeys(t *testing.T) {
	op, key := signOp(t)
	if err := op.Perform(delayed{key, time.Microsecond}); err != nil {
		t.Error(err)
	}
	asked := 0
	op, key = signOp(t)
	d := delayed{remote{key, &asked}, time.Microsecond}
	if err := op.Perform(d); err != nil || asked != 1 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	if _, err := d.DecryptContext(t.Context(), nil, nil); err != io.EOF || asked != 2 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	d = delayed{"no key", time.Microsecond}
	_, err := d.SignContext(t.Context(), nil, nil)
	if err == nil || err.Error() != "a key of type string does not sign" {
		t.Error(err)
	}
	_, err = d.DecryptContext(t.Context(), nil, nil)
	if err == nil || err.Error() != "a key of type string does not decrypt" || d.Public() != nil {
		t.Error(err)
	}
}

// What the pool does not take fails, and is not handed over again.
func TestHandOverOfWhatIsRefused(t *testing.T) {
	k := NewKeys(1, 0)
	k.Close()
	op, key := signOp(t)
	k.asked = append(k.asked, task{nil, op, key})
	k.handOver()
	if _, err, _ := op.Result(); !errors.Is(err, asyncpkey.ErrPoolClosed) {
		t.Errorf("the operation ends with %v", err)
	}
	if len(k.asked) != 0 {
		t.Errorf("%d operations are handed over again", len(k.asked))
	}
}
