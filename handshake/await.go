package handshake

import (
	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/iana"
)

// await is the only state that waits for the application. It goes on with then, a named
// method of the state that asked, once op is answered.
type await[T any] struct {
	question Question
	op       asked[T]
	then     func(m *Machine, answer T) (state, error)
}

// asked is an operation as await sees it: *async.Op[T], or *asyncpkey.Op for bytes.
type asked[T any] interface {
	Pending() *async.Pending
	Result() (T, error, bool)
}

// waiting is what the Machine knows of an await of any type.
type waiting interface {
	state
	resume(m *Machine) (next state, ready bool, err error)
	pending() *async.Pending
	asks() Question
}

func (a *await[T]) accepts() msgSet { return 0 }

func (a *await[T]) next(*Machine, []byte) (state, error) {
	return nil, unexpected("a message came while the handshake waits for its application")
}

func (a *await[T]) resume(m *Machine) (state, bool, error) {
	answer, err, ok := a.op.Result()
	if !ok {
		return a, false, nil
	}
	if err != nil {
		switch {
		case a.question == AskConfig: // a client may be turned away here
			return nil, true, rejected(iana.InternalError, err, "the application's "+a.question.String()+" failed")
		case !a.question.mayFail():
			return nil, true, internal(err, "the application's %v failed", a.question)
		}
		var none T
		answer = none
	}
	next, err := a.then(m, answer)
	return next, true, err
}

func (a *await[T]) pending() *async.Pending { return a.op.Pending() }

func (a *await[T]) asks() Question { return a.question }

// ask emits a question and returns the state that waits for its answer. What was
// written so far goes out before, as a record of its own, whoever answers when.
func ask[T any](m *Machine, q Question, detail any, op asked[T], then func(*Machine, T) (state, error)) state {
	m.endRecord()
	m.emit(Event{Kind: Ask, Question: q, Detail: detail, Op: op})
	return &await[T]{question: q, op: op, then: then}
}
