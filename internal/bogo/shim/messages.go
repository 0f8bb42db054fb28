package main

import (
	"fmt"
	"strings"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
)

// messages is the list of what was sent and received, as -expect-msg-callback has it.
type messages struct {
	strings.Builder
	last iana.Message // received
}

func (m *messages) note(_ *conn.Conn, e conn.TraceEvent) {
	verb := "read"
	if e.Sent {
		verb = "write"
	}
	switch e.Kind {
	case conn.TraceMessage:
		message := number(e.Text, 0, func(n int) fmt.Stringer { return iana.Message(n) })
		fmt.Fprintf(m, "%s hs %d\n", verb, message)
		if !e.Sent {
			m.last = iana.Message(message)
		}
	case conn.TraceCCS:
		fmt.Fprintf(m, "%s ccs\n", verb)
	case conn.TraceAlert:
		if e.Sent && e.Text == iana.CloseNotify.String() {
			return // in TLS 1.2 it answers the peer's, which BoringSSL's shim does only on demand
		}
		alert := number(e.Text, 0, func(n int) fmt.Stringer { return iana.Alert(n) })
		level := 2
		if iana.Alert(alert) == iana.CloseNotify {
			level = 1
		}
		fmt.Fprintf(m, "%s alert %d %d\n", verb, level, alert)
	}
}

// number finds the value of 0 to 255 that has a name, or -1.
func number(name string, n int, named func(int) fmt.Stringer) int {
	for ; n < 256; n++ {
		if named(n).String() == name {
			return n
		}
	}
	return -1
}
