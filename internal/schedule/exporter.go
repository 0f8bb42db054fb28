package schedule

import (
	"errors"
	"fmt"
)

// Exporter derives keying material for the application from a connection of either version.
// It is a value, with no memory but its own, and its owner clears it. It prints as a Secret
// does.
type Exporter struct {
	redacted
	secret         Secret // of TLS 1.3
	master         Master // of TLS 1.2
	client, server [32]byte
}

// MaxExport12 bounds the length in bytes of an Export of TLS 1.2, whose PRF has no end.
const MaxExport12 = 1<<16 - 1

// ErrNoExporter is the error of an Export from the zero Exporter.
var ErrNoExporter = errors.New("schedule: there is no exporter secret")

// NewExporter returns the Exporter of an exporter_master_secret, which it copies. RFC 8446,
// Section 7.5.
func NewExporter(secret *Secret) Exporter { return Exporter{secret: *secret} }

// NewExporter12 returns the Exporter of a TLS 1.2 session, whose master secret it copies. It
// is safe only with extended_master_secret: RFC 7627, Section 5.4.
func NewExporter12(m *Master, clientRandom, serverRandom []byte) Exporter {
	e := Exporter{master: *m}
	copy(e.client[:], clientRandom)
	copy(e.server[:], serverRandom)
	return e
}

// Export fills out with keying material for label and context. A context of nil is none,
// which in TLS 1.3 is the same as an empty one, and in TLS 1.2 is not. The errors are those of
// Secret.Export and Master.Export, and ErrNoExporter.
func (e *Exporter) Export(out []byte, label string, context []byte) error {
	switch {
	case e.secret.hash != 0:
		return e.secret.Export(out, label, context)
	case e.master.hash == 0:
		return ErrNoExporter
	case len(out) > MaxExport12:
		return fmt.Errorf("%w: %d bytes are wanted", ErrExport12, len(out))
	}
	return e.master.Export(out, label, e.client[:], e.server[:], context)
}

// Secret lends the exporter_master_secret of TLS 1.3, until e is cleared.
func (e *Exporter) Secret() *Secret { return &e.secret }

// IsZero reports whether there is nothing to export from.
func (e *Exporter) IsZero() bool { return e.secret.hash == 0 && e.master.hash == 0 }

// Clear wipes e.
func (e *Exporter) Clear() {
	e.secret.Clear()
	e.master.Clear()
	clear(e.client[:])
	clear(e.server[:])
}
