package record

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"fmt"
	"log/slog"
	"math"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// TestSuites seals and opens with each AEAD, across numbers that carry into every byte of
// the nonce.
func TestSuites(t *testing.T) {
	for i, s := range suites {
		t.Run(s.name, func(t *testing.T) {
			p := &peer{aead: mustAEAD(i)}
			seal, open := NewAEAD13(mustAEAD(i), testIV, 0), NewAEAD13(mustAEAD(i), testIV, 0)
			for shift := range 64 {
				for _, seq := range []uint64{1 << shift, 1<<shift - 1} {
					p.seq, seal.seq, open.seq = seq, seq, seq
					want := p.record(hs, []byte("content")...)
					record := append(make([]byte, HeaderLen, 100), "content"...)
					got, err := seal.Seal(record, hs, 0)
					if err != nil || !bytes.Equal(got, want) {
						t.Fatalf("record %d: got %x, %v, want %x", seq, got, err, want)
					}
					typ, content, err := open.Open(got[:HeaderLen], got[HeaderLen:])
					if err != nil || typ != hs || string(content) != "content" {
						t.Fatalf("record %d: opened %v %q, %v", seq, typ, content, err)
					}
					if seal.Records() != seq+1 || open.Records() != seq+1 {
						t.Fatalf("record %d is followed by %d and %d", seq, seal.Records(), open.Records())
					}
				}
			}
		})
	}
}

// TestSequenceNeverWraps holds that the last number but one is used and none after it.
func TestSequenceNeverWraps(t *testing.T) {
	seal, open := newOpener(), newOpener()
	p := newPeer()
	seal.seq, open.seq, p.seq = math.MaxUint64-1, math.MaxUint64-1, math.MaxUint64-1
	if _, err := seal.Seal(make([]byte, HeaderLen+1, 100), appData, 0); err != nil {
		t.Fatal(err)
	}
	record := p.record(appData, 1)
	if _, _, err := open.Open(record[:HeaderLen], record[HeaderLen:]); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := seal.Seal(make([]byte, HeaderLen+1, 100), appData, 0); err == nil {
			t.Error("sealed under the last number")
		}
		record := p.record(appData, 1)
		_, _, err := open.Open(record[:HeaderLen], record[HeaderLen:])
		wantAlert(t, err, iana.InternalError)
	}
}

// TestExhausted holds when a key is called exhausted.
func TestExhausted(t *testing.T) {
	for _, tt := range []struct{ limit, from uint64 }{
		{1, 1}, {7, 7}, {8, 7}, {80, 70}, {8192, 7168}, {23_726_565, 23_725_541}, {0, math.MaxUint64 - 1024},
	} {
		a := NewAEAD13(mustAEAD(0), testIV, tt.limit)
		a.seq = tt.from - 1
		before := a.Exhausted()
		a.seq = tt.from
		if before || !a.Exhausted() {
			t.Errorf("limit %d: exhausted at %d: %v, at %d: %v", tt.limit, tt.from-1, before, tt.from, a.Exhausted())
		}
	}
}

// TestFailedOpenChangesNothing holds that a record which does not authenticate leaves the
// number as it is.
func TestFailedOpenChangesNothing(t *testing.T) {
	a, p := newOpener(), newPeer()
	for n := range 40 {
		if _, _, err := a.Open(zeros(HeaderLen), zeros(n)); err == nil {
			t.Fatalf("%d zeros open", n)
		}
	}
	record := p.record(appData, 1)
	if _, _, err := a.Open(record[:HeaderLen], record[HeaderLen:]); err != nil {
		t.Errorf("the good record after bad ones: %v", err)
	}
}

// TestUnfitKeys holds that an IV or an AEAD that does not fit seals and opens nothing.
func TestUnfitKeys(t *testing.T) {
	block := mustAEAD(0)
	for _, a := range []*AEAD13{NewAEAD13(block, nil, 0), NewAEAD13(block, zeros(11), 0), NewAEAD13(block, zeros(13), 0), NewAEAD13(oddNonce{block}, zeros(12), 0)} {
		if _, err := a.Seal(make([]byte, HeaderLen, 100), hs, 0); err != errNoKey {
			t.Errorf("Seal: %v", err)
		}
		if _, _, err := a.Open(zeros(HeaderLen), zeros(30)); err != errNoKey {
			t.Errorf("Open: %v", err)
		}
		if a.Overhead() != 1 {
			t.Errorf("Overhead: %d", a.Overhead())
		}
	}
}

type oddNonce struct{ cipher.AEAD }

func (oddNonce) NonceSize() int { return 16 }

// TestIVIsCopied holds that the caller may wipe the IV it gave.
func TestIVIsCopied(t *testing.T) {
	iv := bytes.Clone(testIV)
	a := NewAEAD13(mustAEAD(0), iv, 0)
	clear(iv)
	record := newPeer().record(hs, 1)
	if _, _, err := a.Open(record[:HeaderLen], record[HeaderLen:]); err != nil {
		t.Error(err)
	}
}

// TestNoSecretInText holds that printing a protection prints no key.
func TestNoSecretInText(t *testing.T) {
	a := newOpener()
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "a", a)
	for _, s := range []string{fmt.Sprint(a), fmt.Sprintf("%v", a), fmt.Sprintf("%+v", a), fmt.Sprintf("%#v", a)} {
		if s != "secret" {
			t.Errorf("prints %q", s)
		}
	}
	if !bytes.Contains(log.Bytes(), []byte("a=secret")) {
		t.Errorf("logs %q", log.String())
	}
}

// A key in the memory of the one before may have a tag of another length: what is read straight into the
// application's memory is there.
func TestKeyInPlaceWithAnotherTag(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	short, err := cipher.NewGCMWithTagSize(block, 12)
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("x"), 100)
	for name, keys := range map[string][2]cipher.AEAD{"shorter": {mustAEAD(0), short}, "longer": {short, mustAEAD(0)}} {
		for room := len(data) - 1; room < len(data)+20; room++ {
			var w Writer
			var r Reader
			for _, key := range keys {
				w.SetSealer13(key, testIV, 0)
				r.SetOpener13(key, testIV, 0)
			}
			if _, err := w.Seal(iana.RecordApplicationData, data); err != nil {
				t.Fatal(err)
			}
			fill(t, &r, sent(t, &w))
			dst := make([]byte, room)
			rec, err := r.NextInto(dst)
			if err != nil || !bytes.Equal(rec.Payload, data) || rec.Direct && !bytes.HasPrefix(dst, data) || rec.Direct != (room > len(data)) {
				t.Errorf("a %s tag, room for %d bytes: got %d bytes, direct %v, %v", name, room, len(rec.Payload), rec.Direct, err)
			}
		}
	}
}
