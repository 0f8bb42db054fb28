package schedule

import (
	"errors"
	"fmt"
)

// Exporter derives keying material for the application from a connection of either version.
// Its owner clears it; nil has nothing to export from. It prints as a Secret does. A connection
// keeps one for as long as it lives, so it is no larger than TLS 1.3 needs.
type Exporter struct {
	redacted
	secret Secret      // of TLS 1.3
	tls12  *exporter12 // of TLS 1.2
}

type exporter12 struct {
	master         Master
	client, server [32]byte // the random values of both
}

// MaxExport12 bounds the length in bytes of an Export of TLS 1.2, whose PRF has no end.
const MaxExport12 = 1<<16 - 1

// ErrNoExporter is the error of an Export from a nil Exporter, or one that was cleared.
var ErrNoExporter = errors.New("schedule: there is no exporter secret")

// NewExporter returns the Exporter of an exporter_master_secret, which it copies. RFC 8446,
// Section 7.5.
func NewExporter(secret *Secret) *Exporter { return &Exporter{secret: *secret} }

// NewExporter12 returns the Exporter of a TLS 1.2 session, whose master secret it copies. It
// is safe only with extended_master_secret: RFC 7627, Section 5.4.
func NewExporter12(m *Master, clientRandom, serverRandom []byte) *Exporter {
	e := new(struct { // one piece of memory
		Exporter
		of exporter12
	})
	e.of.master, e.tls12 = *m, &e.of
	copy(e.of.client[:], clientRandom)
	copy(e.of.server[:], serverRandom)
	return &e.Exporter
}

// Export fills out with keying material for label and context. A context of nil is none,
// which in TLS 1.3 is the same as an empty one, and in TLS 1.2 is not. The errors are those of
// Secret.Export and Master.Export, and ErrNoExporter.
func (e *Exporter) Export(out []byte, label string, context []byte) error {
	switch {
	case e == nil || e.secret.hash == 0 && e.tls12 == nil:
		return ErrNoExporter
	case e.tls12 == nil:
		return e.secret.Export(out, label, context)
	case len(out) > MaxExport12:
		return fmt.Errorf("%w: %d bytes are wanted", ErrExport12, len(out))
	}
	return e.tls12.master.Export(out, label, e.tls12.client[:], e.tls12.server[:], context)
}

// Secret lends the exporter_master_secret of TLS 1.3, until e is cleared.
func (e *Exporter) Secret() *Secret { return &e.secret }

// Clear wipes e, which may be nil.
func (e *Exporter) Clear() {
	if e == nil {
		return
	}
	e.secret.Clear()
	if x := e.tls12; x != nil {
		x.master.Clear()
		clear(x.client[:])
		clear(x.server[:])
		e.tls12 = nil
	}
}
