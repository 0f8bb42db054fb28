package record

import (
	"bytes"
	"crypto"
	"crypto/hmac"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// agree compares what the opener and the reference say of a record, which both must number seq,
// and returns whether it opens.
func agree(t *testing.T, o *cbcOpener, p *peer12, what string, record []byte) bool {
	t.Helper()
	seq := p.seq
	want, wantErr := p.open(record)
	typ, got, err := open1(o, seq, record)
	if (err == nil) != (wantErr == nil) || err == nil && (!bytes.Equal(got, want) || byte(typ) != record[0]) {
		t.Errorf("%s: opened %x, %v, want %x, %v", what, got, err, want, wantErr)
	}
	if err != nil {
		text := wantAlert(t, err, iana.BadRecordMAC)
		if want := fmt.Sprintf("record: record %d of %d bytes does not authenticate", seq, len(record)-HeaderLen); text != want {
			t.Errorf("%s: %q, want %q", what, text, want)
		}
	}
	return err == nil
}

// slow tells 3DES, which differs from the others by its block alone.
func slow(p *peer12) bool { return p.block().BlockSize() == 8 }

// sealed returns a fragment as a record, without counting it.
func (p *peer12) sealed(fragment []byte) []byte {
	defer func(seq uint64) { p.seq = seq }(p.seq)
	return p.encrypt(appData, bytes.Repeat([]byte{0x1f}, p.block().BlockSize()), fragment)
}

// TestEveryPadding opens records with every length of padding, behind contents of some lengths, and
// then with each byte of it wrong, the last included, which says the length.
func TestEveryPadding(t *testing.T) {
	for _, id := range cbcCiphers {
		t.Run(id.String(), func(t *testing.T) {
			p := newPeer12(id)
			o, block := p.cbcOpener(t), p.block().BlockSize()
			for padding := range 256 {
				n := block - 1 - (padding+p.suite.MACKeyLen)%block // completes a block
				for _, n := range []int{n, n + 16*block} {
					content := bytes.Repeat([]byte{byte(padding)}, n) // which looks like padding
					fragment := concat(content, p.mac(appData, content), bytes.Repeat([]byte{byte(padding)}, padding+1))
					if !agree(t, o, p, fmt.Sprintf("padding of %d", padding), p.sealed(fragment)) {
						t.Fatalf("padding of %d behind %d bytes does not open", padding, n)
					}
					if (n > block || slow(p)) && padding%16 != 15 {
						continue // some of these are enough
					}
					for i := range padding + 1 {
						at := len(fragment) - 1 - i
						fragment[at] ^= 1 << (i % 8)
						if agree(t, o, p, fmt.Sprintf("padding of %d, wrong at %d", padding, i), p.sealed(fragment)) {
							t.Fatalf("padding of %d, wrong at %d, opens", padding, i)
						}
						fragment[at] ^= 1 << (i % 8)
					}
				}
			}
		})
	}
}

// TestEveryLastByte gives the last byte each value over short and long plaintexts of zeros, of that
// value and of its complement, so that padding reaches into the MAC, before it and before the
// record. Where padding is good by chance, the MAC is not.
func TestEveryLastByte(t *testing.T) {
	for _, id := range cbcCiphers {
		p := newPeer12(id)
		o, block := p.cbcOpener(t), p.block().BlockSize()
		least := (p.suite.MACKeyLen + 1 + block - 1) / block
		for blocks := least; blocks <= 20; blocks++ {
			for last := range 256 {
				for _, fill := range []byte{0, byte(last), ^byte(last)} {
					fragment := bytes.Repeat([]byte{fill}, blocks*block)
					fragment[len(fragment)-1] = byte(last)
					if agree(t, o, p, fmt.Sprintf("%v: %d blocks of %d that end in %d", id, blocks, fill, last), p.sealed(fragment)) {
						t.Errorf("%v: %d blocks of %d that end in %d open", id, blocks, fill, last)
					}
				}
			}
		}
	}
}

// TestLengths refuses bodies that are too short or have no whole blocks, before it looks at
// them, and opens the shortest.
func TestLengths(t *testing.T) {
	for _, id := range cbcCiphers {
		p := newPeer12(id)
		o := p.cbcOpener(t)
		shortest := p.record(appData, nil, zeros(p.suite.ExplicitLen))
		p.seq = 0
		for n := range 300 {
			record := rawRecord(byte(appData), iana.TLS12, zeros(n))
			if n == len(shortest)-HeaderLen {
				record = shortest
			}
			if opens := agree(t, o, p, fmt.Sprintf("%v: %d bytes", id, n), record); opens != (n == len(shortest)-HeaderLen) {
				t.Errorf("%v: %d bytes open: %t", id, n, opens)
			}
		}
	}
}

// TestEveryContent seals and opens contents of every length a record may have, and reads what the
// last bytes of each say of its padding.
func TestEveryContent(t *testing.T) {
	plaintext := make([]byte, MaxPlaintext)
	for i := range plaintext {
		plaintext[i] = byte(i * 7)
	}
	for _, id := range cbcCiphers {
		t.Run(id.String(), func(t *testing.T) {
			p := newPeer12(id)
			s, o := p.sealer(t, nil), p.cbcOpener(t)
			step := 1
			if slow(p) {
				step = 509
			}
			for n := 0; n <= MaxPlaintext; n += step {
				counter(s).blocks = 0
				record, err := seal1(s, appData, plaintext[:n])
				if err != nil {
					t.Fatal(err)
				}
				body := record[HeaderLen:]
				if over := len(body) - n; over > s.Overhead() || over < o.Overhead() || headerLength(record) != len(body) {
					t.Fatalf("%d bytes become %d", n, len(body))
				}
				_, got, err := o.Open(record[:HeaderLen], body)
				if err != nil || !bytes.Equal(got, plaintext[:n]) {
					t.Fatalf("%d bytes: %v", n, err)
				}
			}
		})
	}
}

// TestRandomRecords compares opener and reference over records of random lengths that are wrong in
// random ways, or right.
func TestRandomRecords(t *testing.T) {
	r := rand.New(rand.NewPCG(5246, 6))
	for _, id := range cbcCiphers {
		p := newPeer12(id)
		o, opened := p.cbcOpener(t), 0
		for range 4000 {
			content := make([]byte, r.IntN(700))
			for i := range content {
				content[i] = byte(r.Uint32())
			}
			p.seq = r.Uint64() >> r.IntN(64)
			block := p.block().BlockSize()
			padding := p.padding(len(content), r.IntN(256/block))
			fragment := concat(content, p.mac(appData, content), padding)
			for range r.IntN(3) { // somewhere, or near the end
				at := r.IntN(len(fragment))
				if r.IntN(2) == 0 {
					at = len(fragment) - 1 - r.IntN(min(len(fragment), p.suite.MACKeyLen+4))
				}
				fragment[at] ^= byte(r.Uint32() >> r.IntN(32))
			}
			if agree(t, o, p, fmt.Sprintf("%v: fragment %x", id, fragment), p.sealed(fragment)) {
				opened++
			}
		}
		if opened < 1000 || opened > 3000 {
			t.Errorf("%v: %d records of 4000 open", id, opened)
		}
	}
}

// TestOfCT takes MACs of every length that is possible, between every two bounds there may be, and
// compares with crypto/hmac.
func TestOfCT(t *testing.T) {
	data := make([]byte, 900)
	for i := range data {
		data[i] = byte(i * 11)
	}
	header := []byte("number+header")
	for _, h := range []crypto.Hash{crypto.SHA1, crypto.SHA256, crypto.SHA384} {
		var m mac12
		if err := m.init(h, data[:h.Size()]); err != nil {
			t.Fatal(err)
		}
		ref := hmac.New(h.New, data[:h.Size()])
		var want []byte
		for n := range 640 {
			ref.Reset()
			ref.Write(header)
			ref.Write(data[:n])
			want = ref.Sum(want[:0])
			if got := m.of(header, data[:n]); !bytes.Equal(got, want) {
				t.Fatalf("%v of %d bytes: %x, want %x", h, n, got, want)
			}
			for _, bounds := range [][2]int{{n, n}, {0, n}, {max(0, n-255), n}, {n, n + 255}, {max(0, n-100), n + 155}, {0, n + 255}} {
				least, most := bounds[0], bounds[1]
				if got := m.ofCT(header, data[:most], n, least, most); !bytes.Equal(got, want) {
					t.Fatalf("%v of %d bytes between %d and %d: %x, want %x", h, n, least, most, got, want)
				}
			}
		}
	}
}

// TestMasks holds the two comparisons to what they say, at the ends of their range too.
func TestMasks(t *testing.T) {
	values := []uint32{0, 1, 2, 127, 128, 255, 256, 1<<16 - 1, 1 << 16, 1<<31 - 2, 1<<31 - 1}
	for _, a := range values {
		for _, b := range values {
			less, equal := uint32(0), uint32(0)
			if a < b {
				less = ^less
			}
			if a == b {
				equal = ^equal
			}
			if got := lessCT(a, b); got != less {
				t.Errorf("lessCT(%d, %d) = %#x", a, b, got)
			}
			if got := equalCT(a, b); got != equal {
				t.Errorf("equalCT(%d, %d) = %#x", a, b, got)
			}
		}
	}
}

// FuzzCBCOpen decrypts nothing but what it is given: fragment is the plaintext, and opener and
// reference must agree on it.
func FuzzCBCOpen(f *testing.F) {
	for i := range cbcCiphers {
		p := newPeer12(cbcCiphers[i])
		f.Add(byte(i), uint64(0), concat([]byte("content"), p.mac(appData, []byte("content")), p.padding(7, 0)))
		f.Add(byte(i), uint64(1<<40), concat(p.mac(appData, nil), p.padding(0, 3)))
		f.Add(byte(i), uint64(7), bytes.Repeat([]byte{255}, 512))
	}
	f.Fuzz(func(t *testing.T, which byte, seq uint64, fragment []byte) {
		p := newPeer12(cbcCiphers[int(which)%len(cbcCiphers)])
		p.seq = seq
		if block := p.block().BlockSize(); len(fragment)%block == 0 && len(fragment) <= MaxCiphertext12 && seq != ^uint64(0) {
			agree(t, p.cbcOpener(t), p, "", p.sealed(fragment))
		}
	})
}
