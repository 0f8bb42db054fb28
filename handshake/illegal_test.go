package handshake

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/certs"
	"github.com/s2ngo/s2ngo/internal/testpeer"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// messageTypes are the registered ones and some that are not, at the ends of what a set can hold.
func messageTypes() (types []iana.Message) {
	for n := range 256 {
		t := iana.Message(n)
		if t.String() != strconv.Itoa(n) || slices.Contains([]int{3, 62, 63, 64, 65, 127, 128, 255}, n) {
			types = append(types, t)
		}
	}
	return types
}

// samples are messages of each type that a handshake has, as real as they come; of other
// types there is the header alone.
func samples(t testing.TB) map[iana.Message][]byte {
	t.Helper()
	all := map[iana.Message][]byte{}
	for _, n := range messageTypes() {
		all[n] = []byte{byte(n), 0, 0, 0}
	}
	for _, k := range []kind{tls12RSA, tls12, tls13Retry} {
		r := everything(k).start(t)
		for more := true; more; more = r.step() {
			if _, p, _ := r.next(); p != nil && p.data != nil {
				all[iana.Message(p.data[0])] = p.data
			}
		}
		r.close()
	}
	var w wire.Writer
	wire.AppendEndOfEarlyData(&w)
	all[iana.EndOfEarlyData] = w.B
	return all
}

// settle answers and advances until s waits for its peer. It stops at an error.
func (r *run) settle(s *side) (events []Event, err error) {
	r.Helper()
	for range 20 {
		if s.question != nil {
			r.answer(s)
		}
		events, err = s.advance()
		if err != nil || s.question == nil {
			return events, err
		}
	}
	r.Fatalf("%s asks for ever", s.stateName())
	return nil, nil
}

// TestIllegalMessages feeds each message to each state that no scenario leads on from by it: what
// a state accepts is not asked, but drawn in docs/STATES.md. A message that comes while a Machine
// waits for its application is judged when it goes on.
func TestIllegalMessages(t *testing.T) {
	stops, g := walk(t)
	sample := samples(t)
	for _, at := range stops {
		t.Run(at.String(), func(t *testing.T) {
			r, s := at.reach(t)
			waits := at.waits(s)
			if _, err := r.settle(s); err != nil {
				t.Fatal(err)
			}
			legal := g.labels(diagram{at.client, at.kind.version()}, s.stateName())
			if at.client && at.kind.version() == iana.TLS12 {
				// Not drawn either: a client that shakes hands passes over it
				// (TestHelloRequestsDuringAHandshake).
				legal[iana.HelloRequest.String()] = true
			}
			if s.stateName() == "connected12" {
				legal[iana.ClientHello.String()] = true // has an alert of its own
			}
			r.close()
			count := 0
			for n, msg := range sample {
				if legal[n.String()] {
					continue
				}
				count++
				r, s := at.reach(t)
				if err := s.Feed(s.ReadEpoch(), msg); err != nil {
					t.Fatal(err)
				}
				events, err := r.settle(s)
				if waits {
					events = onlyKind(events, SetReadKey)
				}
				if s.failsWith(t, events, err, iana.UnexpectedMessage, ""); t.Failed() {
					t.Fatalf("after %v", n)
				}
				r.close()
			}
			if count < 20 {
				t.Errorf("%d messages are illegal, too few to be true", count)
			}
		})
	}
}

// waits reports whether the Machine at the stop goes on without its peer.
func (at stop) waits(s *side) bool {
	_, starts := s.state.(mover)
	return s.question != nil || starts
}

func onlyKind(events []Event, kind EventKind) []Event {
	return slices.DeleteFunc(slices.Clone(events), func(e Event) bool { return e.Kind != kind })
}

// TestIllegalChangeCipherSpec gives a change_cipher_spec to each state that does not accept it,
// those that wait for the application included: TLS 1.2 has its place for it.
func TestIllegalChangeCipherSpec(t *testing.T) {
	stops, _ := walk(t)
	for _, at := range stops {
		r, s := at.reach(t)
		if _, starts := s.state.(mover); starts || s.state.accepts().has(changeCipherSpec) {
			continue
		}
		sentence := fmt.Sprintf("%s sent change_cipher_spec where %v is expected", s.peer(), s.state.accepts())
		if s.question != nil {
			sentence = s.peer() + " sent change_cipher_spec while the handshake waits for its application"
		}
		events, err := s.feed(packet{})
		if s.failsWith(t, events, err, iana.UnexpectedMessage, sentence); t.Failed() {
			t.Fatal(at)
		}
		r.close()
	}
	for _, at := range []stop{stopNamed(t, "server in expectChangeCipherSpec", tls12), stopNamed(t, "client in expectChangeCipherSpec", tls12)} {
		r, s := at.reach(t)
		if err := s.Feed(Initial, []byte{byte(iana.Finished)}); err != nil {
			t.Fatal(err)
		}
		events, err := s.feed(packet{})
		s.failsWith(t, events, err, iana.UnexpectedMessage, s.peer()+" sent change_cipher_spec in the middle of a handshake message")
		r.close()
	}
}

// TestIllegalMessageSentence holds what an error says of a message out of place, and that its type
// is enough.
func TestIllegalMessageSentence(t *testing.T) {
	for _, c := range []struct {
		at       string
		kind     kind
		sentence string
	}{
		{"client in expectServerHello", "", "server sent finished where server_hello is expected"},
		{"client in expectCertificateOrRequest", tls13, "server sent finished where certificate or certificate_request is expected"},
		{"server in expectClientHello", "", "client sent finished where client_hello is expected"},
		{"server in connected13", tls13, "client sent finished where new_session_ticket or key_update is expected"},
		{"server in expectChangeCipherSpec", tls12, "client sent finished where change_cipher_spec is expected"},
		{"server in connected12", tls12, "client sent finished where hello_request or client_hello is expected"},
	} {
		r, s := stopNamed(t, c.at, c.kind).reach(t)
		events, err := s.feed(packet{s.ReadEpoch(), []byte{byte(iana.Finished)}})
		s.failsWith(t, events, err, iana.UnexpectedMessage, c.sentence)
		r.close()
	}
	for _, c := range []struct {
		at       string
		kind     kind
		msg      []byte
		alert    iana.Alert
		sentence string
	}{
		{"server in connected13", tls13, ticket(), iana.UnexpectedMessage, "client sent a new_session_ticket"},
		{"client in connected12", tls12, []byte{byte(iana.ClientHello), 0, 0, 0}, iana.UnexpectedMessage, "server sent client_hello"},
		{"server in connected12", tls12, []byte{byte(iana.HelloRequest), 0, 0, 0}, iana.UnexpectedMessage, "client sent hello_request"},
		{"server in connected12", tls12, []byte{byte(iana.ClientHello), 0, 0, 0}, iana.NoRenegotiation,
			"client wants to renegotiate, which this server never does"},
	} {
		r, s := stopNamed(t, c.at, c.kind).reach(t)
		events, err := s.feed(packet{Application, c.msg})
		s.failsWith(t, events, err, c.alert, c.sentence)
		r.close()
	}
}

// stopNamed finds a stop; kind is empty while the Machine does not know it.
func stopNamed(t testing.TB, name string, k kind) stop {
	t.Helper()
	stops, _ := walk(t)
	for _, at := range stops {
		if role(at.client)+" in "+at.name == name && at.after == k {
			return at
		}
	}
	t.Fatalf("no scenario of %q has %s", k, name)
	return stop{}
}

// TestWrongEpoch feeds each state bytes of each epoch that is not its own.
func TestWrongEpoch(t *testing.T) {
	stops, _ := walk(t)
	for _, at := range stops {
		for _, epoch := range []Epoch{Initial, Handshake, Application} {
			r, s := at.reach(t)
			own, op := s.ReadEpoch(), s.question
			if epoch == own {
				continue
			}
			if _, ok := s.state.(mover); ok {
				continue // has no keys yet, and no peer that could have any
			}
			err := s.Feed(epoch, []byte{byte(iana.Finished)})
			sentence := fmt.Sprintf("handshake bytes of the %v epoch came in the %v epoch", epoch, own)
			s.failsWith(t, nil, err, iana.UnexpectedMessage, sentence)
			if op != nil {
				isClosed(t, op)
			}
			r.close()
			if t.Failed() {
				t.Fatalf("%v, fed bytes of the %v epoch", at, epoch)
			}
		}
	}
}

// isClosed holds that the operation of a failed Machine refuses an answer.
func isClosed(t testing.TB, question *Event) {
	t.Helper()
	var err error
	switch op := question.Op.(type) {
	case *asyncpkey.Op:
		err = op.Fail(errors.New("late"))
	case interface{ Cancel() error }:
		err = op.Cancel()
	}
	if err != async.ErrClosed {
		t.Errorf("a late answer to %v gives %v, want %v", question.Question, err, async.ErrClosed)
	}
	select {
	case <-question.Op.Pending().Context().Done():
	default:
		t.Errorf("the context of the operation for %v is not done", question.Question)
	}
}

// TestAbortAndClose ends Machines in each state.
func TestAbortAndClose(t *testing.T) {
	stops, _ := walk(t)
	reason := errors.New("the reason")
	for _, at := range stops {
		r, s := at.reach(t)
		op := s.question
		err := s.Abort(reason)
		s.failsWith(t, nil, err, iana.InternalError, "the application ended the handshake: the reason")
		if !errors.Is(err, reason) || s.Abort(errors.New("another")) != err {
			t.Errorf("Abort gives %v, then %v", err, s.Abort(errors.New("another")))
		}
		if op != nil {
			isClosed(t, op)
		}
		r.close()

		r, s = at.reach(t)
		op = s.question
		exporter := s.Result.Exporter
		s.Close()
		if _, err := s.Advance(); err != errClosed || s.x != nil || s.Result.Exporter != nil || exporter != nil && *exporter != (Exporter{}) {
			t.Errorf("Advance after Close gives %v", err)
		}
		if op != nil {
			isClosed(t, op)
		}
		s.Close()
		r.close()
		if t.Failed() {
			t.Fatalf("%v", at)
		}
	}
}

// TestApplicationFails lets the application fail at each question. Where that may be, the
// handshake comes to its end.
func TestApplicationFails(t *testing.T) {
	stops, _ := walk(t)
	reason := errors.New("the reason")
	for _, at := range stops {
		r, s := at.reach(t)
		if s.question == nil {
			continue
		}
		if op, ok := s.question.Op.(*asyncpkey.Op); ok && op.Kind() == asyncpkey.Decrypt {
			continue // a failure that nobody may see: TestDecryptionThatFails
		}
		question := s.question.Question
		if err := s.question.Op.(interface{ Fail(error) error }).Fail(reason); err != nil {
			t.Fatal(err)
		}
		if question.mayFail() {
			s.question = nil
			if _, err := s.advance(); err != nil {
				t.Fatalf("%v: %v", at, err)
			}
			r.finish()
			r.close()
			continue
		}
		events, err := s.advance()
		s.failsWith(t, events, err, iana.InternalError, fmt.Sprintf("the application's %v failed: the reason", s.question.Question))
		if !errors.Is(err, reason) {
			t.Error("the reason is not in the chain")
		}
		r.close()
		if t.Failed() {
			t.Fatalf("%v", at)
		}
	}
}

// alerting is a reason that knows its alert.
type alerting struct{ error }

func (alerting) Alert() iana.Alert { return iana.CertificateUnknown }

// TestApplicationRejects holds the alerts of verdicts.
func TestApplicationRejects(t *testing.T) {
	reason := errors.New("not in the list")
	for _, c := range []struct {
		at       string
		verdict  Verdict
		alert    iana.Alert
		sentence string
	}{
		{"client in await certificate verdict", Reject(reason), iana.AccessDenied, "the application rejects the server's certificate: not in the list"},
		{"server in await certificate verdict", Reject(reason), iana.AccessDenied, "the application rejects the client's certificate: not in the list"},
		{"client in await certificate verdict", Reject(nil), iana.AccessDenied, "the application rejects the server's certificate: rejected by the application"},
		{"client in await certificate verdict", Reject(alerting{reason}), iana.CertificateUnknown, "the application rejects the server's certificate: not in the list"},
		{"client in await signature verification", Reject(reason), iana.DecryptError, "server's signature does not verify: not in the list"},
		{"server in await signature verification", Reject(reason), iana.DecryptError, "client's signature does not verify: not in the list"},
	} {
		r, s := stopNamed(t, c.at, tls13).reach(t)
		if err := s.question.Op.(*async.Op[Verdict]).Answer(c.verdict); err != nil {
			t.Fatal(err)
		}
		events, err := s.advance()
		s.failsWith(t, events, err, c.alert, c.sentence)
		r.close()
		if t.Failed() {
			t.Fatalf("%s, %v", c.at, c.verdict.Rejected())
		}
	}
}

// TestApplicationsCertificateIsChecked holds that a client certificate which the application
// brings is judged by what the server can verify.
func TestApplicationsCertificateIsChecked(t *testing.T) {
	r, s := stopNamed(t, "client in await client certificate", tls13).reach(t)
	defer r.close()
	s.cfg.Schemes = []iana.SignatureScheme{iana.ECDSASecp256r1SHA256}
	if err := s.question.Op.(*async.Op[*certs.Certificate]).Answer(issue(t, testpeer.KeyEd25519).cert); err != nil {
		t.Fatal(err)
	}
	events, err := s.advance()
	s.failsWith(t, events, err, iana.HandshakeFailure, `server offers no signature scheme for the client certificate of "CN=localhost"`)
}
