package handshake

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// S -> C   ServerHello                                   RFC 8446, Section 2
// S -> C   {EncryptedExtensions} {CertificateRequest*} {Certificate} {CertificateVerify}   client13_auth.go
// S -> C   {Finished}
// C -> S   {Certificate*} {CertificateVerify*} {Finished}

// clientKeys are the handshake's secrets from ServerHello on, and what else the states
// after it share.
type clientKeys struct {
	keys    schedule.Handshake
	client  Secret // handshake traffic
	server  Secret
	offered wire.Set
	request *request // nil unless the server wants a certificate
}

func (k *clientKeys) wipe() {
	k.keys.Clear()
	k.client.Clear()
	k.server.Clear()
}

// agree ends the key exchange; from here on the handshake is encrypted.
func (k *clientKeys) agree(m *Machine, h *clientHello, hello *wire.ServerHello) (state, error) {
	if !hello.Has.Has(iana.KeyShare) {
		return nil, missing("server sent no key_share")
	}
	group := hello.KeyShareGroup
	key := h.key(group)
	if key == nil {
		return nil, illegal("server chose group %v, for which no key share was sent", group)
	}
	var room [96]byte
	shared, err := key.Shared(room[:0], hello.KeyShare)
	if err != nil {
		return nil, err
	}
	defer clear(shared)
	h.wipe()
	m.Result.Group = group

	k.keys, k.client, k.server = m.handshakeSecrets(shared)
	k.offered = h.offered
	m.x.secrets = k
	m.setReadKey(Handshake, k.server)
	if m.x.sessionIDLen > 0 && !m.Result.Retried {
		m.emit(Event{Kind: WriteChangeCipherSpec})
	}
	m.setWriteKey(Handshake, k.client)
	return &expectEncryptedExtensions{k}, nil
}

// expectEncryptedExtensions waits for what the server answers to our extensions.
type expectEncryptedExtensions struct{ *clientKeys }

func (expectEncryptedExtensions) accepts() msgSet { return only(iana.EncryptedExtensions) }

func (s *expectEncryptedExtensions) next(m *Machine, msg []byte) (state, error) {
	var e wire.EncryptedExtensions
	if err := e.Parse(msg[4:], s.offered); err != nil {
		return nil, err
	}
	if e.ALPN != nil {
		name := string(e.ALPN)
		if !slices.Contains(m.cfg.ALPN, name) {
			return nil, illegal("server chose application protocol %q, which was not offered", name)
		}
		m.Result.ALPN = name
	}
	m.hear(msg)
	return &expectCertificateOrRequest{s.clientKeys}, nil
}

// expectServerFinished waits for the end of the server's flight.
type expectServerFinished struct{ *clientKeys }

func (expectServerFinished) accepts() msgSet { return only(iana.Finished) | last }

func (s *expectServerFinished) next(m *Machine, msg []byte) (state, error) {
	if err := m.checkFinished(&s.server, msg); err != nil {
		return nil, err
	}
	m.hear(msg)
	client, server := m.applicationSecrets(&s.keys)
	s.server.Clear()
	m.setReadKey(Application, server)
	end := &clientFlight{client: s.client, applicationWrite: client, applicationRead: server, request: s.request}
	s.client.Clear()
	m.x.secrets = end
	return end.begin(m)
}

// clientFlight is the client's last flight.
type clientFlight struct {
	client           Secret // handshake traffic, for Finished
	applicationWrite Secret
	applicationRead  Secret
	request          *request
}

func (s *clientFlight) wipe() {
	s.client.Clear()
	s.applicationWrite.Clear()
	s.applicationRead.Clear()
}

// finished writes the message that ends the handshake.
func (s *clientFlight) finished(m *Machine) (state, error) {
	if err := m.writeFinished(&s.client); err != nil {
		return nil, err
	}
	m.setWriteKey(Application, s.applicationWrite)
	end := &connected13{read: s.applicationRead, suite: m.x.suite.ID}
	s.wipe()
	return m.finish(end), nil
}
