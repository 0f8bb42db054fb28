package cli

import (
	"strconv"
	"time"
)

// drawing is a ladder as the page's template wants it. Coordinates are pixels of the SVG.
type drawing struct {
	Title  string
	Failed string // why, if it did
	Height int
	Foot   int // where the lifelines end
	Rows   []drawnRow
	Facts  []drawnFact
}

type drawnRow struct {
	Kind, Class string // of the template's cases; of its style sheet
	Time, Text  string
	Y, Label    int // of the line, and of the text
	From, To    int // an arrow's ends
	X, Height   int // of what stands at our own lifeline
	Anchor      string
}

type drawnFact struct{ Name, Value string }

// The page's measures; the template has the lifelines' places once more.
const (
	clientX, serverX = 110, 790
	headHeight       = 44
	rowHeight        = 32
	noteHeight       = 24
	suspendedHeight  = 84
	pauseHeight      = 40
	labelAbove       = 6
	textBelow        = 4
	beside           = 14 // between a lifeline and the text at it
	arrowHead        = 2
)

// drawing returns the whole ladder.
func (r *Recorder) drawing() drawing {
	d := drawing{Title: "Connection " + strconv.Itoa(r.Number) + " with " + r.Peer + ", seen by the " + r.Role}
	y := headHeight
	for i := range r.rows {
		row := &r.rows[i]
		dr := drawnRow{Time: clock(row.At), Text: row.Text, X: clientX, Anchor: "start"}
		if r.Role == "server" {
			dr.X, dr.Anchor = serverX, "end"
		}
		y = dr.place(row, y)
		d.Rows = append(d.Rows, dr)
	}
	d.Foot = y + noteHeight
	d.Height = d.Foot + noteHeight
	if r.Report != nil {
		d.Failed = r.Report.Error
		d.Facts = facts(r.Report)
	}
	return d
}

// place puts a row below y, and returns what is the y of the next one.
func (d *drawnRow) place(row *Row, y int) int {
	next := y + rowHeight
	switch row.Kind {
	case RowMessage:
		d.Kind, d.From, d.To = "arrow", serverX-arrowHead, clientX+arrowHead
		if row.ToServer {
			d.From, d.To = clientX+arrowHead, serverX-arrowHead
		}
		d.Class = [...]string{"plain", "handshake", "application"}[row.Sealed]
		if row.Alert {
			d.Class = "alert"
		}
	case RowNote:
		d.Kind, next = "note", y+noteHeight
	case RowPause:
		d.Kind, d.Time, next = "pause", "", y+pauseHeight
		d.Text = milliseconds(row.Took) + " ms"
	case RowAsk:
		d.Kind = "ask"
		d.Text = "asked the application: " + row.Text
		if !row.Open {
			d.Kind, next = "note", y+noteHeight
			d.Text += ", answered at once"
			break
		}
		d.Height, next = suspendedHeight, y+suspendedHeight
	case RowAnswer:
		d.Kind, next = "note", y+noteHeight
		d.Text = "answered after " + milliseconds(row.Took) + " ms"
	case RowLost:
		d.Kind, next = "note", y+noteHeight
		d.Class = "alert"
		d.Text = "gone after " + milliseconds(row.Took) + " ms, without an answer"
	}
	d.Y = (y + next) / 2
	if d.Kind == "arrow" {
		d.Y = next - labelAbove
	}
	d.Label = d.Y + textBelow
	if d.Anchor == "end" {
		d.X -= beside
	} else {
		d.X += beside
	}
	return next
}

// facts are the report as a table for people.
func facts(r *Report) []drawnFact {
	var list []drawnFact
	add := func(name, value string) {
		if value != "" {
			list = append(list, drawnFact{name, value})
		}
	}
	add("Protocol", r.Version)
	add("Cipher suite", r.CipherSuite)
	add("Key exchange", r.Group)
	add("Our signature", r.SignatureScheme)
	add("Peer's signature", r.PeerSignatureScheme)
	add("Server name", r.ServerName)
	add("Application protocol", r.ALPN)
	add("Security policy", r.Policy)
	add("Handshake", milliseconds(time.Duration(r.HandshakeMicros)*time.Microsecond)+" ms")
	add("Waited for the peer, the socket, the application", strconv.Itoa(r.Blocked.Read)+", "+strconv.Itoa(r.Blocked.Write)+", "+strconv.Itoa(r.Blocked.Application)+" times")
	add("On the wire", strconv.FormatUint(r.WireIn, 10)+" bytes in, "+strconv.FormatUint(r.WireOut, 10)+" bytes out")
	add("Application data", strconv.FormatUint(r.AppIn, 10)+" bytes in, "+strconv.FormatUint(r.AppOut, 10)+" bytes out")
	return list
}
