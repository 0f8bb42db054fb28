package wire

import (
	"strconv"

	"github.com/s2ngo/s2ngo/iana"
)

// KeyUpdate says that its sender changes its key. RFC 8446, Section 4.6.3.
type KeyUpdate struct {
	RequestUpdate bool // the receiver is to change its key too
}

// Parse reads the body of a KeyUpdate.
func (m *KeyUpdate) Parse(body []byte) error {
	r := NewReader(body)
	r.at = "request_update"
	v := r.U8()
	if v > 1 {
		r.illegal("value " + strconv.Itoa(int(v)))
	}
	m.RequestUpdate = v == 1
	if err := r.end(); err != nil {
		return err.in("key_update")
	}
	return nil
}

// AppendKeyUpdate writes a KeyUpdate.
func AppendKeyUpdate(w *Writer, requestUpdate bool) {
	m := w.BeginMessage(iana.KeyUpdate)
	var v uint8
	if requestUpdate {
		v = 1
	}
	w.U8(v)
	w.End(m)
}
