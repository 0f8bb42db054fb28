package handshake

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// sameLogs compares what two runs of one scenario did.
func sameLogs(t testing.TB, got, want *run) {
	t.Helper()
	for _, p := range [][2]*side{{got.client, want.client}, {got.server, want.server}} {
		a, b := p[0].log, p[1].log
		if len(a) != len(b) {
			t.Fatalf("%s: %d events, want %d", role(p[0].client), len(a), len(b))
		}
		for i := range a {
			x, y := a[i], b[i]
			if x.Kind != y.Kind || x.Version != y.Version || x.Epoch != y.Epoch || x.Suite != y.Suite || x.Question != y.Question ||
				x.Label != y.Label || x.Secret != y.Secret || !bytes.Equal(x.Data, y.Data) {
				t.Fatalf("%s: event %d is %v of the %v epoch, want %v of the %v epoch, or differs in its contents",
					role(p[0].client), i, x.Kind, x.Epoch, y.Kind, y.Epoch)
			}
		}
	}
}

// plain is the handshake with nothing but what there has to be.
var plain = scenario{kind: tls13, auth: NoClientAuth}

// representatives are scenarios that differ much. RSA key exchange is not among them: its
// ciphertext is another one each time.
var representatives = []scenario{
	plain,
	{kind: tls13Retry, auth: OptionalClientAuth},
	{kind: tls13, auth: RequireClientAuth, certificate: true},
	everything(tls13Retry),
	{kind: tls12, auth: NoClientAuth},
	everything(tls12),
	everything(tls12Silent),
}

func (s scenario) finished(t testing.TB) *run {
	t.Helper()
	r := s.start(t)
	r.finish()
	return r
}

// TestOneByteAtATime feeds every message byte by byte: nothing happens before the last one, and
// the handshake is the same.
func TestOneByteAtATime(t *testing.T) {
	for _, c := range representatives {
		want := c.finished(t)
		r := c.start(t)
		for r.stepBy(func(s *side, p packet) error {
			if p.data == nil {
				_, err := s.feed(p)
				return err
			}
			for i := range p.data {
				if i > 0 && !s.InMessage() {
					t.Fatalf("%v: the Machine does not know that it is in a message", c)
				}
				events, err := s.feed(packet{p.epoch, p.data[i : i+1]})
				if err != nil {
					return err
				}
				if len(events) > 0 && i < len(p.data)-1 {
					t.Fatalf("%v: %v before the message is whole", c, events[0].Kind)
				}
				// A message that is put back waits with the Machine for the application.
				if s.InMessage() != (i < len(p.data)-1) && s.question == nil {
					t.Fatalf("%v: after %d of %d bytes InMessage is %v", c, i+1, len(p.data), s.InMessage())
				}
			}
			return nil
		}) {
		}
		sameLogs(t, r, want)
	}
}

// TestSplitAtEveryByte feeds every message in two parts, in all ways there are.
func TestSplitAtEveryByte(t *testing.T) {
	want := plain.finished(t)
	for split := 1; ; split++ {
		r := plain.start(t)
		longest := 0
		for r.stepBy(func(s *side, p packet) error {
			longest = max(longest, len(p.data))
			if p.data == nil {
				_, err := s.feed(p)
				return err
			}
			at := min(split, len(p.data))
			if _, err := s.feed(packet{p.epoch, p.data[:at]}); err != nil {
				return err
			}
			if _, err := s.feed(packet{s.ReadEpoch(), []byte{}}); err != nil {
				return err
			}
			if at == len(p.data) {
				return nil
			}
			_, err := s.feed(packet{p.epoch, p.data[at:]})
			return err
		}) {
		}
		sameLogs(t, r, want)
		r.close()
		if split >= longest {
			if longest < 200 {
				t.Fatalf("the longest message has %d bytes", longest)
			}
			return
		}
	}
}

// TestCoalescedMessages feeds all messages of an epoch at once. What comes behind one that
// leads to a question waits for the answer.
func TestCoalescedMessages(t *testing.T) {
	for _, c := range representatives {
		want := c.finished(t)
		r := c.start(t)
		fed := 0
		for r.stepBy(func(s *side, p packet) error {
			from := r.client
			if s == r.client {
				from = r.server
			}
			fed++
			for p.data != nil && len(from.out) > 0 && from.out[0].data != nil && from.out[0].epoch == p.epoch {
				p.data = append(bytes.Clone(p.data), from.out[0].data...)
				from.out = from.out[1:]
			}
			_, err := s.feed(p)
			return err
		}) {
		}
		sameLogs(t, r, want)
		posts := len(c.start(t).post)
		flights := map[kind]int{tls13: 4, tls13Retry: 6, tls12: 7, tls12Silent: 7}[c.kind]
		if fed != flights+posts {
			t.Errorf("%v: the messages came in %d feeds, want %d", c, fed, flights+posts)
		}
	}
}

// afterLast is what a Machine says of bytes that follow msg in the same record, "" if they may.
func afterLast(s *side, msg []byte, bytes int) string {
	t := iana.Message(msg[0])
	switch {
	case t == iana.ClientHello, t == iana.Finished:
		return fmt.Sprintf("%s sent %d bytes after %v in the same record, where keys change", s.peer(), bytes, t)
	case t == iana.KeyUpdate, t == iana.ServerHello && s.Result.Version != iana.TLS12:
		return fmt.Sprintf("%s sent %d bytes before its keys changed, to be read after", s.peer(), bytes)
	}
	return ""
}

// TestNothingFollowsWhereKeysChange feeds each message after which keys change with one byte
// more, and with a whole message more, in the same record (RFC 8446, Section 5.1).
func TestNothingFollowsWhereKeysChange(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range representatives {
		for steps := 0; ; steps++ {
			r := c.start(t)
			for r.steps < steps {
				r.step()
			}
			to, p, _ := r.next()
			if to == nil {
				break
			}
			if p == nil || p.data == nil || isRetryRequest(t, p.data) {
				continue
			}
			for _, more := range [][]byte{{byte(iana.EncryptedExtensions)}, ticket()} {
				r, s := stop{c, steps, to.client, to.stateName(), ""}.reach(t)
				msg := append(bytes.Clone(p.data), more...)
				if c.kind.version() == iana.TLS12 {
					s.Result.Version = iana.TLS12 // as it will be
				}
				if sentence := afterLast(s, p.data, len(more)); sentence != "" {
					events, err := s.feed(packet{p.epoch, msg})
					s.failsWith(t, events, err, iana.UnexpectedMessage, sentence)
					seen[role(to.client)+" "+to.stateName()+" "+iana.Message(p.data[0]).String()] = true
				}
				r.close()
			}
		}
	}
	for _, want := range []string{
		"client expectServerHello server_hello", "client expectServerFinished finished", "client connected13 key_update",
		"server expectClientHello client_hello", "server expectSecondClientHello client_hello",
		"server expectClientFinished finished", "server connected13 key_update",
		"client expectFinished12 finished", "server expectFinished12 finished",
	} {
		if !seen[want] {
			t.Errorf("no %s was tried", want)
		}
	}
}

// isRetryRequest reports whether a message is a HelloRetryRequest, after which no keys change.
func isRetryRequest(t testing.TB, msg []byte) bool {
	return iana.Message(msg[0]) == iana.ServerHello && parseServerHello(t, msg).IsHelloRetryRequest()
}

// TestBytesThatWaitWhileKeysChange feeds a server that waits for its application bytes in the
// clear: they were sent before the client could have keys, and are not to be taken for what it
// sends under them.
func TestBytesThatWaitWhileKeysChange(t *testing.T) {
	for _, at := range []stop{
		stopNamed(t, "server in await configuration", ""),
		stopNamed(t, "server in await OCSP response", tls13),
		stopNamed(t, "server in await private key", tls13),
	} {
		for _, more := range [][]byte{{byte(iana.Finished)}, {byte(iana.Finished), 0, 0, 32}} {
			r, s := at.reach(t)
			if err := s.Feed(Initial, more); err != nil {
				t.Fatal(err)
			}
			events, err := r.settle(s)
			s.failsWith(t, onlyKind(events, SetReadKey), err, iana.UnexpectedMessage,
				fmt.Sprintf("client sent %d bytes before its keys changed, to be read after", len(more)))
			r.close()
			if t.Failed() {
				t.Fatalf("%v, %d bytes", at, len(more))
			}
		}
	}
}

// TestFeedLeavesTheHelloAlone feeds a server that waits for its configuration: the ClientHello
// that the application looks at stays as it is.
func TestFeedLeavesTheHelloAlone(t *testing.T) {
	r, s := stopNamed(t, "server in await configuration", "").reach(t)
	defer r.close()
	hello := s.question.Detail.(*ReceivedHello)
	want := bytes.Clone(hello.Message)
	if err := s.Feed(Initial, bytes.Repeat([]byte{0xff}, 100)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(hello.Message, want) || !bytes.Equal(hello.Hello.Random, want[6:38]) {
		t.Error("the ClientHello that is lent to the application has changed")
	}
}

// TestLengths judges messages by their header alone, and those that are empty.
func TestLengths(t *testing.T) {
	stops, _ := walk(t)
	for _, at := range stops {
		_, s := at.reach(t)
		if at.waits(s) {
			continue
		}
		for _, n := range messageTypes() {
			if !s.state.accepts().has(n) || n == changeCipherSpec {
				continue
			}
			name := fmt.Sprintf("%v, %v", at, n)
			limit := wire.MaxLength(n)
			header := func(length int) []byte { return []byte{byte(n), byte(length >> 16), byte(length >> 8), byte(length)} }

			alert := iana.IllegalParameter
			if limit <= 64 || n == iana.ClientHello { // it has one length only; or RFC 5246, Section 7.4.1.2
				alert = iana.DecodeError
			}
			r, s := at.reach(t)
			events, err := s.feed(packet{s.ReadEpoch(), header(limit + 1)})
			s.failsWith(t, events, err, alert, fmt.Sprintf("%s sent a %v of %d bytes, more than %d", s.peer(), n, limit+1, limit))
			r.close()

			if limit > 0 {
				r, s = at.reach(t)
				if events, err = s.feed(packet{s.ReadEpoch(), header(limit)}); len(events) > 0 || err != nil || s.stateName() != at.name {
					t.Errorf("%s: a header with the most bytes allowed gives %d events and %v", name, len(events), err)
				}
				r.close()

				r, s = at.reach(t)
				if err := s.Feed(s.ReadEpoch(), header(0)); err != nil {
					t.Fatal(err)
				}
				events, err := r.settle(s)
				s.failsWith(t, events, err, emptyAlert(at, n), "")
				r.close()
			}
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
}

// emptyAlert is what an empty message leads to, where it must not be empty.
func emptyAlert(at stop, n iana.Message) iana.Alert {
	switch {
	case n == iana.NewSessionTicket && !at.client, at.name == "connected12" && at.client:
		return iana.UnexpectedMessage
	case at.name == "connected12":
		return iana.NoRenegotiation
	case at.name == "expectCertificateStatus" && n != iana.CertificateStatus && (n == iana.ServerKeyExchange) == at.kind.rsa():
		return iana.UnexpectedMessage // in the next state: the key exchange has its message, or has none
	}
	return iana.DecodeError
}

// TestMaxCertificates holds the limit that a Config sets.
func TestMaxCertificates(t *testing.T) {
	at := stopNamed(t, "client in expectCertificateOrRequest", tls13)
	for _, length := range []byte{100, 101} {
		r, s := at.reach(t)
		s.cfg.MaxCertificates = 100
		events, err := s.feed(packet{Handshake, []byte{byte(iana.Certificate), 0, 0, length}})
		if length == 101 {
			s.failsWith(t, events, err, iana.IllegalParameter, "server sent a certificate of 101 bytes, more than 100")
		} else if err != nil {
			t.Error(err)
		}
		r.close()
	}
}

// TestMessagesOfOtherLengths cuts a byte off every message of a handshake, and adds one.
func TestMessagesOfOtherLengths(t *testing.T) {
	for _, c := range representatives {
		for steps := 0; ; steps++ {
			r := c.start(t)
			for r.steps < steps {
				r.step()
			}
			to, p, _ := r.next()
			if to == nil {
				break
			}
			if p == nil || p.data == nil {
				continue
			}
			for _, by := range []int{-1, 1} {
				if len(p.data)+by < 4 {
					continue
				}
				r, s := stop{c, steps, to.client, to.stateName(), ""}.reach(t)
				msg := append(bytes.Clone(p.data), 0)[:len(p.data)+by]
				n := len(msg) - 4
				msg[1], msg[2], msg[3] = byte(n>>16), byte(n>>8), byte(n)
				if err := s.Feed(p.epoch, msg); err != nil {
					t.Fatal(err)
				}
				events, err := r.settle(s)
				alert := iana.DecodeError
				if iana.Message(msg[0]) == iana.Finished && by > 0 {
					alert = iana.DecryptError // one that does not fit
				}
				s.failsWith(t, events, err, alert, "")
				r.close()
				if t.Failed() {
					t.Fatalf("%s got a %v of %+d bytes", to.stateName(), iana.Message(msg[0]), by)
				}
			}
		}
	}
}
