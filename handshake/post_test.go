package handshake

import (
	"slices"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestIdleMessages holds how many messages a peer may send after the handshake without any
// application data in between.
func TestIdleMessages(t *testing.T) {
	helloRequest := []byte{byte(iana.HelloRequest), 0, 0, 0}
	for _, c := range []struct {
		at       string
		kind     kind
		msg      []byte
		many     int
		sentence string
	}{
		{"client in connected13", tls13, keyUpdate(false), 32, "server sent 33 messages after the handshake without application data in between"},
		{"client in connected13", tls13, ticket(), 256, "server sent 257 tickets without application data in between"},
		{"server in connected13", tls13, keyUpdate(true), 32, "client sent 33 messages after the handshake without application data in between"},
		{"client in connected12", tls12, helloRequest, 32, "server sent 33 hello_requests without application data in between"},
	} {
		t.Run(c.at+" "+iana.Message(c.msg[0]).String(), func(t *testing.T) {
			r, s := stopNamed(t, c.at, c.kind).reach(t)
			defer r.close()
			for range 3 {
				for range c.many {
					if _, err := s.feed(packet{Application, c.msg}); err != nil {
						t.Fatal(err)
					}
				}
				s.GotApplicationData()
			}
			for range c.many {
				if _, err := s.feed(packet{Application, c.msg}); err != nil {
					t.Fatal(err)
				}
			}
			events, err := s.feed(packet{Application, c.msg})
			s.failsWith(t, events, err, iana.UnexpectedMessage, c.sentence)
		})
	}
}

// TestKeyUpdate follows the peer's key through updates, and what each asks for in return.
func TestKeyUpdate(t *testing.T) {
	for _, at := range []string{"client in connected13", "server in connected13"} {
		r, s := stopNamed(t, at, tls13).reach(t)
		r.finish()
		var secret Secret
		for _, e := range s.log {
			if e.Kind == SetReadKey {
				secret = e.Secret
			}
		}
		for _, request := range []bool{false, true, true, false} {
			events, err := s.feed(packet{Application, keyUpdate(request)})
			if err != nil {
				t.Fatal(err)
			}
			secret = secret.Next()
			want := []EventKind{SetReadKey}
			if request {
				want = append(want, UpdateWriteKey)
			}
			var got []EventKind
			for _, e := range events {
				got = append(got, e.Kind)
				if e.Kind == SetReadKey && (e.Secret != secret || e.Epoch != Application || e.Suite != s.Result.CipherSuite) {
					t.Errorf("%s: the new key is not the next one", at)
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: a KeyUpdate that asks for one in return (%v) gives %v", at, request, got)
			}
		}
		r.close()
	}
}

// TestMistakesAfterTheHandshake is what is said of messages of an established connection that are
// wrong.
func TestMistakesAfterTheHandshake(t *testing.T) {
	for _, c := range []struct {
		what     string
		at       string
		kind     kind
		msg      []byte
		alert    iana.Alert
		sentence string
	}{
		{"KeyUpdate of another value", "client in connected13", tls13, []byte{24, 0, 0, 1, 2},
			iana.IllegalParameter, "key_update: request_update: value 2"},
		{"KeyUpdate of another value", "server in connected13", tls13, []byte{24, 0, 0, 1, 255},
			iana.IllegalParameter, "key_update: request_update: value 255"},
		{"ticket of no bytes", "client in connected13", tls13, []byte{4, 0, 0, 13, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0},
			iana.DecodeError, "new_session_ticket: ticket: empty"},
		{"ticket with an extension that belongs elsewhere", "client in connected13", tls13,
			[]byte{4, 0, 0, 18, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 7, 0, 4, 0, 51, 0, 0},
			iana.IllegalParameter, "new_session_ticket: extension key_share: does not belong here"},
		{"HelloRequest that is not empty", "client in connected12", tls12, []byte{0, 0, 0, 1, 0},
			iana.DecodeError, "server sent a hello_request of 1 bytes, more than 0"},
		{"Finished once more", "client in connected13", tls13, []byte{20, 0, 0, 0},
			iana.UnexpectedMessage, "server sent finished where new_session_ticket or key_update is expected"},
		{"CertificateRequest, though nobody offered to answer", "client in connected13", tls13, []byte{13, 0, 0, 0},
			iana.UnexpectedMessage, "server sent certificate_request where new_session_ticket or key_update is expected"},
		{"ClientHello in TLS 1.3", "server in connected13", tls13, []byte{1, 0, 0, 0},
			iana.UnexpectedMessage, "client sent client_hello where new_session_ticket or key_update is expected"},
	} {
		r, s := stopNamed(t, c.at, c.kind).reach(t)
		events, err := s.feed(packet{Application, c.msg})
		if s.failsWith(t, events, err, c.alert, c.sentence); t.Failed() {
			t.Fatalf("%s, %s", c.at, c.what)
		}
		r.close()
	}
}

// TestObserve compares what both sides are told of the messages between them.
func TestObserve(t *testing.T) {
	type message struct {
		t      iana.Message
		length int
	}
	for _, c := range append(representatives, everything(tls12RSA), everything(tls12RSASilent)) {
		r := c.start(t)
		var sent, received [2][]message
		for i, s := range []*side{r.client, r.server} {
			s.Observe = func(out bool, t iana.Message, length int) {
				if out {
					sent[i] = append(sent[i], message{t, length})
				} else {
					received[1-i] = append(received[1-i], message{t, length})
				}
			}
		}
		r.post = nil
		r.finish()
		for i := range sent {
			if !slices.Equal(sent[i], received[i]) {
				t.Errorf("%v: what the %s sent is\n%v, what came\n%v", c, role(i == 0), sent[i], received[i])
			}
		}
		r.close()
	}
}

// TestWaiting holds what a driver is told of a question.
func TestWaiting(t *testing.T) {
	stops, _ := walk(t)
	for _, at := range stops {
		r, s := at.reach(t)
		q, answered, ok := s.Waiting()
		name, waits := strings.CutPrefix(at.name, "await ")
		if ok != waits || ok && (answered || q.String() != name || q != s.question.Question) {
			t.Errorf("%v: waits for %v (%v), answered %v", at, q, ok, answered)
		}
		if ok {
			if events, err := s.advance(); len(events) > 0 || err != nil || s.stateName() != at.name {
				t.Errorf("%v: moves on without an answer: %d events, %v", at, len(events), err)
			}
			r.answer(s)
			if _, answered, _ := s.Waiting(); !answered {
				t.Errorf("%v: does not see the answer", at)
			}
		}
		r.close()
	}
}
