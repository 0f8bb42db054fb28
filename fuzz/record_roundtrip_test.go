package fuzz

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/record"
)

// written is what a program has a Writer write.
type written struct {
	t     *testing.T
	setup recordSetup
	w     record.Writer
	out   []byte
	keys  []int // where in out each next key begins
	want  []run
	full  int // most content of a record now
	empty int // records without content
}

// run is content of one type, in as many records as it takes.
type run struct {
	t       iana.RecordType
	content []byte
}

// roundTrip lets a program write records, and reads what comes out.
func roundTrip(t *testing.T, b bits, program, pieces []byte) {
	setup := parseRecordSetup(b)
	setup.ccs, setup.plainAlert, setup.skipTrial, setup.skipType, setup.maxPlain, setup.rekeyAfter = record.CCSDeliver, false, false, false, 0, 0
	setup.fixedVersion = false
	x := &written{t: t, setup: setup, full: record.MaxPlaintext}
	if setup.suite != nil {
		x.w.SetSealer(setup.sealer(t, 0))
	}
	for p := (script{program}); p.more() && len(x.out)+x.w.Pending() < maxStream; {
		if !x.step(&p) {
			break
		}
	}
	x.flush(0, nil)
	x.read(&script{pieces})
	x.w.Close()
	if _, err := x.w.Seal(iana.RecordHandshake, []byte{1}); err != record.ErrClosed {
		t.Fatalf("Seal after Close: %v", err)
	}
}

// step does one instruction. It returns false when the Writer can do no more.
func (x *written) step(p *script) bool {
	switch op := p.byte(); op % 8 {
	case 0, 1, 2, 3:
		return x.seal(int(op%8), sealedType(p.byte()), p)
	case 4:
		n := p.uint16()
		x.w.SetMaxFragment(n)
		x.full = min(max(n, 1), record.MaxPlaintext)
		if got := x.w.MaxFragment(); got != x.full {
			x.t.Fatalf("a fragment of %d bytes became one of %d", n, got)
		}
	case 5:
		if pad := int(p.byte()); pad == 0 {
			x.w.SetPadding(nil)
		} else {
			x.w.SetPadding(func(n int) int { return (pad-128)*n + pad })
		}
	case 6:
		if x.setup.suite != nil {
			x.keys = append(x.keys, len(x.out)+x.w.Pending())
			x.w.SetSealer(x.setup.sealer(x.t, byte(len(x.keys))))
		}
	case 7:
		how := p.byte()
		if how&1 != 0 {
			x.w.Release()
		}
		return x.flush(max(p.size(), 1), [4]error{nil, record.ErrWouldBlock, errFault, nil}[how>>1&3])
	}
	return true
}

// seal has something sealed in one of the four ways.
func (x *written) seal(way int, t iana.RecordType, p *script) bool {
	content := x.content(&t, p)
	cut := min(int(p.byte()), len(content))
	parts := [][]byte{content[:cut], nil, content[cut:]}
	if cut%3 == 0 {
		parts = parts[:0:0]
		for c := range slices.Chunk(content, 1+cut) {
			if len(parts) == 20 {
				parts[19] = content[19*(1+cut):]
				break
			}
			parts = append(parts, c)
		}
	}
	all, before := len(content), x.w.Pending()
	var n int
	var err error
	switch way {
	case 0:
		n, err = x.w.Seal(t, content)
	case 1:
		n, err = x.w.Sealv(t, parts)
	case 2:
		all = min(all, x.full)
		n, err = x.w.SealRecord(t, content)
	case 3:
		all = min(all, x.full)
		n, err = x.w.SealRecordv(t, parts)
	}
	refused := len(content) == 0 && t != iana.RecordApplicationData || x.setup.suite == nil && t == iana.RecordApplicationData
	switch {
	case refused:
		if n != 0 || err == nil || x.w.Pending() != before {
			x.t.Fatalf("%d bytes of type %v were sealed: %d, %v", len(content), t, n, err)
		}
		return true
	case err == nil && n != all, n > all:
		x.t.Fatalf("sealed %d of %d bytes", n, all)
	case err != nil && x.setup.limit == 0:
		x.t.Fatal(err)
	}
	if n > 0 || err == nil {
		x.want = append(x.want, run{t, content[:n]})
	}
	return err == nil // else the key is used up
}

// content returns something of type t, or of another one, that a Reader welcomes.
func (x *written) content(t *iana.RecordType, p *script) []byte {
	switch *t {
	case iana.RecordChangeCipherSpec:
		return []byte{1}
	case iana.RecordAlert:
		if x.full >= 2 {
			return []byte{1, p.byte()}
		}
	case iana.RecordHandshake:
	case iana.RecordApplicationData:
		n := p.size()
		if n == 0 && x.setup.suite != nil {
			if x.empty++; x.empty > 32 {
				n = 1
			}
		}
		return filled(*t, n)
	}
	*t = iana.RecordHandshake
	return filled(*t, p.size())
}

// flush takes what is pending, most bytes at a time, and says err once.
func (x *written) flush(most int, fault error) bool {
	before := len(x.out)
	pending := x.w.Pending()
	err := x.w.Flush(func(p []byte) (int, error) {
		n := len(p)
		if most > 0 {
			n = min(n, most)
		}
		x.out = append(x.out, p[:n]...)
		return n, fault
	})
	if x.w.BytesOut() != uint64(len(x.out)) || x.w.Pending() != pending-(len(x.out)-before) {
		x.t.Fatalf("%d out of %d, %d pending of %d", x.w.BytesOut(), len(x.out), x.w.Pending(), pending)
	}
	if err == nil && x.w.Pending() > 0 || err != nil && err != fault || fault == nil && err != nil {
		x.t.Fatalf("Flush: %v with %d pending", err, x.w.Pending())
	}
	return true
}

// read wants everything back.
func (x *written) read(pieces *script) {
	r := x.setup.reader(x.t)
	defer r.Close()
	most := 0
	for at := 0; at < len(x.out); {
		n := record.HeaderLen + int(binary.BigEndian.Uint16(x.out[at+3:]))
		most = max(most, n)
		at += n
	}
	if most > record.HeaderLen+record.MaxCiphertext12 {
		x.t.Fatalf("a record of %d bytes", most)
	}
	rest, key := x.out, byte(0)
	var got []run
	for {
		for len(x.keys) > int(key) && r.BytesIn()-uint64(r.Buffered()) == uint64(x.keys[key]) {
			key++
			r.SetOpener(x.setup.opener(x.t, key))
		}
		rec, err := r.Next()
		if err == nil {
			if len(rec.Payload) > record.MaxPlaintext {
				x.t.Fatalf("a record of %d bytes", len(rec.Payload))
			}
			got = append(got, run{rec.Type, bytes.Clone(rec.Payload)})
			continue
		}
		if !errors.Is(err, record.ErrNeedMore) {
			x.t.Fatalf("what was written is refused: %v", err)
		}
		if len(rest) == 0 {
			break
		}
		size := max(pieces.size(), 1)
		if !pieces.more() {
			size = len(rest)
		}
		if _, err := r.Fill(func(p []byte) (int, error) {
			n := copy(p, rest[:min(size, len(rest))])
			rest = rest[n:]
			return n, nil
		}); err != nil {
			x.t.Fatal(err)
		}
	}
	if !r.Aligned() {
		x.t.Fatal("the last record is not whole")
	}
	if got, want := joined(got), joined(x.want); !slices.EqualFunc(got, want, func(a, b run) bool { return a.t == b.t && bytes.Equal(a.content, b.content) }) {
		x.t.Fatalf("wrote %d runs, read %d, or others", len(want), len(got))
	}
}

// joined puts neighbours of one type together, and drops what is empty.
func joined(runs []run) (out []run) {
	for _, r := range runs {
		switch n := len(out); {
		case len(r.content) == 0:
		case n > 0 && out[n-1].t == r.t:
			out[n-1].content = append(out[n-1].content, r.content...)
		default:
			out = append(out, run{r.t, bytes.Clone(r.content)})
		}
	}
	return out
}
