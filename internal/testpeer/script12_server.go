package testpeer

import (
	"crypto/rsa"
	"fmt"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kex"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// ScriptServer12 is a server of TLS 1.2 played by hand. ReadClientHello comes first, then what
// the test wants of ServerHello, Certificate, CertificateStatus, ServerKeyExchange,
// CertificateRequest and ServerHelloDone; then, what the client answers by ReadClient and
// ReadFinished, and Finished. It resumes a session by ServerHello and Finished alone, after
// Resume.
type ScriptServer12 struct {
	Script12
	SessionID []byte
	Ticket    bool                   // announce a NewSessionTicket
	Params    []byte                 // of ServerKeyExchange, which are signed; nil = good ones
	DH        *kex.DHParams          // of DHE; nil = ffdhe2048
	Schemes   []iana.SignatureScheme // of the CertificateRequest

	Hello wire.ClientHello // lends what ReadClientHello was given

	key   kex.Key
	dhKey *kex.DHKey
}

// ReadClientHello reads the hello that the handshake begins with. What was before is forgotten.
func (s *ScriptServer12) ReadClientHello(msg []byte) {
	if len(msg) < 4 || iana.Message(msg[0]) != iana.ClientHello {
		s.fail(fmt.Errorf("%x is no client_hello", msg))
		return
	}
	if s.fail(s.Hello.Parse(msg[4:])); s.err != nil {
		return
	}
	if s.Suite == 0 {
		s.Suite = s.Hello.CipherSuites.At(0)
	}
	if s.Group == 0 {
		s.Group = s.Hello.SupportedGroups.At(0)
	}
	s.ClientRandom = slices.Clone(s.Hello.Random)
	s.messages = slices.Clone(msg)
}

// ServerHello begins the server's flight.
func (s *ScriptServer12) ServerHello() []byte {
	var w wire.Writer
	m := wire.BeginServerHello(&w, []byte("this is the random of the server"), s.SessionID, s.Suite)
	x := w.Begin16()
	if s.Before != nil {
		wire.PutRenegotiationInfo(&w, s.Before)
	}
	if s.Extended {
		wire.PutExtendedMasterSecret(&w)
	}
	if s.Ticket {
		wire.PutSessionTicket(&w, nil)
	}
	w.End(x)
	w.End(m)
	msg := s.send(&w)
	s.ServerRandom = slices.Clone(msg[6:38])
	return msg
}

// CertificateStatus staples an OCSP response.
func (s *ScriptServer12) CertificateStatus(response []byte) []byte {
	var w wire.Writer
	wire.AppendCertificateStatus(&w, response)
	return s.send(&w)
}

// ServerKeyExchange signs the server's share, or Params.
func (s *ScriptServer12) ServerKeyExchange() []byte {
	var params []byte
	if s.row().KeyExchange == suite.KeyExchangeDHE {
		if s.DH == nil {
			s.DH = kex.LookupFFDHE(iana.FFDHE2048)
		}
		var public []byte
		s.dhKey, public = s.dhe(s.DH)
		params = wire.AppendServerDHParams(nil, s.DH.P(), s.DH.G(), public)
	} else {
		var share []byte
		s.key, share = s.ecdhe()
		params = wire.AppendServerECDHParams(nil, s.Group, share)
	}
	if s.Params != nil {
		params = s.Params
	}
	var w wire.Writer
	id, signature := s.sign(s.signed(params))
	wire.AppendServerKeyExchange(&w, params, id, signature)
	return s.send(&w)
}

// CertificateRequest asks for a certificate that signs with one of Schemes.
func (s *ScriptServer12) CertificateRequest() []byte {
	var w wire.Writer
	wire.AppendCertificateRequest12(&w, []uint8{wire.RSASign, wire.ECDSASign}, s.Schemes, nil)
	return s.send(&w)
}

// ServerHelloDone ends the server's flight.
func (s *ScriptServer12) ServerHelloDone() []byte {
	var w wire.Writer
	wire.AppendServerHelloDone(&w)
	return s.send(&w)
}

// NewSessionTicket gives the client a ticket, which may be empty.
func (s *ScriptServer12) NewSessionTicket(hint uint32, ticket []byte) []byte {
	var w wire.Writer
	wire.AppendNewSessionTicket12(&w, hint, ticket)
	return s.send(&w)
}

// HasKeyExchange reports whether the suite has a ServerKeyExchange.
func (s *ScriptServer12) HasKeyExchange() bool {
	return s.row().KeyExchange != suite.KeyExchangeRSA
}

// ReadClient reads what the client sends before its change_cipher_spec. ClientKeyExchange gives
// the keys.
func (s *ScriptServer12) ReadClient(msg []byte) {
	s.Read(msg)
	if iana.Message(msg[0]) != iana.ClientKeyExchange {
		return
	}
	premaster, err := s.premaster(msg[4:])
	s.fail(err)
	s.agree(premaster)
}

func (s *ScriptServer12) premaster(body []byte) ([]byte, error) {
	switch s.row().KeyExchange {
	case suite.KeyExchangeECDHE:
		point, err := wire.ParseClientECDHE(body)
		if err != nil {
			return nil, err
		}
		return s.key.Shared(nil, point)
	case suite.KeyExchangeDHE:
		public, err := wire.ParseClientDHE(body)
		if err != nil {
			return nil, err
		}
		return s.dhKey.Shared(nil, public)
	}
	ciphertext, err := wire.ParseClientRSA(body)
	if err != nil {
		return nil, err
	}
	key, ok := s.Identity.Key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("a %T cannot decrypt", s.Identity.Key)
	}
	return key.Decrypt(nil, ciphertext, nil)
}

// ReadFinished checks the client's Finished.
func (s *ScriptServer12) ReadFinished(msg []byte) { s.readFinished(true, msg) }

// Finished ends the handshake.
func (s *ScriptServer12) Finished() []byte { return s.finished(false) }
