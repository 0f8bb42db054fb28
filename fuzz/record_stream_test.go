package fuzz

import (
	"bytes"
	"crypto/cipher"
	"encoding/binary"
	"math/rand/v2"
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
	sslv2        bool   // a ClientHello may be in the framing of SSLv2
}

func parseRecordSetup(b bits) recordSetup {
	suites := [8]iana.CipherSuite{
		0, iana.TLS_AES_128_GCM_SHA256, iana.TLS_AES_256_GCM_SHA384, iana.TLS_CHACHA20_POLY1305_SHA256,
		iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, iana.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
		iana.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, iana.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384,
	}
	s := recordSetup{
		suite:        suite.Lookup(suites[b.take(3)]),
		ccs:          record.CCSPolicy(b.take(2) % 3),
		plainAlert:   b.flag(),
		fixedVersion: b.flag(),
		skipTrial:    b.flag(),
		skipType:     b.flag(),
		limit:        uint64(b.take(3)),
		rekeyAfter:   b.take(4),
		sslv2:        b.flag(),
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
	r.AllowSSLv2Hello(s.sslv2)
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
		r.SetOpener(s.opener(t, 0))
	}
	return r
}

// tls12 reports whether records are those of TLS 1.2.
func (s *recordSetup) tls12() bool { return s.suite != nil && !s.suite.TLS13 }

// opener and sealer return the protection by the key of a number.
func (s *recordSetup) opener(t *testing.T, key byte) record.Opener {
	if !s.tls12() {
		return record.NewAEAD13(s.aead(t, key), nonceBase(key), s.limit)
	}
	macKey, secret, iv := s.keys12(key)
	o, err := record.NewOpener12(s.suite, macKey, secret, iv)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (s *recordSetup) sealer(t *testing.T, key byte) record.Sealer {
	if !s.tls12() {
		return record.NewAEAD13(s.aead(t, key), nonceBase(key), s.limit)
	}
	macKey, secret, iv := s.keys12(key)
	o, err := record.NewSealer12(s.suite, macKey, secret, iv, rand.NewChaCha8([32]byte{key}))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (s *recordSetup) aead(t *testing.T, key byte) cipher.AEAD {
	aead, err := s.suite.NewAEAD(s.key(key))
	if err != nil {
		t.Fatal(err)
	}
	return aead
}

func (s *recordSetup) key(key byte) []byte { return bytes.Repeat([]byte{0x40 + key}, s.suite.KeyLen) }

func (s *recordSetup) keys12(key byte) (macKey, secret, iv []byte) {
	return bytes.Repeat([]byte{key}, s.suite.MACKeyLen), s.key(key), nonceBase(key)[:s.suite.FixedIVLen]
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
	aead  cipher.AEAD   // of TLS 1.3
	w     record.Writer // of TLS 1.2

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
	s.w.Close()
	return s
}

func (s *stream) rekey(key byte) {
	switch {
	case s.setup.tls12():
		s.key = key
		s.w.SetSealer(s.setup.sealer(s.t, key))
	case s.setup.suite != nil:
		s.key, s.seq, s.aead = key, 0, s.setup.aead(s.t, key)
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
		s.sure = s.sure && s.setup.suite == nil
		s.seq++
		if s.setup.tls12() { // to be lost
			n := len(s.bytes)
			s.seal12(iana.RecordHandshake, []byte{ofProtocol})
			s.bytes = s.bytes[:n]
			s.begin()
		}
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
	if s.setup.suite == nil {
		s.sure = false
		return
	}
	if s.setup.tls12() {
		pad = 0
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
	if len(payload)+pad > most || s.key != readerKey || s.setup.limit > 0 && s.seq >= s.setup.limit && !s.setup.tls12() {
		s.sure = false
	}
	if s.setup.tls12() {
		s.seal12(t, payload)
	} else {
		inner := append(bytes.Clone(payload), byte(t))
		s.seal(append(inner, make([]byte, pad)...), iana.RecordApplicationData, iana.TLS12)
	}
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

// seal12 lets a Writer seal, which knows all but how to do it wrong.
func (s *stream) seal12(t iana.RecordType, payload []byte) {
	s.begin()
	if n, err := s.w.SealRecord(t, payload); err != nil || n < len(payload) {
		s.sure = false
	}
	if err := s.w.Flush(func(b []byte) (int, error) {
		s.bytes = append(s.bytes, b...)
		return len(b), nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stream) plain(t iana.RecordType, v iana.Version, payload []byte) {
	welcome := v == iana.TLS12 || !s.setup.fixedVersion
	switch {
	case t == iana.RecordAlert && len(payload) == 2:
		welcome = welcome && (s.setup.suite == nil || s.setup.suite.TLS13 && s.setup.plainAlert && s.opened == 0)
	case t == iana.RecordHandshake && len(payload) > 0 && len(payload) <= record.MaxPlaintext:
		welcome = welcome && s.setup.suite == nil
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
	case s.setup.ccs == record.CCSRefuse || s.setup.tls12() || !bytes.Equal(body, []byte{1}):
		s.sure = false
	case s.setup.ccs == record.CCSDeliver:
		s.expect(iana.RecordChangeCipherSpec, body)
	case s.ccs > 32:
		s.sure = false
	}
}
