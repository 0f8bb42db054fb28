package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// sent flushes w and returns all that was sent.
func sent(t *testing.T, w *Writer) []byte {
	t.Helper()
	var wire pipe
	if err := w.Flush(wire.send); err != nil {
		t.Fatal(err)
	}
	if w.buf != nil || w.Pending() != 0 {
		t.Fatalf("%d bytes pending after Flush, buffer kept: %v", w.Pending(), w.buf != nil)
	}
	return wire.data
}

func newWriter() *Writer {
	w := new(Writer)
	w.SetSealer(NewAEAD13(mustAEAD(0), testIV, 0))
	return w
}

// TestUnprotectedRecords holds headers and fragments before any key.
func TestUnprotectedRecords(t *testing.T) {
	var w Writer
	w.SetVersion(iana.TLS10)
	w.Seal(hs, []byte("hello"))
	w.SetVersion(0)
	w.Seal(ccs, []byte{1})
	w.SetMaxFragment(3)
	w.Seal(hs, []byte("hello"))
	w.Seal(alert, []byte{2, 40})
	want := concat(rawRecord(22, iana.TLS10, []byte("hello")), plain(ccs, 1), plain(hs, 'h', 'e', 'l'), plain(hs, 'l', 'o'), plain(alert, 2, 40))
	if got := sent(t, &w); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	if w.BytesOut() != uint64(len(want)) {
		t.Errorf("%d bytes out", w.BytesOut())
	}
}

// TestProtectedRecords compares the wire with the peer's own reading of the RFC.
func TestProtectedRecords(t *testing.T) {
	w, p := newWriter(), newPeer()
	w.Seal(hs, []byte("finished"))
	w.Seal(ccs, []byte{1}) // unprotected, and no number of its own
	w.Seal(appData, nil)
	w.Seal(appData, []byte("data"))
	w.SetPadding(func(n int) int { return 10 - n })
	w.Seal(appData, []byte("data"))
	w.SetPadding(func(n int) int { return -5 })
	w.Seal(alert, []byte{1, 0})
	w.SetPadding(nil)
	w.SetSealer(nil)
	w.Seal(hs, []byte("second hello"))
	want := concat(
		p.record(hs, []byte("finished")...),
		plain(ccs, 1),
		p.record(appData),
		p.record(appData, []byte("data")...),
		p.inner(append([]byte("data\x17"), zeros(6)...)...),
		p.record(alert, 1, 0),
		plain(hs, []byte("second hello")...))
	if got := sent(t, w); !bytes.Equal(got, want) {
		t.Errorf("got  %x\nwant %x", got, want)
	}
}

// TestFragments holds the lengths of records for payloads around the maximum fragment.
func TestFragments(t *testing.T) {
	lengths := func(stream []byte) (n []int) {
		for len(stream) > 0 {
			n = append(n, headerLength(stream)-17)
			stream = stream[HeaderLen+headerLength(stream):]
		}
		return n
	}
	tests := []struct {
		sentence string
		fragment int // 0: not set
		size     int
		pad      int
		want     []int // content and padding
	}{
		{"less than a record", 0, 16383, 0, []int{16383}},
		{"one record", 0, 16384, 0, []int{16384}},
		{"one byte more", 0, 16385, 0, []int{16384, 1}},
		{"three records", 0, 3 * 16384, 0, []int{16384, 16384, 16384}},
		{"more than a record may hold", 1 << 20, 16385, 0, []int{16384, 1}},
		{"s2n's default", 8087, 20000, 0, []int{8087, 8087, 3826}},
		{"the smallest", 1, 3, 0, []int{1, 1, 1}},
		{"less than the smallest", -7, 3, 0, []int{1, 1, 1}},
		{"padding within the fragment", 100, 150, 1000, []int{100, 100}},
		{"padding within the record", 0, 10, 1 << 30, []int{16384}},
		{"some padding", 0, 20000, 5, []int{16384, 3621}},
	}
	for _, tt := range tests {
		t.Run(tt.sentence, func(t *testing.T) {
			w := newWriter()
			if tt.fragment != 0 {
				w.SetMaxFragment(tt.fragment)
			}
			if tt.pad != 0 {
				w.SetPadding(func(int) int { return tt.pad })
			}
			payload := bytes.Repeat([]byte("abcdefg"), tt.size/7+1)[:tt.size]
			if n, err := w.Seal(appData, payload); n != tt.size || err != nil {
				t.Fatalf("seal: %d, %v", n, err)
			}
			stream := sent(t, w)
			if got := lengths(stream); !reflect.DeepEqual(got, tt.want) {
				t.Errorf("records of %v, want %v", got, tt.want)
			}
			var r Reader
			r.SetOpener(newOpener())
			got, err := readAll(&r, stream, len(stream))
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			for _, rec := range got {
				all.WriteString(rec.payload)
			}
			if all.String() != string(payload) {
				t.Error("the payload changed on its way")
			}
		})
	}
}

// TestOneRecord holds that SealRecord and SealRecordv take no more than a record.
func TestOneRecord(t *testing.T) {
	w := newWriter()
	if got := w.MaxFragment(); got != MaxPlaintext {
		t.Errorf("the first maximum fragment is %d", got)
	}
	w.SetMaxFragment(10)
	for _, size := range []int{0, 1, 9, 10, 11, 100} {
		want := min(size, 10)
		if n, err := w.SealRecord(appData, zeros(size)); n != want || err != nil {
			t.Errorf("SealRecord takes %d of %d, %v", n, size, err)
		}
		if n, err := w.SealRecordv(appData, [][]byte{zeros(size / 2), zeros(size - size/2)}); n != want || err != nil {
			t.Errorf("SealRecordv takes %d of %d, %v", n, size, err)
		}
		if stream := sent(t, w); len(stream) != 2*(HeaderLen+want+17) {
			t.Errorf("%d bytes for two records of %d", len(stream), want)
		}
	}
}

// TestSealv holds that cutting the payload into slices changes nothing.
func TestSealv(t *testing.T) {
	payload := []byte("one two three four five")
	want := func() []byte {
		w := newWriter()
		w.SetMaxFragment(7)
		w.Seal(appData, payload)
		return sent(t, w)
	}()
	for i := range len(payload) + 1 {
		for j := i; j <= len(payload); j++ {
			w := newWriter()
			w.SetMaxFragment(7)
			cut := [][]byte{nil, payload[:i], {}, payload[i:j], payload[j:], nil}
			if n, err := w.Sealv(appData, cut); n != len(payload) || err != nil {
				t.Fatalf("cut at %d and %d: %d, %v", i, j, n, err)
			}
			if got := sent(t, w); !bytes.Equal(got, want) {
				t.Fatalf("cut at %d and %d: got %x, want %x", i, j, got, want)
			}
			if len(cut[1]) != i || len(cut[3]) != j-i {
				t.Fatal("Sealv changed its argument")
			}
		}
	}
	w := newWriter()
	if n, err := w.Sealv(appData, nil); n != 0 || err != nil || w.Pending() != HeaderLen+17 {
		t.Errorf("nothing: %d, %v, %d pending", n, err, w.Pending())
	}
}

// TestRefusedToSeal holds what a Writer does not write.
func TestRefusedToSeal(t *testing.T) {
	for _, tt := range []struct {
		sentence string
		w        *Writer
		t        iana.RecordType
		payload  string
	}{
		{"application data before keys", new(Writer), appData, "x"},
		{"empty application data before keys", new(Writer), appData, ""},
		{"an empty handshake record", newWriter(), hs, ""},
		{"an empty alert", newWriter(), alert, ""},
		{"an empty change_cipher_spec", new(Writer), ccs, ""},
	} {
		if n, err := tt.w.Seal(tt.t, []byte(tt.payload)); n != 0 || err == nil || tt.w.Pending() != 0 {
			t.Errorf("%s: %d, %v, %d pending", tt.sentence, n, err, tt.w.Pending())
		}
	}
}

// TestKeyLimit holds that a key seals and opens what its limit allows and not one record
// more, and that what was sealed before still goes out.
func TestKeyLimit(t *testing.T) {
	var w Writer
	w.SetSealer(NewAEAD13(mustAEAD(0), testIV, 3))
	w.SetMaxFragment(2)
	n, err := w.Seal(appData, []byte("abcdefgh"))
	if n != 6 || err == nil {
		t.Fatalf("sealed %d bytes of 8 in records of 2, 3 allowed: %v", n, err)
	}
	if bytes.Contains(w.buf.data[w.end:], []byte("gh")) {
		t.Error("the refused plaintext stays in the buffer")
	}
	stream := sent(t, &w)
	if n, err := w.Seal(appData, []byte("gh")); n != 0 || err == nil || w.buf != nil {
		t.Errorf("sealed %d bytes beyond the limit: %v", n, err)
	}
	if !w.Exhausted() {
		t.Error("the Writer does not say that its key is exhausted")
	}

	var r Reader
	r.SetOpener(NewAEAD13(mustAEAD(0), testIV, 3))
	if got, err := readAll(&r, stream, 1); err != nil || len(got) != 3 || !r.Exhausted() {
		t.Errorf("within the limit: %v, %v, exhausted: %v", got, err, r.Exhausted())
	}
	p := newPeer()
	p.seq = 3
	_, err = readAll(&r, p.record(appData, 1), 100)
	wantAlert(t, err, iana.InternalError)
}

// TestSend lets send stop after every number of bytes, with and without an error.
func TestSend(t *testing.T) {
	seal := func() *Writer {
		w := newWriter()
		w.SetMaxFragment(5)
		w.Seal(appData, []byte("twelve bytes"))
		return w
	}
	want := sent(t, seal())
	stop := errors.New("stop")
	for _, failure := range []error{nil, ErrWouldBlock, stop} {
		for at := range len(want) + 1 {
			t.Run(fmt.Sprintf("%v at %d", failure, at), func(t *testing.T) {
				w := seal()
				var got []byte
				calls := 0
				send := func(p []byte) (int, error) {
					if calls++; calls > 1 {
						got = append(got, p...)
						return len(p), nil
					}
					got = append(got, p[:at]...)
					return at, failure
				}
				err := w.Flush(send)
				done := failure == nil || failure == ErrWouldBlock && at == len(want)
				if done != (err == nil) || !done && err != failure {
					t.Fatalf("the first Flush: %v", err)
				}
				if !done {
					if w.Pending() != len(want)-at || w.BytesOut() != uint64(at) {
						t.Errorf("%d pending, %d out", w.Pending(), w.BytesOut())
					}
					w.Release()
					if _, err := w.Seal(appData, []byte("more")); err != nil {
						t.Fatal(err)
					}
					if err := w.Flush(send); err != nil {
						t.Fatal(err)
					}
				}
				if !bytes.HasPrefix(got, want) || w.Pending() != 0 || w.buf != nil || w.BytesOut() != uint64(len(got)) {
					t.Errorf("sent %x, want %x; %d pending", got, want, w.Pending())
				}
				if !done {
					p := newPeer()
					p.seq = 3
					if more := p.record(appData, []byte("more")...); !bytes.Equal(got[len(want):], more) {
						t.Errorf("then sent %x, want %x", got[len(want):], more)
					}
				}
			})
		}
	}

	w := seal()
	var got []byte
	err := w.Flush(func(p []byte) (int, error) { got = append(got, p[0]); return 1, nil })
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("byte by byte: %x, %v", got, err)
	}

	w = seal()
	calls := 0
	if err := w.Flush(func([]byte) (int, error) { calls++; return 0, nil }); err != io.ErrNoProgress || w.Pending() != len(want) || calls != 100 {
		t.Errorf("no progress in %d calls: %v, %d pending", calls, err, w.Pending())
	}
	calls = 0
	err = w.Flush(func([]byte) (int, error) {
		if calls++; calls%100 == 0 {
			return 1, nil
		}
		return 0, nil
	})
	if err != nil {
		t.Errorf("a byte at each hundredth call: %v", err)
	}

	for _, add := range []int{-1 << 30, -1, 1, 1 << 30} {
		w := seal()
		err := w.Flush(func(p []byte) (int, error) {
			if add < 0 {
				return add, nil
			}
			return len(p) + add, nil
		})
		if err == nil {
			t.Errorf("send breaks its contract by %d", add)
		}
		if _, again := w.Seal(hs, []byte{1}); again != err {
			t.Errorf("and then %v", again)
		}
	}
}

// TestPendingGrows seals much before anything is sent.
func TestPendingGrows(t *testing.T) {
	w := newWriter()
	var want []byte
	var last *buffer
	moves := 0
	for i := range 300 {
		piece := bytes.Repeat([]byte{byte(i)}, i*7%1000+1)
		want = append(want, piece...)
		if _, err := w.Seal(appData, piece); err != nil {
			t.Fatal(err)
		}
		if w.buf != last {
			last = w.buf
			moves++
		}
	}
	if moves > 8 {
		t.Errorf("the pending bytes were moved %d times", moves)
	}
	big := bytes.Repeat([]byte("big"), 100000)
	want = append(want, big...)
	if n, err := w.Seal(appData, big); n != len(big) || err != nil {
		t.Fatal(n, err)
	}
	var r Reader
	r.SetOpener(newOpener())
	got, err := readAll(&r, sent(t, w), 5000)
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, rec := range got {
		all = append(all, rec.payload...)
	}
	if !bytes.Equal(all, want) {
		t.Error("the payload changed on its way")
	}
}

// TestPendingMoves seals into the room that a partial Flush made.
func TestPendingMoves(t *testing.T) {
	w := newWriter()
	first, second := bytes.Repeat([]byte("first"), 3200), bytes.Repeat([]byte("second"), 1000)
	w.Seal(appData, first)
	buf := w.buf
	var got []byte
	w.Flush(func(p []byte) (int, error) { got = append(got, p[:10000]...); return 10000, ErrWouldBlock })
	w.Seal(appData, second)
	if w.buf != buf {
		t.Error("a second buffer was taken although the first has room")
	}
	got = append(got, sent(t, w)...)
	p := newPeer()
	if want := concat(p.record(appData, first...), p.record(appData, second...)); !bytes.Equal(got, want) {
		t.Error("the bytes changed on their way")
	}
}

// TestWriterRelease holds what a Writer keeps that can send no more for now.
func TestWriterRelease(t *testing.T) {
	w := newWriter()
	w.Seal(appData, zeros(MaxPlaintext))
	all := w.Pending()
	for _, tt := range []struct{ left, size int }{{all, 18432}, {8000, 18432}, {4000, 8192}, {2000, 2048}, {100, 512}, {1, 512}} {
		w.Flush(func(p []byte) (int, error) { return len(p) - tt.left, ErrWouldBlock })
		w.Release()
		if w.Pending() != tt.left || len(w.buf.data) != tt.size {
			t.Errorf("keeps %d bytes for %d, want %d for %d", len(w.buf.data), w.Pending(), tt.size, tt.left)
		}
	}
	sent(t, w)
	w.Release()
	if w.buf != nil {
		t.Error("keeps a buffer for nothing")
	}
}

// TestWriterClose holds that a closed Writer does nothing and a reset one is as new.
func TestWriterClose(t *testing.T) {
	w := newWriter()
	w.SetPadding(func(int) int { return 0 })
	w.SetMaxFragment(7)
	w.SetVersion(iana.TLS10)
	s := w.sealer.(*AEAD13)
	w.Seal(appData, []byte("data"))
	buf := w.buf
	w.Close()
	w.Close()
	if _, err := w.Seal(hs, []byte{1}); err != ErrClosed {
		t.Errorf("Seal after Close: %v", err)
	}
	if err := w.Flush(nil); err != ErrClosed {
		t.Errorf("Flush after Close: %v", err)
	}
	if w.Pending() != 0 || w.buf != nil || !bytes.Equal(buf.data, zeros(len(buf.data))) {
		t.Error("Close keeps something")
	}
	if _, err := s.Seal(make([]byte, 5, 100), hs, 0); err != errNoKey {
		t.Errorf("the sealer was not cleared: %v", err)
	}
	w.Reset()
	if !reflect.ValueOf(w).Elem().IsZero() {
		t.Errorf("after Reset: %+v", w)
	}
}
