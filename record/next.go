package record

import (
	"errors"

	"github.com/s2ngo/s2ngo/iana"
)

// errDropped says that a record was consumed and is not for the caller.
var errDropped = errors.New("record: dropped")

// skipMode is a way to pass over the early data that was refused (RFC 8446, Section
// 4.2.10).
type skipMode uint8

const (
	skipNothing skipMode = iota
	skipByTrial          // records that do not open
	skipByType           // unprotected records of type application_data
)

// skipOverhead is what a record of early data is longer than its data, at least: the inner
// type and the tag of all TLS 1.3 cipher suites but the one with the short tag.
const skipOverhead = 1 + 16

// SkipUndecryptable drops records that do not authenticate, until the first that does or
// until they may have held more than maxBytes of early data; that ends the connection with
// unexpected_message. Each record counts as its body less 17 bytes of overhead, but at
// least as one byte, so that a peer which keeps to the max_early_data_size is never
// refused.
func (r *Reader) SkipUndecryptable(maxBytes int) { r.skip, r.skipBytes = skipByTrial, maxBytes }

// SkipApplicationData drops application_data records while no Opener is set, until the
// first record of another type but change_cipher_spec; maxBytes is as for
// SkipUndecryptable.
func (r *Reader) SkipApplicationData(maxBytes int) { r.skip, r.skipBytes = skipByType, maxBytes }

// Next returns the next record, opened in place, and consumes it. ErrNeedMore says that
// none is whole yet. Any other error is final, and is an *Error if the peer is at fault.
func (r *Reader) Next() (Record, error) { return r.NextInto(nil) }

// NextInto is Next, except that the payload of an application data record is put at the
// start of dst, and the Record says so, if dst has room for it, its padding and its inner
// type: a copy less. What lies behind the payload in dst may be overwritten, but nothing
// that is not the application's is left in dst.
func (r *Reader) NextInto(dst []byte) (Record, error) {
	if r.failed != nil {
		return Record{}, r.failed
	}
	for { // each turn but the last consumes a record
		rec, err := r.take(dst)
		switch err {
		case nil, ErrNeedMore:
			return rec, err
		case errDropped:
		default:
			r.failed = err
			return Record{}, err
		}
	}
}

// take consumes one record.
func (r *Reader) take(dst []byte) (Record, error) {
	have := r.end - r.start
	if have < HeaderLen {
		return Record{}, ErrNeedMore
	}
	b := r.buf.data[r.start:r.end]
	if whole, ok := r.sslv2Length(b); ok {
		return r.takeSSLv2(b, whole)
	}
	if err := r.checkHeader(b[:HeaderLen]); err != nil {
		return Record{}, err
	}
	whole := HeaderLen + headerLength(b)
	if have < whole {
		return Record{}, ErrNeedMore
	}
	r.start += whole
	r.last, r.started = uint16(whole), true
	header, body := b[:HeaderLen:HeaderLen], b[HeaderLen:whole:whole]
	rec := Record{Type: iana.RecordType(header[0]), Version: headerVersion(header), Payload: body}
	switch {
	case rec.Type == iana.RecordChangeCipherSpec && (r.opener == nil || r.hidden):
		return rec, r.checkCCS(body)
	case r.opener == nil:
		if rec.Type == iana.RecordApplicationData {
			return Record{}, r.skipRecord(body)
		}
		r.endSkip(skipByType)
	case r.hidden && rec.Type == iana.RecordAlert: // let pass by checkOuter
	default:
		if err := r.open(&rec, dst, header, body); err != nil {
			return Record{}, err
		}
	}
	return rec, r.checkContent(&rec)
}

// open puts the content of a protected record into rec.
func (r *Reader) open(rec *Record, dst, header, body []byte) (err error) {
	outer := rec.Type
	if outer == iana.RecordApplicationData && len(dst) > len(body)-int(r.overhead) {
		rec.Direct = true
		rec.Type, rec.Payload, err = r.opener.OpenInto(dst[:len(dst):len(dst)], header, body)
	} else {
		r.dirty = max(r.dirty, r.start)
		rec.Type, rec.Payload, err = r.opener.Open(header, body)
	}
	if err != nil {
		if e, ok := err.(*Error); ok && e.Description == iana.BadRecordMAC && r.skip == skipByTrial {
			return r.skipRecord(body)
		}
		return err
	}
	r.endSkip(skipByTrial)
	r.plainAlert = false
	size := len(rec.Payload)
	if r.hidden {
		size = len(body) - int(r.overhead) // padding counts (RFC 8446, Section 5.4)
	}
	if most := r.maxContent(); size > most {
		if rec.Direct {
			clear(dst[:len(body)-int(r.overhead)+1])
		}
		return refuse(iana.RecordOverflow, "peer sent a record with %d bytes of content, more than %d", size, most)
	}
	if rec.Direct && rec.Type != iana.RecordApplicationData {
		// What dst is for is the application's data alone.
		n := copy(body, rec.Payload)
		clear(dst[:len(body)-int(r.overhead)+1])
		r.dirty = max(r.dirty, r.start)
		rec.Payload, rec.Direct = body[:n], false
	}
	return nil
}

func (r *Reader) maxContent() int {
	if r.maxPlain == 0 {
		return MaxPlaintext
	}
	return int(r.maxPlain)
}

// checkContent refuses what no record of the type of rec may hold (RFC 8446, Sections 5.1
// and 5.4; RFC 5246, Section 6.2.1).
func (r *Reader) checkContent(rec *Record) error {
	n := len(rec.Payload)
	switch rec.Type {
	case iana.RecordHandshake:
		if n == 0 {
			return refuse(iana.UnexpectedMessage, "peer sent a handshake record without content")
		}
	case iana.RecordAlert:
		if n == 0 {
			return refuse(iana.UnexpectedMessage, "peer sent an alert record without content")
		}
		if n != 2 {
			return refuse(iana.DecodeError, "peer sent an alert record of %d bytes instead of 2", n)
		}
		return nil // warnings in between do not make up for records without content
	case iana.RecordApplicationData:
		if n == 0 {
			r.empty++
			if r.empty > maxEmpty {
				return refuse(iana.UnexpectedMessage, "peer sent more than %d records without content in a row", maxEmpty)
			}
			return nil
		}
	case iana.RecordChangeCipherSpec:
		if r.hidden {
			return refuse(iana.UnexpectedMessage, "peer sent change_cipher_spec under protection")
		}
		if r.policy != CCSDeliver {
			return refuse(iana.UnexpectedMessage, "peer sent change_cipher_spec where it has no place")
		}
		return r.checkCCS(rec.Payload)
	default:
		return refuse(iana.UnexpectedMessage, "peer sent a protected record of unknown type %d", uint8(rec.Type))
	}
	r.empty = 0
	return nil
}

// checkCCS applies the policy to a change_cipher_spec record.
func (r *Reader) checkCCS(body []byte) error {
	if r.policy == CCSRefuse {
		return refuse(iana.UnexpectedMessage, "peer sent change_cipher_spec where it has no place")
	}
	if len(body) != 1 || body[0] != 1 {
		return refuse(iana.UnexpectedMessage, "peer sent change_cipher_spec of %d bytes that is not the byte 1", len(body))
	}
	if r.policy == CCSDeliver {
		return nil
	}
	r.ccs++
	if r.ccs > maxCCS {
		return refuse(iana.UnexpectedMessage, "peer sent more than %d change_cipher_spec records", maxCCS)
	}
	return errDropped
}

// skipRecord drops a record of refused early data.
func (r *Reader) skipRecord(body []byte) error {
	r.skipBytes -= max(1, len(body)-skipOverhead)
	if r.skipBytes < 0 {
		return refuse(iana.UnexpectedMessage, "peer sent more early data than it was allowed, after it was refused")
	}
	return errDropped
}

func (r *Reader) endSkip(m skipMode) {
	if r.skip == m {
		r.skip = skipNothing
	}
}
