// Package record is the TLS record layer (RFC 8446, Section 5; RFC 5246, Section 6) without any input or
// output of its own: a Reader cuts the bytes of one direction into records and opens
// them, a Writer seals records and hands the bytes out. It knows nothing of handshakes;
// whoever uses it says which keys apply from which record on.
//
// A Reader and a Writer of the same connection share nothing, so that one goroutine may
// read while another writes. Neither is safe for two goroutines at once, but for the
// counters BytesIn and BytesOut. Both are small values to embed: their buffers come from
// a pool and go back as soon as they are empty.
package record

import (
	"errors"

	"github.com/s2ngo/s2ngo/iana"
)

// Sizes of records in bytes (RFC 8446, Sections 5.1 and 5.2; RFC 5246, Section 6.2.3).
const (
	MaxPlaintext    = 16384               // most content of one record
	HeaderLen       = 5                   // type, version and length
	MaxCiphertext13 = MaxPlaintext + 256  // longest protected body in TLS 1.3
	MaxCiphertext12 = MaxPlaintext + 2048 // longest protected body in TLS 1.2
)

// Limits on what a peer may send without getting anywhere.
const (
	maxEmpty      = 32  // application data records without content, in a row
	maxCCS        = 32  // dropped change_cipher_spec records, in the life of a Reader
	maxNoProgress = 100 // calls of recv or send in a row that return 0 and no error
)

var (
	// ErrWouldBlock is what the recv and send callbacks return when they can do nothing
	// now; Fill and Flush pass it on.
	ErrWouldBlock = errors.New("record: operation would block")

	// ErrNeedMore is returned by Next when no whole record is buffered: Fill and try again.
	ErrNeedMore = errors.New("record: no whole record is buffered")

	// ErrClosed is returned by every method that would move data after Close.
	ErrClosed = errors.New("record: use after Close")
)

// errFull says that Fill was called although Next has work for a whole buffer.
var errFull = errors.New("record: the read buffer is full: call Next before Fill")

// Record is one record as it was received, opened.
type Record struct {
	// Type is the type of the content; under TLS 1.3 protection that is the inner type.
	Type iana.RecordType

	// Version stands in the header of the record and is otherwise without meaning.
	Version iana.Version

	// Payload is the content, without padding. It is lent until the next call of Next,
	// NextInto, Fill, Release or Close.
	Payload []byte

	// Direct says that Payload lies in the slice that NextInto was given.
	Direct bool
}

// CCSPolicy says what a Reader does with a change_cipher_spec record.
type CCSPolicy uint8

// What to do with a change_cipher_spec record. Only one of exactly the byte 1 is ever
// dropped or delivered; any other ends the connection with unexpected_message.
const (
	CCSRefuse  CCSPolicy = iota // unexpected_message
	CCSDrop                     // drop it unseen, at most 32 of them (RFC 8446, Section 5 and D.4)
	CCSDeliver                  // return it like any other record (TLS 1.2)
)
