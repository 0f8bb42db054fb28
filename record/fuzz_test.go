package record

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// FuzzReader gives arbitrary streams to Readers that differ in nothing but the pieces in
// which the bytes come and the way they are opened: they must agree on the records and on
// the error. setup chooses keys and policies, pieces the sizes.
func FuzzReader(f *testing.F) {
	stream, _ := session()
	p := newPeer()
	sealed := concat(p.record(hs, 1, 2), plain(ccs, 1), plain(alert, 2, 40), p.record(appData, 5), p.inner(6, 23, 0, 0), p.record(alert, 1, 0))
	f.Add(stream, uint16(0), []byte{1})
	f.Add(sealed, uint16(1|2|8|16), []byte{3, 200})
	f.Add(sealed[10:], uint16(1|2|4|16), []byte{5, 1})
	f.Add(concat(rawRecord(23, iana.TLS12, zeros(40)), plain(hs, 1)), uint16(2|32), []byte{9})
	f.Add([]byte("GET / HTTP/1.1\r\n"), uint16(0), []byte{255})
	f.Add(plain(ccs, 1), uint16(64), []byte{1})
	f.Add(rawRecord(22, iana.TLS13, zeros(2)), uint16(128), []byte{1})
	f.Fuzz(func(t *testing.T, stream []byte, setup uint16, pieces []byte) {
		newReader := func() *Reader {
			r := new(Reader)
			if setup&1 != 0 {
				r.SetOpener(newOpener())
			}
			if setup&2 != 0 {
				r.SetCCS(CCSDrop)
			}
			if setup&4 != 0 {
				r.SkipUndecryptable(1000)
			}
			r.AllowPlaintextAlert(setup&8 != 0)
			if setup&16 != 0 {
				r.SetMaxPlaintext(64)
			}
			if setup&32 != 0 {
				r.SkipApplicationData(1000)
			}
			if setup&64 != 0 {
				r.SetCCS(CCSDeliver)
			}
			if setup&128 != 0 {
				r.SetVersion(iana.TLS12)
			}
			return r
		}
		want, wantErr := readAll(newReader(), stream, len(stream))
		r := newReader()
		got, err := readPieces(t, r, stream, pieces)
		if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
			t.Fatalf("in pieces: %v, %v\nat once:   %v, %v", got, err, want, wantErr)
		}
		for _, rec := range got {
			if len(rec.payload) > MaxPlaintext || rec.t < ccs || rec.t > appData {
				t.Fatalf("record of type %v and %d bytes", rec.t, len(rec.payload))
			}
		}
		if err == nil && r.Buffered() > len(stream) || err == nil && r.BytesIn() != uint64(len(stream)) {
			t.Fatalf("%d buffered and %d in of %d", r.Buffered(), r.BytesIn(), len(stream))
		}
		r.Close()
	})
}

// readPieces is readAll with pieces of the sizes given, direct opening, idle times and
// exact reads now and then.
func readPieces(t *testing.T, r *Reader, stream, pieces []byte) (got []received, err error) {
	dst := make([]byte, 300)
	for i := 0; ; i++ {
		size, how := 1, byte(i)
		if len(pieces) > 0 {
			size = int(pieces[i%len(pieces)]) + 1
			how = pieces[i%len(pieces)]
		}
		rec, err := r.NextInto(dst[:min(size, len(dst))])
		switch {
		case err == nil:
			if rec.Direct != (len(rec.Payload) > 0 && bytes.HasPrefix(dst, rec.Payload) && &dst[0] == &rec.Payload[0]) && len(rec.Payload) > 0 {
				t.Fatal("Direct does not say where the payload is")
			}
			got = append(got, received{rec.Type, string(rec.Payload)})
			continue
		case !errors.Is(err, ErrNeedMore):
			return got, err
		case len(stream) == 0:
			return got, nil
		}
		if how&1 != 0 {
			r.Release()
		}
		r.SetReadAhead(int(how>>1)%40 - 1)
		_, err = r.Fill(func(p []byte) (int, error) {
			n := copy(p, stream[:min(size, len(stream))])
			stream = stream[n:]
			return n, nil
		})
		if err != nil {
			return got, err
		}
	}
}
