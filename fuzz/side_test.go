package fuzz

import (
	"bytes"
	"crypto"
	"math/rand/v2"
	"testing"

	"github.com/s2ngo/s2ngo/async"
	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// side is a Machine with its application, and what it has said and heard.
type side struct {
	application
	m      *handshake.Machine
	cfg    *handshake.Config
	client bool
	other  *side

	// emit takes what is to be sent, and the keys.
	emit func(e *handshake.Event)

	sent, fed [3][]byte // by epoch
	read      handshake.Epoch
	write     handshake.Epoch
	version   iana.Version
	readKeys  [3]string
	writeKeys [3]string
	secret    handshake.Secret // that of the last write key in TLS 1.3
	asked     *question
	heard     handshake.Questions // what has been asked
	err       error
	done      bool
	closed    bool
}

// maxEvents is more than any flight needs.
const maxEvents = 40

func newSide(t *testing.T, cfg *handshake.Config, client bool, answers *script) *side {
	s := &side{cfg: cfg, client: client}
	seed := [32]byte{1}
	if client {
		seed[0] = 2
		s.m = handshake.NewClient(cfg, "localhost")
	} else {
		s.m = handshake.NewServer(cfg)
	}
	cfg.Rand = rand.NewChaCha8(seed)
	s.application = application{
		t: t, answers: answers, strict: cfg.Validation == asyncpkey.Strict,
		key:    func() crypto.PrivateKey { return s.m.Result.Certificate.PrivateKey },
		apply:  func(op *asyncpkey.Op) error { return asyncpkey.Apply(op, s.asked != nil && s.asked.op == op) },
		config: s.configure,
	}
	if client && cfg.Certificates != nil {
		s.cert = theIdentities(t).client
	}
	return s
}

func (s *side) name() string {
	if s.client {
		return "client"
	}
	return "server"
}

// configure chooses a configuration by a ClientHello.
func (s *side) configure(how byte, op any) {
	hello := s.asked.detail.(*handshake.ReceivedHello)
	if s.asked.Question != handshake.AskConfig || len(hello.Message) < 40 || len(hello.Hello.CipherSuites) == 0 {
		s.t.Fatalf("%v with a ClientHello of %d bytes", s.asked.Question, len(hello.Message))
	}
	var cfg *handshake.Config
	switch how {
	case answerOther:
		other := *s.cfg
		cfg = &other
	case answerBadly:
		other := *s.cfg
		other.Certificates = nil
		cfg = &other
	}
	settle(&s.application, op.(*async.Op[*handshake.Config]), how, cfg)
}

// feed gives the Machine bytes. What it takes is what the peer has said, as far as it knows.
func (s *side) feed(epoch handshake.Epoch, data []byte) {
	if s.closed {
		return
	}
	lent := bytes.Clone(data)
	err := s.m.Feed(epoch, lent)
	clear(lent) // a copy is promised
	s.check(err)
	if err == nil {
		s.fed[epoch] = append(s.fed[epoch], data...)
	}
	s.advance()
}

// advance lets the Machine go as far as it can.
func (s *side) advance() {
	for !s.closed {
		events, err := s.m.Advance()
		if s.err != nil && len(events) > 0 {
			s.t.Fatalf("%s: %v after it failed with %v", s.name(), events[0].Kind, s.err)
		}
		if len(events) > maxEvents {
			s.t.Fatalf("%s: %d events at once", s.name(), len(events))
		}
		before := s.asked
		for i := range events {
			s.take(&events[i])
		}
		s.check(err)
		if err != nil || s.asked == nil || s.asked == before {
			break
		}
		s.reply(s.answers.byte())
	}
	q, answered, waits := s.m.Waiting()
	if waits && (s.asked == nil || q != s.asked.Question || answered) {
		s.t.Fatalf("%s waits for %v (answered: %v), which was not asked", s.name(), q, answered)
	}
	if s.m.Done() != s.done {
		s.t.Fatalf("%s: Done is %v, its event came: %v", s.name(), s.m.Done(), s.done)
	}
}

// reply answers what was asked, in one way or another.
func (s *side) reply(how byte) {
	switch {
	case s.asked == nil || s.mute || s.asked.answered():
	case s.err != nil:
		s.asked.checkGone(s.t)
	default:
		s.answer(s.asked, how)
	}
}

// open reports whether s waits for an answer that may still come.
func (s *side) open() bool {
	return s.asked != nil && !s.mute && !s.closed && s.err == nil && !s.asked.answered()
}

// check holds that an error stays, and that it is known whose fault it is.
func (s *side) check(err error) {
	if s.err != nil {
		if err != s.err {
			s.t.Fatalf("%s: %v after %v", s.name(), err, s.err)
		}
		return
	}
	if err == nil {
		return
	}
	s.err = err
	switch a := handshake.AlertOf(err); a {
	case iana.CloseNotify, iana.UserCanceled:
		s.t.Fatalf("%s: %v earns alert %v", s.name(), err, a)
	case iana.InternalError:
		if !s.willful {
			s.t.Fatalf("%s: %v is the peer's fault and earns alert %v", s.name(), err, a)
		}
	default:
		if a.String()[0] < 'a' {
			s.t.Fatalf("%s: %v earns alert %v", s.name(), err, a)
		}
	}
	if _, _, waits := s.m.Waiting(); waits {
		s.t.Fatalf("%s waits after %v", s.name(), err)
	}
}

// take does one event.
func (s *side) take(e *handshake.Event) {
	if s.asked != nil && !s.asked.answered() {
		s.t.Fatalf("%s: %v while it waits for %v", s.name(), e.Kind, s.asked.Question)
	}
	switch e.Kind {
	case handshake.Write:
		if e.Epoch != s.write {
			s.t.Fatalf("%s writes %v messages under %v keys", s.name(), e.Epoch, s.write)
		}
		s.checkMessages(e.Data)
		s.sent[e.Epoch] = append(s.sent[e.Epoch], e.Data...)
	case handshake.WriteChangeCipherSpec:
	case handshake.SetVersion:
		if s.version != 0 || e.Version < s.cfg.MinVersion || e.Version > s.cfg.MaxVersion {
			s.t.Fatalf("%s: version %v after %v", s.name(), e.Version, s.version)
		}
		s.version = e.Version
	case handshake.SetWriteKey:
		if e.Epoch <= s.write {
			s.t.Fatalf("%s: write key of %v after %v", s.name(), e.Epoch, s.write)
		}
		s.write, s.writeKeys[e.Epoch], s.secret = e.Epoch, key(e), e.Secret
	case handshake.SetReadKey:
		if e.Epoch <= s.read && !(s.done && e.Epoch == handshake.Application) {
			s.t.Fatalf("%s: read key of %v after %v", s.name(), e.Epoch, s.read)
		}
		if s.read = e.Epoch; !s.done {
			s.readKeys[e.Epoch] = key(e)
		}
	case handshake.SkipEarlyData:
		if s.client {
			s.t.Fatal("a client has early data of a server's")
		}
	case handshake.KeyLog:
		if !s.cfg.KeyLog || e.Label == "" || len(e.Data) != 32 {
			s.t.Fatalf("%s: a line of the key log: %q %x", s.name(), e.Label, e.Data)
		}
	case handshake.Ask:
		if s.heard.Has(e.Question) || !s.cfg.Asks.Has(e.Question) {
			s.t.Fatalf("%s asks for %v, which it has done or must not", s.name(), e.Question)
		}
		s.heard = s.heard.With(e.Question)
		s.asked = &question{e.Question, e.Detail, e.Op}
	case handshake.Done:
		if s.done {
			s.t.Fatalf("%s is done twice", s.name())
		}
		s.done = true
		s.checkDone()
	default:
		if !s.done {
			s.t.Fatalf("%s: %v before the end of the handshake", s.name(), e.Kind)
		}
	}
	s.emit(e)
}

// key returns what an event says of a key.
func key(e *handshake.Event) string {
	if e.Version == iana.TLS12 {
		return string(e.Data)
	}
	return string(e.Secret.Bytes())
}

// checkMessages holds that a Write is of whole messages.
func (s *side) checkMessages(data []byte) {
	if len(data) == 0 {
		s.t.Fatalf("%s writes nothing", s.name())
	}
	for len(data) > 0 {
		n := messageEnd(data)
		if n == 0 || n-4 > wire.MaxLength(iana.Message(data[0])) {
			s.t.Fatalf("%s writes %.10x of a message that is too long or not whole", s.name(), data)
		}
		data = data[n:]
	}
}

// messageEnd returns where the first message ends, or 0 if it is not whole.
func messageEnd(data []byte) int {
	if len(data) < 4 {
		return 0
	}
	n := 4 + int(data[1])<<16 + int(data[2])<<8 + int(data[3])
	if n > len(data) {
		return 0
	}
	return n
}

// checkDone holds what Finished proves: that both sides have heard what the other said.
func (s *side) checkDone() {
	r := &s.m.Result
	if r.CipherSuite == 0 || r.Version == 0 || r.Version == iana.TLS13 && r.Group == 0 || s.client && len(r.Peer.Certificates) == 0 {
		s.t.Fatalf("%s is done with %v, %v, %v, and %d certificates", s.name(), r.Version, r.CipherSuite, r.Group, len(r.Peer.Certificates))
	}
	o := s.other
	if o == nil {
		return
	}
	// The last to speak, the client in TLS 1.3 and the server in TLS 1.2, does not know
	// whether that was heard.
	heard := [3]bool{true, !s.client, s.client}
	for e := range handshake.Application + 1 {
		if s.readKeys[e] != o.writeKeys[e] {
			s.t.Fatalf("%s is done and has another %v key than its peer", s.name(), e)
		}
		if e == handshake.Application && r.Version == iana.TLS13 {
			break // what comes behind the handshake
		}
		if fed := s.hashed(e); !bytes.Equal(fed, o.sent[e]) {
			s.t.Fatalf("%s is done and was told other things in the %v epoch:\n%x\n%x", s.name(), e, fed, o.sent[e])
		}
		// What comes behind is no part of the handshake, or the peer's end.
		behind := o.err != nil || e == handshake.Application
		if fed := o.hashed(e); heard[e] && !bytes.Equal(fed, s.sent[e]) && !(behind && bytes.HasPrefix(fed, s.sent[e])) {
			s.t.Fatalf("%s is done and told other things in the %v epoch:\n%x\n%x", s.name(), e, fed, s.sent[e])
		}
	}
}

// hashed returns what s was fed in an epoch, but for the HelloRequests that are not hashed:
// a client passes over them as long as the version may be TLS 1.2 (RFC 5246, Section
// 7.4.1.1).
func (s *side) hashed(e handshake.Epoch) []byte {
	fed := s.fed[e]
	if !s.client || s.cfg.MinVersion > iana.TLS12 || s.m.Result.Version == iana.TLS13 && e != handshake.Initial {
		return fed
	}
	var out []byte
	for n := messageEnd(fed); n > 0; n = messageEnd(fed) {
		if n > 4 || iana.Message(fed[0]) != iana.HelloRequest {
			if s.m.Result.Version == iana.TLS13 {
				return fed
			}
			out = append(out, fed[:n]...)
		}
		fed = fed[n:]
	}
	if len(fed) > 0 && iana.Message(fed[0]) == iana.HelloRequest {
		fed = nil // the beginning of another one
	}
	return append(out, fed...)
}

// close ends the Machine.
func (s *side) close() {
	exporter := s.m.Result.Exporter
	s.m.Close()
	s.m.Close()
	if events, err := s.m.Advance(); len(events) > 0 || err == nil {
		s.t.Fatalf("%s: %d events and %v after Close", s.name(), len(events), err)
	}
	err := s.m.Feed(s.m.ReadEpoch(), []byte{1})
	if err == nil || s.err != nil && err != s.err {
		s.t.Fatalf("%s: %v after Close, %v before", s.name(), err, s.err)
	}
	if s.m.Result.Exporter != nil || exporter != nil && *exporter != (handshake.Exporter{}) {
		s.t.Fatalf("%s keeps the exporter secret after Close", s.name())
	}
	if _, _, waits := s.m.Waiting(); waits {
		s.t.Fatalf("%s waits after Close", s.name())
	}
	if s.asked != nil {
		s.asked.checkGone(s.t)
	}
	s.closed, s.willful, s.asked, s.err = true, true, nil, err
}
