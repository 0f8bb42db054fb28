package testpeer

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/sig"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/transcript"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// Script is what ScriptClient and ScriptServer have in common: one side of a TLS 1.3 handshake,
// played by hand. Each method writes, or reads, one message, with its header; in which order
// is for the test to say, and so is what is wrong with them. A Script believes what it reads, but
// for the peer's Finished. The first error sticks, and is told by Err; from then on nothing is read
// or written.
type Script struct {
	Identity *Issued              // whose certificate is shown; nil = an empty chain
	Scheme   iana.SignatureScheme // to sign with; 0 = one that fits the key of Identity
	Edit     Edit                 // changes what is written before it is hashed; nil = nothing
	Rand     io.Reader            // for key shares; nil = new ones each time

	// The traffic secrets: of the handshake from ServerHello on, of the application
	// from the server's Finished on.
	HandshakeClient, HandshakeServer     schedule.Secret
	ApplicationClient, ApplicationServer schedule.Secret

	psk        *PSK // that the server has chosen
	suite      *suite.Suite
	keys       schedule.Handshake
	complete   Edit // after Edit, for what depends on the message
	transcript transcript.Transcript
	err        error
}

// Err returns the first thing that went wrong.
func (s *Script) Err() error { return s.err }

func (s *Script) fail(err error) {
	if s.err == nil && err != nil {
		s.err = fmt.Errorf("testpeer: script: %w", err)
	}
}

// send ends a message: it is edited and then part of the transcript.
func (s *Script) send(w *wire.Writer) []byte {
	s.fail(w.Err())
	if s.err != nil {
		return nil
	}
	msg := w.B
	if s.Edit != nil {
		msg = s.Edit(msg)
	}
	if s.complete != nil {
		msg = s.complete(msg)
	}
	s.transcript.Add(msg)
	return msg
}

// choose starts the transcript once the suite is known.
func (s *Script) choose(id iana.CipherSuite) {
	s.suite = suite.Lookup(id)
	if s.suite == nil || !s.suite.TLS13 {
		s.fail(fmt.Errorf("no cipher suite %v in TLS 1.3", id))
		return
	}
	s.fail(s.transcript.Start(s.suite.Hash))
}

// agree derives the secrets of the handshake.
func (s *Script) agree(shared []byte) {
	if s.err != nil {
		return
	}
	early := s.early()
	s.keys = early.Handshake(shared)
	s.HandshakeClient, s.HandshakeServer = s.keys.Traffic(s.transcript.Sum())
}

// serverFinished derives the secrets of the application.
func (s *Script) serverFinished() {
	if s.err != nil {
		return
	}
	main := s.keys.Main()
	s.ApplicationClient, s.ApplicationServer = main.Traffic(s.transcript.Sum())
}

// Certificate writes the chain of Identity.
func (s *Script) Certificate() []byte {
	var w wire.Writer
	m := wire.BeginCertificate(&w, nil)
	if s.Identity != nil {
		for _, der := range s.Identity.Chain {
			wire.PutCertificateEntry(&w, der, nil, nil)
		}
	}
	wire.EndCertificate(&w, m)
	return s.send(&w)
}

// certificateVerify signs the transcript with the key of Identity.
func (s *Script) certificateVerify(server bool) []byte {
	var w wire.Writer
	if s.Identity == nil {
		s.fail(errors.New("no identity to sign with"))
	}
	if s.err != nil {
		return nil
	}
	id := s.Scheme
	if fit := sig.SchemesFor(s.Identity.Key.Public(), iana.TLS13); id == 0 && len(fit) > 0 {
		id = fit[0]
	}
	scheme := sig.Lookup(id)
	if scheme == nil {
		s.fail(fmt.Errorf("no signature scheme %v", id))
		return nil
	}
	input := sig.AppendCertificateVerifyInput(nil, server, s.transcript.Sum())
	if scheme.Hash != 0 {
		input = scheme.Digest(nil, input)
	}
	signature, err := s.Identity.Key.Sign(entropyFor([]byte{}, s.Identity.Key), input, scheme.SignerOpts())
	s.fail(err)
	wire.AppendCertificateVerify(&w, id, signature)
	return s.send(&w)
}

func (s *Script) finished(secret *schedule.Secret) []byte {
	var w wire.Writer
	if s.err != nil {
		return nil
	}
	wire.AppendFinished(&w, secret.Finished(nil, s.transcript.Sum()))
	return s.send(&w)
}

// readFinished compares the peer's Finished with what it has to be.
func (s *Script) readFinished(secret *schedule.Secret, msg []byte) {
	if s.err != nil {
		return
	}
	want := secret.Finished(nil, s.transcript.Sum())
	if len(msg) < 4 || iana.Message(msg[0]) != iana.Finished || subtle.ConstantTimeCompare(msg[4:], want) != 1 {
		s.fail(fmt.Errorf("the peer's finished is %x, want %x", msg, want))
	}
	s.transcript.Add(msg)
}
