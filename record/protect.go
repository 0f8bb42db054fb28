package record

import "github.com/s2ngo/s2ngo/iana"

// Opener removes the protection of the records of one direction under one key. A Reader
// owns the Opener it was given and clears it when the next one comes.
type Opener interface {
	// Version is TLS13 where the type of the content is inside the protection and the
	// header always says application_data, TLS12 where the header says the type.
	Version() iana.Version

	// Overhead is the least number of bytes by which body is longer than its content;
	// in TLS 1.3 padding counts as content and the inner type as overhead.
	Overhead() int

	// Open opens a record in place: header is the HeaderLen bytes as received, body what
	// follows. The plaintext lies in body. An *Error of BadRecordMAC says that the record
	// does not authenticate; its bytes are lost then, but the Opener goes on as if the
	// record had never been.
	Open(header, body []byte) (t iana.RecordType, plaintext []byte, err error)

	// OpenInto is Open with the plaintext at the start of dst, which overlaps neither
	// header nor body. dst has at least len(body)-Overhead()+1 bytes, all of which may be
	// overwritten, as body may be; no plaintext is left in body.
	OpenInto(dst, header, body []byte) (t iana.RecordType, plaintext []byte, err error)

	// Exhausted reports that the key is nearly used up and should be replaced, which TLS 1.2
	// cannot do: there it never says so.
	Exhausted() bool

	// Clear wipes what can be wiped. Open returns an error from then on.
	Clear()
}

// Sealer protects the records of one direction under one key. A Writer owns the Sealer it
// was given and clears it when the next one comes.
type Sealer interface {
	// Version is TLS13 or TLS12, as for an Opener.
	Version() iana.Version

	// Prefix is the number of bytes between the header and the content: none in TLS 1.3,
	// an explicit nonce or an IV in TLS 1.2.
	Prefix() int

	// Overhead is the most bytes by which a body is longer than its content and padding,
	// the prefix included.
	Overhead() int

	// Seal protects a record in place. The content begins at HeaderLen+Prefix() of record
	// and ends with it, and the capacity of record leaves room for the rest of Overhead
	// and for pad bytes of padding (RFC 8446, Section 5.4; without meaning in TLS 1.2).
	// Seal fills in the header and returns the whole record.
	Seal(record []byte, t iana.RecordType, pad int) ([]byte, error)

	// Exhausted reports that the key is nearly used up and should be replaced, which TLS 1.2
	// cannot do: there it never says so.
	Exhausted() bool

	// Clear wipes what can be wiped. Seal returns an error from then on.
	Clear()
}
