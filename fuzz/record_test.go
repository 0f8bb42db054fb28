package fuzz

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/record"
)

// FuzzRecord has a program of instructions make the bytes of one direction, gives them to
// Readers in different pieces, and wants the same records and the same error from all of
// them, among them what is well-formed. With the highest bit of setup the instructions are
// for a Writer, whose records a Reader has to turn into what was written.
func FuzzRecord(f *testing.F) {
	f.Fuzz(func(t *testing.T, setup uint32, program, pieces []byte) {
		if setup>>31 == 1 {
			roundTrip(t, bits(setup), program, pieces)
			return
		}
		s := newStream(t, parseRecordSetup(bits(setup)), program)
		atOnce := read(t, s, nil)
		inPieces := read(t, s, &pieceReader{script: script{pieces}})

		if n := min(len(s.want), len(atOnce.got)); !slices.Equal(atOnce.got[:n], s.want[:n]) {
			t.Fatalf("got %v, want %v", atOnce.got, s.want)
		}
		if len(atOnce.got) < len(s.want) {
			t.Fatalf("got %d records and then %v, want %d", len(atOnce.got), atOnce.err, len(s.want))
		}
		if s.sure && (atOnce.err != nil || len(atOnce.got) > len(s.want) || !atOnce.aligned) {
			t.Fatalf("got %d records, aligned %v and %v from %d well-formed ones", len(atOnce.got), atOnce.aligned, atOnce.err, len(s.want))
		}
		if inPieces.lied { // the rest did not come
			if n := len(inPieces.got); n > len(atOnce.got) || !slices.Equal(inPieces.got, atOnce.got[:n]) {
				t.Fatalf("in pieces: %v\nat once:   %v", inPieces.got, atOnce.got)
			}
			return
		}
		if !slices.Equal(inPieces.got, atOnce.got) || inPieces.aligned != atOnce.aligned || text(inPieces.err) != text(atOnce.err) {
			t.Fatalf("in pieces: %v, %v\nat once:   %v, %v", inPieces.got, inPieces.err, atOnce.got, atOnce.err)
		}
	})
}

// String shows what a failure needs of a record.
func (r received) String() string {
	return fmt.Sprintf("%v of %d bytes %.16x", r.t, len(r.payload), r.payload)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// outcome is what a Reader made of a stream.
type outcome struct {
	got     []received
	err     error // nil: it wants more
	aligned bool
	lied    bool // recv broke its contract before the end
}

// read gives a stream to a Reader and checks all that holds for any stream.
func read(t *testing.T, s *stream, pieces *pieceReader) (o outcome) {
	r := s.setup.reader(t)
	if pieces == nil {
		pieces = &pieceReader{plain: true}
	}
	pieces.rest = s.bytes
	dst := make([]byte, 20000)
	for {
		into := dst[:pieces.direct()]
		rec, err := r.NextInto(into)
		if bytes.IndexByte(into, ofProtocol) >= 0 && !rec.Direct {
			t.Fatalf("content of the protocol's was left in the application's buffer (%v)", err)
		}
		if err == nil {
			checkRecord(t, s, &rec, into)
			o.got = append(o.got, received{rec.Type, string(rec.Payload)})
			clear(into)
			if len(o.got) == s.setup.rekeyAfter && s.setup.suite != nil {
				r.SetOpener(s.setup.opener(t, 1))
			}
			continue
		}
		if !errors.Is(err, record.ErrNeedMore) {
			o.err = err
			break
		}
		if r.Ready() {
			t.Fatal("Next wants more of a Reader that is Ready")
		}
		if pieces.done() {
			o.aligned = r.Aligned()
			break
		}
		if err := pieces.fill(t, r); err != nil {
			o.err, o.lied = err, true
			break
		}
		if r.Buffered() > 40960 || r.BytesIn() != uint64(len(s.bytes)-len(pieces.rest)) {
			t.Fatalf("%d bytes buffered, %d in of %d that were given", r.Buffered(), r.BytesIn(), len(s.bytes)-len(pieces.rest))
		}
	}
	if o.err != nil {
		checkFailed(t, r, o.err, o.lied)
	}
	checkClosed(t, r)
	return o
}

func checkRecord(t *testing.T, s *stream, rec *record.Record, into []byte) {
	most := record.MaxPlaintext
	if s.setup.suite != nil && s.setup.maxPlain > 0 {
		most = s.setup.maxPlain
	}
	if n := len(rec.Payload); n > most {
		t.Fatalf("a record of %d bytes, more than %d", n, most)
	}
	known := rec.Type >= iana.RecordChangeCipherSpec && rec.Type <= iana.RecordApplicationData
	if !known && !(rec.Type == record.SSLv2Hello && s.setup.sslv2 && s.setup.suite == nil) {
		t.Fatalf("a record of type %d", rec.Type)
	}
	if rec.Direct && (rec.Type != iana.RecordApplicationData || len(rec.Payload) > 0 && &rec.Payload[0] != &into[0]) {
		t.Fatalf("a record of type %v does not lie where it says", rec.Type)
	}
}

// checkFailed holds that an error is final and says whose fault it is.
func checkFailed(t *testing.T, r *record.Reader, err error, ours bool) {
	if again, err2 := r.Next(); err2 != err || len(again.Payload) > 0 {
		t.Fatalf("%v comes after %v", err2, err)
	}
	_, err2 := r.Fill(func([]byte) (int, error) {
		t.Fatal("a failed Reader reads on")
		return 0, nil
	})
	if err2 != err || !r.Ready() {
		t.Fatalf("Fill: %v after %v", err2, err)
	}
	var e *record.Error
	if errors.As(err, &e) == ours {
		t.Fatalf("%v is an *Error: %v", err, !ours)
	}
	if ours {
		return
	}
	switch a := e.Alert(); a {
	case iana.UnexpectedMessage, iana.BadRecordMAC, iana.RecordOverflow, iana.ProtocolVersion, iana.DecodeError:
	case iana.InternalError: // only the limit of a key, which the peer exceeds
		if !bytes.Contains([]byte(err.Error()), []byte("under one key")) {
			t.Fatalf("%v is our own fault", err)
		}
	default:
		t.Fatalf("%v: alert %v", err, a)
	}
}

// checkClosed closes r, and takes it up again.
func checkClosed(t *testing.T, r *record.Reader) {
	r.Close()
	if _, err := r.Next(); err != record.ErrClosed {
		t.Fatalf("Next after Close: %v", err)
	}
	r.Reset()
	if r.BytesIn() != 0 || !r.Aligned() || r.Ready() {
		t.Fatal("Reset left something")
	}
	alert := []byte{byte(iana.RecordAlert), 3, 3, 0, 2, 1, 0}
	if n, err := r.Fill(bytes.NewReader(alert).Read); n != len(alert) || err != nil {
		t.Fatalf("Fill after Reset: %d, %v", n, err)
	}
	if rec, err := r.Next(); err != nil || string(rec.Payload) != "\x01\x00" {
		t.Fatalf("Next after Reset: %q, %v", rec.Payload, err)
	}
	r.Close()
}

// pieceReader is a recv that gives bytes in pieces, with an odd idea of its contract.
type pieceReader struct {
	script
	rest  []byte
	plain bool
	later error // that the next Fill has to return
}

var errFault = errors.New("a fault")

func (p *pieceReader) done() bool { return len(p.rest) == 0 && p.later == nil }

// direct returns the length of the next destination.
func (p *pieceReader) direct() int {
	if p.plain {
		return 0
	}
	return min(p.size(), 20000)
}

// fill does one Fill. An error means that recv has lied and the Reader has noticed.
func (p *pieceReader) fill(t *testing.T, r *record.Reader) error {
	if p.plain {
		_, err := r.Fill(p.recv(1<<20, nil))
		return err
	}
	how := p.byte()
	if how&1 != 0 {
		r.Release()
	}
	if how&2 != 0 {
		r.SetReadAhead(p.size() - 1)
	}
	want := p.later
	p.later = nil
	var n int
	var err error
	switch how >> 2 & 7 {
	case 0, 1, 2: // a piece
		n, err = r.Fill(p.recv(max(p.size(), 1), nil))
	case 3: // nothing, in one way or another
		nothing := [4]error{nil, record.ErrWouldBlock, errFault, io.EOF}[how>>5&3]
		n, err = r.Fill(func([]byte) (int, error) { return 0, nothing })
		if want == nil {
			want = nothing
		}
	case 4: // a piece and that it would block, which says nothing
		n, err = r.Fill(p.recv(max(p.size(), 1), record.ErrWouldBlock))
	case 5: // a piece and an error, which comes later
		before := len(p.rest)
		n, err = r.Fill(p.recv(max(p.size(), 1), errFault))
		if want == nil && len(p.rest) < before {
			p.later = errFault
		}
	case 6: // an idle time that is too long
		for i := range 100 {
			if _, err = r.Fill(func([]byte) (int, error) { return 0, nil }); err != nil {
				if want == nil && err != io.ErrNoProgress || want != nil && i > 0 {
					t.Fatalf("idle: %v", err)
				}
				return nil
			}
		}
		t.Fatal("a hundred reads of nothing are no error")
	case 7: // more than there is room for, or less than nothing
		n, err = r.Fill(func(b []byte) (int, error) { return [2]int{len(b) + 1, -1}[how>>5&1], nil })
		if n != 0 || err == nil {
			t.Fatalf("a recv that lies: %d, %v", n, err)
		}
		if want == nil {
			return err
		}
	}
	if err != want && !(err == io.ErrNoProgress && n == 0) {
		t.Fatalf("Fill: %d, %v, want %v", n, err, want)
	}
	return nil
}

// recv returns a recv of at most n bytes.
func (p *pieceReader) recv(n int, err error) func([]byte) (int, error) {
	return func(b []byte) (int, error) {
		k := copy(b, p.rest[:min(n, len(p.rest))])
		p.rest = p.rest[k:]
		if k == 0 {
			return 0, nil
		}
		return k, err
	}
}
