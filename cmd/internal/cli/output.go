package cli

import (
	"io"
)

// Output is what a program tells of its connections.
type Output struct {
	Stdout, Stderr io.Writer
	JSON           bool   // a line on Stdout for each connection
	Ladder         bool   // a picture of each handshake on Stderr
	HTML           string // a file for the same as a page; "" = none
	Failures       func(s *Session)

	last   *Recorder // whose ladder was drawn last
	pages  []*Recorder
	broken error // of the first write that failed
}

// Recording reports whether anybody looks at what connections do.
func (o *Output) Recording() bool { return o.Ladder || o.HTML != "" }

// Err returns what went wrong with the output, if anything did.
func (o *Output) Err() error { return o.broken }

func (o *Output) note(err error) {
	if o.broken == nil {
		o.broken = err
	}
}

func (o *Output) established(s *Session) {
	if o.Ladder {
		o.draw(s)
	}
}

// draw writes what has been recorded and not yet drawn.
func (o *Output) draw(s *Session) {
	_, err := io.WriteString(o.Stderr, s.trace.Ladder(o.last == s.trace))
	o.note(err)
	o.last = s.trace
}

func (o *Output) ended(role string, s *Session) {
	report := NewReport(role, &s.State, s.Handshake, s.Err)
	if s.trace != nil {
		s.trace.Finish()
	}
	if o.Ladder {
		o.draw(s)
	}
	if o.HTML != "" {
		s.trace.Report = &report
		o.note(o.writePage(s.trace))
	}
	if o.JSON {
		_, err := o.Stdout.Write(report.Line())
		o.note(err)
	}
	if s.Err != nil && o.Failures != nil {
		o.Failures(s)
	}
}
