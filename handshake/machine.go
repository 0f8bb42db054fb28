package handshake

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/s2ngo/s2ngo/asyncpkey"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/transcript"
	"github.com/s2ngo/s2ngo/internal/wire"
)

var errRejected = errors.New("rejected by the application")

// Machine is one side of one handshake, and of the handshake messages after it. Its
// methods are for one goroutine at a time.
type Machine struct {
	Result Result

	// Observe, if not nil, is told of every handshake message, sent and received, in
	// order: its type and its length without the 4-byte header.
	Observe func(sent bool, t iana.Message, length int)

	// WantEarlyData lets a client offer early data, if the first PSK that it offers permits
	// any, and a server take it. It is set before the first ClientHello.
	WantEarlyData bool

	// NameUsed says that a server's Config was chosen by the client's server_name.
	NameUsed bool

	// Session is what a client offers to resume: the Config's, unless it is replaced before the first
	// ClientHello by one for this connection alone. Read only.
	Session *session.Session

	// substitute replaces messages that are written, for traces recorded elsewhere (tests).
	substitute func(msg []byte) []byte

	cfg        *Config
	serverName string // of a client
	state      state
	before     *renegotiation // nil in the first handshake of a connection
	err        error
	client     bool
	done       bool
	ccs        bool // the peer's change_cipher_spec waits to be acted on
	hold       bool // the state lends bytes of in: they stay while it waits
	again      bool // the message at off was read before
	read       Epoch
	write      Epoch
	in         *input     // fed; nil while there is none
	work       *workspace // nil while idle
	x          *exchange  // nil when done
	issuer     *Issuer    // of a server's tickets
}

// exchange is what a handshake keeps from beginning to end, and no longer.
type exchange struct {
	transcript   transcript.Transcript
	suite        *suite.Suite
	clientRandom [32]byte
	sessionID    [32]byte
	sessionIDLen uint8
	dummy        bool  // the change_cipher_spec of compatibility mode was sent
	skipped      uint8 // HelloRequests
	secrets      wiper // what holds the handshake's secrets now

	// TLS 1.2 signs the messages themselves: they are kept while a client certificate is
	// possible.
	keep    bool
	tooLong bool // more than maxKept
	heard   int  // bytes that came while they were kept
	kept    []byte

	origin  *origin       // of a session that is resumed, or an external PSK's alone; nil = neither
	decrypt *asyncpkey.Op // of RSA key exchange
	sslv2   []byte        // the ClientHello, if it came in the framing of SSLv2
}

// input is what has come in, and the ClientHello that was found in it, which lends it.
type input struct {
	bytes    []byte
	off      int // from here on not yet consumed
	received ReceivedHello
}

// inputs holds what is not in use; an input that grew large is left to the garbage collector.
var inputs = sync.Pool{New: func() any { return &input{bytes: make([]byte, 0, 2048)} }}

const maxPooledInput = 32 << 10

// NewClient returns a Machine whose first Advance writes a ClientHello that asks for
// serverName, a host name or an IP address, which the server's certificate has to bear;
// "" asks for none.
func NewClient(cfg *Config, serverName string) *Machine {
	return &Machine{cfg: cfg, serverName: serverName, client: true, Session: cfg.Session, x: new(exchange), state: sendClientHello{}}
}

// NewServer returns a Machine that waits for a ClientHello.
func NewServer(cfg *Config) *Machine {
	return &Machine{cfg: cfg, x: new(exchange), state: expectClientHello{}}
}

// Feed gives the Machine handshake bytes, the content of one record, in the epoch they
// were protected in. The bytes are copied. An error means that they came in the wrong
// epoch; the Machine has failed then.
func (m *Machine) Feed(epoch Epoch, p []byte) error {
	if m.err != nil {
		return m.err
	}
	if epoch != m.read {
		return m.fail(unexpected("handshake bytes of the %v epoch came in the %v epoch", epoch, m.read))
	}
	if m.in == nil {
		m.in = inputs.Get().(*input)
	}
	in := m.in
	if in.off > 0 && !m.hold {
		in.bytes = in.bytes[:copy(in.bytes, in.bytes[in.off:])]
		in.off = 0
	}
	in.bytes = append(in.bytes, p...)
	return nil
}

// unconsumed returns what was fed and not yet consumed, lent until the next Feed.
func (m *Machine) unconsumed() []byte {
	if m.in == nil {
		return nil
	}
	return m.in.bytes[m.in.off:]
}

// Advance moves as far as what has been fed and answered allows, and returns what there
// is to do, in order. The Events are lent until the next Advance or Idle. With an error
// the Machine has failed for good: the Events that come with it are still to be done,
// before the alert.
func (m *Machine) Advance() ([]Event, error) {
	if m.err != nil {
		return nil, m.err
	}
	m.begin()
	for {
		before := len(m.work.events)
		next, err := m.step()
		if err == nil {
			err = m.aligned(before)
		}
		if err != nil {
			m.endRecord()
			return m.work.events, m.fail(err)
		}
		if next == nil {
			m.endRecord()
			return m.work.events, nil
		}
		if observe != nil {
			observe(m, m.state, next)
		}
		m.state = next
	}
}

// aligned refuses bytes that were fed, while the Machine waited for its application, before the
// read key changed in one of the events from i on: they were not sent under it (RFC 8446,
// Section 5.1). The events from there on are withdrawn.
func (m *Machine) aligned(i int) error {
	events, left := m.work.events, len(m.unconsumed())
	for ; left > 0 && i < len(events); i++ {
		if events[i].Kind == SetReadKey {
			clear(events[i:])
			m.work.events = events[:i]
			return unexpected("%s sent %d bytes before its keys changed, to be read after", m.peer(), left)
		}
	}
	return nil
}

// observe sees every transition; tests draw the state graph from it.
var observe func(m *Machine, from, to state)

// step makes one transition; a nil state means that there is nothing to go on with.
func (m *Machine) step() (state, error) {
	switch s := m.state.(type) {
	case waiting:
		if m.ccs {
			return nil, unexpected("%s sent change_cipher_spec while the handshake waits for its application", m.peer())
		}
		held := m.hold
		m.hold = false // unless it waits again, with the same bytes
		next, ready, err := s.resume(m)
		if !ready || err != nil {
			m.hold = held // one that gives up may still be looking
		}
		if !ready {
			return nil, nil
		}
		return next, err
	case mover:
		return s.move(m)
	}
	if m.ccs {
		m.ccs = false
		return m.changeCipherSpec()
	}
	msg, err := m.message(m.state.accepts())
	if msg == nil || err != nil {
		return nil, err
	}
	return m.state.next(m, msg)
}

// FeedSSLv2 gives a server that waits for its first ClientHello one in the framing of
// SSLv2: all that follows the two bytes of its length. It never leads to TLS 1.3.
func (m *Machine) FeedSSLv2(p []byte) error {
	if m.err != nil {
		return m.err
	}
	if _, ok := m.state.(expectClientHello); !ok || m.InMessage() {
		return m.fail(unexpected("client sent an SSLv2 ClientHello where %v is expected", m.state.accepts()))
	}
	hello, err := wire.ParseSSLv2ClientHello(nil, p)
	if err != nil {
		return m.fail(err)
	}
	m.x.sslv2 = append([]byte(nil), p...)
	return m.Feed(Initial, hello)
}

// ChangeCipherSpec gives the Machine the peer's change_cipher_spec record, which stands
// between two messages of TLS 1.2. Advance acts on it.
func (m *Machine) ChangeCipherSpec() { m.ccs = true }

func (m *Machine) changeCipherSpec() (state, error) {
	switch accepted := m.state.accepts(); {
	case m.InMessage():
		return nil, unexpected("%s sent change_cipher_spec in the middle of a handshake message", m.peer())
	case !accepted.has(changeCipherSpec):
		return nil, unexpected("%s sent change_cipher_spec where %v is expected", m.peer(), accepted)
	}
	return m.state.next(m, nil)
}

// message returns the next whole message of what was fed, or nil. Type and length are
// judged as soon as the header is there.
func (m *Machine) message(accepted msgSet) ([]byte, error) {
	if err := m.skipHelloRequests(); err != nil {
		return nil, err
	}
	in := m.unconsumed()
	if len(in) == 0 || len(in) < 4 && in[0] == byte(iana.HelloRequest) && m.ignoresHelloRequests() {
		return nil, nil
	}
	t := iana.Message(in[0])
	if !accepted.has(t) || t == changeCipherSpec {
		return nil, unexpected("%s sent %v where %v is expected", m.peer(), t, accepted)
	}
	if len(in) < 4 {
		return nil, nil
	}
	n := int(in[1])<<16 | int(in[2])<<8 | int(in[3])
	if limit := m.limit(t); n > limit {
		if limit <= maxFixed || t == iana.ClientHello { // RFC 5246, Section 7.4.1.2
			return nil, fail(iana.DecodeError, "%s sent a %v of %d bytes, more than %d", m.peer(), t, n, limit)
		}
		return nil, illegal("%s sent a %v of %d bytes, more than %d", m.peer(), t, n, limit)
	}
	if len(in) < 4+n {
		return nil, nil
	}
	m.in.off += 4 + n
	if m.Observe != nil && !m.again {
		m.Observe(false, t, n)
	}
	m.again = false
	if rest := len(in) - (4 + n); accepted&last != 0 && rest > 0 {
		return nil, unexpected("%s sent %d bytes after %v in the same record, where keys change", m.peer(), rest, t)
	}
	return in[: 4+n : 4+n], nil
}

// skipHelloRequests passes over HelloRequests that come while a client shakes hands, which
// are no part of the handshake (RFC 5246, Section 7.4.1.1). To a client that never renegotiates
// they are messages like any other that is not expected.
func (m *Machine) skipHelloRequests() error {
	if !m.ignoresHelloRequests() {
		return nil
	}
	for bytes.HasPrefix(m.unconsumed(), []byte{0, 0, 0, 0}) {
		m.in.off += 4
		if m.x.skipped++; m.x.skipped > maxHelloRequests {
			return unexpected("server sent %d hello_requests during the handshake", m.x.skipped)
		}
	}
	return nil
}

func (m *Machine) ignoresHelloRequests() bool {
	return m.client && !m.done && !m.cfg.NoRenegotiation && m.cfg.MinVersion <= iana.TLS12 && m.Result.Version != iana.TLS13
}

// maxFixed is the length of the longest message of fixed length.
const maxFixed = 64

// unread puts back the message that was read last: the next state takes it.
func (m *Machine) unread(msg []byte) {
	m.in.off -= len(msg)
	m.again = true
}

func (m *Machine) limit(t iana.Message) int {
	if t == iana.Certificate && m.cfg.MaxCertificates > 0 {
		return m.cfg.MaxCertificates
	}
	return wire.MaxLength(t)
}

// Waiting returns the question that the Machine waits for an answer to, if any, and
// whether it has been answered meanwhile.
func (m *Machine) Waiting() (q Question, answered, ok bool) {
	w, ok := m.state.(waiting)
	if !ok || m.err != nil {
		return 0, false, false
	}
	return w.asks(), w.pending().Answered(), true
}

// Done reports whether the handshake is complete.
func (m *Machine) Done() bool { return m.done }

// ReadEpoch returns the epoch in which the next handshake bytes have to come.
func (m *Machine) ReadEpoch() Epoch { return m.read }

// Began reports whether a client has written its ClientHello.
func (m *Machine) Began() bool { _, begins := m.state.(sendClientHello); return !begins }

// WriteEpoch returns the epoch in which the next handshake bytes are sent.
func (m *Machine) WriteEpoch() Epoch { return m.write }

// InMessage reports whether a part of a message has been fed.
func (m *Machine) InMessage() bool { return len(m.unconsumed()) > 0 }

// Idle gives back what the Machine needs only while it moves. Call it when the Events
// of the last Advance are done and nothing can go on; Advance takes it up again.
func (m *Machine) Idle() {
	if w := m.work; w != nil {
		m.work = nil
		w.reset()
		workspaces.Put(w)
	}
	if m.in != nil && !m.InMessage() && !m.hold {
		m.dropInput()
	}
}

// Refusal returns why the private key did not decrypt the premaster secret of RSA key
// exchange, or nil. The handshake has gone on all the same, with keys that are no good:
// the reason belongs to the error that it ends with, and never to the peer.
func (m *Machine) Refusal() error {
	if m.x == nil || m.x.decrypt == nil {
		return nil
	}
	return m.x.decrypt.Refusal()
}

// Abort ends the handshake with err, the application's own.
func (m *Machine) Abort(err error) error {
	if m.err != nil {
		return m.err
	}
	return m.fail(internal(err, "the application ended the handshake"))
}

// Close ends the Machine: an operation it waits for is closed, secrets are cleared.
func (m *Machine) Close() {
	if w, ok := m.state.(waiting); ok {
		w.pending().Close()
	}
	if m.err == nil {
		m.err = errClosed
	}
	m.drop()
	if m.hold { // the application may still be looking: nobody else gets it
		m.hold, m.in = false, nil
	}
	if m.issuer != nil {
		m.issuer.wipe()
	}
	if m.in != nil {
		m.in.off = len(m.in.bytes)
	}
	m.Idle()
	m.Result.Exporter.Clear()
	m.Result.Exporter = nil
	m.state = closed{}
}

var errClosed = errors.New("handshake: the machine was closed")

// fail ends the handshake for good. The state is dropped with all it knows.
func (m *Machine) fail(err error) error {
	if w, ok := m.state.(waiting); ok {
		w.pending().Close()
	}
	m.err = err
	m.drop()
	m.state = closed{}
	return err
}

// wiper holds secrets: they are cleared when the handshake, or the connection, ends.
type wiper interface{ wipe() }

func (m *Machine) drop() {
	if m.issuer != nil && !m.done { // afterwards it belongs to others, until Close
		m.issuer.wipe()
	}
	if s, ok := m.state.(wiper); ok {
		s.wipe()
	}
	if m.x != nil {
		if m.x.secrets != nil {
			m.x.secrets.wipe()
		}
		m.x.transcript.Clear()
		m.x = nil
	}
}

func (m *Machine) dropInput() {
	in := m.in
	m.in = nil
	if cap(in.bytes) <= maxPooledInput {
		in.bytes, in.off, in.received = in.bytes[:0], 0, ReceivedHello{}
		inputs.Put(in)
	}
}

// finish ends the handshake: all that only it needed is dropped.
func (m *Machine) finish(s state) state {
	m.done = true
	m.emit(Event{Kind: Done})
	m.x.transcript.Clear()
	m.x = nil
	return s
}

// draw fills b with random bytes.
func (m *Machine) draw(b []byte) error {
	if m.cfg.Rand == nil {
		_, err := rand.Read(b) // never fails
		return err
	}
	if _, err := io.ReadFull(m.cfg.Rand, b); err != nil {
		return internal(err, "the source of randomness failed")
	}
	return nil
}

func (m *Machine) now() time.Time {
	if m.cfg.Now == nil {
		return time.Now()
	}
	return m.cfg.Now()
}

// peer and self name the two sides in errors.
func (m *Machine) peer() string {
	if m.client {
		return "server"
	}
	return "client"
}
