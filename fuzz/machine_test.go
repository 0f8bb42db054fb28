package fuzz

import (
	"bytes"
	"slices"
	"testing"

	"github.com/s2ngo/s2ngo/handshake"
)

// FuzzMachine lets a client and a server Machine talk. setup configures both, network says
// what becomes of their messages on the way, answers what their applications reply when
// they are asked. Whatever happens, neither panics nor goes on after an error, and neither
// is done unless both have heard what the other said. If nothing was done to the messages,
// both are done in the end.
func FuzzMachine(f *testing.F) {
	f.Fuzz(func(t *testing.T, setup uint32, network, answers []byte) {
		d := newDuel(t, bits(setup), &script{answers})
		d.start()
		n := script{network}
		for range maxInstructions {
			if !n.more() {
				break
			}
			d.step(&n)
		}
		d.settle()
		d.client.close()
		d.server.close()
	})
}

const maxInstructions = 200

// step does one instruction to what is on the way to a side, or to the side.
func (d *duel) step(n *script) {
	op := n.byte()
	s := d.server
	if op>>7 == 1 {
		s = d.client
	}
	way := d.way(s)
	switch op & 31 {
	case 0, 1: // both as they should, for a while
		d.deliver(d.server, -1)
		d.deliver(d.client, -1)
	case 2: // deliver
		d.deliver(s, -1)
	case 3: // deliver a part
		d.deliver(s, n.size())
	case 4: // answer what is asked
		s.reply(n.byte())
		s.advance()
	case 5:
		s.m.Idle()
	case 6:
		if !s.closed {
			s.close()
		}
	case 7:
		if !s.closed {
			s.willful = true
			s.check(s.m.Abort(errApplication))
		}
	case 8:
		s.m.GotApplicationData()
	case 9: // two records become one
		if w := *way; len(w) > 1 && w[0].epoch == w[1].epoch && !w[0].ccs && !w[1].ccs {
			d.tampered = d.tampered || s.other.done
			w[1].data = append(w[0].data, w[1].data...)
			*way = w[1:]
		}
	case 10: // s's peer changes its key
		d.keyUpdate(s.other, n.byte()&1 == 1)
	case 11: // s's peer says something that nobody asked for
		d.unasked(s.other)
	case 12: // deliver, even while s waits
		if len(*way) > 0 {
			d.tampered = d.tampered || s.open()
			d.push(s, n.size())
		}
	default:
		d.tamper(s, way, op&31, n)
	}
}

// tamper does what a network does not do by itself.
func (d *duel) tamper(s *side, way *[]unit, op byte, n *script) {
	d.tampered = true
	w := *way
	if op == 31 || len(w) == 0 { // anything
		epoch := handshake.Epoch(n.byte() % 3)
		if epoch == 0 {
			epoch = s.m.ReadEpoch()
		}
		*way = slices.Insert(w, 0, unit{epoch: epoch, data: bytes.Clone(n.bytes(n.size()))})
		return
	}
	first := &w[0]
	at := n.uint16()
	switch op {
	case 13, 14: // lose one
		*way = w[1:]
	case 15: // twice
		again := *first
		again.data = bytes.Clone(first.data)
		*way = slices.Insert(w, 0, again)
	case 16: // in another order
		i := at % len(w)
		w[0], w[i] = w[i], w[0]
	case 17: // in another epoch
		first.epoch = handshake.Epoch(at % 3)
	case 18, 19, 20: // a bit is another
		if op == 20 { // near the end
			at = len(first.data) - 1 - at
		}
		if at >= 0 && at < len(first.data) {
			first.data[at] ^= 1 << (n.byte() & 7)
		}
	case 21, 22: // a byte is another
		if at < len(first.data) {
			first.data[at] = n.byte()
		}
	case 23: // something less
		at = min(at, len(first.data))
		first.data = slices.Delete(first.data, at, min(at+n.size(), len(first.data)))
	case 24: // something more
		first.data = slices.Insert(first.data, min(at, len(first.data)), n.bytes(n.size())...)
	case 25: // the length in its header is right again
		setLength(first.data)
	case 26: // or wrong
		if len(first.data) >= 4 {
			first.data[2], first.data[3] = byte(at>>8), byte(at)
		}
	case 27: // something more at the end, in the length as well
		first.data = append(first.data, n.bytes(n.size())...)
		setLength(first.data)
	case 28: // what the receiver has said itself
		said := s.sent[first.epoch]
		*way = slices.Insert(w, 0, unit{epoch: first.epoch, data: bytes.Clone(said[:min(at, len(said))])})
	case 29: // the record's second message comes first
		one := messageEnd(first.data)
		two := messageEnd(first.data[one:])
		first.data = slices.Concat(first.data[one:one+two], first.data[:one], first.data[one+two:])
	case 30: // the record's first message is lost
		first.data = first.data[messageEnd(first.data):]
	}
}

// setLength makes the bytes one message.
func setLength(data []byte) {
	if n := len(data) - 4; n >= 0 {
		data[1], data[2], data[3] = byte(n>>16), byte(n>>8), byte(n)
	}
}
