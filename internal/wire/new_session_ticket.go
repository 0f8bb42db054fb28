package wire

import "github.com/s2ngo/s2ngo/iana"

// NewSessionTicket gives a client what it needs to resume. All slices lend the bytes of
// the message. RFC 8446, Section 4.6.1.
type NewSessionTicket struct {
	Lifetime   uint32 // in seconds; whether it is above the seven days allowed is not checked
	AgeAdd     uint32
	Nonce      []byte // 0 to 255 bytes
	Ticket     []byte // at least one byte
	Extensions Extensions
	Has        Set // the extensions that are there, of those known

	MaxEarlyData uint32 // in bytes, 0 if there is no early_data
}

// Parse reads the body of a NewSessionTicket.
func (m *NewSessionTicket) Parse(body []byte) error {
	const name = "new_session_ticket"
	*m = NewSessionTicket{}
	r := NewReader(body)
	r.at = "ticket_lifetime"
	m.Lifetime = r.U32()
	r.at = "ticket_age_add"
	m.AgeAdd = r.U32()
	r.at = "ticket_nonce"
	m.Nonce = r.Vec8()
	r.at = "ticket"
	m.Ticket = r.nonEmpty(r.Vec16())
	r.at = "extensions"
	m.Extensions = r.Vec16()
	if err := r.end(); err != nil {
		return err.in(name)
	}

	var err *Error
	if m.Has, err = m.Extensions.check(inNewSessionTicket, 0); err != nil {
		return err.in(name)
	}
	if data, ok := m.Extensions.Get(iana.EarlyData); ok {
		x := Reader{b: data, at: "max_early_data_size"}
		m.MaxEarlyData = x.U32()
		if err := x.end(); err != nil {
			return err.inExtension(iana.EarlyData, name)
		}
	}
	return nil
}

// BeginNewSessionTicket writes a NewSessionTicket up to its extensions, which follow
// between Writer.Begin16 and Writer.End; Writer.End with the mark returned completes it.
func BeginNewSessionTicket(w *Writer, lifetime, ageAdd uint32, nonce, ticket []byte) int {
	m := w.BeginMessage(iana.NewSessionTicket)
	w.U32(lifetime)
	w.U32(ageAdd)
	w.vec8(nonce)
	w.vec16(ticket)
	return m
}
