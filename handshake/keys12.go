package handshake

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/suite"
)

// The last eight bytes of the random of a server that knows a newer version than the
// one it chose (RFC 8446, Section 4.1.3).
const (
	downgradeTLS12 = "DOWNGRD\x01"
	downgradeTLS11 = "DOWNGRD\x00"
	// downgradeJDK11 is what servers on BoringSSL put there for Java 11, which they keep from TLS
	// 1.3: we are not that.
	downgradeJDK11 = "\xed\xbf\xb4\xa8\xc2\x47\x10\xff"
)

func downgraded(random []byte) bool {
	end := string(random[24:])
	return end == downgradeTLS12 || end == downgradeTLS11 || end == downgradeJDK11
}

// premasterLen is the length in bytes of the premaster secret of RSA key exchange (RFC
// 5246, Section 7.4.7.1).
const premasterLen = 48

// session12 is the secret side of a TLS 1.2 handshake, the same for both roles.
type session12 struct {
	serverRandom [32]byte
	extended     bool // extended_master_secret
	resumed      bool // the master secret is that of a session
	master       schedule.Master
	writeKeys    []byte // MAC key, key and IV for what we send, until it begins
	readKeys     []byte
	secure       bool     // the peer knows secure renegotiation
	wrote        [12]byte // verify_data of our Finished
	read         [12]byte // and of the peer's
}

func (s *session12) wipe() {
	s.master.Clear()
	clear(s.writeKeys)
	clear(s.readKeys)
}

// agree makes the keys of the premaster secret, which it clears. The transcript is that up
// to ClientKeyExchange (RFC 7627, Section 4).
func (s *session12) agree(m *Machine, premaster []byte) {
	h := m.x.suite.Hash
	if s.extended {
		s.master = schedule.NewExtendedMaster(h, premaster, m.hash())
	} else {
		s.master = schedule.NewMaster(h, premaster, m.x.clientRandom[:], s.serverRandom[:])
	}
	clear(premaster)
	m.Result.ExtendedMasterSecret = s.extended
	s.expand(m)
}

// expand derives the keys of both directions (RFC 5246, Section 6.3) from the master secret,
// which it logs.
func (s *session12) expand(m *Machine) {
	if m.cfg.KeyLog {
		m.emit(Event{Kind: KeyLog, Label: "CLIENT_RANDOM", Data: m.x.clientRandom[:], Master: slices.Clone(s.master.Bytes())})
	}
	var room [suite.MaxKeyBlockLen]byte
	block := room[:m.x.suite.KeyBlockLen()]
	s.master.KeyBlock(block, s.serverRandom[:], m.x.clientRandom[:])
	k, half := m.x.suite.Keys(block), len(block)/2
	keys := slices.Concat(k.ClientMAC, k.ClientKey, k.ClientIV, k.ServerMAC, k.ServerKey, k.ServerIV)
	clear(block)
	client, server := keys[:half:half], keys[half:]
	if s.writeKeys, s.readKeys = server, client; m.client {
		s.writeKeys, s.readKeys = client, server
	}
}

// sendFinished changes the write key and sends what ends our side of the handshake.
func (s *session12) sendFinished(m *Machine) error {
	m.endRecord()
	m.emit(Event{Kind: WriteChangeCipherSpec})
	m.write = Application
	m.emit(Event{Kind: SetWriteKey, Version: iana.TLS12, Epoch: Application, Suite: m.x.suite.ID, Data: s.writeKeys})
	s.writeKeys = nil // the event's from here on: it may come with an error, which wipes ours
	copy(s.wrote[:], s.master.Finished(s.wrote[:0], m.client, m.hash()))
	w, start := m.writer()
	mark := w.BeginMessage(iana.Finished)
	w.Raw(s.wrote[:])
	w.End(mark)
	if err := m.sent(start); err != nil {
		return err
	}
	m.endRecord()
	return nil
}

// changeReadKey follows the peer's change_cipher_spec.
func (s *session12) changeReadKey(m *Machine) {
	m.read = Application
	m.emit(Event{Kind: SetReadKey, Version: iana.TLS12, Epoch: Application, Suite: m.x.suite.ID, Data: s.readKeys})
	s.readKeys = nil
}

// checkFinished compares the peer's Finished with ours of its side.
func (s *session12) checkFinished(m *Machine, msg []byte) error {
	var room [12]byte
	want := s.master.Finished(room[:0], !m.client, m.hash())
	if err := m.sameFinished(msg, want); err != nil {
		return err
	}
	copy(s.read[:], want)
	return nil
}

// finish12 ends a TLS 1.2 handshake. The keys have been handed out; the events that did
// lend them, so that they are left to the garbage collector.
func (s *session12) finish(m *Machine) state {
	m.Result.HalfRTT = true
	if s.extended { // RFC 7627, Section 5.4
		m.Result.Exporter = schedule.NewExporter12(&s.master, m.x.clientRandom[:], s.serverRandom[:])
	}
	s.master.Clear()
	end := &connected12{}
	// A session without extended_master_secret may be shared with somebody in the middle, who
	// could put a handshake in front (RFC 7627, Section 5.4).
	if m.client && s.secure && (s.extended || !s.resumed) && m.Result.Leaf() != nil {
		end.binding = renegotiation{secure: true, client: s.wrote, server: s.read, leaf: m.Result.Leaf().Raw}
	}
	return m.finish(end)
}
