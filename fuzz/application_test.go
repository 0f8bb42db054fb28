package fuzz

import (
	"crypto"
	"crypto/x509"
	"errors"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/internal/certs"
)

// What an application may do when it is asked something, by the lowest bits of an
// instruction.
const (
	answerWell   = iota
	answerLater  // leave the question open
	answerOther  // something else that is as good
	answerBadly  // something that is wrong, or no
	answerFail   // an error
	answerCancel // give up
	answerTwice  // well, and then once more
	answerNever  // nothing, to this question and all others
	answerWays   // how many there are
)

var (
	errApplication = errors.New("the application's own error")
	errTooLate     = errors.New("an answer after the answer")
)

// application answers the questions of one side.
type application struct {
	t       *testing.T
	answers *script
	cert    *certs.Certificate // of a client that is asked for one
	key     func() crypto.PrivateKey
	strict  bool
	apply   func(op *asyncpkey.Op) error
	config  func(how byte, op any) // answers the question for a configuration

	mute    bool // nothing is answered any more
	willful bool // it has failed, lied or gone
}

// question is one that was asked.
type question struct {
	handshake.Question
	detail any
	op     handshake.Op
}

func (q *question) answered() bool { return q.op.Pending().Answered() }

// answer does something about an open question.
func (a *application) answer(q *question, how byte) {
	switch how %= answerWays; how {
	case answerLater:
		return
	case answerNever:
		a.mute, a.willful = true, true
		return
	case answerBadly, answerFail, answerCancel:
		a.willful = true
	}
	a.respond(q, how)
	if !q.answered() {
		a.t.Fatalf("%v is open after its answer", q.Question)
	}
	if how == answerTwice || how == answerCancel {
		if err := q.again(how); !errors.Is(err, async.ErrAnswered) && !errors.Is(err, asyncpkey.ErrAlreadyApplied) {
			a.t.Fatalf("%v takes a second answer: %v", q.Question, err)
		}
	}
}

// again is one more answer.
func (q *question) again(how byte) error {
	if op, ok := q.op.(*asyncpkey.Op); ok && how == answerTwice {
		return op.SetOutput(fakeSignature)
	}
	return q.op.(interface{ Fail(error) error }).Fail(errTooLate)
}

// checkGone holds that nobody takes the answer to a question of the past.
func (q *question) checkGone(t *testing.T) {
	if err := q.again(answerFail); !errors.Is(err, async.ErrClosed) && !errors.Is(err, async.ErrAnswered) && !errors.Is(err, asyncpkey.ErrAlreadyApplied) {
		t.Fatalf("%v takes an answer when all is over: %v", q.Question, err)
	}
	if q.op.Pending().Context().Err() == nil {
		t.Fatalf("the context of %v goes on when all is over", q.Question)
	}
}

// respond settles q, whatever else it does.
func (a *application) respond(q *question, how byte) {
	switch op := q.op.(type) {
	case *asyncpkey.Op:
		a.operate(op, how)
	case *async.Op[handshake.Verdict]:
		verdict := handshake.Verdict{}
		if check, ok := q.detail.(*handshake.SignatureCheck); ok {
			if err := check.Verify(); err != nil && how != answerOther {
				verdict = handshake.Reject(err)
			}
		} else if peer := q.detail.(*handshake.PeerChain); len(peer.Certificates) == 0 {
			a.t.Fatalf("%v without a certificate", q.Question)
		}
		if how == answerBadly {
			verdict = handshake.Reject(nil)
		}
		settle(a, op, how, verdict)
	case *async.Op[[]*x509.RevocationList]:
		lists := theIdentities(a.t).revocations
		if how == answerBadly {
			lists = nil
		}
		settle(a, op, how, lists)
	case *async.Op[[]byte]:
		var response []byte
		if how == answerOther {
			response = []byte("an OCSP response")
		}
		settle(a, op, how, response)
	case *async.Op[*certs.Certificate]:
		cert := a.cert
		if how == answerBadly {
			cert = nil
		}
		settle(a, op, how, cert)
	default:
		a.config(how, op)
	}
}

// settle settles an operation with v, or without anything.
func settle[T any](a *application, op *async.Op[T], how byte, v T) {
	var err error
	switch how {
	case answerFail:
		err = op.Fail(errApplication)
	case answerCancel:
		err = op.Cancel()
	default:
		err = op.Answer(v)
	}
	if err != nil {
		a.t.Fatalf("an open question is not settled: %v", err)
	}
}

// operate does what a private key does, or pretends to.
func (a *application) operate(op *asyncpkey.Op, how byte) {
	var err error
	switch how {
	case answerFail:
		err = op.Fail(errApplication)
	case answerCancel:
		err = op.Cancel()
	case answerBadly:
		err = a.pretend(op)
	default:
		if err = op.Perform(a.key()); err == nil {
			err = a.apply(op)
		}
	}
	if err != nil {
		a.t.Fatalf("%v: %v", op, err)
	}
}

// pretend gives an output that is none.
func (a *application) pretend(op *asyncpkey.Op) error {
	if err := a.apply(op); !errors.Is(err, asyncpkey.ErrNotPerformed) {
		a.t.Fatalf("%v is applied without an output: %v", op, err)
	}
	if op.Kind() == asyncpkey.Decrypt { // nothing may be told from it
		if err := op.SetOutput(fakeSignature[:op.Input()[0]%50]); err != nil {
			return err
		}
		return a.apply(op)
	}
	if op.SetOutput(nil) == nil {
		a.t.Fatalf("%v: an empty signature is taken", op)
	}
	if op.SetOutput(fakeSignature) != nil { // another key's shape
		return op.Fail(errApplication)
	}
	err := a.apply(op)
	if a.strict != errors.Is(err, asyncpkey.ErrVerifySignature) {
		a.t.Fatalf("%v: a false signature gives %v", op, err)
	}
	if a.strict {
		return nil
	}
	return err
}
