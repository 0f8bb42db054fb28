package transcript

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"testing"

	"github.com/s2ngo/s2ngo/testvectors"
)

var hashes = []crypto.Hash{crypto.SHA256, crypto.SHA384}

func sum(h crypto.Hash, messages ...[]byte) []byte {
	d := h.New()
	for _, m := range messages {
		d.Write(m)
	}
	return d.Sum(nil)
}

func start(t *testing.T, tr *Transcript, h crypto.Hash) {
	t.Helper()
	if err := tr.Start(h); err != nil {
		t.Fatal(err)
	}
}

// TestSum starts the hash before, between and after the messages.
func TestSum(t *testing.T) {
	messages := [][]byte{[]byte("ClientHello"), []byte("ServerHello"), bytes.Repeat([]byte("Certificate"), 300), {}, []byte("Finished")}
	for _, h := range hashes {
		for at := range len(messages) + 1 {
			for _, lend := range []bool{false, true} {
				var tr Transcript
				for i := range len(messages) + 1 {
					if i == at {
						start(t, &tr, h)
					}
					if i >= at {
						got, want := tr.Sum(), sum(h, messages[:i]...)
						if !bytes.Equal(got, want) {
							t.Errorf("%v, started at %d, lent %v: sum of %d messages %x, want %x", h, at, lend, i, got, want)
						}
						got, want = tr.SumWith([]byte("extra")), sum(h, append(messages[:i:i], []byte("extra"))...)
						if !bytes.Equal(got, want) {
							t.Errorf("%v, started at %d: sum of %d messages and extra %x, want %x", h, at, i, got, want)
						}
					}
					switch {
					case i == len(messages):
					case lend:
						tr.Lend(messages[i])
					default:
						tr.Add(messages[i])
					}
				}
				if tr.Hash() != h {
					t.Errorf("Hash() = %v, want %v", tr.Hash(), h)
				}
			}
		}
	}
}

// TestOwnership changes what Add was given, and asks that nothing is written behind what Lend was given.
func TestOwnership(t *testing.T) {
	var tr Transcript
	msg := []byte("ClientHello")
	tr.Add(msg)
	clear(msg)
	start(t, &tr, crypto.SHA256)
	if want := sum(crypto.SHA256, []byte("ClientHello")); !bytes.Equal(tr.Sum(), want) {
		t.Error("Add keeps a reference")
	}

	tr.Clear()
	buf := []byte("ClientHello and more")
	tr.Lend(buf[:11])
	tr.Add([]byte("Second"))
	start(t, &tr, crypto.SHA256)
	if string(buf) != "ClientHello and more" {
		t.Errorf("Add writes into the lent buffer: %q", buf)
	}
	if want := sum(crypto.SHA256, []byte("ClientHelloSecond")); !bytes.Equal(tr.Sum(), want) {
		t.Error("sum of a lent and an added message is wrong")
	}
}

func TestLimit(t *testing.T) {
	big := make([]byte, Limit+1)
	for _, c := range []struct {
		name string
		add  func(tr *Transcript)
		err  error
	}{
		{"exactly the limit", func(tr *Transcript) { tr.Add(big[:Limit]) }, nil},
		{"the limit in two", func(tr *Transcript) { tr.Add(big[:Limit-1]); tr.Add(big[:1]) }, nil},
		{"the limit, lent", func(tr *Transcript) { tr.Lend(big[:Limit]) }, nil},
		{"one byte more", func(tr *Transcript) { tr.Add(big) }, ErrLimit},
		{"one byte more, lent", func(tr *Transcript) { tr.Lend(big) }, ErrLimit},
		{"one byte more in two", func(tr *Transcript) { tr.Add(big[:Limit]); tr.Add(big[:1]) }, ErrLimit},
		{"too much, then little", func(tr *Transcript) { tr.Add(big); tr.Add(big[:1]) }, ErrLimit},
		{"too much, then little lent", func(tr *Transcript) { tr.Add(big); tr.Lend(big[:1]) }, ErrLimit},
	} {
		var tr Transcript
		c.add(&tr)
		if err := tr.Start(crypto.SHA256); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
		if len(tr.kept) > Limit {
			t.Errorf("%s: %d bytes kept", c.name, len(tr.kept))
		}
		if c.err != nil && !panics(func() { tr.Sum() }) {
			t.Errorf("%s: has a sum", c.name)
		}
	}
	if want := fmt.Sprint(Limit); !bytes.Contains([]byte(ErrLimit.Error()), []byte(want)) {
		t.Errorf("%q does not name the limit, %s", ErrLimit, want)
	}

	var tr Transcript
	start(t, &tr, crypto.SHA256)
	for range 3 { // no limit after Start: nothing is kept
		tr.Add(big)
	}
	if want := sum(crypto.SHA256, big, big, big); !bytes.Equal(tr.Sum(), want) {
		t.Error("sum of many bytes is wrong")
	}
}

func TestStartAgain(t *testing.T) {
	var tr Transcript
	tr.Add([]byte("ClientHello"))
	start(t, &tr, crypto.SHA384)
	before := bytes.Clone(tr.Sum())
	start(t, &tr, crypto.SHA384)
	if err := tr.Start(crypto.SHA256); !errors.Is(err, ErrHash) {
		t.Errorf("another hash: %v", err)
	}
	if !bytes.Equal(tr.Sum(), before) {
		t.Error("a second Start changed the sum")
	}
}

// TestHelloRetry takes ClientHello1 away on both sides: the server starts with the hash, the client
// learns it from the HelloRetryRequest.
func TestHelloRetry(t *testing.T) {
	hello, rest := []byte("ClientHello1"), []byte("HelloRetryRequest")
	for _, h := range hashes {
		want := sum(h, []byte{254, 0, 0, byte(h.Size())}, sum(h, hello), rest)
		var server, client Transcript
		start(t, &server, h)
		server.Add(hello)
		client.Add(hello)
		start(t, &client, h)
		for name, tr := range map[string]*Transcript{"server": &server, "client": &client} {
			tr.HelloRetry()
			tr.Add(rest)
			if got := tr.Sum(); !bytes.Equal(got, want) {
				t.Errorf("%v, %s: %x, want %x", h, name, got, want)
			}
		}
	}
}

// TestRFC8448 compares with the hash after the server's last ServerHello of each trace, Section 5 with
// a HelloRetryRequest.
func TestRFC8448(t *testing.T) {
	for section := 3; section <= 7; section++ {
		trace, err := testvectors.RFC8448(section)
		if err != nil {
			t.Fatal(err)
		}
		var tr Transcript
		hellos := 0
		for _, m := range trace.Messages() {
			if m.Data[0] > 2 {
				break
			}
			if hellos++; hellos == 2 {
				start(t, &tr, crypto.SHA256)
				if section == 5 {
					tr.HelloRetry()
				}
			}
			tr.Add(m.Data)
		}
		want := trace.Values("server", `derive secret "tls13 c hs traffic"`, "hash")[0]
		if got := tr.Sum(); !bytes.Equal(got, want) {
			t.Errorf("section %d: %x, want %x", section, got, want)
		}
	}
}

func TestClear(t *testing.T) {
	var tr Transcript
	tr.Add([]byte("ClientHello"))
	start(t, &tr, crypto.SHA256)
	tr.Sum()
	tr.Clear()
	if tr.digest != nil || tr.kept != nil || tr.hash != 0 || tr.sum != (Transcript{}).sum {
		t.Errorf("after Clear: %+v", tr)
	}
	tr.Add([]byte("again"))
	start(t, &tr, crypto.SHA384)
	if want := sum(crypto.SHA384, []byte("again")); !bytes.Equal(tr.Sum(), want) {
		t.Error("a cleared Transcript does not begin again")
	}
	new(Transcript).Clear()
}

func TestUseBeforeStart(t *testing.T) {
	for name, f := range map[string]func(*Transcript){
		"Sum":        func(tr *Transcript) { tr.Sum() },
		"SumWith":    func(tr *Transcript) { tr.SumWith(nil) },
		"HelloRetry": func(tr *Transcript) { tr.HelloRetry() },
	} {
		if !panics(func() { f(new(Transcript)) }) {
			t.Errorf("%s before Start: no panic", name)
		}
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}
