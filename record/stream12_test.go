package record

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestTLS12 holds what is different in TLS 1.2 for a Writer and a Reader: the type outside, a prefix
// on the wire, no padding by request, change_cipher_spec and alerts protected after the keys.
func TestTLS12(t *testing.T) {
	want := []received{
		{hs, "finis"}, {hs, "hed"},
		{appData, "some "}, {appData, "appli"}, {appData, "catio"}, {appData, "n dat"}, {appData, "a"}, {appData, ""},
		{alert, "\x01\x00"},
	}
	for _, id := range ciphers12 {
		p := newPeer12(id)
		var w Writer
		var wire pipe
		w.SetSealer(p.sealer(t, nil))
		w.SetMaxFragment(5)
		w.SetPadding(func(int) int { t.Error("padding was asked for"); return 9 })
		for _, rec := range []received{{hs, "finished"}, {appData, "some application data"}, {appData, ""}, {alert, "\x01\x00"}, {ccs, "\x01"}} {
			if n, err := w.Seal(rec.t, []byte(rec.payload)); err != nil || n != len(rec.payload) {
				t.Fatalf("%v: seal %v: %d, %v", id, rec, n, err)
			}
		}
		if err := w.Flush(wire.send); err != nil {
			t.Fatal(err)
		}
		for _, into := range []int{0, 300} {
			var r Reader
			r.SetCCS(CCSDrop) // drops unprotected ones only
			r.SetOpener(p.opener(t))
			fill(t, &r, wire.data)
			for _, want := range want {
				rec, err := r.NextInto(make([]byte, into))
				if err != nil || rec.Type != want.t || string(rec.Payload) != want.payload {
					t.Fatalf("%v: got %v, %v, want %v", id, rec, err, want)
				}
				if rec.Direct != (rec.Type == appData && into > 0) {
					t.Errorf("%v: Direct is %v for %v", id, rec.Direct, want)
				}
			}
			_, err := r.Next()
			wantAlert(t, err, iana.UnexpectedMessage)
			r.Close()
		}

		var r Reader
		r.SetCCS(CCSDeliver)
		r.SetOpener(p.opener(t))
		w.SetSealer(p.sealer(t, nil))
		if _, err := w.Seal(ccs, []byte{1}); err != nil {
			t.Fatal(err)
		}
		if got, err := readAll(&r, w.buf.data[w.start:w.end], 1); err != nil || len(got) != 1 {
			t.Errorf("%v: protected change_cipher_spec: got %v, %v", id, got, err)
		}
	}
}

// TestContent12 holds the rules on what a record of TLS 1.2 may contain, and that a payload which is
// put where the application wants it is nowhere else.
func TestContent12(t *testing.T) {
	const none = iana.Alert(0xff)
	full := bytes.Repeat([]byte{0xa7}, MaxPlaintext)
	for _, tt := range []struct {
		sentence string
		t        iana.RecordType
		content  []byte
		want     iana.Alert
	}{
		{"handshake", hs, []byte{1, 2, 3}, none},
		{"alert", alert, []byte{1, 0}, none},
		{"application data", appData, full[:300], none},
		{"no application data", appData, nil, none},
		{"full record", appData, full, none},
		{"one byte too many", appData, append(full, 0xa7), iana.RecordOverflow},
		{"handshake with one byte too many", hs, append(full, 0xa7), iana.RecordOverflow},
		{"as much as a ciphertext holds", appData, zeros(MaxCiphertext12 - 100), iana.RecordOverflow},
		{"empty handshake", hs, nil, iana.UnexpectedMessage},
		{"empty alert", alert, nil, iana.UnexpectedMessage},
		{"half an alert", alert, []byte{1}, iana.DecodeError},
		{"two alerts", alert, []byte{1, 0, 1, 0}, iana.DecodeError},
		{"change_cipher_spec", ccs, []byte{1}, iana.UnexpectedMessage},
	} {
		for _, id := range ciphers12 {
			for _, into := range []int{0, 1, 100, MaxPlaintext, MaxPlaintext + 1, 20000} {
				t.Run(fmt.Sprintf("%s/%v/into %d", tt.sentence, id, into), func(t *testing.T) {
					p := newPeer12(id)
					var r Reader
					r.SetOpener(p.opener(t))
					record := p.record(tt.t, tt.content, zeros(p.suite.ExplicitLen))
					fill(t, &r, record)
					dst := bytes.Repeat([]byte{0xaa}, into)
					rec, err := r.NextInto(dst)
					if tt.want != none {
						wantAlert(t, err, tt.want)
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					if rec.Type != tt.t || !bytes.Equal(rec.Payload, tt.content) {
						t.Fatalf("got %v of %d bytes", rec.Type, len(rec.Payload))
					}
					room := len(record) - HeaderLen - p.opener(t).Overhead() // for the shortest padding
					if rec.Direct != (rec.Type == appData && into > room) {
						t.Errorf("Direct is %v for %d bytes into %d", rec.Direct, room, into)
					}
					if !rec.Direct && !bytes.Equal(dst, bytes.Repeat([]byte{0xaa}, into)) {
						t.Error("dst was written to")
					}
					if rec.Direct && bytes.Contains(r.buf.data, []byte{0xa7, 0xa7, 0xa7, 0xa7}) {
						t.Error("the Reader's buffer has the plaintext as well")
					}
				})
			}
		}
	}
}
