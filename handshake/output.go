package handshake

import (
	"sync"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// workspace is what a Machine needs while it moves, and gives back when it waits.
type workspace struct {
	events []Event
	w      wire.Writer
	mark   int // what is written from here on has no Write event yet
	whole  int // the end of the last message that is complete

	chain [][]byte // certificates of a message, which it lends

	// Room for what goes through an interface or a table of functions, and would be on the heap otherwise.
	random [32]byte  // of a ServerHello
	shared [96]byte  // of a key exchange; cleared where it is used
	share  [133]byte // of a curve, in TLS 1.2: P-521's is the longest
	signed [sig.MaxCertificateVerifyInputLen]byte
	digest [64]byte // of what is signed
}

var workspaces = sync.Pool{New: func() any {
	return &workspace{events: make([]Event, 0, 16), w: wire.Writer{B: make([]byte, 0, 4096)}, chain: make([][]byte, 0, 4)}
}}

func (m *Machine) begin() {
	if m.work == nil {
		m.work = workspaces.Get().(*workspace)
	}
	m.work.reset()
}

func (w *workspace) reset() {
	clear(w.events) // secrets and references
	w.events = w.events[:0]
	w.w = wire.Writer{B: w.w.B[:0]}
	w.mark, w.whole = 0, 0
	clear(w.chain)
	clear(w.shared[:])
}

func (m *Machine) emit(e Event) { m.work.events = append(m.work.events, e) }

// endRecord makes a Write of the messages written since the last one. A message that an error
// has left unfinished is none.
func (m *Machine) endRecord() {
	w := m.work
	if data := w.w.B[w.mark:w.whole]; len(data) > 0 {
		w.mark = w.whole
		m.emit(Event{Kind: Write, Epoch: m.write, Data: data[:len(data):len(data)]})
	}
}

// writer returns where the next message is written to, and where it begins.
func (m *Machine) writer() (w *wire.Writer, start int) { return &m.work.w, len(m.work.w.B) }

// sent ends a message that was written from start on: it is part of the transcript.
func (m *Machine) sent(start int) error { return m.sentWith(start, nil) }

// sentWith is sent for a message that is complete only when complete has put the rest into it.
func (m *Machine) sentWith(start int, complete func(m *Machine, msg []byte)) error {
	if err := m.work.w.Err(); err != nil {
		return internal(err, "a message could not be written")
	}
	if m.substitute != nil {
		w := &m.work.w
		w.B = append(w.B[:start], m.substitute(w.B[start:])...)
	}
	msg := m.work.w.B[start:]
	if complete != nil {
		complete(m, msg)
	}
	m.work.whole = len(m.work.w.B)
	m.say(msg)
	if m.Observe != nil {
		m.Observe(true, iana.Message(msg[0]), len(msg)-4)
	}
	return nil
}

// maxKept bounds the peer's messages that a TLS 1.2 handshake keeps for CertificateVerify, beside
// what the Config allows to its certificates.
const maxKept = 256 << 10

func (m *Machine) maxKept() int { return maxKept + m.cfg.MaxCertificates }

// hear makes a message that was received part of the transcript.
func (m *Machine) hear(msg []byte) {
	if m.x.keep {
		if m.x.heard += len(msg); m.x.heard > m.maxKept() {
			m.forget()
			m.x.tooLong = true
		}
	}
	m.say(msg)
}

// say makes a message, sent or received, part of the transcript.
func (m *Machine) say(msg []byte) {
	if !m.x.keep {
		m.x.transcript.Add(msg)
		return
	}
	m.x.kept = append(m.x.kept, msg...)
	m.x.transcript.Lend(m.x.kept[len(m.x.kept)-len(msg):])
}

// forget ends the keeping of messages.
func (m *Machine) forget() { m.x.keep, m.x.kept = false, nil }

// hash returns the transcript hash so far, lent until the next call.
func (m *Machine) hash() []byte { return m.x.transcript.Sum() }

// dummyChangeCipherSpec sends the record of middlebox compatibility mode once (RFC 8446,
// Appendix D.4). A server does so for clients without a session ID, too, which may send it
// themselves and have to pass over it.
func (m *Machine) dummyChangeCipherSpec() {
	if (m.x.sessionIDLen > 0 || !m.client && !m.cfg.NoCompatibility) && !m.x.dummy {
		m.x.dummy = true
		m.endRecord()
		m.emit(Event{Kind: WriteChangeCipherSpec})
	}
}

func (m *Machine) setWriteKey(e Epoch, s Secret) {
	m.endRecord()
	m.write = e
	m.emit(Event{Kind: SetWriteKey, Epoch: e, Suite: m.x.suite.ID, Secret: s})
}

func (m *Machine) setReadKey(e Epoch, s Secret) {
	m.read = e
	m.emit(Event{Kind: SetReadKey, Epoch: e, Suite: m.x.suite.ID, Secret: s})
}

func (m *Machine) keyLog(label string, s Secret) {
	if m.cfg.KeyLog {
		m.emit(Event{Kind: KeyLog, Label: label, Data: m.x.clientRandom[:], Secret: s})
	}
}
