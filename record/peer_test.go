package record

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

const (
	ccs     = iana.RecordChangeCipherSpec
	alert   = iana.RecordAlert
	hs      = iana.RecordHandshake
	appData = iana.RecordApplicationData
)

var testIV = []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}

// plain returns an unprotected record.
func plain(t iana.RecordType, body ...byte) []byte {
	return rawRecord(byte(t), iana.TLS12, body)
}

func rawRecord(t byte, v iana.Version, body []byte) []byte {
	h := []byte{t, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(h[1:], uint16(v))
	binary.BigEndian.PutUint16(h[3:], uint16(len(body)))
	return append(h, body...)
}

// peer seals what it is told to, right or wrong, by a reading of RFC 8446, Sections 5.2 and
// 5.3, that shares nothing with AEAD13.
type peer struct {
	aead  cipher.AEAD
	seq   uint64
	outer iana.RecordType // 0: application_data
}

func newPeer() *peer { return &peer{aead: mustAEAD(0)} }

func (p *peer) inner(inner ...byte) []byte {
	outer := p.outer
	if outer == 0 {
		outer = appData
	}
	nonce := bytes.Clone(testIV)
	binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^p.seq)
	p.seq++
	header := rawRecord(byte(outer), iana.TLS12, make([]byte, len(inner)+16))[:HeaderLen]
	return p.aead.Seal(bytes.Clone(header), nonce, inner, header)
}

func (p *peer) record(t iana.RecordType, content ...byte) []byte {
	return p.inner(append(bytes.Clone(content), byte(t))...)
}

// newOpener returns what opens the records of newPeer.
func newOpener() *AEAD13 { return NewAEAD13(mustAEAD(0), testIV, 0) }

// received is a Record that outlives the buffer.
type received struct {
	t       iana.RecordType
	payload string
}

// readAll gives stream to r in pieces of at most chunk bytes, reading records whenever
// there are some, until an error or the end.
func readAll(r *Reader, stream []byte, chunk int) (got []received, err error) {
	recv := func(p []byte) (int, error) {
		n := copy(p, stream[:min(chunk, len(stream))])
		stream = stream[n:]
		return n, nil
	}
	for {
		rec, err := r.Next()
		switch {
		case err == nil:
			got = append(got, received{rec.Type, string(rec.Payload)})
		case !errors.Is(err, ErrNeedMore):
			return got, err
		case len(stream) == 0:
			return got, nil
		default:
			if _, err := r.Fill(recv); err != nil {
				return got, err
			}
		}
	}
}

func concat(records ...[]byte) []byte { return bytes.Join(records, nil) }

// wantAlert checks that err is an *Error of the alert and returns its text.
func wantAlert(t *testing.T, err error, want iana.Alert) string {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want alert %v", err, want)
	}
	if e.Alert() != want {
		t.Fatalf("got alert %v (%v), want %v", e.Alert(), err, want)
	}
	return e.Error()
}
