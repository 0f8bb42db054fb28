package wire

import "github.com/s2ngo/s2ngo/iana"

// NewSessionTicket12 gives a client a ticket of TLS 1.2. RFC 5077, Section 3.3.
type NewSessionTicket12 struct {
	LifetimeHint uint32 // in seconds, 0 if it is not specified
	Ticket       []byte // lent from the message; empty if the server has none after all
}

// Parse reads the body of a NewSessionTicket.
func (m *NewSessionTicket12) Parse(body []byte) error {
	*m = NewSessionTicket12{}
	r := NewReader(body)
	r.at = "ticket_lifetime_hint"
	m.LifetimeHint = r.U32()
	r.at = "ticket"
	m.Ticket = r.Vec16()
	if err := r.end(); err != nil {
		return err.in("new_session_ticket")
	}
	return nil
}

// AppendNewSessionTicket12 writes a NewSessionTicket of TLS 1.2, with a hint in seconds.
func AppendNewSessionTicket12(w *Writer, lifetimeHint uint32, ticket []byte) {
	m := w.BeginMessage(iana.NewSessionTicket)
	w.U32(lifetimeHint)
	w.vec16(ticket)
	w.End(m)
}
