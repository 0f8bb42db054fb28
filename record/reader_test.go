package record

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"reflect"
	"sync"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// session is a stream with a key change in it and what it holds.
func session() (stream []byte, want []received) {
	p := newPeer()
	return concat(
			plain(hs, []byte("server hello")...),
			plain(ccs, 1),
			p.record(hs, []byte("finished")...),
			p.record(appData, []byte("data")...),
			p.record(appData),
			p.inner(append([]byte("padded\x17"), zeros(40)...)...),
			p.record(alert, 1, 0),
		), []received{
			{hs, "server hello"}, {hs, "finished"}, {appData, "data"}, {appData, ""}, {appData, "padded"}, {alert, "\x01\x00"},
		}
}

// readSession reads session in the pieces given, changing keys where it has to.
func readSession(t *testing.T, r *Reader, pieces [][]byte, release bool) (got []received) {
	t.Helper()
	r.SetCCS(CCSDrop)
	for _, piece := range pieces {
		for len(piece) > 0 {
			n, err := r.Fill(func(p []byte) (int, error) { return copy(p, piece), nil })
			if err != nil {
				t.Fatalf("fill: %v", err)
			}
			piece = piece[n:]
			for {
				ready := r.Ready()
				rec, err := r.Next()
				if errors.Is(err, ErrNeedMore) {
					break
				}
				if err != nil || !ready {
					t.Fatalf("next: %v; Ready said %v", err, ready)
				}
				got = append(got, received{rec.Type, string(rec.Payload)})
				if len(got) == 1 {
					r.SetOpener(newOpener())
				}
			}
			if release {
				r.Release()
			}
		}
	}
	return got
}

// TestPieces reads one stream split at every point, in pieces of every size, and with
// every bound on reading ahead.
func TestPieces(t *testing.T) {
	stream, want := session()
	check := func(what string, at int, r *Reader, pieces [][]byte) {
		t.Helper()
		for _, release := range []bool{false, true} {
			if got := readSession(t, r, pieces, release); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s %d: got %v, want %v", what, at, got, want)
			}
			if r.BytesIn() != uint64(len(stream)) || !r.Aligned() || r.Buffered() != 0 {
				t.Fatalf("%s %d: %d bytes in, %d buffered", what, at, r.BytesIn(), r.Buffered())
			}
			ahead := r.ahead
			r.Reset()
			r.ahead = ahead
		}
	}
	for i := range len(stream) + 1 {
		check("split at", i, new(Reader), [][]byte{stream[:i], stream[i:]})
	}
	for size := 1; size <= len(stream); size++ {
		var pieces [][]byte
		for rest := stream; len(rest) > 0; rest = rest[min(size, len(rest)):] {
			pieces = append(pieces, rest[:min(size, len(rest))])
		}
		check("pieces of", size, new(Reader), pieces)
	}
	for ahead := range len(stream) {
		var r Reader
		r.SetReadAhead(ahead)
		check("reading ahead", ahead, &r, [][]byte{stream})
	}
}

// TestReadAheadAsks holds what Fill asks recv for.
func TestReadAheadAsks(t *testing.T) {
	stream := concat(plain(hs, zeros(100)...), plain(hs, zeros(300)...))
	asks := func(ahead int) (asked []int) {
		var r Reader
		r.SetReadAhead(ahead)
		rest := stream
		for len(rest) > 0 {
			n, err := r.Fill(func(p []byte) (int, error) {
				asked = append(asked, len(p))
				return copy(p, rest), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
			for err == nil {
				_, err = r.Next()
			}
			if err != ErrNeedMore {
				t.Fatal(err)
			}
		}
		return asked
	}
	for _, tt := range []struct {
		ahead int
		want  []int
	}{
		{0, []int{5, 100, 5, 300}},
		{5, []int{10, 100, 305}},
		{-1, []int{largeBuffer}},
		{math.MaxInt, []int{largeBuffer}},
	} {
		if got := asks(tt.ahead); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("reading ahead %d asks for %v, want %v", tt.ahead, got, tt.want)
		}
	}

	var r Reader
	r.SetReadAhead(0)
	fill(t, &r, plain(hs, 1))
	if n, err := r.Fill(func([]byte) (int, error) { t.Error("recv was called"); return 0, nil }); n != 0 || err != errFull {
		t.Errorf("Fill with a whole record at hand: %d, %v", n, err)
	}
}

// TestBulkReadsEndWhereRecordsEnd holds that a steady stream of full records is read
// without moving bytes.
func TestBulkReadsEndWhereRecordsEnd(t *testing.T) {
	var r Reader
	p := newPeer()
	r.SetOpener(newOpener())
	fill(t, &r, p.record(appData, zeros(MaxPlaintext)...))
	r.Next()
	r.Fill(func(b []byte) (int, error) {
		if want := 2 * (HeaderLen + MaxPlaintext + 17); len(b) != want {
			t.Errorf("asked for %d bytes, want %d", len(b), want)
		}
		return 0, nil
	})
}

// TestRecv holds what Fill does with each thing that recv may return.
func TestRecv(t *testing.T) {
	broken := errors.New("broken wire")
	one := plain(hs, 1)
	type result struct {
		n   int
		err error
	}
	tests := []struct {
		sentence string
		returns  []result
		want     []result
	}{
		{"an error", []result{{0, broken}}, []result{{0, broken}}},
		{"would block", []result{{0, ErrWouldBlock}, {6, nil}}, []result{{0, ErrWouldBlock}, {6, nil}}},
		{"an error that goes away", []result{{0, os.ErrDeadlineExceeded}, {6, nil}}, []result{{0, os.ErrDeadlineExceeded}, {6, nil}}},
		{"bytes and the end", []result{{6, io.EOF}}, []result{{6, nil}, {0, io.EOF}}},
		{"bytes and an error, which comes once", []result{{6, broken}, {6, nil}}, []result{{6, nil}, {0, broken}, {6, nil}}},
		{"bytes and would block, which is not kept", []result{{6, ErrWouldBlock}, {6, nil}}, []result{{6, nil}, {6, nil}}},
		{"nothing, then bytes", []result{{0, nil}, {6, nil}}, []result{{0, nil}, {6, nil}}},
	}
	for _, tt := range tests {
		t.Run(tt.sentence, func(t *testing.T) {
			var r Reader
			calls := 0
			for i, want := range tt.want {
				n, err := r.Fill(func(p []byte) (int, error) {
					calls++
					copy(p, one)
					return tt.returns[calls-1].n, tt.returns[calls-1].err
				})
				if n != want.n || err != want.err {
					t.Errorf("Fill %d: got %d, %v, want %d, %v", i, n, err, want.n, want.err)
				}
				if n > 0 {
					if rec, err := r.Next(); err != nil || rec.Type != hs {
						t.Errorf("Next after Fill %d: %v, %v", i, rec, err)
					}
				}
			}
			if calls != len(tt.returns) {
				t.Errorf("recv was called %d times, want %d", calls, len(tt.returns))
			}
		})
	}

	for _, add := range []int{-1 << 30, -1, 1, 1 << 30} {
		var r Reader
		n, err := r.Fill(func(p []byte) (int, error) {
			if add < 0 {
				return add, nil
			}
			return len(p) + add, nil
		})
		if n != 0 || err == nil {
			t.Errorf("recv that breaks its contract by %d: got %d, %v", add, n, err)
		}
		if _, again := r.Next(); again != err {
			t.Errorf("and then %v", again)
		}
	}

	var r Reader
	nothing := func([]byte) (int, error) { return 0, nil }
	for range 2 { // the count begins anew
		for i := 1; i < 100; i++ {
			if n, err := r.Fill(nothing); n != 0 || err != nil {
				t.Fatalf("nothing for the %dth time: %d, %v", i, n, err)
			}
		}
		if _, err := r.Fill(nothing); err != io.ErrNoProgress {
			t.Fatalf("nothing for the 100th time: %v", err)
		}
	}
}

// TestFullBuffer holds that Fill does not call recv without room.
func TestFullBuffer(t *testing.T) {
	var r Reader
	one := plain(hs, zeros(MaxPlaintext)...)
	total := 0
	for {
		n, err := r.Fill(func(p []byte) (int, error) {
			if len(p) == 0 {
				t.Fatal("recv was called without room")
			}
			n := 0
			for n < len(p) {
				k := copy(p[n:], one[total%len(one):])
				n, total = n+k, total+k
			}
			return n, nil
		})
		if err == errFull {
			break
		}
		if n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	if total != largeBuffer {
		t.Errorf("the buffer was full at %d bytes", total)
	}
	for i := range 2 {
		if rec, err := r.Next(); err != nil || len(rec.Payload) != MaxPlaintext {
			t.Fatal(err)
		}
		if i == 0 { // there is room again, though another record waits
			k := total % len(one)
			if n, err := r.Fill(func(p []byte) (int, error) { return copy(p, one[k:k+10]), nil }); n != 10 || err != nil {
				t.Fatal(n, err)
			}
			total += 10
		}
	}
	if _, err := r.Next(); err != ErrNeedMore {
		t.Fatal(err)
	}
	rest := one[total%len(one):]
	fill(t, &r, rest)
	if _, err := r.Next(); err != nil || r.Buffered() != 0 {
		t.Fatalf("the third record: %v, %d buffered", err, r.Buffered())
	}
}

// TestRoomForTheRecord holds that Fill offers room for all of the record that has begun.
func TestRoomForTheRecord(t *testing.T) {
	var r Reader
	full := plain(hs, zeros(MaxPlaintext)...)
	fill(t, &r, concat(full, full, full[:5000]))
	r.Next()
	r.Next()
	r.Fill(func(p []byte) (int, error) {
		if len(p) < len(full)-5000 {
			t.Errorf("room for %d bytes, %d are to come", len(p), len(full)-5000)
		}
		return 0, nil
	})
}

// TestRelease holds what an idle Reader keeps.
func TestRelease(t *testing.T) {
	full := plain(hs, zeros(MaxPlaintext)...)
	tests := []struct {
		sentence string
		stream   []byte
		size     int // of the buffer after Release
	}{
		{"nothing", nil, 0},
		{"one byte", full[:1], 512},
		{"half a small record", full[:512], 512},
		{"the beginning of a record", full[:1800], 2048},
		{"a quarter of the buffer", full[:8192], 8192},
		{"most of a record", full[:16000], largeBuffer},
		{"a small whole record", plain(hs, 1), largeBuffer},
		{"a header that will be refused", []byte{22, 3, 3, 255, 255}, largeBuffer},
	}
	for _, tt := range tests {
		t.Run(tt.sentence, func(t *testing.T) {
			var r Reader
			fill(t, &r, plain(hs, 7))
			r.Next()
			fill(t, &r, tt.stream)
			r.Release()
			size := 0
			if r.buf != nil {
				size = len(r.buf.data)
			}
			if size != tt.size || r.Buffered() != len(tt.stream) {
				t.Errorf("keeps %d bytes for %d, want %d for %d", size, r.Buffered(), tt.size, len(tt.stream))
			}
			if tt.size < largeBuffer {
				fill(t, &r, full[len(tt.stream):])
				if rec, err := r.Next(); err != nil || len(rec.Payload) != MaxPlaintext {
					t.Errorf("the record in two parts: %d bytes, %v", len(rec.Payload), err)
				}
			}
		})
	}
}

// TestNoPlaintextInPool holds that a buffer which leaves a Reader has no plaintext in it.
func TestNoPlaintextInPool(t *testing.T) {
	secret := bytes.Repeat([]byte("secret"), 1000)
	for _, leave := range []struct {
		how string
		fn  func(*Reader)
	}{
		{"Release", (*Reader).Release},
		{"Close", (*Reader).Close},
		{"Reset", (*Reader).Reset},
	} {
		var r Reader
		p := newPeer()
		r.SetOpener(newOpener())
		fill(t, &r, concat(p.record(appData, secret...), p.record(appData, secret[:100]...)))
		for range 2 {
			if rec, err := r.Next(); err != nil || !bytes.Contains(rec.Payload, []byte("secret")) {
				t.Fatal(err)
			}
		}
		buf := r.buf
		leave.fn(&r)
		if r.buf != nil || bytes.Contains(buf.data, []byte("secret")) {
			t.Errorf("%s leaves plaintext in the buffer, or keeps it", leave.how)
		}
	}
}

// TestReaderClose holds that a closed Reader does nothing and a reset one is as new.
func TestReaderClose(t *testing.T) {
	var r Reader
	r.SetCCS(CCSDrop)
	r.SetVersion(iana.TLS12)
	r.SetMaxPlaintext(10)
	r.SetReadAhead(0)
	r.AllowPlaintextAlert(true)
	r.SkipUndecryptable(10)
	o := newOpener()
	r.SetOpener(o)
	r.Fill(func(p []byte) (int, error) { return copy(p, plain(ccs, 1)[:3]), io.EOF })
	r.Close()
	r.Close()
	if _, err := r.Next(); err != ErrClosed {
		t.Errorf("Next after Close: %v", err)
	}
	if _, err := r.Fill(func([]byte) (int, error) { t.Error("recv was called"); return 0, nil }); err != ErrClosed {
		t.Errorf("Fill after Close: %v", err)
	}
	if r.BytesIn() != 3 || r.Buffered() != 0 {
		t.Errorf("%d bytes in, %d buffered after Close", r.BytesIn(), r.Buffered())
	}
	if _, _, err := o.Open(nil, zeros(20)); err != errNoKey {
		t.Errorf("the opener was not cleared: %v", err)
	}
	r.Reset()
	if !reflect.ValueOf(&r).Elem().IsZero() {
		t.Errorf("after Reset: %+v", &r)
	}
}

// TestOpenerIsCleared holds that a Reader and a Writer wipe the key that goes.
func TestOpenerIsCleared(t *testing.T) {
	var r Reader
	var w Writer
	o, s := newOpener(), newOpener()
	r.SetOpener(o)
	w.SetSealer(s)
	w.Seal(hs, []byte{1})
	fill(t, &r, newPeer().record(hs, 1))
	r.Next()
	r.SetOpener(newOpener())
	w.SetSealer(newOpener())
	for _, a := range []*AEAD13{o, s} {
		if a.aead != nil || a.iv != [12]byte{} || a.nonce != [12]byte{} {
			t.Error("the key before was not cleared")
		}
	}
}

// TestKeysInPlace holds that the next key of TLS 1.3 takes the memory of the one before, with nothing of it left, and
// that it is a key like one in new memory, after no key and after one of another kind too.
func TestKeysInPlace(t *testing.T) {
	var w Writer
	var r Reader
	p := newPeer12(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	w.SetSealer(p.sealer(t, nil))
	r.SetOpener(p.opener(t))
	for key := range 3 {
		before, _ := w.sealer.(*AEAD13)
		w.SetSealer13(mustAEAD(key), testIV, 9)
		r.SetOpener13(mustAEAD(key), testIV, 0)
		if now := w.sealer.(*AEAD13); before != nil && now != before {
			t.Errorf("key %d is in new memory", key)
		} else if want := NewAEAD13(mustAEAD(key), testIV, 9); !reflect.DeepEqual(now, want) {
			t.Errorf("key %d is in use already", key)
		}
		for range 2 { // the second has another nonce
			if _, err := w.Seal(hs, []byte{byte(key)}); err != nil {
				t.Fatal(err)
			}
		}
		fill(t, &r, sent(t, &w))
		for range 2 {
			if rec, err := r.Next(); err != nil || rec.Type != hs || len(rec.Payload) != 1 || rec.Payload[0] != byte(key) {
				t.Errorf("key %d: got %v, %v", key, rec, err)
			}
		}
	}
}

// TestBothDirections reads and writes at once, with an observer of the counters; the race
// detector is the judge.
func TestBothDirections(t *testing.T) {
	var r Reader
	var w Writer
	a, b := make(chan []byte, 1), newOpener()
	w.SetSealer(NewAEAD13(mustAEAD(0), testIV, 0))
	r.SetOpener(b)
	const records = 200
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(a)
		for range records {
			w.Seal(appData, zeros(1000))
			w.Flush(func(p []byte) (int, error) { a <- bytes.Clone(p); return len(p), nil })
		}
	})
	wg.Go(func() {
		for piece := range a {
			fill(t, &r, piece)
			if _, err := r.Next(); err != nil {
				t.Error(err)
			}
			r.Release()
		}
	})
	for range 1000 {
		if w.BytesOut() > records*1022 || r.BytesIn() > records*1022 {
			t.Error("too many bytes")
		}
	}
	wg.Wait()
	if w.BytesOut() != records*1022 || r.BytesIn() != records*1022 {
		t.Errorf("%d bytes out, %d in", w.BytesOut(), r.BytesIn())
	}
}
