package testpeer

import (
	"slices"

	"github.com/s2ngo/s2ngo/iana"
	"github.com/s2ngo/s2ngo/internal/wire"
)

// Edit changes a handshake message with its header. It may change msg itself.
type Edit func(msg []byte) []byte

// Edits does one after the other.
func Edits(list ...Edit) Edit {
	return func(msg []byte) []byte {
		for _, e := range list {
			msg = e(msg)
		}
		return msg
	}
}

// On does e to messages of type t; a HelloRetryRequest is none.
func On(t iana.Message, e Edit) Edit {
	return func(msg []byte) []byte {
		if iana.Message(msg[0]) != t || isRetry(msg) {
			return msg
		}
		return e(msg)
	}
}

// OnRetry does e to a HelloRetryRequest.
func OnRetry(e Edit) Edit {
	return func(msg []byte) []byte {
		if !isRetry(msg) {
			return msg
		}
		return e(msg)
	}
}

func isRetry(msg []byte) bool {
	return iana.Message(msg[0]) == iana.ServerHello && len(msg) >= 38 && [32]byte(msg[6:38]) == wire.HelloRetryRequestRandom
}

// Flip flips a bit of the byte at position i; a negative i counts from the end.
func Flip(i int) Edit {
	return func(msg []byte) []byte {
		if i < 0 {
			msg[len(msg)+i] ^= 1
		} else {
			msg[i] ^= 1
		}
		return msg
	}
}

// Body replaces all behind the header.
func Body(body ...byte) Edit {
	return func(msg []byte) []byte {
		var w wire.Writer
		m := w.BeginMessage(iana.Message(msg[0]))
		w.Raw(body)
		w.End(m)
		return w.B
	}
}

// Cut takes n bytes off the end, and makes the length fit.
func Cut(n int) Edit {
	return func(msg []byte) []byte { return Body(msg[4 : len(msg)-n]...)(msg) }
}

// Parts are the fields of a message that has extensions. A message has those that its
// comments name; all others are left alone.
type Parts struct {
	Version     iana.Version // hellos
	Random      []byte       // hellos
	SessionID   []byte       // hellos
	Suites      []byte       // ClientHello: the list; ServerHello: the choice
	Compression []byte       // ClientHello: the list; ServerHello: the choice
	Context     []byte       // CertificateRequest
	Extensions  []Extension  // nil = not even the length is there
}

// Extension is one extension of Parts.
type Extension struct {
	Type iana.Extension
	Data []byte
}

// Change takes a ClientHello, ServerHello, EncryptedExtensions or CertificateRequest apart and
// puts it together again as change leaves it.
func Change(change func(p *Parts)) Edit {
	return func(msg []byte) []byte {
		t := iana.Message(msg[0])
		var p Parts
		p.take(t, wire.NewReader(slices.Clone(msg[4:])))
		change(&p)
		return p.put(t)
	}
}

func (p *Parts) take(t iana.Message, r wire.Reader) {
	switch t {
	case iana.ClientHello:
		p.Version, p.Random, p.SessionID = iana.Version(r.U16()), r.Bytes(32), r.Vec8()
		p.Suites, p.Compression = r.Vec16(), r.Vec8()
	case iana.ServerHello:
		p.Version, p.Random, p.SessionID = iana.Version(r.U16()), r.Bytes(32), r.Vec8()
		p.Suites, p.Compression = r.Bytes(2), r.Bytes(1)
	case iana.CertificateRequest:
		p.Context = r.Vec8()
	}
	if r.Len() == 0 {
		return
	}
	p.Extensions = []Extension{}
	for x := wire.NewReader(r.Vec16()); x.Len() > 0; {
		p.Extensions = append(p.Extensions, Extension{iana.Extension(x.U16()), x.Vec16()})
	}
}

func (p *Parts) put(t iana.Message) []byte {
	var w wire.Writer
	m := w.BeginMessage(t)
	vector := func(mark int, data []byte) {
		w.Raw(data)
		w.End(mark)
	}
	if t == iana.ClientHello || t == iana.ServerHello {
		w.U16(uint16(p.Version))
		w.Raw(p.Random)
		vector(w.Begin8(), p.SessionID)
	}
	switch t {
	case iana.ClientHello:
		vector(w.Begin16(), p.Suites)
		vector(w.Begin8(), p.Compression)
	case iana.ServerHello:
		w.Raw(p.Suites)
		w.Raw(p.Compression)
	case iana.CertificateRequest:
		vector(w.Begin8(), p.Context)
	}
	if p.Extensions != nil {
		block := w.Begin16()
		for _, x := range p.Extensions {
			vector(w.BeginExtension(x.Type), x.Data)
		}
		w.End(block)
	}
	w.End(m)
	return w.B
}

// Drop leaves an extension out.
func Drop(t iana.Extension) Edit {
	return Change(func(p *Parts) {
		p.Extensions = slices.DeleteFunc(p.Extensions, func(x Extension) bool { return x.Type == t })
	})
}

// Add adds an extension at the end, whether it is there already or not.
func Add(t iana.Extension, data ...byte) Edit {
	return Change(func(p *Parts) { p.Extensions = append(p.Extensions, Extension{t, data}) })
}

// Replace gives an extension other contents.
func Replace(t iana.Extension, data ...byte) Edit {
	return Change(func(p *Parts) {
		for i := range p.Extensions {
			if p.Extensions[i].Type == t {
				p.Extensions[i].Data = data
			}
		}
	})
}
