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
			if x.Kind != y.Kind || x.Epoch != y.Epoch || x.Suite != y.Suite || x.Question != y.Question ||
				x.Label != y.Label || x.Secret != y.Secret || !bytes.Equal(x.Data, y.Data) {
				t.Fatalf("%s: event %d is %v of the %v epoch, want %v of the %v epoch, or differs in its contents",
					role(p[0].client), i, x.Kind, x.Epoch, y.Kind, y.Epoch)
			}
		}
	}
}

// representatives are scenarios that differ in kind.
var representatives = []scenario{
	{auth: NoClientAuth},
	{auth: OptionalClientAuth, retry: true},
	{auth: RequireClientAuth, certificate: true},
	everything,
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
				if s.InMessage() != (i < len(p.data)-1) {
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
	plain := scenario{auth: NoClientAuth}
	want := plain.finished(t)
	for split := 1; ; split++ {
		r := plain.start(t)
		longest := 0
		for r.stepBy(func(s *side, p packet) error {
			longest = max(longest, len(p.data))
			at := min(split, len(p.data))
			if _, err := s.feed(packet{p.epoch, p.data[:at]}); err != nil {
				return err
			}
			if _, err := s.feed(packet{s.ReadEpoch(), nil}); err != nil {
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
			data := p.data
			for len(from.out) > 0 && from.out[0].epoch == p.epoch && !keysChange(p.data) {
				data = append(bytes.Clone(data), from.out[0].data...)
				p.data, from.out = from.out[0].data, from.out[1:]
			}
			fed++
			_, err := s.feed(packet{p.epoch, data})
			return err
		}) {
		}
		sameLogs(t, r, want)
		posts := len(c.start(t).post)
		flights := 4
		if c.retry {
			flights += 2
		}
		if fed != flights+posts {
			t.Errorf("%v: the messages came in %d feeds, want %d", c, fed, flights+posts)
		}
	}
}

// keysChange reports whether a message is one of those that nothing may follow.
func keysChange(msg []byte) bool {
	switch iana.Message(msg[0]) {
	case iana.ClientHello, iana.ServerHello, iana.Finished, iana.KeyUpdate:
		return true
	}
	return false
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
			if p == nil || !keysChange(p.data) {
				continue
			}
			kind := iana.Message(p.data[0])
			if marked := to.state.accepts()&last != 0; !marked && kind != iana.KeyUpdate {
				t.Errorf("%s takes %v, and does not say that it is the last of its record", to.stateName(), kind)
			}
			for _, more := range [][]byte{{byte(iana.EncryptedExtensions)}, ticket()} {
				r, s := stop{c, steps, to.client, to.stateName(), false}.reach(t)
				events, err := s.feed(packet{p.epoch, append(bytes.Clone(p.data), more...)})
				s.failsWith(t, events, err, iana.UnexpectedMessage,
					fmt.Sprintf("%s sent %d bytes after %v in the same record, where keys change", s.peer(), len(more), kind))
				r.close()
			}
			seen[role(to.client)+" "+to.stateName()+" "+kind.String()] = true
		}
	}
	for _, want := range []string{
		"client expectServerHello server_hello", "client expectServerFinished finished", "client connected13 key_update",
		"server expectClientHello client_hello", "server expectSecondClientHello client_hello",
		"server expectClientFinished finished", "server connected13 key_update",
	} {
		if !seen[want] {
			t.Errorf("no %s was tried", want)
		}
	}
}

// TestBytesThatWaitWhileKeysChange feeds a server that waits for its application bytes in the
// clear: they were sent before the client could have keys, and are not to be taken for what it
// sends under them.
func TestBytesThatWaitWhileKeysChange(t *testing.T) {
	for _, at := range []string{"server in await configuration", "server in await OCSP response", "server in await private key"} {
		for _, more := range [][]byte{{byte(iana.Finished)}, {byte(iana.Finished), 0, 0, 32}} {
			r, s := stopNamed(t, at).reach(t)
			if err := s.Feed(Initial, more); err != nil {
				t.Fatal(err)
			}
			events, err := r.settle(s)
			s.failsWith(t, onlyKind(events, SetReadKey), err, iana.UnexpectedMessage,
				fmt.Sprintf("client sent %d bytes before its keys changed, to be read after", len(more)))
			r.close()
			if t.Failed() {
				t.Fatalf("%s, %d bytes", at, len(more))
			}
		}
	}
}

// TestFeedLeavesTheHelloAlone feeds a server that waits for its configuration: the ClientHello
// that the application looks at stays as it is.
func TestFeedLeavesTheHelloAlone(t *testing.T) {
	r, s := stopNamed(t, "server in await configuration").reach(t)
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

// TestLengths judges messages by their header alone, and what is empty, too short or too long
// for its type.
func TestLengths(t *testing.T) {
	stops, _ := walk(t)
	for _, at := range stops {
		_, s := at.reach(t)
		if at.waits(s) {
			continue
		}
		for _, n := range messageTypes() {
			if !s.state.accepts().has(n) {
				continue
			}
			name := fmt.Sprintf("%v, %v", at, n)
			limit := wire.MaxLength(n)
			header := func(length int) []byte { return []byte{byte(n), byte(length >> 16), byte(length >> 8), byte(length)} }

			r, s := at.reach(t)
			events, err := s.feed(packet{s.ReadEpoch(), header(limit + 1)})
			s.failsWith(t, events, err, iana.IllegalParameter,
				fmt.Sprintf("%s sent a %v of %d bytes, more than %d", s.peer(), n, limit+1, limit))
			r.close()

			r, s = at.reach(t)
			if events, err = s.feed(packet{s.ReadEpoch(), header(limit)}); len(events) > 0 || err != nil || s.stateName() != at.name {
				t.Errorf("%s: a header with the most bytes allowed gives %d events and %v", name, len(events), err)
			}
			r.close()

			r, s = at.reach(t)
			events, err = s.feed(packet{s.ReadEpoch(), header(0)})
			alert := iana.DecodeError
			if n == iana.NewSessionTicket && !at.client {
				alert = iana.UnexpectedMessage
			}
			s.failsWith(t, events, err, alert, "")
			r.close()
			if t.Failed() {
				t.Fatal(name)
			}
		}
	}
}

// TestMaxCertificates holds the limit that a Config sets.
func TestMaxCertificates(t *testing.T) {
	at := stopNamed(t, "client in expectCertificateOrRequest")
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
			if p == nil {
				continue
			}
			for _, by := range []int{-1, 1} {
				r, s := stop{c, steps, to.client, to.stateName(), false}.reach(t)
				msg := append(bytes.Clone(p.data), 0)[:len(p.data)+by]
				n := len(msg) - 4
				msg[1], msg[2], msg[3] = byte(n>>16), byte(n>>8), byte(n)
				events, err := s.feed(packet{p.epoch, msg})
				alert := iana.DecodeError
				if by > 0 && len(p.data)-4 == wire.MaxLength(iana.Message(msg[0])) {
					alert = iana.IllegalParameter // is above the limit
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
