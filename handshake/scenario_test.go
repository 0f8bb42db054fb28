package handshake

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"slices"
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

// scenario is one handshake that succeeds.
type scenario struct {
	kind
	auth        ClientAuth // of the server
	certificate bool       // the client has one
	asks        Questions  // that have a taker, on both sides
}

// kind is what a handshake goes by before it comes to certificates.
type kind string

const (
	tls13          kind = "TLS 1.3"
	tls13Retry     kind = "TLS 1.3, retried" // by a HelloRetryRequest
	tls12          kind = "TLS 1.2"          // with ECDHE
	tls12Silent    kind = "TLS 1.2, silent"  // no OCSP response comes although one is announced
	tls12RSA       kind = "TLS 1.2, RSA"     // key exchange
	tls12RSASilent kind = "TLS 1.2, RSA, silent"
)

func (k kind) version() iana.Version {
	if strings.HasPrefix(string(k), "TLS 1.3") {
		return iana.TLS13
	}
	return iana.TLS12
}

func (k kind) silent() bool { return k == tls12Silent || k == tls12RSASilent }

func (k kind) rsa() bool { return k == tls12RSA || k == tls12RSASilent }

// scenarios are all that there are: each set of questions, in each kind of handshake.
func scenarios() iter.Seq[scenario] {
	return func(yield func(scenario) bool) {
		for _, kind := range slices.Concat([]kind{tls13, tls13Retry, tls12, tls12Silent, tls12RSA, tls12RSASilent}, kinds13, kinds12) {
			for _, s := range []scenario{
				{kind, NoClientAuth, false, 0},
				{kind, OptionalClientAuth, false, 0},
				{kind, RequireClientAuth, true, 0},
			} {
				for s.asks = range kind.questions().subsets() {
					if kind.silent() && !s.asks.Has(AskOCSPResponse) {
						continue // nobody is asked, and nothing is announced
					}
					if !yield(s) {
						return
					}
				}
			}
		}
	}
}

// questions are those that take a part in a kind of handshake; AskSession, AskStoreSession and
// AskTakeSession go with a store, and not by these.
func (k kind) questions() Questions {
	if s, ok := sessions12[k]; ok {
		return s.asks
	}
	if s, ok := sessions13[k]; ok {
		return s.asks
	}
	return 1<<(AskClientCertificate+1) - 1
}

// subsets are all sets of questions of the set, the empty one first.
func (s Questions) subsets() iter.Seq[Questions] {
	return func(yield func(Questions) bool) {
		for sub := Questions(0); yield(sub) && sub != s; {
			sub = (sub - s) & s
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

// everything is the scenario of a kind with all that can happen.
func everything(k kind) scenario { return scenario{k, RequireClientAuth, true, k.questions()} }

func (s scenario) String() string {
	text := string(s.kind)
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
	store          map[string][]byte // of sessions
}

// delivery is a message made by the driver.
type delivery struct {
	toClient bool
	msg      []byte
}

func (s scenario) start(t testing.TB) *run {
	client, server := clientConfig(t), serverConfig(t)
	client.Asks, server.Asks = s.asks, s.asks
	client.RequestOCSP, server.RequestOCSP = true, true
	server.ClientAuth = s.auth
	if s.certificate {
		client.Certificates = issue(t, testpeer.KeyEd25519).store
	}
	s.kind.apply(t, client, server)
	store := s.useSessions(t, client, server)
	r := &run{TB: t, scenario: s, client: newSide(true, client), server: newSide(false, server), store: store}
	r.client.WantEarlyData, r.server.WantEarlyData = true, true
	if s.kind.version() == iana.TLS13 {
		r.post = []delivery{
			{true, ticket()}, {true, keyUpdate(false)}, {true, ticket()}, {true, keyUpdate(true)},
			{false, keyUpdate(true)}, {false, keyUpdate(false)},
		}
	} else {
		r.post = []delivery{{true, []byte{byte(iana.HelloRequest), 0, 0, 0}}}
	}
	return r
}

// apply makes the two Configs of the kind. For TLS 1.2 it is the server that knows no other
// version.
func (k kind) apply(t testing.TB, client, server *Config) {
	if k == tls13Retry || k == tls13Second {
		server.Groups.Curves = []iana.Group{iana.Secp256r1}
	}
	if k.version() == iana.TLS13 {
		return
	}
	suite := iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
	if k.rsa() {
		suite = iana.TLS_RSA_WITH_AES_128_GCM_SHA256
		server.Certificates = issue(t, testpeer.KeyRSA1024).store
	}
	client.MinVersion = iana.TLS12
	client.Suites = append(client.Suites, suite)
	server.MinVersion, server.MaxVersion = iana.TLS12, iana.TLS12
	server.Suites = client.Suites
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
	case *async.Op[bool]:
		return op.Answer(!sessions13[r.kind].refuse.Has(s.question.Question))
	case *async.Op[*PSK]:
		if r.kind == tls13Unknown {
			return op.Answer(nil)
		}
		return op.Answer(externalPSK())
	case *async.Op[*Config]:
		cfg := *s.cfg
		return op.Answer(&cfg)
	case *asyncpkey.Op:
		if err := op.Perform(r.key(op)); err != nil {
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
	case *async.Op[struct{}]:
		entry := s.question.Detail.(*SessionEntry)
		r.store[string(entry.ID)] = slices.Clone(entry.Entry)
		return op.Answer(struct{}{})
	case *async.Op[[]byte]:
		switch detail := s.question.Detail.(type) {
		case *SessionLookup:
			return op.Answer(slices.Clone(r.store[string(detail.ID)]))
		case []byte:
			const sealed = "sealed by the application: "
			if s.question.Question == AskTicket {
				if content, ok := bytes.CutPrefix(detail, []byte(sealed)); ok {
					return op.Answer(content)
				}
				return op.Answer(nil) // not the application's
			}
			return op.Answer(append([]byte(sealed), detail...))
		}
		if r.kind.silent() {
			r.server.state.(*await[[]byte]).then = announceAndKeepSilent
			return op.Answer(nil)
		}
		return op.Answer([]byte("an OCSP response"))
	case *async.Op[*certs.Certificate]:
		if !r.certificate {
			return op.Answer(nil)
		}
		return op.Answer(issue(r, testpeer.KeyEd25519).cert)
	}
	return errors.New("the tests have no answer of this type")
}

// announceAndKeepSilent has a server of TLS 1.2 say that an OCSP response follows, and send
// none, which this one never does.
func announceAndKeepSilent(m *Machine, _ []byte) (state, error) {
	s := m.x.secrets.(*server12)
	if err := s.serverHello(m); err != nil {
		return nil, err
	}
	return s.certificateOn(m, nil)
}

// key is the private key that an operation is for.
func (r *run) key(op *asyncpkey.Op) crypto.PrivateKey {
	if r.kind.rsa() && op.Role() == asyncpkey.Server {
		return issue(r, testpeer.KeyRSA1024).Key
	}
	return issue(r, testpeer.KeyEd25519).Key
}

// stop is a point of a run where a side waits, to be reached again as often as wanted.
type stop struct {
	scenario
	steps  int
	client bool
	name   string // of the state
	after  kind   // once it is known
}

func (s stop) String() string {
	if s.after == "" {
		return fmt.Sprintf("%s in %s", role(s.client), s.name)
	}
	return fmt.Sprintf("%s in %s of %s", role(s.client), s.name, s.after)
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
		seen := map[string]bool{}
		var list []stop
		g := newGraph()
		for s := range scenarios() {
			r := s.start(t)
			r.client.graph, r.server.graph = g, g
			r.client.version, r.server.version = s.kind.version(), s.kind.version()
			for more := true; more; more = r.step() {
				for _, at := range []*side{r.client, r.server} {
					here := stop{s, r.steps, at.client, at.stateName(), ""}
					if at.Result.Version != 0 {
						here.after = s.kind
					}
					if !seen[here.String()] {
						seen[here.String()] = true
						list = append(list, here)
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
