package handshake

import (
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// scenario is one kind of handshake that succeeds.
type scenario struct {
	retry       bool       // by a HelloRetryRequest
	auth        ClientAuth // of the server
	certificate bool       // the client has one
	asks        Questions  // that have a taker, on both sides
}

// scenarios are all that there are: each set of questions, in each kind of handshake.
func scenarios() iter.Seq[scenario] {
	return func(yield func(scenario) bool) {
		all := Questions(1) << len(questions())
		for _, s := range []scenario{
			{auth: NoClientAuth},
			{auth: OptionalClientAuth},
			{auth: RequireClientAuth, certificate: true},
		} {
			for _, s.retry = range []bool{false, true} {
				for s.asks = range all {
					if !yield(s) {
						return
					}
				}
			}
		}
	}
}

// questions are all that there are; String knows where they end.
func questions() (list []Question) {
	for q := Question(0); !strings.HasPrefix(q.String(), "Question("); q++ {
		list = append(list, q)
	}
	return list
}

// everything is the scenario with all that can happen.
var everything = scenario{retry: true, auth: RequireClientAuth, certificate: true, asks: ^Questions(0)}

func (s scenario) String() string {
	text := "handshake"
	if s.retry {
		text += ", retried"
	}
	switch {
	case s.certificate:
		text += ", client certificate"
	case s.auth == OptionalClientAuth:
		text += ", client certificate that there is none of"
	}
	for _, q := range questions() {
		if s.asks.Has(q) {
			text += ", asks for " + q.String()
		}
	}
	return text
}

// run is a scenario on its way.
type run struct {
	testing.TB
	scenario
	client, server *side
	post           []delivery // what is still to be sent after the handshake
	steps          int
}

// delivery is a message made by the driver.
type delivery struct {
	toClient bool
	msg      []byte
}

func (s scenario) start(t testing.TB) *run {
	client, server := clientConfig(t), serverConfig(t)
	client.Asks, server.Asks = s.asks, s.asks
	client.RequestOCSP = true
	server.ClientAuth = s.auth
	if s.certificate {
		client.Certificates = issue(t, testpeer.KeyEd25519).store
	}
	if s.retry {
		server.Groups.Curves = []iana.Group{iana.Secp256r1}
	}
	r := &run{TB: t, scenario: s, client: newSide(true, client), server: newSide(false, server)}
	r.post = []delivery{
		{true, ticket()}, {true, keyUpdate(false)}, {true, ticket()}, {true, keyUpdate(true)},
		{false, keyUpdate(true)}, {false, keyUpdate(false)},
	}
	return r
}

func (r *run) close() {
	r.client.close()
	r.server.close()
}

func ticket() []byte {
	var w wire.Writer
	m := wire.BeginNewSessionTicket(&w, 3600, 1, []byte{0}, []byte("ticket"))
	w.End(w.Begin16())
	w.End(m)
	return w.B
}

func keyUpdate(request bool) []byte {
	var w wire.Writer
	wire.AppendKeyUpdate(&w, request)
	return w.B
}

// next says what the next step is: the side that will move, and the message that it is to
// be fed; none if it begins or if its question is to be answered first.
func (r *run) next() (to *side, p *packet, toClient bool) {
	switch {
	case r.steps == 0:
		return r.client, nil, true
	case r.server.question != nil:
		return r.server, nil, false
	case r.client.question != nil:
		return r.client, nil, true
	case len(r.client.out) > 0:
		return r.server, &r.client.out[0], false
	case len(r.server.out) > 0:
		return r.client, &r.server.out[0], true
	case len(r.post) == 0:
		return nil, nil, false
	case r.post[0].toClient:
		return r.client, &packet{Application, r.post[0].msg}, true
	}
	return r.server, &packet{Application, r.post[0].msg}, false
}

// step makes one step by the message whole; false says that there is none left.
func (r *run) step() bool {
	r.Helper()
	return r.stepBy(func(s *side, p packet) error {
		_, err := s.feed(p)
		return err
	})
}

// stepBy makes one step, feeding by feed.
func (r *run) stepBy(feed func(s *side, p packet) error) bool {
	r.Helper()
	to, p, toClient := r.next()
	if to == nil {
		return false
	}
	r.steps++
	var err error
	switch {
	case p == nil:
		if to.question != nil {
			r.answer(to)
		}
		_, err = to.advance()
	default:
		msg := *p
		r.take(toClient)
		err = feed(to, msg)
	}
	if err != nil {
		r.Fatalf("%v: step %d: %s: %v", r.scenario, r.steps, to.stateName(), err)
	}
	return true
}

// take removes the message that next names.
func (r *run) take(toClient bool) {
	switch from := map[bool]*side{true: r.server, false: r.client}[toClient]; {
	case len(from.out) > 0:
		from.out = from.out[1:]
	default:
		r.post = r.post[1:]
	}
}

// finish makes all steps that are left.
func (r *run) finish() {
	r.Helper()
	for r.step() {
	}
	if !r.client.Done() || !r.server.Done() {
		r.Fatalf("%v: ends in %s and %s", r.scenario, r.client.stateName(), r.server.stateName())
	}
}

// answer answers the question of s as its application would.
func (r *run) answer(s *side) {
	r.Helper()
	if err := r.reply(s); err != nil {
		r.Fatalf("%v: answer to %v: %v", r.scenario, s.question.Question, err)
	}
	s.question = nil
}

func (r *run) reply(s *side) error {
	switch op := s.question.Op.(type) {
	case *async.Op[*Config]:
		cfg := *s.cfg
		return op.Answer(&cfg)
	case *asyncpkey.Op:
		if err := op.Perform(issue(r, testpeer.KeyEd25519).Key); err != nil {
			return err
		}
		return asyncpkey.Apply(op, true)
	case *async.Op[Verdict]:
		if check, ok := s.question.Detail.(*SignatureCheck); ok {
			if err := check.Verify(); err != nil {
				return op.Answer(Reject(err))
			}
		}
		return op.Answer(Verdict{})
	case *async.Op[[]*x509.RevocationList]:
		now := today()
		list, err := authority().CRL(now.AddDate(0, 0, -1), now.AddDate(0, 0, 1), nil)
		if err != nil {
			return err
		}
		return op.Answer([]*x509.RevocationList{list})
	case *async.Op[[]byte]:
		return op.Answer([]byte("an OCSP response"))
	case *async.Op[*certs.Certificate]:
		if !r.certificate {
			return op.Answer(nil)
		}
		return op.Answer(issue(r, testpeer.KeyEd25519).cert)
	}
	return errors.New("the tests have no answer of this type")
}

// stop is a point of a run where a side waits, to be reached again as often as wanted.
type stop struct {
	scenario
	steps  int
	client bool
	name   string // of the state
	retry  bool   // after a HelloRetryRequest
}

func (s stop) String() string {
	role := "server"
	if s.client {
		role = "client"
	}
	if s.retry {
		return fmt.Sprintf("%s in %s after a retry", role, s.name)
	}
	return fmt.Sprintf("%s in %s", role, s.name)
}

// reach runs the scenario up to the stop.
func (s stop) reach(t testing.TB) (*run, *side) {
	t.Helper()
	r := s.start(t)
	for r.steps < s.steps {
		r.step()
	}
	at := r.server
	if s.client {
		at = r.client
	}
	if at.stateName() != s.name {
		t.Fatalf("step %d of %v ends in %s, not in %s", s.steps, s.scenario, at.stateName(), s.name)
	}
	return r, at
}

// walked is what walk has found.
var walked struct {
	once  sync.Once
	stops []stop
	graph *graph
}

// walk runs all scenarios, once in the life of the tests. It returns each point where a
// Machine waits, by the first run that gets there, and the graph of all transitions.
func walk(t testing.TB) ([]stop, *graph) {
	t.Helper()
	walked.once.Do(func() {
		type key struct {
			client, retry bool
			name          string
		}
		seen := map[key]bool{}
		var list []stop
		g := newGraph()
		for s := range scenarios() {
			r := s.start(t)
			r.client.graph, r.server.graph = g, g
			for more := true; more; more = r.step() {
				for _, at := range []*side{r.client, r.server} {
					k := key{at == r.client, at.Result.Retried, at.stateName()}
					if !seen[k] {
						seen[k] = true
						list = append(list, stop{s, r.steps, k.client, k.name, k.retry})
					}
				}
			}
			r.finish()
			r.close()
		}
		walked.stops, walked.graph = list, g
	})
	if walked.graph == nil {
		t.Fatal("the scenarios do not all succeed: see the test that ran them first")
	}
	return walked.stops, walked.graph
}
