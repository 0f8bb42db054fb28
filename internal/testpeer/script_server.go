package testpeer

import (
	"fmt"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// ScriptServer is a server played by hand. ReadClientHello comes first, then what the test
// wants of HelloRetryRequest (with another ReadClientHello), ServerHello, EncryptedExtensions,
// CertificateRequest, Certificate, CertificateVerify and Finished; then, what the client
// answers by ReadClient and ReadFinished.
type ScriptServer struct {
	Script
	Suite   iana.CipherSuite       // 0 = the client's first
	Group   iana.Group             // 0 = that of the client's first share
	ALPN    string                 // the choice; "" = none
	Schemes []iana.SignatureScheme // of the CertificateRequest

	PSK       *PSK // the choice; nil = none
	Selected  uint16
	EarlyData bool // it is accepted

	Hello wire.ClientHello // the last one; lends what ReadClientHello was given
}

// ReadClientHello reads the first or the second hello.
func (s *ScriptServer) ReadClientHello(msg []byte) {
	if len(msg) < 4 || iana.Message(msg[0]) != iana.ClientHello {
		s.fail(fmt.Errorf("%x is no client_hello", msg))
		return
	}
	s.fail(s.Hello.Parse(msg[4:]))
	if s.err != nil {
		return
	}
	if s.Suite == 0 {
		s.Suite = s.Hello.CipherSuites.At(0)
	}
	s.transcript.Add(msg)
	s.choose(s.Suite)
}

// HelloRetryRequest asks for a share of group g, if it is not 0, and for cookie, if it is not
// nil.
func (s *ScriptServer) HelloRetryRequest(g iana.Group, cookie []byte) []byte {
	if g != 0 {
		s.Group = g
	}
	if s.err != nil {
		return nil
	}
	s.transcript.HelloRetry()
	return s.hello(wire.HelloRetryRequestRandom[:], func(w *wire.Writer) {
		if g != 0 {
			wire.PutHelloRetryGroup(w, g)
		}
		if cookie != nil {
			wire.PutCookie(w, cookie)
		}
	})
}

// ServerHello answers a share of the client and derives the secrets of the handshake.
func (s *ScriptServer) ServerHello() []byte {
	share, shared := s.exchange()
	if s.err != nil {
		return nil
	}
	msg := s.hello([]byte("this is the random of the server"), func(w *wire.Writer) {
		m := wire.BeginServerKeyShare(w, s.Group)
		w.Raw(share)
		wire.EndServerKeyShare(w, m)
		if s.PSK != nil {
			wire.PutSelectedIdentity(w, s.Selected)
		}
	})
	s.psk = s.PSK
	s.agree(shared)
	return msg
}

// exchange does the server's part of the key exchange with the client's share of Group.
func (s *ScriptServer) exchange() (share, shared []byte) {
	if s.Group == 0 {
		for g := range s.Hello.KeyShares.All() {
			s.Group = g
			break
		}
	}
	peer, ok := s.Hello.KeyShares.Get(s.Group)
	scheme := kex.Lookup(s.Group)
	if !ok || scheme == nil {
		s.fail(fmt.Errorf("the client has no share for %v", s.Group))
		return nil, nil
	}
	share, shared, err := scheme.Encapsulate(s.Rand, nil, nil, peer)
	s.fail(err)
	return share, shared
}

func (s *ScriptServer) hello(random []byte, extensions func(w *wire.Writer)) []byte {
	var w wire.Writer
	m := wire.BeginServerHello(&w, random, s.Hello.SessionID, s.Suite)
	x := w.Begin16()
	wire.PutSelectedVersion(&w, iana.TLS13)
	extensions(&w)
	w.End(x)
	w.End(m)
	return s.send(&w)
}

// EncryptedExtensions writes ALPN, if it is not empty.
func (s *ScriptServer) EncryptedExtensions() []byte {
	var w wire.Writer
	m := w.BeginMessage(iana.EncryptedExtensions)
	x := w.Begin16()
	if s.ALPN != "" {
		wire.PutSelectedALPN(&w, s.ALPN)
	}
	if s.EarlyData {
		wire.PutEarlyData(&w)
	}
	w.End(x)
	w.End(m)
	return s.send(&w)
}

// CertificateRequest asks for a certificate that signs with one of Schemes.
func (s *ScriptServer) CertificateRequest() []byte {
	var w wire.Writer
	m := wire.BeginCertificateRequest(&w, nil)
	x := w.Begin16()
	wire.PutSignatureAlgorithms(&w, s.Schemes)
	w.End(x)
	w.End(m)
	return s.send(&w)
}

// CertificateVerify signs with the key of Identity.
func (s *ScriptServer) CertificateVerify() []byte { return s.certificateVerify(true) }

// Finished ends the server's flight and derives the secrets of the application.
func (s *ScriptServer) Finished() []byte {
	msg := s.finished(&s.HandshakeServer)
	s.serverFinished()
	return msg
}

// ReadClient takes the client's Certificate or CertificateVerify for what it is.
func (s *ScriptServer) ReadClient(msg []byte) { s.transcript.Add(msg) }

// ReadFinished checks the client's Finished.
func (s *ScriptServer) ReadFinished(msg []byte) { s.readFinished(&s.HandshakeClient, msg) }
