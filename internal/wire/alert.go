package wire

import (
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// Levels of an alert, which TLS 1.3 ignores. RFC 8446, Section 6.
const (
	Warning uint8 = 1
	Fatal   uint8 = 2
)

// Alert is the contents of an alert record. RFC 8446, Section 6.
type Alert struct {
	Level       uint8 // Warning or Fatal
	Description iana.Alert
}

// Parse reads an alert. A level that there is none of is an illegal_parameter.
func (m *Alert) Parse(b []byte) error {
	r := NewReader(b)
	r.at = "level"
	m.Level = r.U8()
	if r.err == nil && m.Level != Warning && m.Level != Fatal {
		r.illegal("value " + strconv.Itoa(int(m.Level)))
	}
	r.at = "description"
	m.Description = iana.Alert(r.U8())
	if err := r.end(); err != nil {
		return err.in("alert")
	}
	return nil
}

// AppendAlert writes the contents of an alert record.
func AppendAlert(w *Writer, level uint8, description iana.Alert) {
	w.U8(level)
	w.U8(uint8(description))
}
