package handshake

import "github.com/s2ngo/s2ngo/iana"

// state is one point of a handshake: what it waits for, and all that is known there. A
// state that is left is never entered again.
type state interface {
	// accepts says which messages may come now.
	accepts() msgSet
	// next takes one of them, whole and with its header, lent until it returns.
	next(m *Machine, msg []byte) (state, error)
}

// mover is a state that goes on by itself.
type mover interface {
	state
	move(m *Machine) (state, error)
}

// msgSet is a set of handshake messages. Its highest bit says that keys change after
// each of them, so that nothing may follow in the same record (RFC 8446, Section 5.1).
type msgSet uint64

const last msgSet = 1 << 63

// changeCipherSpec stands for the record of TLS 1.2 in sets of messages. Its number is not
// assigned; a message that bears it is never accepted.
const changeCipherSpec iana.Message = 62

func only(types ...iana.Message) (s msgSet) {
	for _, t := range types {
		s |= 1 << t
	}
	return s
}

func (s msgSet) has(t iana.Message) bool { return t < 63 && s>>t&1 == 1 }

// String lists the messages of the set.
func (s msgSet) String() string {
	text := ""
	for t := range iana.Message(63) {
		if s.has(t) {
			if text != "" {
				text += " or "
			}
			if t == changeCipherSpec {
				text += "change_cipher_spec"
				continue
			}
			text += t.String()
		}
	}
	if text == "" {
		return "no message"
	}
	return text
}

// closed is the state after Close.
type closed struct{}

func (closed) accepts() msgSet                      { return 0 }
func (closed) next(*Machine, []byte) (state, error) { return nil, errClosed }
