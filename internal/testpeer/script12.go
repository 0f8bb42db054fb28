package testpeer

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// Script12 is what ScriptClient12 and ScriptServer12 have in common: one side of a TLS 1.2
// handshake, played by hand. Each method writes, or reads, one message, with its header;
// in which order, and where change_cipher_spec goes, is for the test to say, and so is what is
// wrong with them. It believes what it reads, but for the peer's Finished. The first error
// sticks, and is told by Err.
type Script12 struct {
	Identity *Issued              // whose certificate is shown; nil = an empty chain
	Scheme   iana.SignatureScheme // to sign with; 0 = one that fits the key of Identity
	Edit     Edit                 // changes what is written before it is hashed; nil = nothing
	Rand     io.Reader            // for key exchange; nil = new keys each time
	Extended bool                 // extended_master_secret is offered, or echoed
	Before   []byte               // contents of renegotiation_info; nil = not sent

	Suite        iana.CipherSuite // of a server: 0 = the client's first
	Group        iana.Group       // of a server: of ECDHE
	ClientRandom []byte
	ServerRandom []byte
	Master       schedule.Master
	ClientVerify []byte // verify_data of the two Finished
	ServerVerify []byte

	messages []byte
	err      error
}

// Err returns the first thing that went wrong.
func (s *Script12) Err() error { return s.err }

func (s *Script12) fail(err error) {
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("testpeer: script: %w", err)
	}
}

// send ends a message: it is edited and then part of the transcript.
func (s *Script12) send(w *wire.Writer) []byte {
	s.fail(w.Err())
	msg := w.B
	if s.Edit != nil {
		msg = s.Edit(msg)
	}
	s.messages = append(s.messages, msg...)
	return msg
}

// Read takes a message for what it is.
func (s *Script12) Read(msg []byte) { s.messages = append(s.messages, msg...) }

func (s *Script12) row() *suite.Suite {
	row := suite.Lookup(s.Suite)
	if row == nil || row.TLS13 {
		s.fail(fmt.Errorf("no cipher suite %v in TLS 1.2", s.Suite))
		row = suite.Lookup(iana.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)
	}
	return row
}

func (s *Script12) hash() []byte {
	h := s.row().Hash.New()
	h.Write(s.messages)
	return h.Sum(nil)
}

// agree derives the master secret once ClientKeyExchange is part of the transcript.
func (s *Script12) agree(premaster []byte) {
	if s.Extended {
		s.Master = schedule.NewExtendedMaster(s.row().Hash, premaster, s.hash())
	} else {
		s.Master = schedule.NewMaster(s.row().Hash, premaster, s.ClientRandom, s.ServerRandom)
	}
}

// Resume takes the master secret of an earlier handshake with the suite of this one, which is
// known by now: no key exchange follows.
func (s *Script12) Resume(master []byte) {
	m, err := schedule.ResumeMaster(s.row().Hash, master)
	s.fail(err)
	s.Master = m
}

// Keys returns the keys of one direction: for its MAC, for its cipher, and the fixed part of the
// nonce.
func (s *Script12) Keys(client bool) (macKey, key, iv []byte) {
	row := s.row()
	block := make([]byte, 2*(row.MACKeyLen+row.KeyLen+row.FixedIVLen))
	s.Master.KeyBlock(block, s.ServerRandom, s.ClientRandom)
	take := func(n int) []byte {
		both := block[:2*n]
		block = block[2*n:]
		if client {
			return both[:n]
		}
		return both[n:]
	}
	return take(row.MACKeyLen), take(row.KeyLen), take(row.FixedIVLen)
}

// Certificate writes the chain of Identity.
func (s *Script12) Certificate() []byte {
	var w wire.Writer
	m := wire.BeginCertificate12(&w)
	if s.Identity != nil {
		for _, der := range s.Identity.Chain {
			wire.PutCertificate12(&w, der)
		}
	}
	wire.EndCertificate12(&w, m)
	return s.send(&w)
}

// sign signs message with the key of Identity.
func (s *Script12) sign(message []byte) (iana.SignatureScheme, []byte) {
	if s.Identity == nil {
		s.fail(errors.New("no identity to sign with"))
		return 0, nil
	}
	id := s.Scheme
	if fit := sig.SchemesFor(s.Identity.Key.Public(), iana.TLS12); id == 0 && len(fit) > 0 {
		id = fit[0]
	}
	scheme := sig.Lookup(id)
	if scheme == nil {
		s.fail(fmt.Errorf("no signature scheme %v", id))
		return id, nil
	}
	if scheme.Hash != 0 {
		message = scheme.Digest(nil, message)
	}
	signature, err := s.Identity.Key.Sign(entropyFor([]byte{}, s.Identity.Key), message, scheme.SignerOpts())
	s.fail(err)
	return id, signature
}

// CertificateVerify signs the messages so far.
func (s *Script12) CertificateVerify() []byte {
	var w wire.Writer
	id, signature := s.sign(s.messages)
	wire.AppendCertificateVerify(&w, id, signature)
	return s.send(&w)
}

// finished ends one side of the handshake.
func (s *Script12) finished(client bool) []byte {
	var w wire.Writer
	data := s.Master.Finished(nil, client, s.hash())
	if client {
		s.ClientVerify = data
	} else {
		s.ServerVerify = data
	}
	wire.AppendFinished(&w, data)
	return s.send(&w)
}

// readFinished compares the peer's Finished with what it has to be.
func (s *Script12) readFinished(client bool, msg []byte) {
	want := s.Master.Finished(nil, client, s.hash())
	if len(msg) < 4 || iana.Message(msg[0]) != iana.Finished || subtle.ConstantTimeCompare(msg[4:], want) != 1 {
		s.fail(fmt.Errorf("the peer's finished is %x, want %x", msg, want))
	}
	if client {
		s.ClientVerify = want
	} else {
		s.ServerVerify = want
	}
	s.Read(msg)
}

// ecdhe is a side's key pair for ECDHE.
func (s *Script12) ecdhe() (key kex.Key, share []byte) {
	scheme := kex.Lookup(s.Group)
	if scheme == nil {
		s.fail(fmt.Errorf("no group %v", s.Group))
		scheme = kex.Lookup(iana.X25519)
	}
	key, err := scheme.Generate(s.Rand)
	s.fail(err)
	return key, key.AppendPublic(nil)
}

// dhe is a side's key pair for DHE.
func (s *Script12) dhe(params *kex.DHParams) (key *kex.DHKey, public []byte) {
	key, err := params.Generate(s.Rand)
	s.fail(err)
	return key, key.AppendPublic(nil)
}

// signed is what a ServerKeyExchange signs.
func (s *Script12) signed(params []byte) []byte {
	return slices.Concat(s.ClientRandom, s.ServerRandom, params)
}
