package wire

import (
	"bytes"

	"github.com/s2ngo/s2ngo/iana"
)

// hostName is the only NameType there is. RFC 6066, Section 3.
const hostName = 0

// parseServerName returns the host name of a ClientHello's server_name, nil if it has
// names of unknown types only. Every type, also a future one, begins with a two-byte
// length, and no type may be there twice. A host name is in ASCII. RFC 6066, Section 3.
func parseServerName(r *Reader) (host []byte) {
	r.at = "server_name_list"
	list := Reader{b: r.nonEmpty(r.Vec16()), at: r.at}
	for list.Len() > 0 {
		kind, name := list.U8(), list.Vec16()
		if kind != hostName {
			continue
		}
		if host != nil {
			list.illegal("two host names")
		}
		if bytes.ContainsFunc(name, notVisible) {
			list.illegal("a host name of other bytes than visible ASCII")
		}
		host = list.nonEmpty(name)
	}
	r.adopt(&list)
	return host
}

// notVisible reports whether c has no place in a name that applications look up, log and show.
func notVisible(c rune) bool { return c <= ' ' || c > '~' }

// PutServerName writes the server_name of a ClientHello: host, in ASCII and without a
// final dot. RFC 6066, Section 3.
func PutServerName(w *Writer, host string) {
	x := w.BeginExtension(iana.ServerName)
	l := w.Begin16()
	w.U8(hostName)
	n := w.Begin16()
	w.RawString(host)
	w.End(n)
	w.End(l)
	w.End(x)
}

// PutServerNameAck writes the empty server_name by which a server says that it has used
// the client's. RFC 6066, Section 3.
func PutServerNameAck(w *Writer) { putEmpty(w, iana.ServerName) }
