package handshake

import (
	"crypto"
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/kdf"
	"github.com/s2ngo/s2ngo/internal/schedule"
	"github.com/s2ngo/s2ngo/internal/session"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// C -> S   ClientHello with pre_shared_key              RFC 8446, Section 4.2.11
// C -> S   (early data)                                 if early_data is in it
// S -> C   HelloRetryRequest    -> the early data is lost; the PSKs that still fit are offered again
//          ServerHello          -> which PSK is chosen, if any

// offeredPSK is a PSK that a client offers: a session or an external one.
type offeredPSK struct {
	hash     crypto.Hash
	session  *session.Session // nil, or
	peer     PeerChain        // with its server
	external *PSK
}

// schedule begins the key schedule with the PSK.
func (p *offeredPSK) schedule() schedule.Early {
	if p.external != nil {
		return schedule.New(p.hash, p.external.Secret)
	}
	return schedule.New(p.hash, p.session.Secret)
}

// identity is what the server is told the PSK is.
func (p *offeredPSK) identity() []byte {
	if p.external != nil {
		return p.external.Identity
	}
	return p.session.Ticket
}

// offerPSKs collects what there is to offer: the session, then external PSKs in their order.
func (h *clientHello) offerPSKs(m *Machine) {
	if m.cfg.MaxVersion < iana.TLS13 {
		return
	}
	if t := m.Session; t != nil && len(t.Ticket) > 0 && m.resumable(t) {
		if peer, ok := m.peerOf(t); ok {
			h.psks = append(h.psks, offeredPSK{hash: suite.Lookup(t.CipherSuite).Hash, session: t, peer: peer})
		}
	}
	for _, p := range m.cfg.PSKs {
		if slices.ContainsFunc(m.cfg.Suites, func(id iana.CipherSuite) bool { return id.IsTLS13() && suite.Lookup(id).Hash == p.hash() }) {
			h.psks = append(h.psks, offeredPSK{hash: p.hash(), external: p})
		}
	}
	if !m.WantEarlyData || len(h.psks) == 0 {
		return
	}
	limit, id, alpn := h.psks[0].earlyData()
	if limit > 0 && slices.Contains(m.cfg.Suites, id) && (alpn == "" || slices.Contains(m.cfg.ALPN, alpn)) {
		h.early = id
		m.Result.EarlyData, m.Result.MaxEarlyData = EarlyDataOK, limit
	}
}

// earlyData returns what early data under the PSK is bound to, and how much of it there may be.
func (p *offeredPSK) earlyData() (limit uint32, id iana.CipherSuite, alpn string) {
	if p.external != nil {
		return p.external.MaxEarlyData, p.external.CipherSuite, p.external.ALPN
	}
	return p.session.MaxEarlyData, p.session.CipherSuite, p.session.ALPN
}

// putPSKs writes what a ClientHello says of PSKs, with room for the binders. pre_shared_key is
// the last extension.
func (h *clientHello) putPSKs(m *Machine, w *wire.Writer) {
	if len(h.psks) == 0 {
		return
	}
	list := wire.BeginPreSharedKey(w)
	for i := range h.psks {
		p := &h.psks[i]
		age := uint32(0)
		if p.session != nil {
			age = p.session.ObfuscatedAge(m.now())
		}
		wire.PutPSKIdentity(w, p.identity(), age)
	}
	list = wire.BeginPSKBinders(w, list)
	var zeros [kdf.MaxSize]byte
	for i := range h.psks {
		wire.PutPSKBinder(w, zeros[:h.psks[i].hash.Size()])
	}
	wire.EndPreSharedKey(w, list)
}

// bind puts the binders at the end of a ClientHello, each a MAC of the transcript before the
// first of them (RFC 8446, Section 4.2.11.2).
func (h *clientHello) bind(m *Machine, msg []byte) {
	length := 2
	for i := range h.psks {
		length += 1 + h.psks[i].hash.Size()
	}
	truncated, binders := msg[:len(msg)-length], msg[len(msg)-length+2:]
	for i := range h.psks {
		p := &h.psks[i]
		early := p.schedule()
		key := early.ResumptionBinderKey()
		if p.external != nil {
			key = early.ExternalBinderKey()
		}
		var sum [kdf.MaxSize]byte
		th := sum[:p.hash.Size()]
		if m.Result.Retried {
			th = m.x.transcript.SumWith(truncated)
		} else {
			kdf.Sum(p.hash, th, truncated)
		}
		key.Finished(binders[1:1], th)
		binders = binders[1+p.hash.Size():]
		key.Clear()
		early.Clear()
	}
}

// beginEarlyData sets the key of early data, right behind the first ClientHello.
func (h *clientHello) beginEarlyData(m *Machine, msg []byte) {
	p := &h.psks[0]
	var sum [kdf.MaxSize]byte
	kdf.Sum(p.hash, sum[:p.hash.Size()], msg)
	early := p.schedule()
	m.dummyChangeCipherSpec()
	m.endRecord()
	m.write = Early
	m.emit(Event{Kind: SetWriteKey, Epoch: Early, Suite: h.early, Secret: m.earlySecret(&early, sum[:p.hash.Size()])})
	early.Clear()
}

// retried drops what a HelloRetryRequest puts an end to: early data, and PSKs with another hash
// than that of the suite it chose (RFC 8446, Section 4.1.2).
func (h *clientHello) retried(m *Machine) {
	if h.early != 0 {
		h.early = 0
		m.Result.EarlyData, m.Result.MaxEarlyData = EarlyDataRejected, 0
		m.write = Initial
		m.emit(Event{Kind: SetWriteKey, Epoch: Initial})
	}
	h.psks = slices.DeleteFunc(h.psks, func(p offeredPSK) bool { return p.hash != m.x.suite.Hash })
}

// chosenPSK returns the PSK that a ServerHello chooses, nil if it chooses none.
func (h *clientHello) chosenPSK(m *Machine, hello *wire.ServerHello) (*offeredPSK, error) {
	if !hello.Has.Has(iana.PreSharedKey) {
		return nil, nil
	}
	n := int(hello.SelectedIdentity)
	if n >= len(h.psks) {
		return nil, illegal("server chose PSK %d of the %d that were offered", n, len(h.psks))
	}
	p := &h.psks[n]
	if p.hash != m.x.suite.Hash {
		return nil, illegal("server chose a PSK for %v and cipher suite %v", p.hash, m.x.suite.ID)
	}
	return p, nil
}

// usePSK makes the PSK's peer that of this handshake.
func (m *Machine) usePSK(p *offeredPSK) error {
	m.Result.PSKIdentity = p.identity()
	if p.session != nil {
		m.restore(p.session, p.peer)
		return nil
	}
	if m.cfg.ClientAuth == RequireClientAuth {
		return refused("server chose an external PSK and so asks for no client certificate, which this client requires")
	}
	return nil
}

// answerEarlyData judges what the server says of early data: it may accept what was offered with
// the first PSK, as it was offered (RFC 8446, Section 4.2.10).
func (k *clientKeys) answerEarlyData(m *Machine, e *wire.EncryptedExtensions) error {
	if !e.EarlyData {
		if k.early != 0 {
			k.refuseEarlyData(m)
		}
		return nil
	}
	switch _, _, alpn := k.psk.earlyData(); {
	case k.early != m.x.suite.ID:
		return illegal("server accepts early data of cipher suite %v and chose %v", k.early, m.x.suite.ID)
	case alpn != m.Result.ALPN:
		return illegal("server accepts early data of application protocol %q and chose %q", alpn, m.Result.ALPN)
	}
	return nil
}

// refuseEarlyData goes on under the key that would have followed it.
func (k *clientKeys) refuseEarlyData(m *Machine) {
	k.early = 0
	m.Result.EarlyData, m.Result.MaxEarlyData = EarlyDataRejected, 0
	m.setWriteKey(Handshake, k.client)
}

// endEarlyData says that there is no more early data.
func (s *clientFlight) endEarlyData(m *Machine) error {
	w, start := m.writer()
	wire.AppendEndOfEarlyData(w)
	if err := m.sent(start); err != nil {
		return err
	}
	m.Result.EarlyData = EarlyDataEnd
	m.setWriteKey(Handshake, s.client)
	return nil
}
