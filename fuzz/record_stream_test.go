package fuzz

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/record"
)

// recordSetup is how a Reader is set up.
type recordSetup struct {
	suite        *suite.Suite // nil: without protection
	ccs          record.CCSPolicy
	plainAlert   bool
	fixedVersion bool
	maxPlain     int // 0: as it is
	skipTrial    bool
	skipType     bool
	limit        uint64 // records under one key; 0: none
	rekeyAfter   int    // returned records after which the Reader changes its key; 0: never
}

func parseRecordSetup(b bits) recordSetup {
	suites := [4]iana.CipherSuite{0, iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384, iana.TLS_CHACHA20_POLY1305_SHA256}
	s := recordSetup{
		suite:        suite.Lookup(suites[b.take(2)]),
		ccs:          record.CCSPolicy(b.take(2) % 3),
		plainAlert:   b.flag(),
		fixedVersion: b.flag(),
		skipTrial:    b.flag(),
		skipType:     b.flag(),
		limit:        uint64(b.take(3)),
		rekeyAfter:   b.take(4),
	}
	if b.flag() {
		s.maxPlain = 1 + b.take(10)
	}
	return s
}

func (s *recordSetup) reader(t *testing.T) *record.Reader {
	r := new(record.Reader)
	r.SetCCS(s.ccs)
	r.AllowPlaintextAlert(s.plainAlert)
	if s.fixedVersion {
		r.SetVersion(iana.TLS12)
	}
	if s.maxPlain > 0 {
		r.SetMaxPlaintext(s.maxPlain)
	}
	if s.skipType {
		r.SkipApplicationData(100)
	}
	if s.skipTrial {
		r.SkipUndecryptable(100)
	}
	if s.suite != nil {
		r.SetOpener(newAEAD(t, s.suite, 0, s.limit))
	}
	return r
}

// newAEAD returns a protection by the key of a number.
func newAEAD(t *testing.T, s *suite.Suite, key byte, limit uint64) *record.AEAD13 {
	return record.NewAEAD13(rawAEAD(t, s, key), nonceBase(key), limit)
}

func rawAEAD(t *testing.T, s *suite.Suite, key byte) cipher.AEAD {
	aead, err := s.NewAEAD(bytes.Repeat([]byte{0x40 + key}, s.KeyLen))
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func nonceBase(key byte) []byte { return bytes.Repeat([]byte{0xc0 + key}, suite.NonceLen) }

// Content by type, so that it is known whose it is wherever it is found.
const (
	ofApplication = 'd'
	ofProtocol    = 'h'
)

func filled(t iana.RecordType, n int) []byte {
	if t == iana.RecordApplicationData {
		return bytes.Repeat([]byte{ofApplication}, n)
	}
	return bytes.Repeat([]byte{ofProtocol}, n)
}

// received is a record as it came out of a Reader.
type received struct {
	t       iana.RecordType
	payload string
}

// stream is what a program of instructions has a peer send, and what a Reader has to make
// of it: all of want if everything is well-formed, else want before anything else.
type stream struct {
	t     *testing.T
	setup recordSetup
	bytes []byte
	last  int // where the last record begins
	known int // len(want) then
	key   byte
	seq   uint64
	aead  cipher.AEAD

	want   []received
	sure   bool // so far everything is well-formed
	opened int
	empty  int // in a row
	ccs    int
}

const maxStream = 1 << 17 // bytes

func newStream(t *testing.T, setup recordSetup, program []byte) *stream {
	s := &stream{t: t, setup: setup, sure: true}
	s.rekey(0)
	for p := (script{program}); p.more() && len(s.bytes) < maxStream; {
		s.step(&p)
	}
	return s
}

func (s *stream) rekey(key byte) {
	if s.setup.suite != nil {
		s.key, s.seq, s.aead = key, 0, rawAEAD(s.t, s.setup.suite, key)
	}
}

func (s *stream) step(p *script) {
	switch op := p.byte(); op % 11 {
	case 0: // seal the following payload properly
		t := sealedType(p.byte())
		s.send(t, filled(t, p.size()), int(p.byte()))
	case 1: // a record without protection
		t, version := iana.RecordType(p.byte()), iana.Version(0x0300|int(p.byte()))
		s.plain(t, version, p.bytes(p.size()))
	case 2: // anything
		s.sure = false
		s.begin()
		s.bytes = append(s.bytes, p.bytes(p.size())...)
	case 3: // change_cipher_spec
		s.changeCipherSpec(p.bytes(1))
	case 4: // an inner plaintext of any form
		s.sure = false
		inner := bytes.ReplaceAll(p.bytes(p.size()), []byte{ofProtocol}, []byte{ofProtocol + 1})
		s.seal(inner, iana.RecordApplicationData, iana.TLS12)
	case 5: // damage the last record
		if at := s.last + p.uint16(); at < len(s.bytes) {
			s.want, s.sure = s.want[:s.known], false
			s.bytes[at] ^= 1 << (p.byte() & 7)
		}
	case 6: // repeat the last record
		s.sure = false
		record := s.bytes[s.last:]
		s.begin()
		s.bytes = append(s.bytes, record...)
	case 7: // lose a record
		s.sure = s.sure && s.aead == nil
		s.seq++
	case 8: // change the key
		s.rekey(min(s.key+1, 100))
	case 9: // an alert without protection
		s.plain(iana.RecordAlert, iana.TLS12, p.bytes(2))
	case 10: // seal under another header
		s.sure = false
		t, version := iana.RecordType(p.byte()), iana.Version(p.uint16())
		s.seal(append(filled(iana.RecordApplicationData, p.size()), byte(iana.RecordApplicationData)), t, version)
	}
}

func sealedType(b byte) iana.RecordType {
	types := [...]iana.RecordType{iana.RecordApplicationData, iana.RecordHandshake, iana.RecordAlert, iana.RecordChangeCipherSpec}
	if int(b) < len(types) {
		return types[b]
	}
	return iana.RecordType(b)
}

func (s *stream) begin() { s.last, s.known = len(s.bytes), len(s.want) }

func (s *stream) header(t iana.RecordType, v iana.Version, n int) {
	s.begin()
	s.bytes = append(s.bytes, byte(t))
	s.bytes = binary.BigEndian.AppendUint16(s.bytes, uint16(v))
	s.bytes = binary.BigEndian.AppendUint16(s.bytes, uint16(n))
}

// expect notes that a record has to come out.
func (s *stream) expect(t iana.RecordType, payload []byte) {
	if s.sure {
		s.want = append(s.want, received{t, string(payload)})
	}
}

// send seals a record as a peer does that keeps to the rules.
func (s *stream) send(t iana.RecordType, payload []byte, pad int) {
	if s.aead == nil {
		s.sure = false
		return
	}
	most := record.MaxPlaintext
	if s.setup.maxPlain > 0 {
		most = s.setup.maxPlain
	}
	switch t {
	case iana.RecordApplicationData:
		if len(payload) > 0 {
			s.empty = 0
		} else if s.empty++; s.empty > 32 {
			s.sure = false
		}
	case iana.RecordHandshake:
		s.sure = s.sure && len(payload) > 0
		s.empty = 0
	case iana.RecordAlert:
		s.sure = s.sure && len(payload) == 2
		s.empty = 0
	default:
		s.sure = false
	}
	readerKey := byte(0)
	if s.setup.rekeyAfter > 0 && len(s.want) >= s.setup.rekeyAfter {
		readerKey = 1
	}
	if len(payload)+pad > most || s.key != readerKey || s.setup.limit > 0 && s.seq >= s.setup.limit {
		s.sure = false
	}
	inner := append(bytes.Clone(payload), byte(t))
	s.seal(append(inner, make([]byte, pad)...), iana.RecordApplicationData, iana.TLS12)
	s.opened++
	s.expect(t, payload)
}

func (s *stream) seal(inner []byte, t iana.RecordType, v iana.Version) {
	if s.aead == nil {
		return
	}
	s.header(t, v, len(inner)+s.aead.Overhead())
	nonce := nonceBase(s.key)
	for i := range 8 {
		nonce[suite.NonceLen-1-i] ^= byte(s.seq >> (8 * i))
	}
	s.seq++
	s.bytes = s.aead.Seal(s.bytes, nonce, inner, s.bytes[s.last:])
}

func (s *stream) plain(t iana.RecordType, v iana.Version, payload []byte) {
	welcome := v == iana.TLS12 || !s.setup.fixedVersion
	switch {
	case t == iana.RecordAlert && len(payload) == 2:
		welcome = welcome && (s.aead == nil || s.setup.plainAlert && s.opened == 0)
	case t == iana.RecordHandshake && len(payload) > 0 && len(payload) <= record.MaxPlaintext:
		welcome = welcome && s.aead == nil
	default:
		welcome = false
	}
	s.sure = s.sure && welcome
	s.empty = 0
	s.header(t, v, len(payload))
	s.bytes = append(s.bytes, payload...)
	s.expect(t, payload)
}

func (s *stream) changeCipherSpec(body []byte) {
	s.header(iana.RecordChangeCipherSpec, iana.TLS12, len(body))
	s.bytes = append(s.bytes, body...)
	s.ccs++
	switch {
	case s.setup.ccs == record.CCSRefuse || !bytes.Equal(body, []byte{1}):
		s.sure = false
	case s.setup.ccs == record.CCSDeliver:
		s.expect(iana.RecordChangeCipherSpec, body)
	case s.ccs > 32:
		s.sure = false
	}
}
