package record

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// seal1 seals content in a record of its own.
func seal1(s Sealer, t iana.RecordType, content []byte) ([]byte, error) {
	start := HeaderLen + s.Prefix()
	record := make([]byte, start+len(content), HeaderLen+s.Overhead()+len(content))
	copy(record[start:], content)
	return s.Seal(record, t, 0)
}

// TestCiphers12 seals and opens with each cipher, at numbers that carry into every byte, and
// compares with the reference.
func TestCiphers12(t *testing.T) {
	for _, id := range ciphers12 {
		t.Run(id.String(), func(t *testing.T) {
			p := newPeer12(id)
			var ours, theirs forward
			seal, open := p.sealer(t, &ours), p.opener(t)
			for shift := range 64 {
				for _, seq := range []uint64{1 << shift, 1<<shift - 1} {
					for n := range 34 {
						content := bytes.Repeat([]byte{byte(shift)}, n)
						p.seq, counter(seal).seq = seq, seq
						iv := make([]byte, p.suite.ExplicitLen)
						if p.suite.MAC != 0 {
							theirs.Read(iv)
						}
						want := p.record(hs, content, iv)
						got, err := seal1(seal, hs, content)
						if err != nil || !bytes.Equal(got, want) {
							t.Fatalf("record %d of %d bytes: got %x, %v, want %x", seq, n, got, err, want)
						}
						typ, opened, err := open1(open, seq, want)
						if err != nil || typ != hs || !bytes.Equal(opened, content) {
							t.Fatalf("record %d of %d bytes: opened %v %x, %v", seq, n, typ, opened, err)
						}
						if counter(seal).seq != seq+1 || counter(open).seq != seq+1 {
							t.Fatalf("record %d is followed by %d and %d", seq, counter(seal).seq, counter(open).seq)
						}
					}
				}
			}
		})
	}
}

// TestVersionIsAuthenticated opens records of another version in the header, which Readers that
// nobody told the version let pass.
func TestVersionIsAuthenticated(t *testing.T) {
	for _, id := range ciphers12 {
		p := newPeer12(id)
		p.version = iana.TLS11
		record := p.record(appData, []byte("content"), zeros(p.suite.ExplicitLen))
		if _, content, err := open1(p.opener(t), 0, record); err != nil || string(content) != "content" {
			t.Errorf("%v: opened %q, %v", id, content, err)
		}
		record[2]++
		if _, _, err := open1(p.opener(t), 0, record); err == nil {
			t.Errorf("%v: opened a record of another version", id)
		}
	}
}

// TestTampering12 flips each bit of a record, cuts it and lengthens it: it must not open, for one and
// the same reason, and the record as it was must open after all that.
func TestTampering12(t *testing.T) {
	for _, id := range ciphers12 {
		t.Run(id.String(), func(t *testing.T) {
			p := newPeer12(id)
			record := p.record(appData, []byte("some content of a record"), zeros(p.suite.ExplicitLen))
			o := p.opener(t)
			refused := func(what string, record []byte) {
				t.Helper()
				before := counter(o).seq
				record = bytes.Clone(record)
				_, _, err := o.Open(record[:HeaderLen], record[HeaderLen:])
				want := fmt.Sprintf("record: record 0 of %d bytes does not authenticate", len(record)-HeaderLen)
				if text := wantAlert(t, err, iana.BadRecordMAC); text != want {
					t.Errorf("%s: %q, want %q", what, text, want)
				}
				if counter(o).seq != before {
					t.Errorf("%s: number %d after %d", what, counter(o).seq, before)
				}
			}
			for i := range record {
				if i == 3 || i == 4 {
					continue // the length: the Reader cuts by it, and it is never read again
				}
				for bit := range 8 {
					record[i] ^= 1 << bit
					refused(fmt.Sprintf("bit %d of byte %d", bit, i), record)
					record[i] ^= 1 << bit
				}
			}
			for n := HeaderLen; n < len(record); n++ {
				refused(fmt.Sprintf("cut to %d bytes", n), record[:n])
			}
			for n := 1; n < 300; n++ {
				refused(fmt.Sprintf("lengthened by %d bytes", n), append(bytes.Clone(record), zeros(n)...))
			}
			counter(o).seq = 1
			_, _, err := o.Open(bytes.Clone(record[:HeaderLen]), bytes.Clone(record[HeaderLen:]))
			wantAlert(t, err, iana.BadRecordMAC)
			if _, content, err := open1(o, 0, record); err != nil || string(content) != "some content of a record" {
				t.Errorf("the record as it was: %q, %v", content, err)
			}
		})
	}
}

// TestLimits12 holds what may be sealed under one key, in blocks.
func TestLimits12(t *testing.T) {
	const gcm = 23_726_565
	for _, tt := range []struct {
		id             iana.CipherSuite
		content        int
		blocks, before uint64 // of one record; that were sealed
		ok             bool
	}{
		{iana.TLS_RSA_WITH_AES_128_GCM_SHA256, 16384, 1025, gcm*1025 - 1025, true},
		{iana.TLS_RSA_WITH_AES_128_GCM_SHA256, 16384, 1025, gcm*1025 - 1024, false},
		{iana.TLS_RSA_WITH_AES_256_GCM_SHA384, 0, 1, gcm*1025 - 1, true},
		{iana.TLS_RSA_WITH_AES_256_GCM_SHA384, 0, 1, gcm * 1025, false},
		{iana.TLS_RSA_WITH_AES_256_GCM_SHA384, 1, 2, gcm*1025 - 1, false},
		{iana.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, 16384, 1025, 1 << 61, true},
		{iana.TLS_RSA_WITH_AES_128_CBC_SHA, 16384, 1026, 1 << 61, true},
		{iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA, 16384, 2051, 1<<20 - 2051, true},
		{iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA, 16384, 2051, 1<<20 - 2050, false},
		{iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA, 0, 3, 1<<20 - 3, true},
		{iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA, 0, 3, 1<<20 - 2, false},
	} {
		p := newPeer12(tt.id)
		s := p.sealer(t, nil)
		counter(s).blocks = tt.before
		_, err := seal1(s, appData, zeros(tt.content))
		if (err == nil) != tt.ok {
			t.Errorf("%v: %d bytes after %d blocks: %v", tt.id, tt.content, tt.before, err)
		}
		want := tt.before
		if tt.ok {
			want += tt.blocks
		}
		if got := counter(s).blocks; got != want {
			t.Errorf("%v: %d bytes after %d blocks make %d, want %d", tt.id, tt.content, tt.before, got, want)
		}
		if s.Exhausted() {
			t.Errorf("%v: asks for a new key", tt.id)
		}

		// What the peer sends is not bounded: it cannot change keys either.
		o := p.opener(t)
		counter(o).blocks = math.MaxUint64
		if _, _, err := open1(o, 0, p.record(appData, nil, zeros(p.suite.ExplicitLen))); err != nil || o.Exhausted() {
			t.Errorf("%v: opening after many blocks: %v, exhausted %t", tt.id, err, o.Exhausted())
		}
	}
}

// TestSequenceNeverWraps12 holds that the last number but one is used and none after it.
func TestSequenceNeverWraps12(t *testing.T) {
	for _, id := range ciphers12 {
		p := newPeer12(id)
		s, o := p.sealer(t, nil), p.opener(t)
		counter(s).seq, p.seq = math.MaxUint64-1, math.MaxUint64-1
		if _, err := seal1(s, appData, nil); err != nil {
			t.Errorf("%v: %v", id, err)
		}
		record := p.record(appData, nil, zeros(p.suite.ExplicitLen))
		if _, _, err := open1(o, math.MaxUint64-1, record); err != nil {
			t.Errorf("%v: %v", id, err)
		}
		if _, err := seal1(s, appData, nil); err == nil {
			t.Errorf("%v: sealed under the last number", id)
		}
		record = p.record(appData, nil, zeros(p.suite.ExplicitLen))
		_, _, err := open1(o, math.MaxUint64, record)
		wantAlert(t, err, iana.InternalError)
	}
}

// TestRefusedKeys asks for errors of keys that do not fit, and of suites that have no place.
func TestRefusedKeys(t *testing.T) {
	for _, id := range ciphers12 {
		p := newPeer12(id)
		for i, n := range []int{len(p.macKey), len(p.key), len(p.iv)} {
			for _, wrong := range []int{n - 1, n + 1} {
				if wrong < 0 {
					continue
				}
				keys := [][]byte{p.macKey, p.key, p.iv}
				keys[i] = zeros(wrong)
				if o, err := NewOpener12(p.suite, keys[0], keys[1], keys[2]); err == nil || o != nil {
					t.Errorf("%v: an opener with keys of %d, %d and %d bytes", id, len(keys[0]), len(keys[1]), len(keys[2]))
				}
				if s, err := NewSealer12(p.suite, keys[0], keys[1], keys[2], nil); err == nil || s != nil {
					t.Errorf("%v: a sealer with keys of %d, %d and %d bytes", id, len(keys[0]), len(keys[1]), len(keys[2]))
				}
			}
		}
	}
	if _, err := NewOpener12(suite.Lookup(iana.TLS_AES_128_GCM_SHA256), nil, zeros(16), zeros(12)); err == nil {
		t.Error("an opener of TLS 1.2 for a suite of TLS 1.3")
	}
}

// inFIPSMode is set, to the mode, in the processes that TestFIPSMode starts.
const inFIPSMode = "S2NGO_TEST_IN_FIPS_MODE"

// TestFIPSMode holds that no protection comes about that FIPS mode does not allow.
func TestFIPSMode(t *testing.T) {
	mode := os.Getenv(inFIPSMode)
	for _, id := range append(ciphers12, iana.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256) {
		p := newPeer12(id)
		_, err := NewSealer12(p.suite, p.macKey, p.key, p.iv, nil)
		if allowed := mode == "" || p.suite.Approved; (err == nil) != allowed {
			t.Errorf("FIPS mode %q: %v: %v", mode, id, err)
		}
	}
	if mode != "" {
		return
	}
	for _, mode := range []string{"on", "only"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestFIPSMode$")
		cmd.Env = append(os.Environ(), inFIPSMode+"="+mode, "GODEBUG=fips140="+mode)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("with GODEBUG=fips140=%s: %v\n%s", mode, err, out)
		}
	}
}

// TestKeysAreCopied holds that the caller may wipe what it gave.
func TestKeysAreCopied(t *testing.T) {
	for _, id := range ciphers12 {
		p, q := newPeer12(id), newPeer12(id)
		var random forward
		s, o := p.sealer(t, &random), p.opener(t)
		clear(p.macKey)
		clear(p.key)
		clear(p.iv)
		var iv [16]byte
		new(forward).Read(iv[:])
		want := q.record(hs, []byte("x"), iv[:q.suite.ExplicitLen])
		if got, err := seal1(s, hs, []byte("x")); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: sealed %x, %v, want %x", id, got, err, want)
		}
		if _, _, err := open1(o, 0, want); err != nil {
			t.Errorf("%v: %v", id, err)
		}
	}
}

// TestClear12 holds that a cleared protection is of no use and has no key.
func TestClear12(t *testing.T) {
	for _, id := range ciphers12 {
		p := newPeer12(id)
		s, o := p.sealer(t, nil), p.opener(t)
		if _, err := seal1(s, hs, []byte("x")); err != nil {
			t.Fatal(err)
		}
		record := p.record(hs, []byte("x"), zeros(p.suite.ExplicitLen))
		for range 2 {
			s.Clear()
			o.Clear()
		}
		if _, err := seal1(s, hs, []byte("x")); err != errNoKey {
			t.Errorf("%v: sealed after Clear: %v", id, err)
		}
		if _, _, err := open1(o, 0, record); err != errNoKey {
			t.Errorf("%v: opened after Clear: %v", id, err)
		}
		if _, _, err := o.OpenInto(zeros(100), record[:HeaderLen], record[HeaderLen:]); err != errNoKey {
			t.Errorf("%v: opened after Clear: %v", id, err)
		}
		switch o := o.(type) {
		case *aead12:
			if o.iv != [12]byte{} || o.nonce != [12]byte{} {
				t.Errorf("%v: a cleared opener has %x and %x", id, o.iv, o.nonce)
			}
		case *cbcOpener:
			if o.mac.inner != [maxState]byte{} || o.mac.outer != [maxState]byte{} || o.mac.scratch != [maxState]byte{} || o.mac.sum != [maxMAC]byte{} {
				t.Errorf("%v: a cleared opener has a MAC key", id)
			}
		}
	}
}

// TestNoSecretInText12 holds that printing a protection prints no key.
func TestNoSecretInText12(t *testing.T) {
	for _, id := range ciphers12 {
		p := newPeer12(id)
		for _, v := range []any{p.sealer(t, nil), p.opener(t)} {
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("m", "a", v)
			for _, s := range []string{fmt.Sprint(v), fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v)} {
				if s != "secret" {
					t.Errorf("%T prints %q", v, s)
				}
			}
			if !strings.Contains(log.String(), "a=secret") {
				t.Errorf("%T logs %q", v, log.String())
			}
		}
	}
}

// TestRandomIVs holds that each record of a CBC cipher has an IV of its own, from crypto/rand or
// from where it was told to take it, and that none is sealed without.
func TestRandomIVs(t *testing.T) {
	for _, id := range cbcCiphers {
		p := newPeer12(id)
		s, seen := p.sealer(t, nil), map[string]bool{}
		for range 200 {
			record, err := seal1(s, appData, []byte("the same"))
			if err != nil {
				t.Fatal(err)
			}
			seen[string(record[HeaderLen:HeaderLen+s.Prefix()])] = true
		}
		if len(seen) != 200 {
			t.Errorf("%v: %d IVs of 200 records", id, len(seen))
		}
		if s.(*cbcSealer).random != rand.Reader {
			t.Errorf("%v: IVs come from %T", id, s.(*cbcSealer).random)
		}
		s = p.sealer(t, dry{})
		if record, err := seal1(s, appData, []byte("x")); !errors.Is(err, errDry) || record != nil {
			t.Errorf("%v: without an IV: %x, %v", id, record, err)
		}
	}
}

var errDry = errors.New("no randomness")

type dry struct{}

func (dry) Read([]byte) (int, error) { return 0, errDry }
