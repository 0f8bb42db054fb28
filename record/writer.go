package record

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/s2ngo/s2ngo/iana"
)

// Writer seals records into a buffer of its own and hands the bytes out. The zero Writer
// is ready: it writes unprotected records of version TLS12 and of up to MaxPlaintext
// bytes.
type Writer struct {
	buf    *buffer
	start  int // buf.data[start:end] is sealed and not sent
	end    int
	sealer Sealer
	pad    func(n int) int
	failed error

	out         atomic.Uint64
	maxFragment uint16 // 0: MaxPlaintext
	version     iana.Version
	hidden      bool // sealer.Version() is TLS13
}

// Seal puts payload into records of type t, each as full as may be, and appends them to
// what waits for Flush. It returns the number of bytes of payload that were taken: all of
// them, unless there is an error, which is never the peer's fault. payload is copied. An
// empty payload makes one empty record of application data; handshake and alert records
// must not be empty (RFC 8446, Section 5.1).
func (w *Writer) Seal(t iana.RecordType, payload []byte) (n int, err error) {
	one := [1][]byte{payload}
	return w.seal(t, one[:], len(payload), len(payload))
}

// SealRecord is Seal for one record only: it takes as much of payload as fits.
func (w *Writer) SealRecord(t iana.RecordType, payload []byte) (n int, err error) {
	one := [1][]byte{payload}
	return w.seal(t, one[:], len(payload), w.fragment())
}

// Sealv is Seal for the concatenation of payload.
func (w *Writer) Sealv(t iana.RecordType, payload [][]byte) (n int, err error) {
	total := length(payload)
	return w.seal(t, payload, total, total)
}

// SealRecordv is SealRecord for the concatenation of payload.
func (w *Writer) SealRecordv(t iana.RecordType, payload [][]byte) (n int, err error) {
	return w.seal(t, payload, length(payload), w.fragment())
}

func length(payload [][]byte) (n int) {
	for _, p := range payload {
		n += len(p)
	}
	return n
}

// seal takes the first most of the total bytes of payload.
func (w *Writer) seal(t iana.RecordType, payload [][]byte, total, most int) (n int, err error) {
	total = min(total, most)
	if w.failed != nil {
		return 0, w.failed
	}
	if total == 0 && t != iana.RecordApplicationData {
		return 0, fmt.Errorf("record: a record of type %v must not be empty", t)
	}
	sealer := w.sealer
	if t == iana.RecordChangeCipherSpec && w.hidden {
		sealer = nil // RFC 8446, Section 5: never under protection
	}
	if sealer == nil && t == iana.RecordApplicationData {
		return 0, errors.New("record: application data must not be sent without protection")
	}
	fragment, overhead, prefix := w.fragment(), HeaderLen, 0
	if t == iana.RecordAlert {
		fragment = max(fragment, 2) // RFC 8446, Section 5.1: never in pieces
	}
	if sealer != nil {
		overhead += sealer.Overhead()
		prefix = sealer.Prefix()
	}
	records := max(1, (total+fragment-1)/fragment)
	w.reserve(total + records*overhead)
	from := cursor{rest: payload}
	for range records {
		size := min(total-n, fragment)
		pad := 0
		if w.pad != nil && w.hidden && sealer != nil {
			pad = min(max(w.pad(size), 0), fragment-size)
			w.reserve(overhead + size + pad)
		}
		record := w.buf.data[w.end : w.end+HeaderLen+prefix+size : w.end+overhead+size+pad]
		from.read(record[HeaderLen+prefix:])
		if sealer == nil {
			putHeader(record, t, w.headerVersion(), size)
		} else if record, err = sealer.Seal(record, t, pad); err != nil {
			clear(w.buf.data[w.end : w.end+HeaderLen+prefix+size])
			w.release()
			return n, err
		}
		w.end += len(record)
		n += size
	}
	return n, nil
}

// cursor reads through several slices.
type cursor struct {
	rest [][]byte
	off  int // consumed of rest[0]
}

// read fills dst, for which there are bytes enough.
func (c *cursor) read(dst []byte) {
	for len(dst) > 0 {
		n := copy(dst, c.rest[0][c.off:])
		dst = dst[n:]
		c.off += n
		if c.off == len(c.rest[0]) {
			c.rest, c.off = c.rest[1:], 0
		}
	}
}

// reserve makes room for n bytes behind what is pending.
func (w *Writer) reserve(n int) {
	pending := w.end - w.start
	switch {
	case w.buf == nil:
		w.buf = getBuffer(n)
	case n <= len(w.buf.data)-w.end:
	case pending+n <= len(w.buf.data):
		copy(w.buf.data, w.buf.data[w.start:w.end])
		w.start, w.end = 0, pending
	default:
		size := pending + n
		if size > largeBuffer {
			size = max(size, 2*len(w.buf.data)) // many small records cost no more than one copy each
		}
		b := getBuffer(size)
		copy(b.data, w.buf.data[w.start:w.end])
		putBuffer(w.buf)
		w.buf, w.start, w.end = b, 0, pending
	}
}

// Release goes on in a smaller buffer if little is pending. To be called when no more can
// be sent for now; with nothing pending a Writer holds no buffer anyway.
func (w *Writer) Release() {
	if w.buf == nil || w.Pending() > len(w.buf.data)/4 || w.buf.class == 0 {
		return
	}
	b := getBuffer(w.Pending())
	pending := copy(b.data, w.buf.data[w.start:w.end])
	putBuffer(w.buf)
	w.buf, w.start, w.end = b, 0, pending
}

// release gives the buffer back if nothing is pending.
func (w *Writer) release() {
	if w.buf != nil && w.start == w.end {
		putBuffer(w.buf)
		w.buf, w.start, w.end = nil, 0, 0
	}
}

// Pending returns the number of sealed bytes that wait for Flush.
func (w *Writer) Pending() int { return w.end - w.start }

// Flush calls send until all pending bytes are out or send returns an error, which Flush
// returns; what is left stays pending for the next Flush. send returns how many bytes of p
// it took, with or without an error; (0, nil) a hundred times in a row is io.ErrNoProgress.
// send must not call methods of the Writer.
func (w *Writer) Flush(send func(p []byte) (int, error)) error {
	if w.failed != nil {
		return w.failed
	}
	for idle := 0; w.start < w.end; {
		p := w.buf.data[w.start:w.end]
		n, err := send(p)
		if n < 0 || n > len(p) {
			w.failed = fmt.Errorf("record: send returned %d for a slice of %d bytes", n, len(p))
			return w.failed
		}
		w.start += n
		w.out.Add(uint64(n))
		if err != nil {
			if w.start == w.end {
				w.release()
				if errors.Is(err, ErrWouldBlock) {
					return nil // nothing is left that could be blocked
				}
			}
			return err
		}
		idle++
		if n > 0 {
			idle = 0
		}
		if idle >= maxNoProgress {
			return io.ErrNoProgress
		}
	}
	w.release()
	return nil
}

// Close wipes and gives back the buffer, with what is pending, and clears the Sealer. Seal
// and Flush return ErrClosed from then on.
func (w *Writer) Close() {
	w.SetSealer(nil)
	if w.buf != nil {
		clear(w.buf.data)
		w.start, w.end = 0, 0
		w.release()
	}
	w.failed = ErrClosed
}

// Reset closes w and makes it as new, with all settings and the count of bytes.
func (w *Writer) Reset() {
	w.Close()
	w.out.Store(0)
	w.failed, w.pad, w.maxFragment, w.version = nil, nil, 0, 0
}

// BytesOut returns the number of bytes that send has taken so far. Any goroutine may ask.
func (w *Writer) BytesOut() uint64 { return w.out.Load() }

// SetSealer protects all records from the next one on with s, which the Writer owns from
// now on; nil is for unprotected records. The Sealer before is cleared. What is pending
// stays as it was sealed.
func (w *Writer) SetSealer(s Sealer) {
	if w.sealer != nil {
		w.sealer.Clear()
	}
	w.sealer, w.hidden = s, s != nil && s.Version() >= iana.TLS13
}

// SetSealer13 is SetSealer with NewAEAD13(aead, iv, limit), as SetOpener13 is SetOpener.
func (w *Writer) SetSealer13(aead cipher.AEAD, iv []byte, limit uint64) {
	if a, ok := w.sealer.(*AEAD13); ok {
		a.init(aead, iv, limit)
		return
	}
	w.SetSealer(NewAEAD13(aead, iv, limit))
}

// Exhausted reports that the key of the Sealer is nearly used up.
func (w *Writer) Exhausted() bool { return w.sealer != nil && w.sealer.Exhausted() }

// SetVersion sets what the headers of unprotected records say: TLS10 for a first
// ClientHello, else TLS12 (RFC 8446, Section 5.1), which is also meant by 0.
func (w *Writer) SetVersion(v iana.Version) { w.version = v }

func (w *Writer) headerVersion() iana.Version {
	if w.version == 0 {
		return iana.TLS12
	}
	return w.version
}

// SetMaxFragment limits the content of a record, padding included, to n bytes. n is at
// least 1; anything above MaxPlaintext is MaxPlaintext.
func (w *Writer) SetMaxFragment(n int) { w.maxFragment = uint16(min(max(n, 1), MaxPlaintext)) }

// MaxFragment returns the limit on the content of a record in bytes.
func (w *Writer) MaxFragment() int { return w.fragment() }

// Overhead returns the most bytes by which a record is now longer than its content and
// padding.
func (w *Writer) Overhead() int {
	if w.sealer == nil {
		return HeaderLen
	}
	return HeaderLen + w.sealer.Overhead()
}

func (w *Writer) fragment() int {
	if w.maxFragment == 0 {
		return MaxPlaintext
	}
	return int(w.maxFragment)
}

// SetPadding asks pad, for each record under TLS 1.3 protection, by how many zeros to
// lengthen its n bytes of content (RFC 8446, Section 5.4); what does not fit into the
// maximum fragment is left off. nil, as at the beginning, is for no padding.
func (w *Writer) SetPadding(pad func(n int) int) { w.pad = pad }
