package conn

import (
	"sync"

	"github.com/s2ngo/s2ngo/handshake"
)

// exporter is what Export derives from. It has a mutex of its own, so that neither half of the
// connection waits for an Export, nor the other way round.
type exporter struct {
	mu sync.Mutex
	of *handshake.Exporter // nil = there is none
}

// replace moves *next here.
func (e *exporter) replace(next **handshake.Exporter) {
	e.mu.Lock()
	e.of.Clear()
	e.of, *next = *next, nil
	e.mu.Unlock()
}

func (e *exporter) drop() {
	e.mu.Lock()
	e.of.Clear()
	e.of = nil
	e.mu.Unlock()
}

// Limits of Export in bytes: of a label by RFC 8446, Section 7.1, in TLS 1.2 too; of the output
// in TLS 1.2, whose PRF has no end. TLS 1.3 has less.
const (
	maxExportLabel = 249
	maxExport      = 1<<16 - 1
)

// Export derives length bytes of keying material, which both ends of the connection can do and
// nobody else (s2n_connection_tls_exporter; RFC 8446, Section 7.5). It is made for protocols
// that run inside TLS or beside it: label and context say which, and what for. A context of
// nil is none: in TLS 1.2 that gives other bytes than an empty one, in TLS 1.3 the same.
// Unlike s2n it exports from TLS 1.2, too (RFC 5705), if the session has an extended master
// secret (State.ExtendedMasterSecret), without which the bytes need not be the two ends' alone
// (RFC 7627, Section 5.4).
//
// It may be called once the handshake is complete, and on a server as soon as it may Send;
// the client need not be there then, but nobody else can know the bytes. When a
// renegotiation is complete, and not before, they are those of the new session. Any goroutine. Errors are of kind ErrUsage:
// a label of more than 249 bytes or one of the handshake's own, a context of more than 65535
// bytes in TLS 1.2, a length below 1 or above 255 times the suite's hash (65535 in TLS 1.2),
// and a connection that is closed or cannot export.
func (c *Conn) Export(label string, context []byte, length int) ([]byte, error) {
	switch {
	case len(label) > maxExportLabel:
		return nil, usage("Export with a label of %d bytes, more than %d", len(label), maxExportLabel)
	case length < 1 || length > maxExport:
		return nil, usage("Export of %d bytes, which is not 1 to %d", length, maxExport)
	}
	c.exporter.mu.Lock()
	defer c.exporter.mu.Unlock()
	switch {
	case c.exporter.of != nil:
	case c.closed():
		return nil, closedError("Export after Close")
	case c.is(factDone) && !c.is(factHandshakeError):
		return nil, usage("Export on a connection without extended_master_secret")
	default:
		return nil, usage("Export before the handshake is complete")
	}
	out := make([]byte, length)
	if err := c.exporter.of.Export(out, label, context); err != nil {
		return nil, &Error{ErrUsage, err}
	}
	return out, nil
}
