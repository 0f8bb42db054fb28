package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// The columns of a ladder: a time in ms, the client's lifeline, the room between, the
// server's lifeline.
const (
	timeWidth = 10
	room      = 70
)

// lifeline is how a side is drawn in one row.
const (
	alive     = "│"
	notes     = "┼"
	suspended = ":"
	quiet     = "┆"
)

// Ladder draws what has been recorded since the last call, in lines of at most 86
// columns; "" if there is nothing new. below is set if the last lines above are this
// connection's own.
func (r *Recorder) Ladder(below bool) string {
	rows := r.rows[r.drawn:]
	if len(rows) == 0 && r.lost == 0 {
		return ""
	}
	var b strings.Builder
	switch {
	case r.drawn == 0:
		fmt.Fprintf(&b, "\n%*s  connection %d with %s, seen by the %s\n", timeWidth, "", r.Number, r.Peer, r.Role)
		fmt.Fprintf(&b, "%*s  { } under handshake keys, [ ] under application keys\n\n", timeWidth, "")
		fmt.Fprintf(&b, "%*s  client%*s\n", timeWidth, "ms", room+2-len("client"), "server")
		r.line(&b, -1, alive, "")
	case below:
		r.line(&b, -1, quiet, "")
	default:
		fmt.Fprintf(&b, "\n%*s  connection %d with %s goes on\n", timeWidth, "", r.Number, r.Peer)
	}
	for i := range rows {
		r.row(&b, &rows[i])
	}
	r.drawn = len(r.rows)
	if r.lost > 0 {
		fmt.Fprintf(&b, "%*s  %d further steps are not shown\n", timeWidth, "", r.lost)
		r.lost = 0
	}
	return b.String()
}

func (r *Recorder) row(b *strings.Builder, row *Row) {
	switch row.Kind {
	case RowMessage:
		r.line(b, row.At, alive, arrow(row))
	case RowNote:
		r.line(b, row.At, notes, r.beside("─ "+row.Text, row.Text+" ─"))
	case RowPause:
		r.line(b, -1, quiet, center(milliseconds(row.Took)+" ms", ' '))
	case RowAsk:
		text := "asked the application: " + row.Text
		if !row.Open {
			text += ", answered at once"
			r.line(b, row.At, notes, r.beside("─ "+text, text+" ─"))
			return
		}
		r.line(b, row.At, suspended, r.beside("  "+text, text+"  "))
		r.line(b, -1, suspended, "")
		r.line(b, -1, suspended, r.beside("  suspended", "suspended  "))
		r.line(b, -1, suspended, "")
	case RowAnswer:
		text := "answered after " + milliseconds(row.Took) + " ms"
		r.line(b, row.At, suspended, r.beside("  "+text, text+"  "))
	case RowLost:
		text := "gone after " + milliseconds(row.Took) + " ms, without an answer"
		r.line(b, row.At, suspended, r.beside("  "+text, text+"  "))
	}
}

// line draws one line: a time unless it is negative, our own lifeline as it is now, and
// what stands between the lifelines.
func (r *Recorder) line(b *strings.Builder, at time.Duration, ours, between string) {
	when := ""
	if at >= 0 {
		when = clock(at)
	}
	client, server := alive, alive
	switch {
	case ours == quiet:
		client, server = quiet, quiet
	case r.Role == "client":
		client = strings.Replace(ours, notes, "├", 1)
	default:
		server = strings.Replace(ours, notes, "┤", 1)
	}
	between += strings.Repeat(" ", max(room-utf8.RuneCountInString(between), 0))
	fmt.Fprintf(b, "%*s  %s%s%s\n", timeWidth, when, client, between, server)
}

// beside puts a text at our own lifeline.
func (r *Recorder) beside(left, right string) string {
	if r.Role == "client" {
		return left
	}
	return strings.Repeat(" ", max(room-utf8.RuneCountInString(right), 0)) + right
}

// arrow draws a message from one lifeline to the other; brackets are RFC 8446's: {} under
// handshake keys, [] under application keys.
func arrow(row *Row) string {
	text := row.Text
	switch row.Sealed {
	case underHandshakeKeys:
		text = "{ " + text + " }"
	case underApplicationKeys:
		text = "[ " + text + " ]"
	}
	shaft := []rune(center(" "+text+" ", '─'))
	if row.ToServer {
		shaft[len(shaft)-1] = '▶'
	} else {
		shaft[0] = '◀'
	}
	return string(shaft)
}

// center puts text into the middle of the room between the lifelines.
func center(text string, fill rune) string {
	free := max(room-utf8.RuneCountInString(text), 2)
	return strings.Repeat(string(fill), free/2) + text + strings.Repeat(string(fill), free-free/2)
}

// clock formats a time since the start in ms.
func clock(at time.Duration) string {
	return strconv.FormatFloat(float64(at)/float64(time.Millisecond), 'f', 3, 64)
}

// milliseconds formats how long something took in ms, in three digits or so.
func milliseconds(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 10:
		return strconv.FormatFloat(ms, 'f', 2, 64)
	case ms < 1000:
		return strconv.FormatFloat(ms, 'f', 1, 64)
	}
	return strconv.FormatFloat(ms, 'f', 0, 64)
}
