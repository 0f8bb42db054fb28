package testvectors

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Trace is what a document tells, step by step, in its order.
type Trace []Step

// Step is one step of a Trace, as {server} derive secret "tls13 c hs traffic".
type Step struct {
	Who    string // "client" or "server"; "" where a step is nobody's
	What   string // the title, without Who and SameAs
	Label  string // the part of What in quotation marks, as "tls13 c hs traffic"
	SameAs string // why there are no Values, as "server": the step repeats one of the other side
	Values []Value
}

// Value is one named byte string of a Step, as "PRK" or "complete record".
type Value struct {
	Name   string
	Octets int // the length that the document states; -1 where it states none
	Data   []byte
}

// Record is one record of a Trace.
type Record struct {
	From    string // "client" or "server"
	Type    string // "handshake", "application_data", "alert" or "change_cipher_spec"
	Payload []byte // before protection, without the inner content type
	Wire    []byte // as sent, with its header
}

// Message is one handshake message of a Trace.
type Message struct {
	From string // "client" or "server"
	Data []byte // with its 4-byte header
}

// Value returns the step's value of that name, nil where it has none.
func (s *Step) Value(name string) []byte {
	for i := range s.Values {
		if s.Values[i].Name == name {
			return s.Values[i].Data
		}
	}
	return nil
}

// Find returns the steps of who whose What begins with what, in order. Both may be "", which
// is everybody and everything.
func (t Trace) Find(who, what string) []Step {
	var found []Step
	for _, s := range t {
		if (who == "" || s.Who == who) && strings.HasPrefix(s.What, what) {
			found = append(found, s)
		}
	}
	return found
}

// Values returns the values called name of the steps that Find finds, in order.
func (t Trace) Values(who, what, name string) [][]byte {
	var found [][]byte
	for _, s := range t.Find(who, what) {
		for _, v := range s.Values {
			if v.Name == name {
				found = append(found, v.Data)
			}
		}
	}
	return found
}

// Records returns all records, in order.
func (t Trace) Records() []Record {
	var records []Record
	for _, s := range t.Find("", "send ") {
		records = append(records, Record{
			From:    s.Who,
			Type:    strings.TrimSuffix(strings.TrimPrefix(s.What, "send "), " record"),
			Payload: s.Value("payload"),
			Wire:    s.Value("complete record"),
		})
	}
	return records
}

// Messages returns the handshake messages of all records, in order: each record has whole ones. What follows the last
// whole message of a record is left out.
func (t Trace) Messages() []Message {
	var messages []Message
	for _, r := range t.Records() {
		rest := r.Payload
		for r.Type == "handshake" && len(rest) >= 4 {
			n := 4 + int(rest[1])<<16 + int(rest[2])<<8 + int(rest[3])
			if n > len(rest) {
				break
			}
			messages = append(messages, Message{From: r.From, Data: rest[:n:n]})
			rest = rest[n:]
		}
	}
	return messages
}

// parse reads the format of README.md.
func parse(text string) (Trace, error) {
	var t Trace
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok:
			return nil, fmt.Errorf("line %d: no \"=\"", i+1)
		case name == "step":
			t = append(t, parseStep(value))
		case len(t) == 0:
			return nil, fmt.Errorf("line %d: value %q before the first step", i+1, name)
		default:
			v, err := parseValue(name, value)
			if err != nil {
				return nil, fmt.Errorf("line %d: %q: %w", i+1, name, err)
			}
			s := &t[len(t)-1]
			s.Values = append(s.Values, v)
		}
	}
	return t, nil
}

func parseStep(title string) Step {
	s := Step{What: title}
	if who, what, ok := strings.Cut(title, "} "); ok {
		s.Who, s.What = strings.TrimPrefix(who, "{"), what
	}
	if what, same, ok := strings.Cut(s.What, " (same as "); ok {
		s.What, s.SameAs = what, strings.TrimSuffix(same, ")")
	}
	if _, label, ok := strings.Cut(s.What, `"`); ok {
		s.Label = strings.TrimSuffix(label, `"`)
	}
	return s
}

func parseValue(name, value string) (Value, error) {
	v := Value{Name: name, Octets: -1}
	if before, count, ok := strings.Cut(name, " ("); ok {
		if n, ok := strings.CutSuffix(count, " octets)"); ok {
			var err error
			if v.Octets, err = strconv.Atoi(n); err != nil {
				return v, err
			}
			v.Name = before
		}
	}
	var err error
	v.Data, err = hex.DecodeString(value)
	return v, err
}
