//go:build !race

package record

import (
	"testing"
	"unsafe"

	"github.com/s2ngo/s2ngo/iana"
)

// TestSize holds what an idle connection pays for its record layer. (The race detector has
// pools forget at random, so that counting allocations means nothing under it.)
func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(Reader{}); n > 136 {
		t.Errorf("a Reader has %d bytes", n)
	}
	if n := unsafe.Sizeof(Writer{}); n > 80 {
		t.Errorf("a Writer has %d bytes", n)
	}
	if n := unsafe.Sizeof(AEAD13{}); n > 64 {
		t.Errorf("an AEAD13 has %d bytes", n)
	}
	if n := unsafe.Sizeof(aead12{}); n > 104 {
		t.Errorf("an aead12 has %d bytes", n)
	}
	if n := unsafe.Sizeof(cbcOpener{}); n > 1024 {
		t.Errorf("a cbcOpener has %d bytes", n)
	}
	for i, n := range classes {
		if i > 0 && n <= classes[i-1] || n > largeBuffer {
			t.Errorf("class %d of %d bytes is out of order", i, n)
		}
	}
	if largeBuffer < HeaderLen+MaxCiphertext12 {
		t.Error("the largest buffer does not hold every record")
	}
}

// TestAllocations holds that records cost no allocation, whatever way they take.
func TestAllocations(t *testing.T) {
	t.Run("TLS 1.3", func(t *testing.T) { allocations(t, NewAEAD13(mustAEAD(0), testIV, 0), newOpener()) })
	for _, id := range ciphers12 {
		if id == iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA {
			continue // the same but for its pace
		}
		p := newPeer12(id)
		t.Run(id.String(), func(t *testing.T) { allocations(t, p.sealer(t, nil), p.opener(t)) })
	}
}

func allocations(t *testing.T, s Sealer, o Opener) {
	var wire pipe
	send, recv := wire.send, wire.recv
	payload, dst := make([]byte, MaxPlaintext), make([]byte, 2*MaxPlaintext)
	halves := [][]byte{payload[:1000], payload[1000:]}
	var w Writer
	var r Reader
	w.SetSealer(s)
	r.SetOpener(o)
	read := func(into []byte) {
		for {
			rec, err := r.NextInto(into)
			if err == nil {
				if len(rec.Payload) != MaxPlaintext || rec.Type != iana.RecordApplicationData {
					t.Fatalf("got %v of %d bytes", rec.Type, len(rec.Payload))
				}
				r.Release()
				return
			}
			if n, err := r.Fill(recv); n == 0 || err != nil {
				t.Fatal(n, err)
			}
		}
	}
	flush := func(_ int, err error) {
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(send); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		sentence string
		run      func()
	}{
		{"Seal, Flush, Fill, Next, Release", func() { flush(w.Seal(iana.RecordApplicationData, payload)); read(nil) }},
		{"SealRecord and NextInto", func() { flush(w.SealRecord(iana.RecordApplicationData, payload)); read(dst) }},
		{"Sealv", func() { flush(w.Sealv(iana.RecordApplicationData, halves)); read(dst) }},
		{"SealRecordv", func() { flush(w.SealRecordv(iana.RecordApplicationData, halves)); read(nil) }},
		{"reading a record in two parts, idle between", func() {
			flush(w.Seal(iana.RecordApplicationData, payload))
			r.Fill(func(p []byte) (int, error) { return recv(p[:100]) })
			r.Release()
			read(nil)
		}},
		{"reading exactly", func() {
			flush(w.Seal(iana.RecordApplicationData, payload))
			r.SetReadAhead(0)
			read(nil)
			r.SetReadAhead(-1)
		}},
	} {
		tt.run()
		if n := testing.AllocsPerRun(200, tt.run); n != 0 {
			t.Errorf("%s: %v allocations", tt.sentence, n)
		}
		if r.buf != nil || w.buf != nil {
			t.Errorf("%s: an idle Reader or Writer holds a buffer", tt.sentence)
		}
	}
}
