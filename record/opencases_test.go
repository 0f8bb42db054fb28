package record

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// openCase is a record that a CBC opener must not spend another time on than on any other of its
// group.
type openCase struct {
	group, name string
	record      []byte
	good        bool
}

// casesOf returns records whose plaintext, with MAC and padding, has total bytes, and which differ
// by all that is secret: of each number of bytes of padding between 0 and 255 a good one, if so
// many fit, one whose MAC is wrong and one whose padding is wrong; step leaves some out.
func casesOf(p *peer12, total, step int) (cases []openCase) {
	group := fmt.Sprintf("%v, %d bytes", p.suite.ID, total)
	add := func(good bool, fragment []byte, format string, args ...any) {
		cases = append(cases, openCase{group, fmt.Sprintf(format, args...), p.sealed(fragment), good})
	}
	for padding := 0; padding < 256; padding += step {
		n := total - p.suite.MACKeyLen - 1 - padding
		if n < 0 {
			add(false, bytes.Repeat([]byte{byte(padding)}, total), "padding of %d, which do not fit", padding)
			continue
		}
		content := bytes.Repeat([]byte{0x5a}, n)
		fragment := concat(content, p.mac(appData, content), bytes.Repeat([]byte{byte(padding)}, padding+1))
		add(true, fragment, "padding of %d", padding)

		wrong := n + padding%p.suite.MACKeyLen
		fragment[wrong] ^= 1
		add(false, fragment, "padding of %d, bad MAC", padding)
		fragment[wrong] ^= 1
		if padding > 0 {
			fragment[total-1-(padding+1)/2] ^= 0x80
			add(false, fragment, "padding of %d, bad padding", padding)
		}
	}
	return cases
}

// each calls f with each case, which is a copy in the same memory as the others: once more than
// there are cases, because the first call may have to wait for a larger stack. What is logged is
// read where the instructions of f are counted.
func each(t *testing.T, cases []openCase, f func(c *openCase, header, body []byte)) {
	buf := make([]byte, HeaderLen+MaxCiphertext12)
	warm := cases[0]
	warm.group = "first call"
	for _, c := range append([]openCase{warm}, cases...) {
		t.Logf("case %s: %s", c.group, c.name)
		record := buf[:copy(buf, c.record)]
		runtime.Gosched() // now, and not in the middle of f
		f(&c, record[:HeaderLen], record[HeaderLen:])
	}
}

// openEach calls openCT on each case.
func openEach(t *testing.T, p *peer12, cases []openCase) {
	o := p.cbcOpener(t)
	each(t, cases, func(c *openCase, header, body []byte) {
		o.seq = p.seq
		if _, good := o.openCT(header, body); (good == 1) != c.good {
			t.Errorf("%s: %s: good is %d", c.group, c.name, good)
		}
	})
}

// everyCase are the groups of which the instructions are counted: all of a record that may be
// padding, one that is shorter, and one of the longest.
func everyCase(p *peer12) []openCase {
	cases := casesOf(p, 512, 1)
	cases = append(cases, casesOf(p, 96, 5)...)
	return append(cases, casesOf(p, 16640, 85)...)
}

// TestOpenCases opens everyCase, each by one call of openCT. internal/interop counts what it costs.
func TestOpenCases(t *testing.T) {
	for _, id := range cbcCiphers {
		p := newPeer12(id)
		openEach(t, p, everyCase(p))
	}
}

// TestOpenTraceCases opens some cases three times over, with the ciphers that are constant in time
// themselves, which 3DES is not: its tables are read by secret indices. internal/interop
// compares all that can be seen of each call.
func TestOpenTraceCases(t *testing.T) {
	for _, id := range cbcCiphers {
		if id == iana.TLS_RSA_WITH_3DES_EDE_CBC_SHA {
			continue
		}
		p := newPeer12(id)
		cases := append(casesOf(p, 320, 85), casesOf(p, 96, 37)...)
		openEach(t, p, append(append(cases, cases...), cases...))
	}
}

// naiveEach calls naiveOpen on each case.
func naiveEach(t *testing.T, p *peer12, cases []openCase) {
	o := p.cbcOpener(t)
	each(t, cases, func(c *openCase, header, body []byte) {
		o.mode.SetIV(body[:o.block])
		body = body[o.block:]
		o.mode.CryptBlocks(body, body)
		if _, err := naiveOpen(p, iana.RecordType(header[0]), body); (err == nil) != c.good {
			t.Errorf("%s: %s: %v", c.group, c.name, err)
		}
	})
}

// TestNaiveCases opens everyCase of one cipher the naive way, to show that counting instructions
// tells the difference.
func TestNaiveCases(t *testing.T) {
	p := newPeer12(iana.TLS_RSA_WITH_AES_128_CBC_SHA)
	naiveEach(t, p, everyCase(p))
}

// TestNaiveTraceCases opens cases of one cipher the naive way, to show that comparing traces tells
// the difference.
func TestNaiveTraceCases(t *testing.T) {
	p := newPeer12(iana.TLS_RSA_WITH_AES_128_CBC_SHA)
	naiveEach(t, p, append(casesOf(p, 320, 85), casesOf(p, 96, 37)...))
}
