package fuzz

import (
	"bytes"
	"errors"
	"testing"

	"github.com/s2ngo/s2ngo/handshake"
	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/suite"
	"github.com/s2ngo/s2ngo/internal/wire"
	"github.com/s2ngo/s2ngo/record"
)

// line is one direction of a wire: what was sent and not received yet, and how it ends.
type line struct {
	bytes []byte
	end   error // behind bytes; nil: it would block
}

// peer is the other end of a Conn: a Machine over a record layer that keeps to the rules
// unless it is told not to.
type peer struct {
	*side
	in, out *line
	r       record.Reader
	w       record.Writer

	change     func(msgs []byte) []byte // what to do to the next flight before it is sealed
	sentData   int                      // bytes of application data
	gotData    int
	ended      bool   // it has sent close_notify or a fatal alert
	heardAlert bool   // of the Conn, which ends what it says
	heard      []byte // it
	broken     error  // why it reads no more
	posted     int    // messages that nobody asked for
}

// newPeer returns a peer whose application answers everything well.
func newPeer(t *testing.T, cfg *handshake.Config, client bool, in, out *line) *peer {
	p := &peer{side: newSide(t, cfg, client, new(script)), in: in, out: out}
	p.emit = p.seal
	p.r.SetCCS(record.CCSDrop)
	return p
}

func (p *peer) close() {
	p.side.close()
	p.r.Close()
	p.w.Close()
}

// pattern is application data that says by itself where in a stream it stands.
func pattern(from, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		at := from + i
		b[i] = byte(at ^ at>>8 ^ at>>16)
	}
	return b
}

// seal does what the Machine says.
func (p *peer) seal(e *handshake.Event) {
	switch e.Kind {
	case handshake.Write:
		data := e.Data
		if p.change != nil {
			data = p.change(bytes.Clone(data))
			p.change = nil
		}
		p.send(iana.RecordHandshake, data)
	case handshake.WriteChangeCipherSpec:
		p.send(iana.RecordChangeCipherSpec, []byte{1})
	case handshake.SetVersion:
		if e.Version == iana.TLS12 {
			p.r.SetCCS(record.CCSDeliver)
		}
	case handshake.SetWriteKey:
		p.w.SetSealer(p.sealer(e))
	case handshake.SetReadKey:
		p.r.SetOpener(p.opener(e))
		p.r.AllowPlaintextAlert(!p.client && e.Epoch == handshake.Handshake)
		if e.Epoch == handshake.Application {
			p.r.SetCCS(record.CCSRefuse)
		}
	case handshake.UpdateWriteKey:
		p.keyUpdate(false)
	}
}

// send seals what a record layer takes.
func (p *peer) send(t iana.RecordType, data []byte) {
	_, _ = p.w.Seal(t, data) // what it refuses is not sent
}

func (p *peer) sealer(e *handshake.Event) record.Sealer {
	s := suite.Lookup(e.Suite)
	if e.Version == iana.TLS12 {
		sealer, err := record.NewSealer12(s, e.Data[:s.MACKeyLen], e.Data[s.MACKeyLen:][:s.KeyLen], e.Data[s.MACKeyLen+s.KeyLen:], p.cfg.Rand)
		if err != nil {
			p.t.Fatal(err)
		}
		return sealer
	}
	return p.protection(s, &e.Secret)
}

func (p *peer) opener(e *handshake.Event) record.Opener {
	s := suite.Lookup(e.Suite)
	if e.Version == iana.TLS12 {
		opener, err := record.NewOpener12(s, e.Data[:s.MACKeyLen], e.Data[s.MACKeyLen:][:s.KeyLen], e.Data[s.MACKeyLen+s.KeyLen:])
		if err != nil {
			p.t.Fatal(err)
		}
		return opener
	}
	return p.protection(s, &e.Secret)
}

func (p *peer) protection(s *suite.Suite, secret *handshake.Secret) *record.AEAD13 {
	own := *secret
	key, iv := own.KeyIV(s.KeyLen, suite.NonceLen)
	aead, err := s.NewAEAD(key)
	if err != nil {
		p.t.Fatal(err)
	}
	return record.NewAEAD13(aead, iv, 0)
}

// keyUpdate changes the peer's write key.
func (p *peer) keyUpdate(request bool) {
	if !p.done || p.version == iana.TLS12 || p.ended {
		return
	}
	var w wire.Writer
	wire.AppendKeyUpdate(&w, request)
	p.send(iana.RecordHandshake, w.B)
	p.secret = p.secret.Next()
	p.w.SetSealer(p.protection(suite.Lookup(p.m.Result.CipherSuite), &p.secret))
}

// unasked sends what a server may send at any time: a ticket, or in TLS 1.2 a HelloRequest.
func (p *peer) unasked() {
	if p.done && !p.client && !p.ended {
		p.send(iana.RecordHandshake, unasked(p.version))
	}
}

// data sends application data.
func (p *peer) data(n int) {
	if p.done && p.err == nil && !p.ended {
		p.send(iana.RecordApplicationData, pattern(p.sentData, n))
		p.sentData += n
	}
}

func (p *peer) alert(level byte, a iana.Alert) {
	p.send(iana.RecordAlert, []byte{level, byte(a)})
	p.ended = p.ended || a == iana.CloseNotify || level == 2
}

// pump reads all that has come, answers, and sends.
func (p *peer) pump() {
	p.advance()
	for range 10000 {
		if p.broken != nil {
			p.in.bytes = nil
			break
		}
		for p.open() {
			p.reply(answerWell)
			p.advance()
		}
		rec, err := p.r.Next()
		switch {
		case errors.Is(err, record.ErrNeedMore) && len(p.in.bytes) == 0:
			p.flush()
			return
		case errors.Is(err, record.ErrNeedMore):
			_, err = p.r.Fill(func(b []byte) (int, error) {
				n := copy(b, p.in.bytes)
				p.in.bytes = p.in.bytes[n:]
				return n, nil
			})
		case err == nil:
			err = p.take(&rec)
		}
		if err == nil {
			err = p.err
		}
		if err != nil {
			p.broken = err
			if !p.ended {
				p.alert(2, handshake.AlertOf(err))
			}
		}
	}
	p.flush()
}

func (p *peer) flush() {
	if err := p.w.Flush(func(b []byte) (int, error) {
		p.out.bytes = append(p.out.bytes, b...)
		return len(b), nil
	}); err != nil {
		p.t.Fatal(err)
	}
}

// errFollows says that something came behind what ends a connection.
var errFollows = errors.New("a record behind the last one")

// take takes one record.
func (p *peer) take(rec *record.Record) error {
	if p.heardAlert {
		return errFollows
	}
	switch rec.Type {
	case iana.RecordHandshake:
		p.feed(p.m.ReadEpoch(), rec.Payload)
	case iana.RecordChangeCipherSpec:
		p.m.ChangeCipherSpec()
		p.advance()
	case iana.RecordAlert:
		if rec.Payload[0] == 2 || iana.Alert(rec.Payload[1]) == iana.CloseNotify {
			p.heardAlert, p.heard = true, bytes.Clone(rec.Payload)
		}
	case iana.RecordApplicationData:
		if !bytes.Equal(rec.Payload, pattern(p.gotData, len(rec.Payload))) {
			p.t.Fatalf("%s: other data than was sent, after %d bytes", p.name(), p.gotData)
		}
		p.gotData += len(rec.Payload)
		p.m.GotApplicationData()
	}
	return nil
}
