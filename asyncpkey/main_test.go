package asyncpkey

import (
	"crypto"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/testpeer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var keys struct {
	sync.Mutex
	of map[testpeer.KeyKind]crypto.Signer
}

// keyOf returns a key of kind k, the same for each call.
func keyOf(t testing.TB, k testpeer.KeyKind) crypto.Signer {
	t.Helper()
	keys.Lock()
	defer keys.Unlock()
	if key := keys.of[k]; key != nil {
		return key
	}
	issued, err := testpeer.SelfSigned([]byte("asyncpkey"), testpeer.Template{Key: k})
	if err != nil {
		t.Fatal(err)
	}
	if keys.of == nil {
		keys.of = map[testpeer.KeyKind]crypto.Signer{}
	}
	keys.of[k] = issued.Key
	return issued.Key
}

var message = []byte("what a CertificateVerify signs")

// signOp returns an operation that wants a signature of message by the P-256 key.
func signOp(t testing.TB) *Op {
	t.Helper()
	return mustOp(t, Request{
		Kind: Sign, Scheme: iana.ECDSASecp256r1SHA256, Message: message,
		PublicKey: keyOf(t, testpeer.KeyP256).Public(), Role: Server,
	})
}

func mustOp(t testing.TB, r Request) *Op {
	t.Helper()
	op, err := NewOp(r)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// signature returns what op asks for, made by key elsewhere.
func signature(t testing.TB, op *Op, key crypto.Signer) []byte {
	t.Helper()
	out, err := key.Sign(nil, op.Input(), op.SignerOpts())
	if err != nil {
		t.Fatal(err)
	}
	return out
}
