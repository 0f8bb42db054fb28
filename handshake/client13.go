package handshake

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// S -> C   ServerHello                                   RFC 8446, Section 2
// S -> C   {EncryptedExtensions} {CertificateRequest*} {Certificate} {CertificateVerify}   client13_auth.go
//          with a PSK {EncryptedExtensions} alone                                          client13_psk.go
// S -> C   {Finished}
// C -> S   (EndOfEarlyData*) {Certificate*} {CertificateVerify*} {Finished}

// clientKeys are the handshake's secrets from ServerHello on, and what else the states
// after it share.
type clientKeys struct {
	keys    schedule.Handshake
	client  Secret // handshake traffic
	server  Secret
	offered wire.Set
	psk     *offeredPSK      // nil = the server has a certificate
	early   iana.CipherSuite // of early data, while it is neither refused nor over; else 0
	request *request         // nil unless the server wants a certificate
}

func (k *clientKeys) wipe() {
	k.keys.Clear()
	k.client.Clear()
	k.server.Clear()
}

// agree ends the key exchange; from here on the handshake is encrypted.
func (k *clientKeys) agree(m *Machine, h *clientHello, hello *wire.ServerHello) (state, error) {
	switch {
	case hello.Has.Has(iana.KeyShare):
	case hello.Has.Has(iana.PreSharedKey): // RFC 8446, Section 4.2.11
		return nil, illegal("server chose a PSK and sent no key_share, which psk_dhe_ke wants")
	default:
		return nil, missing("server sent no key_share")
	}
	group := hello.KeyShareGroup
	key := h.key(group)
	if key == nil {
		return nil, illegal("server chose group %v, for which no key share was sent", group)
	}
	psk, err := h.chosenPSK(m, hello)
	if err != nil {
		return nil, err
	}
	early := schedule.New(m.x.suite.Hash, nil)
	if psk != nil {
		early = psk.schedule()
		if err := m.usePSK(psk); err != nil {
			return nil, err
		}
	}
	shared, err := key.Shared(m.work.shared[:0], hello.KeyShare)
	if err != nil {
		return nil, err
	}
	defer clear(shared)
	h.wipe()
	m.Result.Group = group

	k.keys, k.client, k.server = m.handshakeSecrets(&early, shared)
	k.offered, k.psk, k.early = h.offered, psk, h.early
	m.x.secrets = k
	m.setReadKey(Handshake, k.server)
	m.dummyChangeCipherSpec()
	switch {
	case k.early == 0:
		m.setWriteKey(Handshake, k.client)
	case psk != &h.psks[0]:
		k.refuseEarlyData(m)
	}
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
	if e.EarlyData && s.early == 0 {
		return nil, illegal("server accepts early data without the PSK that it was offered with")
	}
	if err := s.answerEarlyData(m, &e); err != nil {
		return nil, err
	}
	m.hear(msg)
	if s.psk == nil {
		return &expectCertificateOrRequest{s.clientKeys}, nil
	}
	return m.judgeAgain(false, s.authenticated)
}

// authenticated goes on where the server is known by its PSK.
func (s *expectEncryptedExtensions) authenticated(*Machine) (state, error) {
	return &expectServerFinished{s.clientKeys}, nil
}

// expectServerFinished waits for the end of the server's flight.
type expectServerFinished struct{ *clientKeys }

func (expectServerFinished) accepts() msgSet { return only(iana.Finished) | last }

func (s *expectServerFinished) next(m *Machine, msg []byte) (state, error) {
	if err := m.checkFinished(&s.server, msg); err != nil {
		return nil, err
	}
	m.hear(msg)
	main, client, server := m.applicationSecrets(&s.keys)
	s.server.Clear()
	m.setReadKey(Application, server)
	end := clientFlight{client: s.client, applicationWrite: client, applicationRead: server, request: s.request}
	defer end.wipe()
	if m.cfg.SessionTickets {
		end.main = main
	}
	main.Clear()
	s.client.Clear()
	if s.early != 0 {
		if err := end.endEarlyData(m); err != nil {
			return nil, err
		}
	}
	if s.request == nil { // nothing to wait for: the secrets stay on the stack
		return end.finished(m)
	}
	kept := end
	m.x.secrets = &kept
	return kept.answer(m)
}

// clientFlight is the client's last flight.
type clientFlight struct {
	client           Secret // handshake traffic, for Finished
	applicationWrite Secret
	applicationRead  Secret
	main             schedule.Main // if tickets may follow
	request          *request
}

func (s *clientFlight) wipe() {
	s.client.Clear()
	s.applicationWrite.Clear()
	s.applicationRead.Clear()
	s.main.Clear()
}

// finished writes the message that ends the handshake.
func (s *clientFlight) finished(m *Machine) (state, error) {
	if err := m.writeFinished(&s.client); err != nil {
		return nil, err
	}
	m.setWriteKey(Application, s.applicationWrite)
	end := &connected13{read: s.applicationRead, suite: m.x.suite.ID}
	if m.cfg.SessionTickets {
		end.tickets = &ticketTaker{m.originOf(), s.main.Resumption(m.hash())}
	}
	s.wipe()
	return m.finish(end), nil
}
