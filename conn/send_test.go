package conn

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"

	"github.com/s2ngo/s2ngo/iana"
)

// faucet is the sending end of a wire that takes bytes while there is room.
type faucet struct {
	room  int
	to    SendFunc
	calls [][]byte // what each call was offered
	taken []byte
}

func (f *faucet) send(p []byte) (int, error) {
	f.calls = append(f.calls, bytes.Clone(p))
	n := min(len(p), f.room)
	f.room -= n
	f.taken = append(f.taken, p[:n]...)
	if n > 0 {
		if _, err := f.to(p[:n]); err != nil {
			return 0, err
		}
		return n, nil
	}
	return 0, ErrWouldBlock
}

// throttled puts a faucet between p's client and its server.
func throttled(p *pair) *faucet {
	f := &faucet{to: p.client.send}
	p.client.send = f.send
	return f
}

// records cuts a stream of sealed records and returns the lengths of their content.
func records(t testing.TB, stream []byte) (sizes []int) {
	t.Helper()
	for len(stream) > 0 {
		if len(stream) < 5 || iana.RecordType(stream[0]) != iana.RecordApplicationData {
			t.Fatalf("% x is no record", stream[:min(len(stream), 5)])
		}
		n := int(stream[3])<<8 | int(stream[4])
		sizes = append(sizes, n-17)
		stream = stream[5+n:]
	}
	return sizes
}

const sealedOverhead = 5 + 1 + 16

// What Send says about a wire that takes little.
func TestSendOnAFullWire(t *testing.T) {
	cfg := quick(clientConfig())
	cfg.RecordSize = 1000
	p := established(t, cfg, quick(serverConfig(t)))
	f := throttled(p)
	data := bytes.Repeat([]byte("0123456789"), 250) // two records and a half
	step := func(what string, got func() (int, Blocked, error), n int, b Blocked) {
		t.Helper()
		gotN, gotB, err := got()
		if gotN != n || gotB != b || err != nil {
			t.Fatalf("%s: %d, %v, %v, want %d, %v", what, gotN, gotB, err, n, b)
		}
	}
	flush := func() (int, Blocked, error) { b, err := p.client.Flush(); return 0, b, err }

	step("nothing is pending", flush, 0, NotBlocked)
	step("no room: the first record is taken", func() (int, Blocked, error) { return p.client.Send(data) }, 1000, BlockedOnWrite)
	if n := p.client.wr.Pending(); n != 1000+sealedOverhead {
		t.Fatalf("%d bytes are queued", n)
	}
	step("nothing more is taken", func() (int, Blocked, error) { return p.client.Send(data[1000:]) }, 0, BlockedOnWrite)
	step("an empty Send does nothing", func() (int, Blocked, error) { return p.client.Send(nil) }, 0, NotBlocked)
	step("Flush waits, too", flush, 0, BlockedOnWrite)
	f.room = 1000 + sealedOverhead + 100
	step("the second record is taken", func() (int, Blocked, error) { return p.client.Send(data[1000:]) }, 1000, BlockedOnWrite)
	f.room = 1000
	step("the rest is taken, and waits", func() (int, Blocked, error) { return p.client.Send(data[2000:]) }, 500, BlockedOnWrite)
	f.room = 1 << 20
	step("Flush gets it out", flush, 0, NotBlocked)
	step("nothing is left", flush, 0, NotBlocked)
	wantRecv(t, p.server, string(data))
	if got := records(t, f.taken); fmt.Sprint(got) != "[1000 1000 500]" {
		t.Errorf("the records hold %v bytes", got)
	}
	if s := p.client.State(); s.AppOut != 2500 || s.WireOut != p.server.State().WireIn {
		t.Errorf("the counters say %d and %d bytes", s.AppOut, s.WireOut)
	}
	for i, call := range f.calls {
		if !bytes.Contains(f.taken, call) {
			t.Errorf("call %d offers bytes that are not the next ones", i)
		}
	}
}

// Bytes that Send has taken are the connection's: the caller may change them at once.
func TestSendKeepsNothingOfTheCallers(t *testing.T) {
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	f := throttled(p)
	data := []byte("the original")
	if n, b, err := p.client.Send(data); n != len(data) || b != BlockedOnWrite || err != nil {
		t.Fatal(n, b, err)
	}
	copy(data, "overwritten!")
	f.room = 1000
	if b, err := p.client.Flush(); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
	wantRecv(t, p.server, "the original")
}

// Config.RecordSize and SendBufferSize decide how much one record holds, and how much is
// written at once and queued at most.
func TestRecordAndBufferSizes(t *testing.T) {
	for _, c := range []struct {
		name         string
		size, buffer int
		data         int
		records      string
		calls        int
	}{
		{"the default", 0, 0, 20000, "[8087 8087 3826]", 3},
		{"throughput", ThroughputRecordSize, 0, 20000, "[16384 3616]", 2},
		{"low latency", LowLatencyRecordSize, 0, 3000, "[1435 1435 130]", 3},
		{"1 byte", 1, 0, 3, "[1 1 1]", 3},
		{"a buffer for all of it", 1000, 1 << 20, 4500, "[1000 1000 1000 1000 500]", 1},
		{"a buffer for two records", 1000, 2 * (1000 + sealedOverhead), 4500, "[1000 1000 1000 1000 500]", 3},
		{"a buffer one byte short of two full records", 1000, 2*(1000+sealedOverhead) - 1, 4500, "[1000 1000 1000 1000 500]", 4},
		{"a buffer smaller than a record", 1000, 10, 2500, "[1000 1000 500]", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := quick(clientConfig())
			cfg.RecordSize, cfg.SendBufferSize = c.size, c.buffer
			p := established(t, cfg, quick(serverConfig(t)))
			f := throttled(p)
			f.room = 1 << 20
			data := bytes.Repeat([]byte{7}, c.data)
			mustSend(t, p.client, string(data))
			wantRecv(t, p.server, string(data))
			if got := fmt.Sprint(records(t, f.taken)); got != c.records || len(f.calls) != c.calls {
				t.Errorf("records of %v bytes in %d calls, want %v in %d", got, len(f.calls), c.records, c.calls)
			}
			most := c.buffer
			if c.size > 0 {
				most = max(most, c.size+sealedOverhead)
			} else {
				most = max(most, DefaultRecordSize+sealedOverhead)
			}
			f.room = 0
			if _, b, err := p.client.Send(data); b != BlockedOnWrite || err != nil {
				t.Fatal(b, err)
			}
			if n := p.client.wr.Pending(); n > most {
				t.Errorf("%d bytes are queued, more than %d", n, most)
			}
			f.room = 1 << 20
			if b, err := p.client.Shutdown(); b != BlockedOnRead || err != nil {
				t.Fatalf("Shutdown: %v, %v", b, err)
			}
			if _, err := recvError(t, p.server); err != io.EOF {
				t.Errorf("the end is %v", err)
			}
		})
	}
}

// Sendv sends the concatenation, whatever the pieces, and leaves the list alone.
func TestSendvIsSendOfTheConcatenation(t *testing.T) {
	for seed := range uint64(rounds(100)) {
		rng := rand.New(rand.NewPCG(seed, 4))
		var whole []byte
		var pieces net.Buffers
		for range rng.IntN(12) {
			piece := make([]byte, rng.IntN([]int{1, 2, 30, 3000}[rng.IntN(4)]))
			for i := range piece {
				piece[i] = byte(rng.Uint32())
			}
			whole, pieces = append(whole, piece...), append(pieces, piece)
		}
		before := make(net.Buffers, len(pieces))
		for i := range pieces {
			before[i] = bytes.Clone(pieces[i])
		}
		var streams [2][]byte
		size := 1 + rng.IntN(2000)
		for i := range streams {
			cfg, server := quick(clientConfig()), quick(serverConfig(t))
			cfg.RecordSize, cfg.rand, server.rand = size, stream("c"), stream("s")
			p := established(t, cfg, server)
			f := throttled(p)
			sent := 0
			for sent < len(whole) {
				f.room = 1 + rng.IntN(5000)
				var n int
				var err error
				if i == 0 {
					n, _, err = p.client.Send(whole[sent:])
				} else {
					n, _, err = p.client.Sendv(advance(pieces, sent))
				}
				if err != nil {
					t.Fatal(err)
				}
				sent += n
			}
			f.room = 1 << 20
			if _, err := p.client.Flush(); err != nil {
				t.Fatal(err)
			}
			streams[i] = f.taken
			wantRecv(t, p.server, string(whole))
			p.client.Close()
			p.server.Close()
		}
		if !bytes.Equal(streams[0], streams[1]) {
			t.Fatalf("seed %d: Send and Sendv write different bytes", seed)
		}
		for i := range pieces {
			if !bytes.Equal(pieces[i], before[i]) {
				t.Fatalf("seed %d: buffer %d was changed", seed, i)
			}
		}
	}
}

func TestSendAndRecvBeforeTheirTime(t *testing.T) {
	p := newPair(t, quick(clientConfig()), quick(serverConfig(t)))
	for name, call := range map[string]func(c *Conn) error{
		"Send":       func(c *Conn) error { _, _, err := c.Send([]byte("x")); return err },
		"Sendv":      func(c *Conn) error { _, _, err := c.Sendv(net.Buffers{{1}}); return err },
		"Recv":       func(c *Conn) error { _, _, err := c.Recv(make([]byte, 1)); return err },
		"UpdateKeys": func(c *Conn) error { _, err := c.UpdateKeys(true); return err },
	} {
		for _, c := range []*Conn{p.client, p.server} {
			failure{kind: ErrUsage, text: name + " before the handshake is complete"}.check(t, name, call(c))
		}
	}
	if n := p.client.Peek(); n != 0 {
		t.Errorf("Peek says %d", n)
	}
	p.mustNegotiate(t)
	exchange(t, p.client, p.server, []byte("no harm was done"))
}

// Recv hands out what there is before it says how it ended.
func TestRecv(t *testing.T) {
	p := established(t, quick(clientConfig()), quick(serverConfig(t)))
	recv := func(size int, want string, b Blocked, err error) {
		t.Helper()
		buf := make([]byte, size)
		n, gotB, gotErr := p.server.Recv(buf)
		if string(buf[:n]) != want || gotB != b || gotErr != err {
			t.Fatalf("Recv(%d) = %q, %v, %v, want %q, %v, %v", size, buf[:n], gotB, gotErr, want, b, err)
		}
	}
	recv(10, "", BlockedOnRead, nil)
	recv(0, "", NotBlocked, nil)
	mustSend(t, p.client, "first record")
	mustSend(t, p.client, "second")
	mustSend(t, p.client, "third")
	if n := p.server.Peek(); n != 0 {
		t.Errorf("Peek says %d before anything is read", n)
	}
	recv(0, "", NotBlocked, nil)
	recv(5, "first", NotBlocked, nil)
	if n := p.server.Peek(); n != len(" record") {
		t.Errorf("Peek says %d", n)
	}
	recv(0, "", NotBlocked, nil)
	recv(9, " recordse", NotBlocked, nil)
	recv(100, "condthird", NotBlocked, nil)
	recv(100, "", BlockedOnRead, nil)
	mustSend(t, p.client, "last")
	if b, err := p.client.ShutdownSend(); b != NotBlocked || err != nil {
		t.Fatal(b, err)
	}
	recv(2, "la", NotBlocked, nil)
	recv(0, "", NotBlocked, nil)
	recv(100, "st", NotBlocked, nil)
	recv(100, "", NotBlocked, io.EOF)
	recv(0, "", NotBlocked, nil)
	recv(100, "", NotBlocked, io.EOF)
	if s := p.server.State(); !s.PeerClosed || s.AppIn != 27 {
		t.Errorf("the state says %v, %d bytes", s.PeerClosed, s.AppIn)
	}
}
