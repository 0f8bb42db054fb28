package record

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

func zeros(n int) []byte { return make([]byte, n) }

// TestRefusedHeaders holds that a header is judged as soon as its five bytes are there.
func TestRefusedHeaders(t *testing.T) {
	tests := []struct {
		sentence string
		header   string
		set      func(*Reader)
		want     iana.Alert
		text     string
	}{
		{"plaintext longer than 2^14", "\x16\x03\x03\x40\x01", nil, iana.RecordOverflow, "16385 bytes, more than 16384"},
		{"TLS 1.3 ciphertext longer than 2^14+256", "\x17\x03\x03\x41\x01", open13, iana.RecordOverflow, "more than 16640"},
		{"TLS 1.2 ciphertext longer than 2^14+2048", "\x17\x03\x03\x48\x01", open12, iana.RecordOverflow, "more than 18432"},
		{"longest length field", "\x16\x03\x03\xff\xff", nil, iana.RecordOverflow, "65535"},
		{"heartbeat", "\x18\x03\x03\x00\x03", started, iana.UnexpectedMessage, "unknown type 24"},
		{"type 0", "\x00\x03\x03\x00\x03", started, iana.UnexpectedMessage, "unknown type 0"},
		{"type 19 under protection", "\x13\x03\x03\x00\x20", open13, iana.UnexpectedMessage, "unknown type 19"},
		{"version 2.3", "\x16\x02\x03\x00\x03", started, iana.ProtocolVersion, "version 0x0203"},
		{"version 3.1 where 3.3 was agreed", "\x16\x03\x01\x00\x03", version12, iana.ProtocolVersion, "version 0x0301"},
		{"application data before any key", "\x17\x03\x03\x00\x03", nil, iana.UnexpectedMessage, "application data of 3 bytes without protection"},
		{"empty application data before any key", "\x17\x03\x03\x00\x00", started, iana.UnexpectedMessage, "without protection"},
		{"handshake outside protection", "\x16\x03\x03\x00\x03", open13, iana.UnexpectedMessage, "handshake and 3 bytes without protection"},
		{"alert outside protection", "\x15\x03\x03\x00\x02", open13, iana.UnexpectedMessage, "alert and 2 bytes without protection"},
		{"long alert outside protection where short ones may pass", "\x15\x03\x03\x00\x03", func(r *Reader) { open13(r); r.AllowPlaintextAlert(true) }, iana.UnexpectedMessage, "alert and 3 bytes"},

		{"HTTP GET", "GET /", nil, iana.UnexpectedMessage, `HTTP request ("GET /") instead of a TLS record`},
		{"HTTP CONNECT", "CONNECT example", nil, iana.UnexpectedMessage, `HTTP request ("CONNE")`},
		{"HTTP POST", "POST /", nil, iana.UnexpectedMessage, `HTTP request ("POST ")`},
		{"HTTP/2 preface", "PRI * HTTP/2.0", nil, iana.UnexpectedMessage, `HTTP request`},
		{"HTTP response", "HTTP/1.1 400 Bad Request", nil, iana.UnexpectedMessage, `HTTP response ("HTTP/")`},
		{"SSH", "SSH-2.0-OpenSSH", nil, iana.UnexpectedMessage, `peer sent "SSH-2" instead of a TLS record`},
		{"SMTP", "220 m", nil, iana.UnexpectedMessage, `peer sent "220 m"`},
		{"SSLv2 ClientHello", "\x80\x2e\x01\x03\x01", nil, iana.ProtocolVersion, "SSLv2 ClientHello"},
		{"SSLv2 ClientHello of version 2", "\x80\x2e\x01\x00\x02", nil, iana.ProtocolVersion, "SSLv2 ClientHello"},
		{"noise", "\xff\x00\xaa\x01\x02", nil, iana.UnexpectedMessage, "ff 00 aa 01 02 instead of a TLS record"},
		{"noise that begins like SSLv2", "\x80\x2e\x01\x07\x07", nil, iana.UnexpectedMessage, "80 2e 01 07 07 instead of a TLS record"},
		{"an empty line first", "\r\nGET", nil, iana.UnexpectedMessage, `peer sent "\r\nGET" instead of a TLS record`},
		{"first record of version 2.0", "\x16\x02\x00\x00\x10", nil, iana.ProtocolVersion, "first record of version 0x0200"},
	}
	for _, tt := range tests {
		t.Run(tt.sentence, func(t *testing.T) {
			var r Reader
			if tt.set != nil {
				tt.set(&r)
			}
			if got, err := readAll(&r, []byte(tt.header[:4]), 1); err != nil || got != nil {
				t.Fatalf("four bytes give %v, %v", got, err)
			}
			got, err := readAll(&r, []byte(tt.header[4:]+"more"), 100)
			if text := wantAlert(t, err, tt.want); !strings.Contains(text, tt.text) || got != nil {
				t.Errorf("got %q after %v, want %q in it", text, got, tt.text)
			}
			if _, again := r.Next(); again != err {
				t.Errorf("the failed Reader says %v afterwards", again)
			}
			if !r.Ready() {
				t.Error("a failed Reader is not Ready with its error")
			}
		})
	}
}

func started(r *Reader)   { r.started = true }
func version12(r *Reader) { r.SetVersion(iana.TLS12) }
func open12(r *Reader) {
	r.started = true
	o, err := NewOpener12(suite.Lookup(iana.TLS_RSA_WITH_AES_128_GCM_SHA256), nil, zeros(16), zeros(4))
	if err != nil {
		panic(err)
	}
	r.SetOpener(o)
}
func open13(r *Reader) {
	r.started = true
	r.SetOpener(NewAEAD13(mustAEAD(0), testIV, 0))
}

// TestContent holds the rules on what a record may contain, as plaintext, under TLS 1.2
// and under TLS 1.3 protection.
func TestContent(t *testing.T) {
	const none = iana.Alert(0xff)
	full := zeros(MaxPlaintext)
	tests := []struct {
		sentence string
		inner    []byte // under TLS 1.3, with type and padding
		want     iana.Alert
		payload  int
	}{
		{"handshake", []byte{1, 2, 3, 22}, none, 3},
		{"alert", []byte{1, 0, 21}, none, 2},
		{"application data", []byte{9, 23}, none, 1},
		{"content that ends in zeros", []byte{9, 0, 0, 23}, none, 3},
		{"padding", append([]byte{9, 23}, zeros(300)...), none, 1},
		{"padding behind nothing", append([]byte{23}, zeros(300)...), none, 0},
		{"full record", append(full, 23), none, MaxPlaintext},
		{"full record of padding", append([]byte{23}, full...), none, 0},
		{"half content and half padding", append(append(zeros(8192), 23), zeros(8192)...), none, 8192},

		{"one byte too many", append(append(full, 0), 23), iana.RecordOverflow, 0},
		{"full content and one byte of padding", append(full, 23, 0), iana.RecordOverflow, 0},
		{"all but one byte of content and two of padding", append(zeros(16383), 23, 0, 0), iana.RecordOverflow, 0},
		{"as much padding as a ciphertext holds", append([]byte{23}, zeros(16640-17)...), iana.RecordOverflow, 0},
		{"nothing at all", nil, iana.UnexpectedMessage, 0},
		{"one zero", []byte{0}, iana.UnexpectedMessage, 0},
		{"zeros only", zeros(1000), iana.UnexpectedMessage, 0},
		{"empty handshake", []byte{22}, iana.UnexpectedMessage, 0},
		{"empty padded handshake", []byte{22, 0, 0}, iana.UnexpectedMessage, 0},
		{"empty alert", []byte{21}, iana.UnexpectedMessage, 0},
		{"half an alert", []byte{1, 21}, iana.DecodeError, 0},
		{"two alerts", []byte{1, 0, 1, 0, 21}, iana.DecodeError, 0},
		{"change_cipher_spec", []byte{1, 20}, iana.UnexpectedMessage, 0},
		{"type 24", []byte{1, 24}, iana.UnexpectedMessage, 0},
		{"type 255", []byte{1, 255}, iana.UnexpectedMessage, 0},
	}
	for _, tt := range tests {
		for _, into := range []int{0, 1, 100, MaxPlaintext, MaxPlaintext + 1, 20000} {
			t.Run(fmt.Sprintf("%s/into %d", tt.sentence, into), func(t *testing.T) {
				var r Reader
				r.SetOpener(newOpener())
				fill(t, &r, newPeer().inner(tt.inner...))
				dst := bytes.Repeat([]byte{0xaa}, into)
				rec, err := r.NextInto(dst)
				if tt.want != none {
					wantAlert(t, err, tt.want)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(rec.Payload) != tt.payload || !bytes.HasPrefix(tt.inner, rec.Payload) {
					t.Fatalf("got %d bytes of content", len(rec.Payload))
				}
				if rec.Direct != (rec.Type == appData && into >= len(tt.inner)) {
					t.Errorf("Direct is %v for %d bytes into %d", rec.Direct, len(tt.inner), into)
				}
				if rec.Direct && len(rec.Payload) > 0 && &rec.Payload[0] != &dst[0] {
					t.Error("a direct payload is not in dst")
				}
				if !rec.Direct && bytes.Contains(dst, []byte{1}) {
					t.Error("dst holds what is not the application's")
				}
			})
		}
	}
}

// fill puts all of stream into r.
func fill(t *testing.T, r *Reader, stream []byte) {
	t.Helper()
	for len(stream) > 0 {
		n, err := r.Fill(func(p []byte) (int, error) { return copy(p, stream), nil })
		if err != nil || n == 0 {
			t.Fatalf("fill: %d, %v", n, err)
		}
		stream = stream[n:]
	}
}

// TestPlaintextContent holds the same rules before any key.
func TestPlaintextContent(t *testing.T) {
	tests := []struct {
		sentence string
		record   []byte
		want     iana.Alert
	}{
		{"empty handshake", plain(hs), iana.UnexpectedMessage},
		{"empty alert", plain(alert), iana.UnexpectedMessage},
		{"half an alert", plain(alert, 1), iana.DecodeError},
		{"two alerts", plain(alert, 1, 0, 1, 0), iana.DecodeError},
		{"change_cipher_spec", plain(ccs, 1), iana.UnexpectedMessage},
	}
	for _, tt := range tests {
		t.Run(tt.sentence, func(t *testing.T) {
			var r Reader
			got, err := readAll(&r, concat(plain(hs, 7), tt.record, plain(hs, 8)), 1000)
			wantAlert(t, err, tt.want)
			if !reflect.DeepEqual(got, []received{{hs, "\x07"}}) {
				t.Errorf("got %v first", got)
			}
		})
	}
	for _, v := range []iana.Version{0x0300, 0x0301, 0x0303, 0x0304, 0x03ff} {
		var r Reader
		fill(t, &r, rawRecord(22, v, []byte{1}))
		if rec, err := r.Next(); err != nil || rec.Version != v {
			t.Errorf("version %#04x: got %#04x, %v", uint16(v), uint16(rec.Version), err)
		}
	}
}

// TestSmallerLimit holds record sizes to SetMaxPlaintext, for protected records only.
func TestSmallerLimit(t *testing.T) {
	var r Reader
	r.SetMaxPlaintext(512)
	fill(t, &r, plain(hs, zeros(600)...))
	if _, err := r.Next(); err != nil {
		t.Fatalf("unprotected record: %v", err)
	}
	p := newPeer()
	r.SetOpener(newOpener())
	for _, inner := range [][]byte{append(zeros(512), 23), append([]byte{1, 23}, zeros(511)...)} {
		fill(t, &r, p.inner(inner...))
		if _, err := r.Next(); err != nil {
			t.Fatalf("at the limit: %v", err)
		}
	}
	fill(t, &r, p.inner(append([]byte{1, 23}, zeros(512)...)...))
	_, err := r.Next()
	wantAlert(t, err, iana.RecordOverflow)
}

// TestTampering flips every bit of a record and shortens it to every length.
func TestTampering(t *testing.T) {
	sealed := newPeer().record(appData, []byte("attack at dawn")...)
	open := func(record []byte, into int) error {
		var r Reader
		r.started = true
		r.SetOpener(newOpener())
		fill(t, &r, record)
		rec, err := r.NextInto(make([]byte, into))
		if err == nil {
			t.Fatalf("%x opens to %q", record, rec.Payload)
		}
		return err
	}
	for _, into := range []int{0, 100} {
		for i := HeaderLen; i < len(sealed); i++ {
			for bit := range 8 {
				bad := bytes.Clone(sealed)
				bad[i] ^= 1 << bit
				wantAlert(t, open(bad, into), iana.BadRecordMAC)
			}
		}
		for n := range len(sealed) - HeaderLen {
			bad := bytes.Clone(sealed[:HeaderLen+n])
			bad[4] = byte(n)
			wantAlert(t, open(bad, into), iana.BadRecordMAC)
		}
		for v := range 3 { // the version in the header is authenticated too
			bad := bytes.Clone(sealed)
			bad[2] = byte(v)
			wantAlert(t, open(bad, into), iana.BadRecordMAC)
		}
	}
	p := newPeer()
	first, second := p.record(appData, 1), p.record(appData, 2)
	wantAlert(t, open(second, 0), iana.BadRecordMAC) // dropped
	var r Reader
	r.SetOpener(newOpener())
	got, err := readAll(&r, concat(first, first, second), 1000) // repeated
	wantAlert(t, err, iana.BadRecordMAC)
	if len(got) != 1 {
		t.Errorf("got %v before the repetition", got)
	}
}

// TestNoProgress holds the limit on application data records without content.
func TestNoProgress(t *testing.T) {
	run := func(records ...int) error { // n > 0: n empty records; 0: one with content; -1: an alert
		p := newPeer()
		var stream []byte
		for _, n := range records {
			if n == 0 {
				stream = append(stream, p.record(appData, 1)...)
			}
			if n == -1 {
				stream = append(stream, p.record(alert, 1, 90)...)
			}
			for range n {
				stream = append(stream, p.record(appData)...)
			}
		}
		var r Reader
		r.SetOpener(newOpener())
		_, err := readAll(&r, stream, 100000)
		return err
	}
	if err := run(32, 0, 32, 0, 32); err != nil {
		t.Errorf("32 empty records in a row, three times: %v", err)
	}
	wantAlert(t, run(33), iana.UnexpectedMessage)
	wantAlert(t, run(1, 0, 33), iana.UnexpectedMessage)
	wantAlert(t, run(20, -1, 13), iana.UnexpectedMessage) // warnings do not count as progress
}

// A record that is too long may be of any type: none of it is left where the application's
// data was to go.
func TestNextIntoLeavesNothingOfALongRecord(t *testing.T) {
	var r Reader
	r.SetOpener(newOpener())
	r.SetMaxPlaintext(2)
	fill(t, &r, newPeer().record(hs, 1, 1, 1))
	dst := make([]byte, 100)
	_, err := r.NextInto(dst)
	wantAlert(t, err, iana.RecordOverflow)
	if bytes.Contains(dst, []byte{1}) {
		t.Errorf("dst holds % x", dst[:10])
	}
}
