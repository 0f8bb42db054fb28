package record

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestChangeCipherSpec holds each policy, with and without protection.
func TestChangeCipherSpec(t *testing.T) {
	const none = iana.Alert(0xff)
	many := func(n int) []byte { return bytes.Repeat(plain(ccs, 1), n) }
	unprotected := func(*Reader) {}
	tests := []struct {
		sentence string
		policy   CCSPolicy
		keys     func(*Reader)
		stream   []byte
		want     iana.Alert
		returned int
	}{
		{"refused before keys", CCSRefuse, unprotected, plain(ccs, 1), iana.UnexpectedMessage, 0},
		{"refused under keys", CCSRefuse, open13, plain(ccs, 1), iana.UnexpectedMessage, 0},
		{"dropped before keys", CCSDrop, unprotected, plain(ccs, 1), none, 0},
		{"dropped under keys", CCSDrop, open13, plain(ccs, 1), none, 0},
		{"delivered before keys", CCSDeliver, unprotected, plain(ccs, 1), none, 1},
		{"32 are dropped", CCSDrop, open13, many(32), none, 0},
		{"33 are too many", CCSDrop, open13, many(33), iana.UnexpectedMessage, 0},
		{"records between them do not help", CCSDrop, unprotected, concat(many(32), plain(hs, 1), many(1)), iana.UnexpectedMessage, 1},
		{"the byte 2", CCSDrop, open13, plain(ccs, 2), iana.UnexpectedMessage, 0},
		{"two bytes", CCSDrop, open13, plain(ccs, 1, 1), iana.UnexpectedMessage, 0},
		{"no byte", CCSDrop, unprotected, plain(ccs), iana.UnexpectedMessage, 0},
		{"the byte 2 in TLS 1.2", CCSDeliver, unprotected, plain(ccs, 2), iana.UnexpectedMessage, 0},
		{"two bytes in TLS 1.2", CCSDeliver, unprotected, plain(ccs, 1, 1), iana.UnexpectedMessage, 0},
	}
	for _, tt := range tests {
		t.Run(tt.sentence, func(t *testing.T) {
			var r Reader
			r.SetCCS(tt.policy)
			tt.keys(&r)
			got, err := readAll(&r, tt.stream, 100)
			if len(got) != tt.returned {
				t.Errorf("%d records were returned", len(got))
			}
			if tt.want != none {
				wantAlert(t, err, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPlaintextAlert holds that an unprotected alert passes only where it may, and never
// after a record that opened.
func TestPlaintextAlert(t *testing.T) {
	p := newPeer()
	data, bad := p.record(appData, 1), plain(alert, 2, 40)
	var r Reader
	open13(&r)
	r.AllowPlaintextAlert(true)
	if got, err := readAll(&r, bad, 100); err != nil || !reflect.DeepEqual(got, []received{{alert, "\x02\x28"}}) {
		t.Errorf("allowed: got %v, %v", got, err)
	}
	r.AllowPlaintextAlert(false)
	_, err := readAll(&r, bad, 100)
	wantAlert(t, err, iana.UnexpectedMessage)

	r.Reset()
	open13(&r)
	r.AllowPlaintextAlert(true)
	got, err := readAll(&r, concat(data, bad), 100)
	wantAlert(t, err, iana.UnexpectedMessage)
	if len(got) != 1 {
		t.Errorf("got %v before the alert", got)
	}
}

// TestSkipUndecryptable holds the trial decryption of RFC 8446, Section 4.2.10.
func TestSkipUndecryptable(t *testing.T) {
	early := func(n int) []byte { return rawRecord(23, iana.TLS12, bytes.Repeat([]byte{0x5c}, n+17)) }
	const max = 1000
	tests := []struct {
		sentence string
		stream   func(p *peer) []byte
		records  int
		want     iana.Alert
	}{
		{"no early data", func(p *peer) []byte { return p.record(hs, 1) }, 1, 0},
		{"all that is allowed in one record", func(p *peer) []byte { return concat(early(max), p.record(hs, 1)) }, 1, 0},
		{"all that is allowed in records of one byte", func(p *peer) []byte { return concat(bytes.Repeat(early(1), max), p.record(hs, 1)) }, 1, 0},
		{"one byte too many", func(p *peer) []byte { return early(max + 1) }, 0, iana.UnexpectedMessage},
		{"one empty record too many", func(p *peer) []byte { return bytes.Repeat(early(0), max+1) }, 0, iana.UnexpectedMessage},
		{"bodies shorter than a tag", func(p *peer) []byte { return bytes.Repeat(early(-17), max+1) }, 0, iana.UnexpectedMessage},
		{"change_cipher_spec between", func(p *peer) []byte { return concat(early(1), plain(ccs, 1), early(1), p.record(hs, 1)) }, 1, 0},
		{"early data after the first record that opens", func(p *peer) []byte { return concat(early(1), p.record(hs, 1), early(1)) }, 1, iana.BadRecordMAC},
		{"unprotected handshake", func(p *peer) []byte { return concat(early(1), plain(hs, 1)) }, 0, iana.UnexpectedMessage},
		{"too long a record", func(p *peer) []byte { return early(16640 - 16) }, 0, iana.RecordOverflow},
	}
	for _, tt := range tests {
		t.Run(tt.sentence, func(t *testing.T) {
			var r Reader
			r.SetCCS(CCSDrop)
			r.SkipUndecryptable(max)
			r.SetOpener(newOpener())
			got, err := readAll(&r, tt.stream(newPeer()), 4096)
			if len(got) != tt.records {
				t.Errorf("got %d records", len(got))
			}
			if tt.want != 0 {
				wantAlert(t, err, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// TestSkipApplicationData holds the way past early data after a HelloRetryRequest.
func TestSkipApplicationData(t *testing.T) {
	early := func(n int) []byte { return rawRecord(23, iana.TLS12, zeros(n+17)) }
	const max = 1000
	tests := []struct {
		sentence string
		stream   []byte
		records  int
		want     iana.Alert
	}{
		{"none", plain(hs, 1), 1, 0},
		{"all that is allowed", concat(early(max-1), early(1), plain(hs, 1), plain(hs, 2)), 2, 0},
		{"one byte too many", early(max + 1), 0, iana.UnexpectedMessage},
		{"too many empty records", bytes.Repeat(rawRecord(23, iana.TLS12, nil), max+1), 0, iana.UnexpectedMessage},
		{"change_cipher_spec between", concat(early(1), plain(ccs, 1), early(1), plain(hs, 1)), 1, 0},
		{"early data after the second ClientHello began", concat(early(1), plain(hs, 1), early(1)), 1, iana.UnexpectedMessage},
	}
	for _, tt := range tests {
		t.Run(tt.sentence, func(t *testing.T) {
			var r Reader
			r.started = true
			r.SetCCS(CCSDrop)
			r.SkipApplicationData(max)
			got, err := readAll(&r, tt.stream, 4096)
			if len(got) != tt.records {
				t.Errorf("got %d records", len(got))
			}
			if tt.want != 0 {
				wantAlert(t, err, tt.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// A ClientHello in the framing of SSLv2 has no protection, and none is taken where there is one.
func TestSSLv2HelloUnderProtection(t *testing.T) {
	hello := append([]byte{0x80, 46, 1, 3, 3, 0, 3, 0, 0, 0, 32, 0, 0xc0, 0x2b}, zeros(34)...)
	for _, protected := range []bool{false, true} {
		var r Reader
		r.AllowSSLv2Hello(true)
		if protected {
			r.SetOpener(newOpener())
		}
		fill(t, &r, hello)
		rec, err := r.Next()
		if protected {
			wantAlert(t, err, iana.ProtocolVersion)
		} else if err != nil || rec.Type != SSLv2Hello || len(rec.Payload) != 46 {
			t.Errorf("%v of %d bytes, %v", rec.Type, len(rec.Payload), err)
		}
	}
}
