package fuzz

import (
	"bytes"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/s2ngo/s2ngo/conn"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/record"
)

// FuzzConn calls the methods of a Conn in any order. setup configures it and its peer,
// calls are what its application, its peer and the network do, answers are what hooks do,
// faults what its callbacks return. Whatever happens, every method returns, and returns
// what it may: an error of one kind, a status that its callbacks account for, data that
// the peer has sent, io.EOF only behind close_notify. If nobody did anything wrong, the
// connection works in the end.
func FuzzConn(f *testing.F) {
	f.Fuzz(func(t *testing.T, setup uint32, calls, answers, faults []byte) {
		goroutines := runtime.NumGoroutine()
		k := newTalk(t, setup, answers, faults)
		n := script{calls}
		for range maxInstructions {
			if !n.more() {
				break
			}
			k.step(&n)
			if !k.forged && k.peer.broken == errFollows {
				t.Fatal("the Conn goes on behind close_notify or a fatal alert")
			}
		}
		k.finish()
		for range 100 {
			if runtime.NumGoroutine() <= goroutines {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Fatalf("%d goroutines are left of %d", runtime.NumGoroutine(), goroutines)
	})
}

// step does one instruction.
func (k *talk) step(n *script) {
	p := k.peer
	switch op := n.byte(); op & 63 {
	case 0, 1, 2: // both as they should
		k.negotiate()
		p.pump()
	case 3:
		k.negotiate()
	case 4:
		p.pump()
	case 5:
		k.reply(n.byte())
	case 6:
		k.send(n.size())
	case 7:
		k.sendv(n.size(), int(n.byte()))
	case 8:
		k.recv(n.size())
	case 9:
		k.flush()
	case 10:
		k.peek()
	case 11:
		k.shutdown()
	case 12:
		k.shutdownSend()
	case 13:
		k.updateKeys(n.byte()&1 == 1)
	case 14:
		k.renegotiate()
	case 15:
		k.close()
	case 16:
		k.reset(n.byte())
	case 17:
		k.change(n.byte())
	case 18:
		k.misapply()
	case 19: // time passes
		if k.asked != nil && !k.asked.answered() && len(k.timers) > 0 {
			k.willful = true
		}
		timers := k.timers
		k.timers = nil
		for _, f := range timers {
			f()
		}
	case 20:
		k.checkState()

	case 21: // what a peer may do
		p.data(n.size())
		p.flush()
	case 22:
		k.unasked(func() { p.keyUpdate(n.byte()&1 == 1) })
	case 23:
		k.unasked(p.unasked)
	case 24:
		p.w.SetMaxFragment(n.uint16())
	case 25:
		pad := int(n.byte())
		p.w.SetPadding(func(int) int { return pad })
	case 26:
		if p.done && !p.ended {
			p.alert(1, iana.CloseNotify)
			p.flush()
		}
	case 27: // what a peer and a network must not
		k.dishonest = true
		p.alert(n.byte(), iana.Alert(n.byte()))
		p.flush()
	case 28:
		k.dishonest = true
		p.send(iana.RecordType(n.byte()), bytes.Clone(n.bytes(n.size())))
		p.flush()
	case 29:
		k.dishonest = true
		at, value := n.uint16(), n.byte()
		p.change = func(msgs []byte) []byte {
			if at < len(msgs) {
				msgs[at] ^= value
			}
			return msgs
		}
	case 30:
		k.dishonest = true
		at, more := n.uint16(), bytes.Clone(n.bytes(n.size()))
		p.change = func(msgs []byte) []byte { return slices.Insert(msgs, min(at, len(msgs)), more...) }
	case 31:
		k.dishonest = true
		p.change = func(msgs []byte) []byte { return msgs[:messageEnd(msgs)] }
	default:
		k.tamper(op&63, n)
	}
}

// unasked has the peer send something that a Conn takes at any time, but not too often.
func (k *talk) unasked(send func()) {
	if k.peer.done && k.peer.posted < 20 {
		k.peer.posted++
		send()
		k.peer.flush()
	}
}

// tamper does something to the bytes on the wire.
func (k *talk) tamper(op byte, n *script) {
	l := &k.toConn
	if op&1 == 1 {
		l = &k.toPeer
		k.forged = k.forged || op >= 40
	}
	switch op &^ 1 {
	case 32: // pieces, which is no harm: the Conn reads what there is
		k.peer.pump()
		k.recv(1)
		return
	case 34: // the end
		k.io.failed = true
		k.toConn.end = errEOF
		return
	case 36:
		k.io.failed = true
		k.toConn.end = errFault
		return
	case 38: // it goes on
		k.toConn.end = nil
		return
	}
	k.dishonest = true
	at := n.uint16()
	switch op &^ 1 {
	case 40, 42, 44:
		if at < len(l.bytes) {
			l.bytes[at] ^= 1 << (n.byte() & 7)
		}
	case 46:
		l.bytes = slices.Insert(l.bytes, min(at, len(l.bytes)), n.bytes(n.size())...)
	case 48:
		at = min(at, len(l.bytes))
		l.bytes = slices.Delete(l.bytes, at, min(at+n.size(), len(l.bytes)))
	case 50: // lose a record
		l.bytes = l.bytes[recordEnd(l.bytes):]
	case 52: // a record twice
		l.bytes = append(l.bytes[:recordEnd(l.bytes):recordEnd(l.bytes)], l.bytes...)
	case 54: // two records in the other order
		one := recordEnd(l.bytes)
		two := one + recordEnd(l.bytes[one:])
		l.bytes = slices.Concat(l.bytes[one:two], l.bytes[:one], l.bytes[two:])
	case 56: // a record of anybody's
		body := n.bytes(n.size())
		l.bytes = slices.Insert(l.bytes, 0, append([]byte{byte(at), 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)...)
	case 58: // nothing more comes
		l.bytes = nil
	default: // the beginning of a record as it likes
		if at&0xff < len(l.bytes) && at&0xff < record.HeaderLen {
			l.bytes[at&0xff] = byte(at >> 8)
		}
	}
}

// recordEnd returns where the first record ends, or 0 if it is not whole.
func recordEnd(b []byte) int {
	if len(b) < record.HeaderLen {
		return 0
	}
	n := record.HeaderLen + int(b[3])<<8 + int(b[4])
	if n > len(b) {
		return 0
	}
	return n
}

// misapply gives the Conn operations that are not its own.
func (k *talk) misapply() {
	if err := k.c.Apply(nil); err == nil {
		k.t.Fatal("Apply(nil) is no error")
	}
	op := anyOperation(k.t)
	if err := k.c.Apply(op); !is(err, conn.ErrUsage) {
		k.t.Fatalf("Apply of an operation without an output: %v", err)
	}
	if err := op.SetOutput(fakeSignature); err != nil {
		k.t.Fatal(err)
	}
	if err := k.c.Apply(op); !is(err, conn.ErrUsage) {
		k.t.Fatalf("Apply of another connection's operation: %v", err)
	}
	for _, q := range k.past {
		q.checkGone(k.t)
	}
}
