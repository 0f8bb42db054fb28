package record

import (
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/s2ngo/s2ngo/iana"
)

// Reader cuts received bytes into records and opens them. The zero Reader is ready: it
// expects unprotected records, refuses change_cipher_spec and reads ahead greedily.
//
// After an error of Next the Reader stays failed with that error.
type Reader struct {
	buf    *buffer
	start  int // buf.data[start:end] was received and not consumed
	end    int
	dirty  int // buf.data[:dirty] may hold plaintext
	opener Opener
	later  error // what recv returned beside bytes
	failed error

	in        atomic.Uint64
	skipBytes int    // bytes that may still be skipped
	ahead     int    // 0: greedy; else 1 + bytes to ask for beyond the present record
	last      uint16 // length of the last record, header included
	overhead  uint16 // opener.Overhead()
	maxPlain  uint16 // 0: MaxPlaintext
	version   iana.Version
	idle      uint8 // calls of recv in a row without bytes or error
	empty     uint8 // records in a row without content
	ccs       uint8 // dropped change_cipher_spec records

	policy     CCSPolicy
	skip       skipMode
	hidden     bool // opener.Version() is TLS13: the type is inside the protection
	plainAlert bool
	sslv2      bool
	started    bool // a first record has come
}

// Fill calls recv exactly once, to put what it returns behind what is buffered already,
// and returns the number of bytes. recv has the contract of io.Reader; it is offered as
// much room as there is, so that several records may come at once.
//
// An error that recv returns beside bytes is returned by the next Fill, except for
// ErrWouldBlock, which says nothing about the time of that next call: recv is asked again
// then. (0, nil) is passed on; the hundredth in a row is io.ErrNoProgress. recv must not
// call methods of the Reader.
func (r *Reader) Fill(recv func(p []byte) (int, error)) (n int, err error) {
	if r.failed != nil {
		return 0, r.failed
	}
	if err := r.later; err != nil {
		r.later = nil
		return 0, err
	}
	p := r.room()
	if len(p) == 0 {
		return 0, errFull
	}
	n, err = recv(p)
	if n < 0 || n > len(p) {
		r.failed = fmt.Errorf("record: recv returned %d for a slice of %d bytes", n, len(p))
		return 0, r.failed
	}
	if n > 0 {
		r.end += n
		r.in.Add(uint64(n))
		r.idle = 0
		if err != nil && !errors.Is(err, ErrWouldBlock) {
			r.later = err
		}
		return n, nil
	}
	if err != nil {
		r.idle = 0
		return 0, err
	}
	r.idle++
	if r.idle >= maxNoProgress {
		r.idle = 0
		return 0, io.ErrNoProgress
	}
	return 0, nil
}

// room returns the part of the buffer that recv is to fill, getting or growing the buffer
// and moving its content as needed.
func (r *Reader) room() []byte {
	have := r.end - r.start
	need := r.needed(have)
	size := largeBuffer
	if r.ahead != 0 {
		size = min(need+r.ahead-1, largeBuffer)
	}
	switch {
	case r.buf == nil:
		r.buf = getBuffer(size)
	case size > len(r.buf.data):
		r.move(getBuffer(size))
	case have == 0:
		r.start, r.end = 0, 0
	case r.start > 0 && (need > len(r.buf.data)-r.start || r.end == len(r.buf.data) || have <= smallMove):
		copy(r.buf.data, r.buf.data[r.start:r.end])
		r.start, r.end = 0, have
	}
	free := r.buf.data[r.end:]
	if r.ahead != 0 {
		return free[:max(min(len(free), size-have), 0)]
	}
	// Records tend to be of one size: ending the read where one is expected to end saves
	// moving the beginning of the one after it.
	if last := int(r.last); last > smallMove {
		if whole := (have + len(free)) / last * last; whole > have {
			free = free[:whole-have]
		}
	}
	return free
}

// smallMove is the number of bytes that are moved without a second thought.
const smallMove = 2048

// needed returns the length of the record that begins the buffer, as far as it is known.
func (r *Reader) needed(have int) int {
	if have < HeaderLen {
		return HeaderLen
	}
	if whole, ok := r.sslv2Length(r.buf.data[r.start:]); ok {
		return min(whole, 2+MaxPlaintext) // longer ones are refused by Next
	}
	return HeaderLen + headerLength(r.buf.data[r.start:])
}

// move goes on in b, which has room for what is buffered.
func (r *Reader) move(b *buffer) {
	have := copy(b.data, r.buf.data[r.start:r.end])
	r.drop()
	r.buf, r.start, r.end = b, 0, have
}

// drop gives the buffer back, with no plaintext in it.
func (r *Reader) drop() {
	clear(r.buf.data[:r.dirty])
	putBuffer(r.buf)
	r.buf, r.start, r.end, r.dirty = nil, 0, 0, 0
}

// Buffered returns the number of bytes that were received and not consumed by Next.
func (r *Reader) Buffered() int { return r.end - r.start }

// Aligned reports whether everything received was consumed, so that the next byte to come
// begins a record.
func (r *Reader) Aligned() bool { return r.end == r.start }

// Ready reports whether Next has a whole record, or an error, without another Fill. A
// record that Next drops counts as one.
func (r *Reader) Ready() bool {
	have := r.end - r.start
	if r.failed != nil {
		return true
	}
	if have < HeaderLen {
		return false
	}
	if whole, ok := r.sslv2Length(r.buf.data[r.start:r.end]); ok {
		return have >= whole || whole < HeaderLen || whole > 2+MaxPlaintext
	}
	return have >= r.needed(have) || r.checkHeader(r.buf.data[r.start:r.start+HeaderLen]) != nil
}

// Release gives the buffer back if nothing is in it, and goes on in a smaller one if only
// the beginning of a record is. To be called when no more can be done for now: an idle
// Reader holds no buffer.
func (r *Reader) Release() {
	if r.buf == nil {
		return
	}
	have := r.end - r.start
	switch {
	case have == 0:
		r.drop()
	case have <= len(r.buf.data)/4 && r.buf.class != 0 && !r.Ready():
		r.move(getBuffer(have))
	}
}

// Close wipes and gives back the buffer and clears the Opener. Fill and Next return
// ErrClosed from then on.
func (r *Reader) Close() {
	r.SetOpener(nil)
	if r.buf != nil {
		clear(r.buf.data)
		r.drop()
	}
	r.later, r.failed = nil, ErrClosed
}

// Reset closes r and makes it as new, with all settings and the count of bytes.
func (r *Reader) Reset() {
	r.Close()
	r.in.Store(0)
	r.failed = nil
	r.skip, r.skipBytes, r.ahead, r.last, r.maxPlain, r.version = skipNothing, 0, 0, 0, 0, 0
	r.idle, r.empty, r.ccs, r.policy, r.plainAlert, r.sslv2, r.started = 0, 0, 0, CCSRefuse, false, false, false
}

// BytesIn returns the number of bytes received so far. Any goroutine may ask.
func (r *Reader) BytesIn() uint64 { return r.in.Load() }

// SetOpener opens all records from the next one on with o, which the Reader owns from now
// on; nil is for unprotected records. The Opener before is cleared.
func (r *Reader) SetOpener(o Opener) {
	if r.opener != nil {
		r.opener.Clear()
	}
	r.opener, r.hidden, r.overhead = o, false, 0
	if o != nil {
		r.hidden = o.Version() >= iana.TLS13
		r.overhead = uint16(o.Overhead())
	}
}

// SetOpener13 is SetOpener with NewAEAD13(aead, iv, limit). It takes the place of an AEAD13 before it, in the same
// memory: a connection changes its keys more than once.
func (r *Reader) SetOpener13(aead cipher.AEAD, iv []byte, limit uint64) {
	if a, ok := r.opener.(*AEAD13); ok {
		a.init(aead, iv, limit)
		r.overhead = uint16(a.Overhead())
		return
	}
	r.SetOpener(NewAEAD13(aead, iv, limit))
}

// Exhausted reports that the key of the Opener is nearly used up.
func (r *Reader) Exhausted() bool { return r.opener != nil && r.opener.Exhausted() }

// SetCCS says what to do with change_cipher_spec records from now on.
func (r *Reader) SetCCS(p CCSPolicy) { r.policy = p }

// SetVersion demands that the headers from the next record on say v; 0, as at the
// beginning, accepts every version whose first byte is 3. RFC 8446 has TLS 1.3 peers
// ignore the field, but no peer sends anything but TLS12 once the version is negotiated.
func (r *Reader) SetVersion(v iana.Version) { r.version = v }

// SetMaxPlaintext limits the content of protected records to n bytes instead of
// MaxPlaintext, padding included, inner type not included (RFC 8449: the limit less 1 in
// TLS 1.3). n is at least 1; anything above MaxPlaintext is MaxPlaintext.
func (r *Reader) SetMaxPlaintext(n int) { r.maxPlain = uint16(min(max(n, 1), MaxPlaintext)) }

// SetReadAhead bounds how much Fill asks for: as much as the present record is known to
// need, and n bytes more. With 0 nothing behind the present record is ever read. A
// negative n, as at the beginning, asks for all that fits into a large buffer. A small
// one lets recv wait for the first bytes of a record in a small buffer.
func (r *Reader) SetReadAhead(n int) { r.ahead = min(max(n, -1), largeBuffer) + 1 }

// AllowPlaintextAlert lets an unprotected alert pass although an Opener is set, as a peer
// sends it that could not follow to the new keys. The first record that opens ends it.
func (r *Reader) AllowPlaintextAlert(on bool) { r.plainAlert = on }
