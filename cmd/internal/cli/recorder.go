package cli

import (
	"strconv"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// maxSteps bounds what is recorded of one connection.
const maxSteps = 2000

// Recorder keeps what one connection does, for a ladder of it.
type Recorder struct {
	Role   string // ours: "client" or "server"
	Peer   string
	Number int
	Report *Report // when the connection is over

	start time.Time
	rows  []Row
	drawn int // rows that are in a ladder already
	lost  int // steps beyond maxSteps

	asked   int // index + 1 of the question's row, while it waits for its answer
	writes  protection
	reads   protection
	waiting time.Duration // when Negotiate last came back to wait for the peer; -1 = it has not
}

// protection is what a message travels under.
type protection uint8

const (
	plain protection = iota
	underHandshakeKeys
	underApplicationKeys
)

// RowKind is what a Row of a ladder shows.
type RowKind uint8

// The kinds of row.
const (
	RowMessage RowKind = iota // an arrow
	RowNote                   // a word at our own lifeline
	RowAsk                    // a question to the application
	RowAnswer                 // its answer, after a suspension
	RowLost                   // the end of a connection that was still waiting for it
	RowPause                  // both sides wait, for the network or for the other
)

// Row is one step of a connection.
type Row struct {
	Kind     RowKind
	At       time.Duration // since the start
	Took     time.Duration // all but RowMessage and RowNote: how long
	Text     string
	ToServer bool       // RowMessage: the direction
	Alert    bool       // RowMessage
	Sealed   protection // RowMessage
	Open     bool       // RowAsk: the handshake was suspended
}

// NewRecorder returns the recorder of a connection that began at start.
func NewRecorder(role, peer string, number int, start time.Time) *Recorder {
	return &Recorder{Role: role, Peer: peer, Number: number, start: start, waiting: -1}
}

// Record keeps a step that happens now.
func (r *Recorder) Record(e conn.TraceEvent) { r.record(e, time.Since(r.start)) }

// shortPause is the least time without a step that is shown as a pause.
const shortPause = 5 * time.Millisecond

func (r *Recorder) record(e conn.TraceEvent, at time.Duration) {
	if len(r.rows) >= maxSteps {
		r.lost++
		return
	}
	if e.Kind == conn.TraceBlocked {
		r.block(e.Text, at)
		return
	}
	if r.waiting >= 0 && at-r.waiting >= shortPause {
		r.add(Row{Kind: RowPause, At: r.waiting, Took: at - r.waiting})
	}
	r.waiting = -1
	switch e.Kind {
	case conn.TraceMessage:
		r.message(e.Text+", "+bytesOf(e.Size), e.Sent, at, false)
	case conn.TraceCCS:
		r.add(Row{Kind: RowMessage, At: at, Text: iana.RecordChangeCipherSpec.String(), ToServer: r.toServer(e.Sent)})
	case conn.TraceAlert:
		r.message("alert "+e.Text, e.Sent, at, e.Text != iana.CloseNotify.String())
	case conn.TraceKey:
		r.key(e, at)
	case conn.TraceAsk:
		r.add(Row{Kind: RowAsk, At: at, Text: e.Text})
		r.asked = len(r.rows)
	case conn.TraceAnswer:
		r.answer(at)
	case conn.TraceDone:
		r.add(Row{Kind: RowNote, At: at, Text: "handshake complete"})
	}
}

func (r *Recorder) add(row Row) { r.rows = append(r.rows, row) }

func (r *Recorder) toServer(sent bool) bool { return sent == (r.Role == "client") }

func (r *Recorder) message(text string, sent bool, at time.Duration, alert bool) {
	sealed := r.reads
	if sent {
		sealed = r.writes
	}
	r.add(Row{Kind: RowMessage, At: at, Text: text, ToServer: r.toServer(sent), Sealed: sealed, Alert: alert})
}

func (r *Recorder) key(e conn.TraceEvent, at time.Duration) {
	p := underHandshakeKeys
	if e.Text == "application" {
		p = underApplicationKeys
	}
	direction := "read"
	if e.Sent {
		direction, r.writes = "write", p
	} else {
		r.reads = p
	}
	r.add(Row{Kind: RowNote, At: at, Text: "new " + direction + " key: " + e.Text})
}

// block notes what Negotiate waits for.
func (r *Recorder) block(status string, at time.Duration) {
	switch status {
	case conn.BlockedOnApplicationInput.String():
		if r.asked > 0 {
			r.rows[r.asked-1].Open = true
		}
	case conn.BlockedOnRead.String():
		r.waiting = at
	}
}

func (r *Recorder) answer(at time.Duration) {
	if r.asked == 0 {
		return
	}
	ask := &r.rows[r.asked-1]
	r.asked = 0
	ask.Took = at - ask.At
	if ask.Open {
		r.add(Row{Kind: RowAnswer, At: at, Took: ask.Took, Text: ask.Text})
	}
}

// Finish notes that the connection is over.
func (r *Recorder) Finish() { r.finish(time.Since(r.start)) }

func (r *Recorder) finish(at time.Duration) {
	if r.asked > 0 {
		ask := &r.rows[r.asked-1]
		ask.Open, ask.Took = true, at-ask.At
		r.add(Row{Kind: RowLost, At: at, Took: ask.Took, Text: ask.Text})
		r.asked = 0
	}
}

func bytesOf(n int) string {
	if n == 1 {
		return "1 byte"
	}
	return strconv.Itoa(n) + " bytes"
}
